"""Every tier that was tried, the refused ones too, with its numbers and its cost."""

from __future__ import annotations

from retouch.execution.model import Attempt
from retouch.reporting.case import ALERTED, Case
from retouch.reporting.escape import Markdown, code, inline, write
from retouch.reporting.numbers import UNKNOWN, duration, plural
from retouch.reporting.table import Table, table
from retouch.reporting.words import WORDS
from retouch.validation.model import Judgement


def attempts_table(case: Case) -> Table:
    """Return one row per tier tried, in the order tried."""
    judged = {j.tier: j for j in case.verdict.judgements} if case.verdict else {}
    attempts = case.run.attempts if case.run else ()
    return table(
        ["Tier", "Slice", "Gate", "Because", "Ran>", "CPU>", "Wall>", "In the end"],
        [_row(case, attempt, judged.get(attempt.tier)) for attempt in attempts[:20]],
    )


def _row(case: Case, attempt: Attempt, judgement: Judgement | None) -> tuple[object, ...]:
    failed = attempt.named("failed")
    if judgement:
        words = WORDS[judgement.outcome]
        outcome = f"{words.emoji} {judgement.outcome.replace('_', ' ')}"
        because: Markdown = inline(judgement.says, 200)
    elif failed:
        outcome, because = "❌ failed", write("{} failed", code(failed[0]))
    else:
        outcome, because = "⏳ not judged", UNKNOWN
    return (
        code(attempt.tier),
        _slice(case, judgement),
        Markdown(outcome),
        because,
        plural(len(attempt.named("ran")), "stage"),
        duration(attempt.cpu_seconds),
        duration(attempt.wall_seconds),
        Markdown("kept" if attempt.kept else "put back"),
    )


def _slice(case: Case, judgement: Judgement | None) -> Markdown:
    """Return production → candidate where the alert pointed, or overall."""
    checks = sorted(judgement.checks, key=lambda c: c.name != ALERTED) if judgement else []
    if not checks or checks[0].production is None:
        return UNKNOWN
    return write(
        "{} → {}",
        case.loss_of(checks[0].production),
        case.with_unit(case.loss_of(checks[0].candidate)),
    )
