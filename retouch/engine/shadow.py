"""Score production and candidate on what has arrived since, before its labels have.

which two models -> which days -> both scored -> compared -> filed with the report
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retouch.engine.compare import (
    LaidOut,
    data_for,
    lay_out,
    recorded_model,
    require_settled,
    score_both,
    scratch,
)
from retouch.engine.past_reports import judged_until
from retouch.engine.project import Project
from retouch.engine.report_files import file_report
from retouch.errors import InputError
from retouch.execution import transaction
from retouch.execution.model import Run
from retouch.gate.holdout import HoldoutDays, is_day
from retouch.gate.model import Verdict
from retouch.gate.shadow_model import Shadow
from retouch.planning.model import Plan
from retouch.policy.promotion import Scoring
from retouch.registry.production import Production
from retouch.storage import documents
from retouch.system import files

_UNLABELLED = "python score.py --unlabelled {model} {from} {until} {out}"
"""An example, for whoever has none yet."""


@dataclass(frozen=True)
class Question:
    """What is to be compared; None stands for the default of each."""

    report_id: str | None = None
    production: str = "HEAD"
    """A commit: the model its `dvc.lock` records."""
    candidate: str | None = None
    """The same; None: what the workspace's `dvc.lock` records."""
    start: str | None = None
    until: str | None = None
    tolerance: float | None = None


@dataclass(frozen=True)
class Answer:
    """Its result."""

    message: str
    """One sentence."""
    shadow: Shadow | None = None
    """None: there was nothing to compare."""
    report: Path | None = None
    """The folder of the report it was filed with."""


def shadow(project: Project, question: Question, *, at: datetime, jobs: int) -> Answer:
    """Compare both models on the rows that have arrived since the candidate was judged.

    The result goes to the report that kept the candidate, where there is one. Raises InputError;
    CheckFailed when scoring fails. Nothing of the workspace changes but that report.
    """
    root, scoring = project.root, _unlabelled(project)
    if question.tolerance is not None and not 0 <= question.tolerance < float("inf"):
        raise InputError(f"--tolerance {question.tolerance}: is no number from 0 on.")
    with transaction.exclusive_lock(root):
        require_settled(root)
        production = recorded_model(project, question.production, "--production")
        candidate = recorded_model(project, question.candidate, "--candidate")
        report = _report_of(root, question.report_id, candidate.hash)
        if production.hash == candidate.hash:
            return Answer(_same(production))
        with scratch(root):
            theirs = lay_out(project, "candidate", candidate)
            days = _days(project, question, candidate.hash, theirs)
            if days is None:
                return Answer(_nothing_arrived(project))
            ours = lay_out(project, "production", production)
            with data_for(project, scoring):
                both = score_both(project, scoring, days, (ours, theirs), jobs)
        from retouch.gate.shadow import compare_shadow  # pandas takes a second

        policy, tolerance = project.promotion, question.tolerance
        found = compare_shadow(*both, days=days, policy=policy, at=at, tolerance=tolerance)
        if report is not None:
            _file(project, report, found)
        return Answer(found.message, found, report)


def _unlabelled(project: Project) -> Scoring:
    """Return the policy's scoring with the command for rows without labels. Raises InputError."""
    scoring = project.promotion.score
    where = f"{documents.PROMOTION}: score.unlabelled_cmd"
    if scoring.unlabelled_cmd is None:
        raise InputError(
            f"{where}: is missing: it scores a model on rows whose labels have not arrived.",
            hint=f"Add a command that writes what score.cmd writes, but for the label:"
            f" `unlabelled_cmd: {_UNLABELLED}`.",
        )
    for placeholder in ("{model}", "{from}", "{until}", "{out}"):
        if placeholder not in scoring.unlabelled_cmd:
            raise InputError(f"{where}: lacks the placeholder {placeholder}.")
    return scoring.model_copy(update={"cmd": scoring.unlabelled_cmd})


def _report_of(root: Path, report_id: str | None, candidate: str) -> Path | None:
    """Return the report that kept this candidate: the requested one, or the newest; None: none.

    Raises InputError when the requested one is about another candidate.
    """
    if report_id is None:
        kept = [
            (verdict.judged_at, folder)
            for folder, verdict in documents.verdicts(root)
            if _kept(folder, verdict, candidate)
        ]
        return max(kept)[1] if kept else None
    folder = documents.handled(root, [report_id]).get(report_id)
    folder = folder or documents.report_folder(root, report_id)
    if not files.exists(folder / "verdict.json"):
        raise InputError(
            f"reports/{report_id}: there is no verdict, so no candidate was kept.",
            hint="See `retouch status`.",
        )
    verdict: Verdict = documents.read_document(folder / "verdict.json", Verdict)
    if not _kept(folder, verdict, candidate):
        raise InputError(
            f"reports/{report_id}: did not keep the candidate to be compared, {candidate[:10]}.",
            hint="Name the commit that records the report's own: `--candidate REF`.",
        )
    return folder


def _kept(folder: Path, verdict: Verdict, candidate: str) -> bool:
    if verdict.deciding.candidate_model != candidate or not files.exists(folder / "run.json"):
        return False
    run: Run = documents.read_document(folder / "run.json", Run)
    return bool(run.attempts) and run.attempts[-1].kept


def _days(
    project: Project, question: Question, candidate: str, theirs: LaidOut
) -> HoldoutDays | None:
    """Return the days to compare on; None: nothing has arrived since. Raises InputError."""
    arrived = project.data_until.isoformat()
    for option, day in (("--from", question.start), ("--until", question.until)):
        if day is not None and not is_day(day):
            raise InputError(f"{option} {day!r}: is not a day written YYYY-MM-DD.")
    until = question.until or arrived
    if until > arrived:
        raise InputError(f"--until {until}: data has arrived up to {arrived} only (exclusive).")
    start = question.start or judged_until(project.root, candidate) or theirs.seen_until
    if start is None or not is_day(start):
        raise InputError(
            f"It is not known how far the candidate has looked: its"
            f" {project.promotion.holdout.seen_until_file} does not say.",
            hint="Say where to start: `--from DAY`.",
        )
    if start < until:
        return HoldoutDays(start, until)
    if question.start is None and question.until is None:
        return None
    raise InputError(
        f"From {start} until {until} (exclusive) there is no day.",
        hint=f"Data has arrived up to {arrived} (exclusive): give --from and --until before it.",
    )


def _file(project: Project, folder: Path, found: Shadow) -> None:
    """Add the comparison to a report, in the place of an earlier one."""
    file_report(
        project.root,
        documents.read_document(folder / "plan.json", Plan),
        documents.read_document(folder / "run.json", Run),
        documents.read_document(folder / "verdict.json", Verdict),
        found,
    )


def _same(model: Production) -> str:
    return (
        f"The candidate and production are the same model, {model.hash[:10]}: nothing to compare."
        " On a branch that records the candidate, say what is in production:"
        " `--production origin/main`."
    )


def _nothing_arrived(project: Project) -> str:
    clock = project.promotion.holdout.clock
    return (
        "Nothing has arrived since the candidate was judged: data reaches up to"
        f" {project.data_until} (exclusive). When there is more, move the clock, {clock.key} in"
        f" {clock.file}, and make what scoring reads: `dvc repro` its stages."
    )
