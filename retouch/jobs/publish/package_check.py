"""Whether a package may be published: what it holds, and whether it still fits the base branch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from retouch.engine.project import Workspace
from retouch.errors import InputError
from retouch.git import branches
from retouch.github.pulls import PullRequest
from retouch.jobs.package_folder import Package
from retouch.jobs.packages.model import Proposal
from retouch.jobs.packages.overlap import Claim
from retouch.jobs.publish.answer_commit import Documents
from retouch.jobs.publish.base_facts import checked_package
from retouch.jobs.retrain.incoming import places_of
from retouch.jobs.retrain.open_pulls import brought_by, claims_of
from retouch.pipeline.model import Pipeline
from retouch.planning.model import Plan
from retouch.reporting.case import Moved
from retouch.system.untrusted_files import read_plain_file

_ALWAYS_READ = ("policies/", ".dvc/")
_METADATA = (".dvc", ".dvcignore", "dvc.yaml", "dvc.lock")


@dataclass(frozen=True)
class Stale:
    """The base branch moved on under a package."""

    moved: Moved
    documents: Documents
    """Its plan alone: nothing else of it was checked."""


def check_package(root: Path, package: Package) -> Documents | None:
    """Return the documents of a package that holds what an answer may, and nothing else.

    None when nothing was planned. Raises InputError with one sentence.
    """
    found = checked_package(root, package)
    return Documents(found.plan, found.run, found.verdict) if found.plan else None


def named_in(folder: Path) -> Proposal | None:
    """Return the proposal of a package that could not be read as a whole, if there is one."""
    try:
        raw = read_plain_file(folder / "proposal.json", root=folder, limit=1_000_000)
        return Proposal.model_validate_json(raw)
    except (InputError, ValueError):
        return None


def stages_moved(root: Path, package: Package, newest: str) -> Stale | None:
    """Return what is to run anew when the base branch moved on under a package; else None.

    Only a change of what a plan reads counts: policies, the pipeline and its data. What is not
    known of (another line of history) counts as well. Raises InputError.
    """
    base, report_id = package.proposal.base, package.proposal.report_id
    if base == newest or report_id is None:
        return None
    if branches.is_ancestor(root, base, newest):
        read = _paths_read(Workspace(root).pipeline)
        if not any(_is_read(change.path, read) for change in branches.changes(root, base, newest)):
            return None
    documents = Documents(_plan(package, report_id))
    tier = documents.case.tier
    return Stale(Moved(newest, tier.named("run") if tier else ()), documents)


def held_by(root: Path, pulls: Iterable[PullRequest], newest: str) -> tuple[Claim, ...]:
    """Return what open pull requests hold; one that cannot be read holds nothing."""
    found: list[Claim] = []
    workspace = Workspace(root)
    for pull in pulls:
        places = places_of(workspace)  # read once, and only if there is a pull request
        try:
            brought = brought_by(root, [pull], newest, places)
        except InputError:
            continue
        for number, incoming in brought.items():
            found += claims_of(number, incoming)
    return tuple(found)


def _paths_read(pipeline: Pipeline) -> frozenset[str]:
    read: set[str] = set(pipeline.params)
    for stage in pipeline.stages:
        read |= {item.path for item in stage.inputs} | {item.path for item in stage.outputs}
        read |= {item.file for item in stage.params}
    return frozenset(read)


def _is_read(path: str, read: Iterable[str]) -> bool:
    name = PurePosixPath(path).name
    if path.startswith(_ALWAYS_READ) or name.endswith(_METADATA):
        return True
    above = {path, *map(str, PurePosixPath(path).parents)}
    return not above.isdisjoint(read)


def _plan(package: Package, report_id: str) -> Plan:
    path = f"reports/{report_id}/plan.json"
    try:
        return Plan.model_validate_json(package.files.get(path, b""))
    except ValueError:
        raise InputError(f"{path}: is no plan.") from None
