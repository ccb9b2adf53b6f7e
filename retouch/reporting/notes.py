"""The notes below the table: why now, what ran, and the warnings that do not decide."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from retouch.gate.model import Check, GuardrailResult, Judgement, Override
from retouch.planning.model import ParamEdit
from retouch.reporting.case import Case, close_to_limit
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.layout import Layout
from retouch.reporting.numbers import plural
from retouch.reporting.plan import MARKDOWN, change_text

_OVERRIDES_SHOWN = 2
"""On the first screen."""
_OUTCOMES = {
    "promote": "passed",
    "reject": "was rejected",
    "equivalent": "changed nothing",
    "not_enough_data": "could not be judged",
    "invalid": "could not be compared",
}


def why_now(case: Case, layout: Layout) -> Markdown:
    """Say what the monitor found, and where."""
    alert = case.plan.alerts[0]
    finding = alert.findings[0] if alert.findings else alert.message or alert.kind.replace("_", " ")
    extra = len(alert.findings) - 1
    others = len(case.plan.alerts) - 1
    return write(
        "**Why now** — {}{}{}{} ([alert][alert] by {}, {}{}).",
        inline(finding, layout.text),
        write(" (and {})", plural(extra, "more finding")) if extra > 0 else "",
        write(" where {}", case.alerted(layout.name)) if alert.where else "",
        write(", {}", inline(alert.window, min(layout.text, 40))) if alert.window else "",
        code(alert.monitor, layout.name),
        inline(alert.severity, 12),
        write(", with {}", plural(others, "more alert")) if others else "",
    )


def monitor_message(case: Case, layout: Layout) -> Markdown | None:
    """Return the monitor's own message, where a person takes over from there."""
    alert = case.plan.alerts[0]
    if case.status != "held" or not (alert.message and alert.findings):
        return None
    guess = (
        write(" Hypothesis: {}", inline(alert.hypothesis, layout.text)) if alert.hypothesis else ""
    )
    return write("**Monitor message** — {}{}", inline(alert.message, layout.text), guess)


def override_lines(case: Case, layout: Layout) -> tuple[Markdown, ...]:
    """Return the overrides the first screen has room for; the others are listed below."""
    shown = case.overridden[:_OVERRIDES_SHOWN]
    lines = [override_text(override, layout) for override in shown]
    if left_out := len(case.overridden) - len(shown):
        lines.append(write("{} overridden, listed below.", plural(left_out, "more check")))
    return tuple(lines)


def override_text(override: Override, layout: Layout) -> Markdown:
    """Say which check did not pass, who overrode it, and why."""
    return write(
        "**Overridden** — {} did not pass; accepted by {} on {}: {}",
        code(override.check, layout.name),
        inline(f"@{override.by}", layout.name),
        f"{override.at:%Y-%m-%d}",
        inline(override.reason, layout.text),
    )


def what_ran(case: Case, layout: Layout) -> Markdown | None:
    """Say what ran and why, what did not have to, and what was reused."""
    if case.tier is None:
        return None
    if not case.attempt:
        return _would_run(case, layout)
    ran = case.attempt.named("ran", "failed")
    did = join(" → ", [code(name, layout.name) for name in ran[: layout.names]])
    if len(ran) > layout.names:
        did = write("{} → {}", did, plural(len(ran) - layout.names, "more", "more"))
    count = write("{} of {}", len(ran), plural(len(case.tier.stages), "stage"))
    return write(
        "**What ran** — {}{}{}{}.",
        write("{} ({})", did, count) if ran else Markdown("no stage had to run"),
        _because(case.tier.edits, layout),
        _not_run(case, layout),
        _reused(len(case.tier.named("reuse"))),
    )


def _would_run(case: Case, layout: Layout) -> Markdown:
    assert case.tier
    certain, perhaps = case.tier.named("run"), case.tier.named("may_run")
    return write(
        "**What will run** — {} ({} of {}){}{}{}.",
        stage_names(certain, layout) or Markdown("no stage for certain"),
        len(certain),
        plural(len(case.tier.stages), "stage"),
        _because(case.tier.edits, layout),
        write("; {} downstream may run", plural(len(perhaps), "stage")) if perhaps else "",
        _reused(len(case.tier.named("reuse"))),
    )


def escalation(case: Case, layout: Layout) -> Markdown | None:
    """Describe the escalation: which tiers were rejected and why, and how the last one ended."""
    attempts = case.run.attempts if case.run else ()
    if len(attempts) < 2:
        return None
    judged = {j.tier: j for j in case.verdict.judgements} if case.verdict else {}
    earlier = attempts[:-1][-2:]
    length = 2 * layout.text // (3 * len(earlier))
    parts = []
    for attempt in earlier:
        judgement = judged.get(attempt.tier)
        how = Markdown(_OUTCOMES.get(judgement.outcome, "ended") if judgement else "failed")
        message = Markdown("")
        if judgement and layout.refusals:
            message = write(": {}", _refusal(case, judgement, layout, length))
        parts.append(write("{} {}{}", code(attempt.tier, layout.name), how, message))
    last = Markdown("failed" if case.status == "failed" else "awaits the gate")
    if case.judgement and case.judgement.tier == attempts[-1].tier:
        last = Markdown(_OUTCOMES.get(case.judgement.outcome, "ended"))
    left_out = len(attempts) - 1 - len(earlier)
    return write(
        "**Escalated** — {}{}; {} {}.",
        write("{} rejected before; ", plural(left_out, "tier")) if left_out else "",
        join("; ", parts),
        code(attempts[-1].tier, layout.name),
        last,
    )


def _refusal(case: Case, judgement: Judgement, layout: Layout, length: int) -> Markdown:
    """Return what an earlier tier failed at: the check and its number, or else the message."""
    failed = (c for c in judgement.checks if c.required and c.result == "fail")
    check = next(failed, None)
    if check is not None and check.criterion == "restored":
        return write("not restored {}", case.check_scope(check, layout.name))
    if check is None or check.gain_lower is None:
        return inline(judgement.message.rstrip("."), length)
    scope = case.check_scope(check, layout.name)
    if check.family == "harm_alarm" or (check.gain_upper or 0) < 0:
        return write("harm shown {} ({})", scope, case.format_change(check.gain))
    shown = "no gain shown" if check.criterion == "improve" else "harm not ruled out"
    return write("{} {} (at worst {})", shown, scope, case.format_change(check.gain_lower))


def _because(edits: Sequence[ParamEdit], layout: Layout) -> Markdown:
    if not edits or not layout.reasons:
        return Markdown("")
    edit = edits[0]
    change = Markdown(change_text(edit.before, edit.after, MARKDOWN))
    more = write(" and {}", plural(len(edits) - 1, "more edit")) if len(edits) > 1 else ""
    if len(change) > layout.text:
        change = Markdown("is edited")
    return write(", because {} {}{}", code(edit.key, layout.name), change, Markdown(more))


def _not_run(case: Case, layout: Layout) -> Markdown:
    """Say which planned stages did not run, and why not."""
    templates = {
        "restored": "{} restored from the run cache",
        "cut_off": "{} cut off, as their inputs did not change",
        "skipped": "{} skipped",
    }
    parts: list[str] = []
    for outcome, template in templates.items():
        stages = [r.stage for r in case.receipts.values() if r.outcome == outcome]
        if stages:
            parts.append(template.format(stage_names(stages, layout)))
    return Markdown("".join("; " + part for part in parts))


def _reused(count: int) -> Markdown:
    return write("; {} reused", count) if count else Markdown("")


def stage_names(stages: Sequence[str], layout: Layout) -> Markdown:
    """Return as many names as fit, and how many more there are."""
    shown = join(", ", [code(name, layout.name) for name in stages[: layout.names]])
    left_out = len(stages) - layout.names
    return write("{} and {} more", shown, left_out) if left_out > 0 else shown


def warnings_of(
    case: Case, layout: Layout, shown: Collection[Check | GuardrailResult] = ()
) -> tuple[Markdown, ...]:
    """Return one sentence per warning, without the checks that the table shows anyway."""
    checks = [check for check in case.checks if check not in shown]
    return (
        *_not_rolled_back(case),
        *_stopped(case, layout),
        *_close(case, checks, layout),
        *_optional(case, checks, layout),
        *_observed(case, [g for g in case.guardrails if g not in shown], layout),
        *_scope(case, layout),
        *_skipped(case, layout),
    )


def _not_rolled_back(case: Case) -> list[Markdown]:
    refused = case.status in ("reject", "halted", "not_enough_data", "invalid", "failed")
    if not (case.kept and refused):
        return []
    return [Markdown("**Not rolled back** — the rejected candidate is still in the workspace.")]


def _stopped(case: Case, layout: Layout) -> list[Markdown]:
    """Say why tiers were left untried; for a violated guardrail the first sentence does."""
    if not case.run or not case.run.stopped or case.halted_by:
        return []
    return [write("**Stopped** — {}.", inline(case.run.stopped.rstrip("."), layout.text))]


def _observed(case: Case, guardrails: Iterable[GuardrailResult], layout: Layout) -> list[Markdown]:
    return [
        write(
            "**Observed, not blocking** — {}: {}.",
            inline(g.name, layout.name),
            inline(g.message.rstrip("."), layout.text),
        )
        for g in guardrails
        if g.mode == "observe" and g.result != "pass"
    ]


def _close(case: Case, checks: Iterable[Check], layout: Layout) -> list[Markdown]:
    return [
        write(
            "**Close to the limit** — {}: at worst {} (limit {}). Not blocking.",
            case.check_name(check, layout.name),
            case.format_change(check.gain_lower),
            case.format_change(check.limit),
        )
        for check in checks
        if close_to_limit(check)
    ]


def _optional(case: Case, checks: Iterable[Check], layout: Layout) -> list[Markdown]:
    return [
        write(
            "**Optional, not passed** — {}: {}.",
            case.check_name(check, layout.name),
            inline(check.message.rstrip("."), layout.text),
        )
        for check in checks
        if not check.required and check.result != "pass" and check.family == "gate"
    ]


def _skipped(case: Case, layout: Layout) -> list[Markdown]:
    if not case.plan.tiers:  # then it is the reason for the hold, and comes first
        return []
    return [
        write(
            "**Tier skipped** — {}: {}",
            code(tier.tier, layout.name),
            inline(tier.reason, layout.text),
        )
        for tier in case.plan.skipped
    ]


def _scope(case: Case, layout: Layout) -> list[Markdown]:
    """Say where more ran than the alert alone required."""
    warnings = [
        write("**Scope widened** — {}.", inline(note.rstrip("."), layout.text))
        for note in case.plan.touched.notes
    ]
    stages = case.tier.stages if case.tier else ()
    out_of_date = [
        s.stage
        for s in stages
        if s.decision == "run" and not any(because.by_alert for because in s.because)
    ]
    if out_of_date:
        verb = Markdown("was" if len(out_of_date) == 1 else "were")
        warnings.append(
            write(
                "**Not caused by the alert** — {} {} already out of date and ran too.",
                stage_names(out_of_date, layout),
                verb,
            )
        )
    return warnings
