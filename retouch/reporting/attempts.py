"""Every tier that was tried, the refused ones too, with its numbers and its cost."""

from __future__ import annotations

from retouch.execution.model import Attempt
from retouch.gate.model import Judgement
from retouch.reporting.case import ALERTED, OVERALL, Case
from retouch.reporting.escape import Markdown, code, inline, write
from retouch.reporting.numbers import UNKNOWN, duration, plural
from retouch.reporting.status_labels import WORDS
from retouch.reporting.table import Table, table


def attempts_table(case: Case) -> Table:
    """Return one row per tier tried, in the order tried."""
    judged = {j.tier: j for j in case.verdict.judgements} if case.verdict else {}
    attempts = case.run.attempts if case.run else ()
    return table(
        ["Tier", "Slice", "Overall", "Gate", "Because", "Ran>", "CPU>", "Wall>", "In the end"],
        [_row(case, attempt, judged.get(attempt.tier)) for attempt in attempts[:20]],
    )


def _row(case: Case, attempt: Attempt, judgement: Judgement | None) -> tuple[object, ...]:
    failed = attempt.named("failed")
    if judgement:
        words = WORDS["halted" if judgement.halted_by else judgement.outcome]
        said = "halted" if judgement.halted_by else judgement.outcome.replace("_", " ")
        outcome = f"{words.emoji} {said}"
        because: Markdown = inline(judgement.message, 200)
    elif failed:
        outcome, because = "❌ failed", write("{} failed", code(failed[0]))
    else:
        outcome, because = "⏳ not judged", UNKNOWN
    return (
        code(attempt.tier),
        _moved(case, judgement, ALERTED),
        _moved(case, judgement, OVERALL),
        Markdown(outcome),
        because,
        plural(len(attempt.named("ran")), "stage"),
        duration(attempt.cpu_seconds),
        duration(attempt.wall_seconds),
        Markdown("kept" if attempt.kept else "put back"),
    )


def _moved(case: Case, judgement: Judgement | None, name: str) -> Markdown:
    """Return production → candidate where the alert pointed, or overall."""
    for check in judgement.checks if judgement else ():
        if check.name == name and check.family == "gate" and check.production is not None:
            after = case.with_unit(case.loss_of(check.candidate))
            return write("{} → {}", case.loss_of(check.production), after)
    return UNKNOWN
