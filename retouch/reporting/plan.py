"""A plan and its run as text: edits, stages and why they run, the value rule, the tiers tried."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retouch.execution.model import Attempt, Receipt
from retouch.gate.model import Judgement
from retouch.planning.model import (
    Because,
    Option,
    ParamEdit,
    Plan,
    StagePlan,
    TierPlan,
    ValueEstimate,
)
from retouch.reporting.case import ALERTED, OVERALL, Case
from retouch.reporting.cost import forecast_text
from retouch.reporting.escape import Markdown, code, inline, join, plain, shorten_name, write
from retouch.reporting.numbers import UNKNOWN, duration, percentage, plural, significant, size
from retouch.reporting.status_labels import STATUS_TEXTS
from retouch.reporting.template import Table, fill, table

DECISIONS = {"run": "🔁 run", "may_run": "🔁 may run", "reuse": "✅ reuse"}
OUTCOMES = {
    "ran": "ran",
    "restored": "restored from the run cache",
    "cut_off": "✂️ cut off",
    "failed": "❌ failed",
    "skipped": "skipped",
}
MAX_TIERS = 20


@dataclass(frozen=True)
class Formatter:
    """How names and values are written: plain for a terminal, escaped for Markdown."""

    name: Callable[[object], str]
    value: Callable[[object], str]


PLAIN_TEXT = Formatter(plain, plain)
MARKDOWN = Formatter(code, inline)


def change_text(before: Any, after: Any, style: Formatter = PLAIN_TEXT) -> str:
    """Return `2013-03-16 → 2013-06-01`, `set to 3`, or for a list what is added."""
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        kept = len(before)
        if len(after) > kept and list(after[:kept]) == list(before):
            return "adds " + ", ".join(style.value(value_text(x)) for x in after[kept:][:3])
    if before is None:
        return f"set to {style.value(value_text(after))}"
    return f"{style.value(value_text(before))} → {style.value(value_text(after))}"


def value_text(value: Any, limit: int = 80) -> str:
    """Return a value of a params file in one line: text plain, mappings as `key: value`."""
    return shorten_name(plain(_bare(value), 2000), limit)


def _bare(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value:
        return ", ".join(f"{key}: {_bare(item)}" for key, item in value.items())
    return json.dumps(value, ensure_ascii=False)


def reason_text(because: Because) -> str:
    """Return why a stage runs, or does not, in one line for a terminal."""
    return _reason_with_cause(because, PLAIN_TEXT)


def reason_markdown(because: Because) -> Markdown:
    """Return the same reason with names as code and everything else escaped."""
    return Markdown(_reason_with_cause(because, MARKDOWN))


def _reason_with_cause(because: Because, style: Formatter) -> str:
    text = _reason(because, style)
    return text if because.by_alert else f"{text} (already out of date before the alert)"


def _reason(because: Because, style: Formatter) -> str:
    subject = style.name(because.subject) if because.subject else ""
    match because.reason:
        case "param":
            return f"{subject} {change_text(because.before, because.after, style)}"
        case "file":
            return f"{subject} changed{_hashes(because, style)}"
        case "output":
            return f"its output {subject} differs from the recorded one{_hashes(because, style)}"
        case "command":
            return "its command changed"
        case "never_run":
            return "it has never run"
        case "always_changed":
            return "it always runs (always_changed)"
        case "upstream":
            return f"downstream of {subject}; cut off if its outputs do not change"
        case "frozen":
            return "it is frozen, so DVC does not run it"
        case "unchanged":
            return "none of its inputs change"


def _hashes(because: Because, style: Formatter) -> str:
    if because.before is None and because.after is None:
        return ""
    if because.before is None:
        return f" (new: {style.value(_prefix(because.after))})"
    if because.after is None:
        return f" ({style.value(_prefix(because.before))} → missing)"
    return f" ({style.value(_prefix(because.before))} → {style.value(_prefix(because.after))})"


def _prefix(digest: Any) -> str:
    return str(digest).rpartition(":")[2][:7]


def edits_table(edits: Sequence[ParamEdit], most: int = 20) -> Table:
    """Return the declared inputs a tier changes."""
    rows = [
        (code(e.file), code(e.key), Markdown(change_text(e.before, e.after, MARKDOWN)))
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
    heads = ["Stage", "Planned", "Reason"]
    heads += ["Outcome", "CPU>", "Wall>", "Memory>"] if receipts else ["Wave>"]
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
    text = Markdown(OUTCOMES[receipt.outcome])
    if receipt.outcome in ("ran", "restored"):
        return text
    return write("{}: {}", text, inline(receipt.because, 120))


def _because(stage: StagePlan) -> Markdown:
    """Return the first three reasons, and how many more there are."""
    text = join("; ", [reason_markdown(because) for because in stage.because[:3]])
    left_out = len(stage.because) - 3
    return write("{}; and {} more", text, left_out) if left_out > 0 else text


def _reused(tier: TierPlan) -> list[tuple[object, ...]]:
    """Return one row per reason instead of one per stage."""
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


def worth_blocks(plan: Plan) -> tuple[Markdown | Table, ...]:
    """Return the expected value of each option and the conclusion; nothing without a value rule."""
    worth = plan.worth
    if worth is None:
        return ()
    head = write("**Expected value** — {}", inline(worth.message))
    if not worth.options:
        return (head,)
    return (
        head,
        table(
            ["Option", "Similar alerts>", "Accepted>", "Expected gain>", "Chance>", "Benefit>",
             "Cost>", "Net>"],
            [_option_row(option, worth) for option in worth.options[:MAX_TIERS]],
        ),
        Markdown(
            "Gain per prediction in the slice, in the unit of the loss; chance of passing the gate;"
            " benefit, cost and net in CPU time. A dash: no similar alert on record."
        ),
    )  # fmt: skip


def skipped_block(plan: Plan) -> tuple[Markdown, ...]:
    """Return which tiers were skipped, and why."""
    if not plan.skipped:
        return ()
    lines = [write("- {}: {}", code(s.tier), inline(s.reason)) for s in plan.skipped[:MAX_TIERS]]
    if len(plan.skipped) > MAX_TIERS:
        lines.append(write("- {}", plural(len(plan.skipped) - MAX_TIERS, "more", "more")))
    return (Markdown("Skipped tiers:\n\n" + join("\n", lines)),)


def _option_row(option: Option, worth: ValueEstimate) -> tuple[object, ...]:
    name = code(option.name)
    return (
        write("**{}** (best)", name) if option.name == worth.best else name,
        f"{option.episodes:,}",
        f"{option.accepted:,}",
        significant(option.gain),
        percentage(option.chance, 2),
        _time(option.benefit_cpu_seconds),
        _time(option.cost_cpu_seconds),
        _time(option.net_cpu_seconds),
    )


def _time(seconds: float | None) -> Markdown:
    if seconds is None:
        return UNKNOWN
    if abs(seconds) >= 1e12 or seconds != seconds:
        return write("{} s", significant(seconds))
    minus = "−" if seconds < -0.05 else ""
    return Markdown(f"{minus}{duration(abs(seconds))}")


def attempts_table(case: Case) -> Table:
    """Return one row per tier tried, in the order tried."""
    judged = {j.tier: j for j in case.verdict.judgements} if case.verdict else {}
    attempts = case.run.attempts if case.run else ()
    return table(
        ["Tier", "Slice", "Overall", "Gate", "Reason", "Ran>", "CPU>", "Wall>", "Changes"],
        [_attempt_row(case, attempt, judged.get(attempt.tier)) for attempt in attempts[:20]],
    )


def _attempt_row(case: Case, attempt: Attempt, judgement: Judgement | None) -> tuple[object, ...]:
    failed = attempt.named("failed")
    if judgement:
        status = STATUS_TEXTS["halted" if judgement.halted_by else judgement.outcome]
        text = "halted" if judgement.halted_by else judgement.outcome.replace("_", " ")
        outcome = f"{status.emoji} {text}"
        because: Markdown = inline(judgement.message, 200)
    elif failed:
        outcome, because = "❌ failed", write("{} failed", code(failed[0]))
    else:
        outcome, because = "⏳ not judged", UNKNOWN
    return (
        code(attempt.tier),
        _change(case, judgement, ALERTED),
        _change(case, judgement, OVERALL),
        Markdown(outcome),
        because,
        plural(len(attempt.named("ran")), "stage"),
        duration(attempt.cpu_seconds),
        duration(attempt.wall_seconds),
        Markdown("kept" if attempt.kept else "rolled back"),
    )


def _change(case: Case, judgement: Judgement | None, name: str) -> Markdown:
    """Return the loss of production → candidate on the alerted slice, or overall."""
    for check in judgement.checks if judgement else ():
        if check.name == name and check.family == "gate" and check.production is not None:
            after = case.with_unit(case.format_loss(check.candidate))
            return write("{} → {}", case.format_loss(check.production), after)
    return UNKNOWN


def explain_plan(plan: Plan) -> str:
    """Return the plan as Markdown: every tier, what it edits, and why each stage runs or not."""
    return fill(
        "plan.md.j2",
        model=code(plan.model),
        heading="held for review"
        if plan.action == "hold"
        else plural(len(plan.tiers), "tier", "tiers, tried in order"),
        why=write(
            "{}{}", inline(plan.why), write(" Rule: {}.", inline(plan.rule)) if plan.rule else ""
        ),
        notes=[
            *(inline(note) for note in plan.touched.notes),
            *(
                write("Tier {} is skipped. {}", code(s.tier), inline(s.reason))
                for s in plan.skipped
            ),
        ],
        tiers=[
            {
                "name": code(tier.tier),
                "message": write("{}: {}.", inline(tier.message.rstrip(".")), counts(tier)),
                "edits": edits_table(tier.edits),
                "stages": stages_table(tier),
                "forecast": forecast_text(tier.forecast),
            }
            for tier in plan.tiers
        ],
    )
