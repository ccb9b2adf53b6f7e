"""The reports of earlier alerts, read as the history that intake and planning decide by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from retouch.alerts.model import Alert, Window
from retouch.errors import InputError
from retouch.execution.model import Attempt, Run
from retouch.gate.model import HoldoutUsed, Verdict
from retouch.planning.holdout_uses import JudgedCandidate
from retouch.planning.model import Plan
from retouch.planning.value import Episode
from retouch.storage import documents
from retouch.suppression.records import Answered


def answers(root: Path, alerts: Mapping[str, Alert]) -> list[Answered]:
    """Return what was answered so far, by the reports. Raises InputError for a broken one."""
    paths = documents.report_documents(root, "plan.json")
    return [answered for path in paths for answered in _answer(root, path.parent.name, alerts)]


def _answer(root: Path, report_id: str, alerts: Mapping[str, Alert]) -> Iterator[Answered]:
    """Yield the answer in a report, if it came to one; a run that failed is none."""
    plan = documents.read_document(documents.report_folder(root, report_id) / "plan.json", Plan)
    ids = tuple(alert.alert_id for alert in plan.alerts)
    verdict = documents.report_document(root, report_id, "verdict.json", Verdict)
    if verdict is not None:
        run = documents.report_document(root, report_id, "run.json", Run)
        if run is None or not run.attempts:
            raise InputError(
                f"reports/{report_id}/run.json: holds no attempt, but there is a verdict.",
                hint="Check it out: `git checkout -- reports`.",
            )
        last = run.attempts[-1]
        yield Answered(
            report_id=report_id,
            alert_ids=ids,
            at=verdict.judged_at,
            action="retrain",
            kept=last.kept,
            stages=_retrained(plan, verdict, last),
            window=_hull([alerts[alert_id] for alert_id in ids if alert_id in alerts]),
        )
    elif plan.action == "hold":
        yield Answered(
            report_id=report_id, alert_ids=ids, at=plan.planned_at, action="hold", kept=False
        )


def _retrained(plan: Plan, verdict: Verdict, last: Attempt) -> tuple[str, ...]:
    """Return the stages an answer answers for: what it touched, and what ran for it.

    Much of what is touched, such as the features before a fit, has no need to run. Where the model
    came out as it was, nothing was retrained.
    """
    if verdict.outcome == "equivalent":
        return ()
    return tuple(sorted({*last.named("ran", "restored"), *plan.touched.stages}))


def _hull(alerts: Sequence[Alert]) -> Window | None:
    windows = [a.slice.current.window for a in alerts if a.slice.current.window is not None]
    if not windows:
        return None
    return Window(
        start=min(window.start for window in windows), end=max(window.end for window in windows)
    )


Judged = tuple[Plan, Verdict]
"""A report that holds a verdict."""


def judged_reports(root: Path, past: Iterable[Judged] = ()) -> list[Judged]:
    """Return the reports that hold a verdict, in the order of their ids.

    `past`: those that the checkout has no more. Raises InputError for a broken report.
    """
    here = [
        (documents.read_document(folder / "plan.json", Plan), verdict)
        for folder, verdict in documents.verdicts(root)
    ]
    return sorted([*here, *past], key=lambda judged: judged[0].report_id)


def episodes(reports: Iterable[Judged]) -> list[Episode]:
    """Return what each tier achieved that was judged so far, in the order of the reports.

    A tier whose scores could not be compared is left out.
    """
    return [one for plan, verdict in reports for one in _episodes(plan, verdict)]


def _episodes(plan: Plan, verdict: Verdict) -> Iterator[Episode]:
    repairs = {tier.tier for tier in plan.tiers if tier.must == "not_get_worse"}
    for judgement in verdict.judgements:
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


def judged_candidates(reports: Iterable[Judged]) -> list[JudgedCandidate]:
    """Return every candidate that a hold-out has judged so far.

    A candidate that came after the last one allowed was not looked at. Raises InputError.
    """
    return [
        JudgedCandidate(
            start=_day(plan, used, "start"),
            end=_day(plan, used, "end"),
            wheres=tuple(dict.fromkeys(alert.where for alert in plan.alerts)),
        )
        for plan, verdict in reports
        for judgement in verdict.judgements
        if (used := judgement.holdout) is not None
        and judgement.outcome != "invalid"
        and used.candidate_number <= used.candidates_allowed
    ]


def _day(plan: Plan, used: HoldoutUsed, field: str) -> date:
    value = getattr(used, field)
    try:
        return date.fromisoformat(value)
    except ValueError:
        place = f"reports/{plan.report_id}/verdict.json: judgements.holdout.{field}"
        raise InputError(
            f"{place}: is {value!r}, not a day written YYYY-MM-DD.",
            hint="Check it out: `git checkout -- reports`.",
        ) from None
