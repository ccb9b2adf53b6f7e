"""The reports of earlier alerts, read as the history that intake and planning decide by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from retouch.alerts.model import Alert, Window
from retouch.documents import Document
from retouch.planning.looks import Judged
from retouch.planning.value import Episode
from retouch.storage import documents
from retouch.suppression.records import Answered


def answers(root: Path, alerts: Mapping[str, Alert]) -> list[Answered]:
    """Return what was answered so far, by the reports. Raises InputError for a broken one."""
    paths = documents.report_documents(root, "plan.json")
    return [told for path in paths for told in _answer(path, alerts)]


def _answer(path: Path, alerts: Mapping[str, Alert]) -> Iterator[Answered]:
    """Yield the answer in a report, if it came to one; a run that failed is none."""
    plan = documents.read_document(path, _PlanHead)
    ids = tuple(alert.alert_id for alert in plan.alerts)
    answered = {"report_id": path.parent.name, "alert_ids": ids}
    judged = path.with_name("verdict.json")
    if judged.exists():
        verdict = documents.read_document(judged, _VerdictHead)
        run = documents.read_document(path.with_name("run.json"), _RunHead)
        last = run.attempts[-1]
        yield Answered(
            **answered,
            at=verdict.judged_at,
            action="retrain",
            kept=last.kept,
            stages=_retrained(plan, verdict, last),
            window=_hull([alerts[alert_id] for alert_id in ids if alert_id in alerts]),
        )
    elif plan.action == "hold":
        yield Answered(**answered, at=plan.planned_at, action="hold", kept=False)


def _retrained(plan: _PlanHead, verdict: _VerdictHead, last: _AttemptHead) -> tuple[str, ...]:
    """Return the stages an answer answers for: what it touched, and what ran for it.

    Much of what is touched, such as the features before a fit, has no need to run. Where the model
    came out as it was, nothing was retrained.
    """
    if verdict.outcome == "equivalent":
        return ()
    ran = {receipt.stage for receipt in last.receipts if receipt.outcome in ("ran", "restored")}
    return tuple(sorted(ran.union(plan.touched.stages)))


def _hull(alerts: list[Alert]) -> Window | None:
    windows = [a.slice.current.window for a in alerts if a.slice.current.window is not None]
    if not windows:
        return None
    return Window(
        start=min(window.start for window in windows), end=max(window.end for window in windows)
    )


def episodes(root: Path) -> list[Episode]:
    """Return what each tier achieved that was judged so far, oldest alert first.

    A tier whose scores could not be compared says nothing. Raises InputError for a broken report.
    """
    return [told for path in _verdicts(root) for told in _episodes(path)]


def _episodes(path: Path) -> Iterator[Episode]:
    plan: _PlanHead = documents.read_document(path.with_name("plan.json"), _PlanHead)
    repairs = {tier.tier for tier in plan.tiers if tier.must == "not_get_worse"}
    for judgement in documents.read_document(path, _VerdictHead).judgements:
        used = judgement.holdout
        late = used is not None and used.candidate_number > used.candidates_allowed
        if judgement.outcome == "invalid" or late:
            continue
        checks = {check.name: check for check in reversed(judgement.checks)}
        overall = checks.get("overall")
        alerted = checks.get("alerted slice", overall)
        rows = used.rows if used else 0
        unchanged = judgement.outcome == "equivalent" and judgement.tier in repairs
        yield Episode(
            families=tuple(sorted({alert.family for alert in plan.alerts if alert.family})),
            where=next((alert.where for alert in plan.alerts if alert.where), ()),
            tier=judgement.tier,
            passed=judgement.outcome == "promote" or unchanged,
            gain=alerted.gain if alerted else None,
            share=alerted.rows / rows if alerted and rows else None,
            overall_gain=overall.gain if overall else None,
        )


def judged_candidates(root: Path) -> list[Judged]:
    """Return every candidate that a hold-out has judged so far.

    A candidate that came after the last one allowed was not looked at. Raises InputError.
    """
    return [
        Judged(start=used.start, end=used.end, wheres=_wheres(path))
        for path in _verdicts(root)
        for judgement in documents.read_document(path, _VerdictHead).judgements
        if (used := judgement.holdout) is not None
        and judgement.outcome != "invalid"
        and used.candidate_number <= used.candidates_allowed
    ]


def _wheres(verdict: Path) -> tuple[tuple[str, ...], ...]:
    """Return the slices the alerts of a report speak of."""
    plan = documents.read_document(verdict.with_name("plan.json"), _PlanHead)
    return tuple(dict.fromkeys(alert.where for alert in plan.alerts))


def _verdicts(root: Path) -> list[Path]:
    return documents.report_documents(root, "verdict.json")


class _Head(Document):
    """What of a document is read here; the rest is its own matter."""

    model_config = ConfigDict(extra="ignore")


class _AlertHead(_Head):
    alert_id: str
    family: str = ""
    where: tuple[str, ...] = ()


class _TierHead(_Head):
    tier: str
    must: str


class _Touched(_Head):
    stages: tuple[str, ...]


class _PlanHead(_Head):
    alerts: tuple[_AlertHead, ...]
    tiers: tuple[_TierHead, ...] = ()
    touched: _Touched
    action: Literal["retrain", "hold"]
    planned_at: datetime


class _CheckHead(_Head):
    name: str
    rows: int
    gain: float | None = None


class _HoldoutHead(_Head):
    start: date
    end: date
    rows: int
    candidate_number: int = 1
    candidates_allowed: int = 1


class _JudgementHead(_Head):
    tier: str
    outcome: str
    checks: tuple[_CheckHead, ...] = ()
    holdout: _HoldoutHead | None = None


class _VerdictHead(_Head):
    judged_at: datetime
    outcome: str
    judgements: tuple[_JudgementHead, ...] = ()


class _StageHead(_Head):
    stage: str
    outcome: str


class _AttemptHead(_Head):
    receipts: tuple[_StageHead, ...]
    kept: bool


class _RunHead(_Head):
    attempts: tuple[_AttemptHead, ...]
