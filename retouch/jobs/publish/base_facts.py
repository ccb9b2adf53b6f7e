"""Hold a package against the base branch as it is checked out: the edge of `boundary`."""

from __future__ import annotations

from pathlib import Path

from retouch.dvc import dvc, object_files
from retouch.dvc.params import edited_text
from retouch.engine.project import Workspace
from retouch.errors import InputError
from retouch.git import branches, git
from retouch.jobs.package_folder import Package
from retouch.jobs.packages.facts import BaseFacts, Readers
from retouch.jobs.packages.model import Proposal
from retouch.jobs.publish.package_policy import Checked, checked
from retouch.jobs.retrain.incoming import places_of
from retouch.lockfile import entries
from retouch.storage.documents import ALERTS, OVERRIDES, REPORTS

_READERS = Readers(
    entries=entries.entries,
    digest=entries.entry_digest,
    outputs=dvc.outputs_in,
    edited=edited_text,
    listed=object_files.listed_in,
)


def checked_package(root: Path, package: Package) -> Checked:
    """Return the documents of a package that may be published on the base that is checked out.

    The branch's head must have been fetched. Raises InputError with one sentence.
    """
    for name, path in package.objects.items():
        object_files.check_object(name, path)
    lists = {
        name: path.read_bytes() if name.endswith(".dir") else None
        for name, path in package.objects.items()
    }
    return checked(package.proposal, package.files, lists, base_facts(root, package.proposal))


def base_facts(root: Path, proposal: Proposal) -> BaseFacts:
    """Return what a proposal is held against: its base commit, and the head of its branch.

    Raises InputError for one that was made on another line of history.
    """
    workspace, base = Workspace(root), proposal.base
    if not branches.is_ancestor(root, base, git.head_commit(root)):
        raise InputError(f"The proposal was made on {base[:10]}, which the base branch has not.")
    places = places_of(workspace)
    texts = branches.read_files(root, base, places.params_files | places.lock_files)
    named = [f"{ALERTS}/{alert_id}.json" for alert_id in proposal.alert_ids]
    wanted = [*named, *(f"{path}.sig" for path in named)]
    if proposal.report_id is not None:
        wanted.append(f"{REPORTS}/{proposal.report_id}/{OVERRIDES}")
    known = branches.read_files(root, base, wanted)
    if proposal.head is not None:
        known = {**branches.read_files(root, proposal.head, wanted), **known}
    return BaseFacts(
        commit=base,
        pipeline=workspace.pipeline,
        texts={path: raw.decode(errors="replace") for path, raw in texts.items()},
        known=known,
        readers=_READERS,
    )
