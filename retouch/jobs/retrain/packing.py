"""Pack what one group of alerts came to: the files of its commit, and the objects of its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retouch.dvc.objects import objects_of
from retouch.engine.project import Workspace
from retouch.execution.clean_checkout import changed_files
from retouch.execution.model import Run
from retouch.jobs import package_folder as packages
from retouch.jobs.packages.model import Proposal
from retouch.jobs.packages.paths import allowed
from retouch.jobs.retrain.incoming import Places
from retouch.planning.model import Plan
from retouch.storage import documents
from retouch.system import files


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


def documents_of(root: Path, plan: Plan) -> dict[str, bytes]:
    """Return the JSON documents of a report, by path; text and figures are made from them."""
    folder = documents.report_folder(root, plan.report_id)
    return {
        path.relative_to(root).as_posix(): files.read_bytes(path, limit=packages.FILE_BYTES)
        for path in sorted(folder.glob("*.json"))
    }


def changed_by(root: Path, places: Places) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return what a kept candidate changed of what git keeps; and what else differs, left out."""
    taken, left = {}, []
    for path in changed_files(root):
        ours = path.split("/")[0] in (documents.ALERTS, documents.REPORTS)
        if ours and not _is_output(path, places):
            continue
        fits = allowed(
            path,
            params_files=places.params_files,
            lock_files=places.lock_files,
            tracked_outputs=places.tracked_outputs,
        )
        if fits and (root / path).is_file() and not (root / path).is_symlink():
            taken[path] = files.read_bytes(root / path, limit=packages.FILE_BYTES)
        else:
            left.append(path)
    return taken, tuple(left)


def _is_output(path: str, places: Places) -> bool:
    return any(path == out or path.startswith(f"{out}/") for out in places.tracked_outputs)


def new_objects(workspace: Workspace, run: Run) -> dict[str, Path]:
    """Return the objects of what the kept candidate made and the base branch has not recorded.

    `workspace` is one that was read before the run. Raises InputError when the cache lacks one.
    """
    before = {
        output.path: output.recorded
        for stage in workspace.pipeline.stages
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
    return objects_of(workspace.root, new) if new else {}
