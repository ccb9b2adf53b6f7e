"""The stages of a tier as a table: what is decided, because of what, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from retouch.execution.model import Receipt
from retouch.planning.model import ParamEdit, StagePlan, TierPlan
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.numbers import UNKNOWN, duration, plural, size
from retouch.reporting.status_labels import MARKDOWN, because_in_markdown, change_in_words
from retouch.reporting.table import Table, table

DECISIONS = {"run": "🔁 run", "may_run": "🔁 may run", "reuse": "✅ reuse"}
OUTCOMES = {
    "ran": "ran",
    "restored": "restored from the run cache",
    "cut_off": "✂️ cut off",
    "failed": "❌ failed",
    "skipped": "skipped",
}


def edits_table(edits: Sequence[ParamEdit], most: int = 20) -> Table:
    """Return the declared inputs a tier changes."""
    rows = [
        (code(e.file), code(e.key), Markdown(change_in_words(e.before, e.after, MARKDOWN)))
        for e in edits[:most]
    ]
    if len(edits) > most:
        rows.append((plural(len(edits) - most, "more edit"), UNKNOWN, UNKNOWN))
    return table(["File", "Key", "Change"], rows)


def stages_table(
    tier: TierPlan, receipts: Mapping[str, Receipt] | None = None, most: int = 1000
) -> Table:
    """Return every stage of a tier; the reused ones share a row for each reason.

    With receipts the table also says what happened; without, it is the plan alone.
    """
    heads = ["Stage", "Planned", "Because"]
    heads += ["Happened", "CPU>", "Wall>", "Memory>"] if receipts else ["Wave>"]
    cells = _happened(receipts) if receipts else _wave
    planned = [s for s in tier.stages if s.decision != "reuse"]
    rows = [
        (code(s.stage), Markdown(DECISIONS[s.decision]), _because(s), *cells(s))
        for s in planned[:most]
    ]
    empty = (UNKNOWN,) * (len(heads) - 3)
    if len(planned) > most:
        left_out = plural(len(planned) - most, "more stage")
        rows.append((left_out, UNKNOWN, Markdown("listed in plan.json"), *empty))
    rows += [(*row, *empty) for row in _reused(tier)]
    return table(heads, rows)


def counts(tier: TierPlan) -> Markdown:
    """Return `3 run, 1 may run, 13 reused`."""
    run, may_run, reuse = (len(tier.named(d)) for d in ("run", "may_run", "reuse"))
    return Markdown(f"{run} run, {may_run} may run, {reuse} reused")


def _wave(stage: StagePlan) -> tuple[object, ...]:
    return (UNKNOWN if stage.wave is None else stage.wave + 1,)


def _happened(receipts: Mapping[str, Receipt]) -> Callable[[StagePlan], tuple[object, ...]]:
    def cells(stage: StagePlan) -> tuple[object, ...]:
        receipt = receipts.get(stage.stage)
        if receipt is None:
            return (Markdown("not reached"), UNKNOWN, UNKNOWN, UNKNOWN)
        if receipt.outcome in ("cut_off", "skipped"):
            return (_outcome(receipt), UNKNOWN, UNKNOWN, UNKNOWN)
        memory = size(receipt.peak_memory_bytes) if receipt.peak_memory_bytes else UNKNOWN
        return (
            _outcome(receipt),
            duration(receipt.cpu_seconds),
            duration(receipt.wall_seconds),
            memory,
        )

    return cells


def _outcome(receipt: Receipt) -> Markdown:
    said = Markdown(OUTCOMES[receipt.outcome])
    if receipt.outcome in ("ran", "restored"):
        return said
    return write("{}: {}", said, inline(receipt.because, 120))


def _because(stage: StagePlan) -> Markdown:
    """Return the first reasons in words; runs for many reasons say how many more."""
    said = join("; ", [because_in_markdown(because) for because in stage.because[:3]])
    left_out = len(stage.because) - 3
    return write("{}; and {} more", said, left_out) if left_out > 0 else said


def _reused(tier: TierPlan) -> list[tuple[object, ...]]:
    """Return one row per reason: what is reused needs no room."""
    reasons: dict[Markdown, list[str]] = {}
    for stage in tier.stages:
        if stage.decision == "reuse":
            reasons.setdefault(_because(stage), []).append(stage.stage)
    rows: list[tuple[object, ...]] = []
    for because, names in list(reasons.items())[:5]:
        shown = join(", ", [code(name, 48) for name in names[:12]])
        left_out = len(names) - 12
        label = write("{} and {} more", shown, left_out) if left_out > 0 else shown
        rows.append((label, Markdown(DECISIONS["reuse"]), because))
    return rows
