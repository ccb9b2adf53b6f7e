"""Two recorded models beside the workspace, scored on the same rows; the workspace is only read.

Models lie below `.retouch/shadow/` for as long as it takes, and data that has to be pulled for
scoring goes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.dvc import dvc, objects
from retouch.dvc.checked import require_recorded
from retouch.dvc.params import read_json_key
from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError
from retouch.execution import transaction
from retouch.execution.scoring import score_model
from retouch.gate.holdout import HoldoutDays
from retouch.git import git
from retouch.lockfile.entries import lock_file_of, outputs_in
from retouch.pipeline.model import Stage
from retouch.pipeline.outputs import outputs_around
from retouch.policy.promotion import Scoring
from retouch.registry.production import Production, production_of
from retouch.system import files
from retouch.system.processes import Processes, run_parallel

if TYPE_CHECKING:
    from retouch.gate.comparison import ScoredModel

_WORK = "a shadow comparison"
"""What the journal calls it, should it be cut short."""
_FOLDER = Path(".retouch/shadow")


@dataclass(frozen=True)
class LaidOut:
    """A model beside the workspace."""

    name: str
    hash: str
    path: str
    """From the root."""
    seen_until: str | None


def recorded_model(project: Project, name: str | None, option: str) -> Production:
    """Return the model a commit records, or the workspace when none is named. Raises InputError."""
    root, pipeline, model = project.root, project.pipeline, project.policy.model
    if name is None:

        def recorded(stage: Stage, path: str) -> str | None:
            return next((o.recorded for o in stage.outputs if o.path == path), None)

        return production_of(pipeline, model, git.head_commit(root), recorded)
    commit = git.commit_of(root, name)
    if commit is None:
        raise InputError(
            f"{option} {name!r}: git knows no such commit.", hint="Fetch it first: `git fetch`."
        )

    def committed(stage: Stage, path: str) -> str | None:
        lock = git.committed_text(root, lock_file_of(stage.name), commit)
        return outputs_in(lock, stage).get(path)

    try:
        return production_of(pipeline, model, commit, committed)
    except InputError as error:
        raise InputError(f"{option} {name!r}: {error.message}", hint=error.hint) from None


def require_settled(root: Path) -> None:
    """Raise InputError when a run was cut short: what the workspace records then is a half.

    Of a comparison cut short, what it left running is ended.
    """
    work = transaction.interrupted_work(root)
    if work == _WORK:
        transaction.recover(root)
    elif work is not None:
        raise InputError(
            f"A run was cut short here: {work}.",
            hint="Run the alert again, which undoes it first: `retouch run alerts/ID.json`.",
        )


@contextmanager
def scratch(root: Path) -> Iterator[None]:
    """Have an empty folder for models, and none afterwards."""
    files.remove(root / _FOLDER)
    try:
        yield
    finally:
        files.remove(root / _FOLDER)


def lay_out(project: Project, name: str, model: Production) -> LaidOut:
    """Put a model beside the workspace: from there when it lies there, or by its hash.

    Raises InputError when it is nowhere to be had, and CheckFailed when its bytes are others.
    """
    root, path = project.root, _FOLDER / name / model.path
    outputs = (output for stage in project.pipeline.stages for output in stage.outputs)
    here = next((output for output in outputs if output.path == model.path), None)
    if here is not None and here.workspace == model.hash:
        files.copy(root / model.path, root / path)
        copied = here.model_copy(update={"recorded": model.hash})
        require_recorded([copied], root=root, below=(_FOLDER / name).as_posix())
    else:
        _bring(name, model, root / path, root)
    holdout = project.promotion.holdout
    try:
        seen = read_json_key(root / path / holdout.seen_until_file, holdout.seen_until_key)
    except ValueError:
        seen = None  # not JSON: it does not say
    return LaidOut(name, model.hash, path.as_posix(), seen)


def _bring(name: str, model: Production, target: Path, root: Path) -> None:
    """Write a model by its hash. Raises InputError or CheckFailed that says whose it is."""
    try:
        objects.write_output(model.hash, target, root=root)
    except (InputError, CheckFailed) as error:
        of = "production" if name == "production" else "the candidate"
        raise type(error)(f"{model.path} of {of}, {error.message}", hint=error.hint) from None


@contextmanager
def data_for(project: Project, scoring: Scoring) -> Iterator[None]:
    """Have what scoring reads in the workspace; what had to be pulled goes again afterwards.

    It is noted down first, so that it goes even when we are killed. Raises InputError.
    """
    root = project.root
    read = outputs_around(scoring.needs, project.pipeline)
    missing = [output for output in read if not files.exists(root / output.path)]
    holds = project.dvc.cache_holds
    transaction.begin(root, work=_WORK, small=(), outputs=missing, cache_holds=holds)
    try:
        dvc.bring(read, root=root)
        yield
    finally:
        transaction.roll_back(root)


def score_both(
    project: Project,
    scoring: Scoring,
    days: HoldoutDays,
    models: Sequence[LaidOut],
    jobs: int,
) -> tuple[ScoredModel, ...]:
    """Score both models on the same days, at the same time where there are jobs for it.

    Raises CheckFailed when that fails.
    """
    from retouch.gate.comparison import ScoredModel

    root = project.root
    processes = Processes(on_start=lambda pid: transaction.record_child(root, pid))

    def contend(model: LaidOut) -> ScoredModel:
        label, span = f"shadow-{model.name}", (days.start, days.end)
        scores = score_model(model.path, label, span, scoring, root=root, processes=processes)
        return ScoredModel(model.hash, model.seen_until, scores)

    return run_parallel([partial(contend, model) for model in models], processes, jobs=jobs)
