"""Pack what one group of alerts came to: the files of its commit, and the objects of its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retouch.dvc.objects import objects_of
from retouch.engine.project import Project
from retouch.execution.clean_checkout import changed_files
from retouch.execution.model import Run
from retouch.jobs import package_folder as packages
from retouch.jobs.packages.paths import WritablePaths, allowed
from retouch.jobs.packages.proposal import Proposal
from retouch.storage import documents
from retouch.system import files
from retouch.system.untrusted_files import plain_size


@dataclass(frozen=True)
class Target:
    """Where an answer goes."""

    branch: str
    base: str
    """The commit of the base branch it is made on."""
    head: str | None = None
    pull: int | None = None


def write(
    folder: Path,
    target: Target,
    alert_ids: tuple[str, ...],
    texts: Mapping[str, bytes] | None = None,
    *,
    report_id: str | None = None,
    objects: Mapping[str, Path] | None = None,
    waits_for: tuple[int, ...] = (),
    faults: tuple[str, ...] = (),
    message: str = "",
) -> Path:
    """Write a package into a folder of its own below `folder`, and return that."""
    number = len(packages.packages_in(folder)) + 1
    proposal = Proposal(
        branch=target.branch,
        base=target.base,
        head=target.head,
        pull=target.pull,
        alert_ids=alert_ids,
        report_id=report_id,
        waits_for=waits_for,
        faults=faults,
        message=message,
    )
    packages.write_package(folder / str(number), proposal, texts or {}, objects or {})
    return folder / str(number)


def changed_by(root: Path, writable: WritablePaths) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the tracked files that a kept candidate changed, and other changes, left out."""
    kept, left = {}, []
    for path in changed_files(root):
        own = path.split("/")[0] in (documents.ALERTS, documents.REPORTS)
        if own and not writable.has_output(path):
            continue
        if allowed(path, writable) and plain_size(root / path) is not None:
            kept[path] = files.read_bytes(root / path, limit=packages.FILE_BYTES)
        else:
            left.append(path)
    return kept, tuple(left)


def new_objects(project: Project, run: Run) -> dict[str, Path]:
    """Return the objects of what the kept candidate made and the base branch has not recorded.

    `workspace` is one that was read before the run. Raises InputError when the cache lacks one.
    """
    before = {
        output.path: output.recorded
        for stage in project.pipeline.stages
        for output in stage.outputs
        if output.cached
    }
    made = {
        path: recorded
        for receipt in run.attempts[-1].receipts
        if receipt.outcome in ("ran", "restored")
        for path, recorded in receipt.outputs.items()
    }
    new = [(path, h) for path, h in sorted(made.items()) if path in before and before[path] != h]
    return objects_of(project.root, new) if new else {}
