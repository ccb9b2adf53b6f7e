"""Why now, and what ran: a line each."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.gate.model import Override
from retouch.planning.model import ParamEdit
from retouch.reporting.case import Case
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.layout import Room
from retouch.reporting.numbers import plural
from retouch.reporting.status_labels import MARKDOWN, change_in_words

_OVERRIDES_SHOWN = 2
"""On the first screen."""


def why_now(case: Case, room: Room) -> Markdown:
    """Say what the monitor found, where, and who says so."""
    alert = case.plan.alerts[0]
    found = alert.findings[0] if alert.findings else alert.message or alert.kind.replace("_", " ")
    extra = len(alert.findings) - 1
    others = len(case.plan.alerts) - 1
    return write(
        "**Why now** — {}{}{}{} ([alert][alert] by {}, {}{}).",
        inline(found, room.text),
        write(" (and {})", plural(extra, "more finding")) if extra > 0 else "",
        write(" where {}", case.alerted(room.name)) if alert.where else "",
        write(", {}", inline(alert.window, min(room.text, 40))) if alert.window else "",
        code(alert.monitor, room.name),
        inline(alert.severity, 12),
        write(", with {}", plural(others, "more alert")) if others else "",
    )


def told(case: Case, room: Room) -> Markdown | None:
    """Return what the monitor said in its own words, where a person has to take it from there."""
    alert = case.plan.alerts[0]
    if case.standing != "held" or not (alert.message and alert.findings):
        return None
    guess = (
        write(" It supposes: {}", inline(alert.hypothesis, room.text)) if alert.hypothesis else ""
    )
    return write("**The monitor says** — {}{}", inline(alert.message, room.text), guess)


def overridden_first(case: Case, room: Room) -> tuple[Markdown, ...]:
    """Return whose word stands against the gate's, as far as there is room; the others below."""
    shown = case.overridden[:_OVERRIDES_SHOWN]
    lines = [overridden_in_words(override, room) for override in shown]
    if left_out := len(case.overridden) - len(shown):
        lines.append(write("And {} overridden, all below.", plural(left_out, "more check")))
    return tuple(lines)


def overridden_in_words(override: Override, room: Room) -> Markdown:
    """Say which check did not hold, who let it pass, and why."""
    return write(
        "**Overridden** — {} did not hold; {} on {}: {}",
        code(override.check, room.name),
        inline(f"@{override.by}", room.name),
        f"{override.at:%Y-%m-%d}",
        inline(override.reason, room.text),
    )


def what_ran(case: Case, room: Room) -> Markdown | None:
    """Say what ran because of what, what did not have to, and what was reused."""
    if case.tier is None:
        return None
    if not case.attempt:
        return _would_run(case, room)
    ran = case.attempt.named("ran", "failed")
    did = join(" → ", [code(name, room.name) for name in ran[: room.names]])
    if len(ran) > room.names:
        did = write("{} → {}", did, plural(len(ran) - room.names, "more", "more"))
    count = write("{} of {}", len(ran), plural(len(case.tier.stages), "stage"))
    return write(
        "**What ran** — {}{}{}{}.",
        write("{} ({})", did, count) if ran else Markdown("no stage had to run"),
        _because(case.tier.edits, room),
        _not_run(case, room),
        _reused(len(case.tier.named("reuse"))),
    )


def _would_run(case: Case, room: Room) -> Markdown:
    assert case.tier
    certain, perhaps = case.tier.named("run"), case.tier.named("may_run")
    return write(
        "**What will run** — {} ({} of {}){}{}{}.",
        names_of(certain, room) or Markdown("nothing for certain"),
        len(certain),
        plural(len(case.tier.stages), "stage"),
        _because(case.tier.edits, room),
        write("; {} downstream may follow", len(perhaps)) if perhaps else "",
        _reused(len(case.tier.named("reuse"))),
    )


def tried_first(case: Case, room: Room) -> Markdown | None:
    """Tell the escalation: which tiers were refused and why, and how the last one fared."""
    attempts = case.run.attempts if case.run else ()
    if len(attempts) < 2:
        return None
    judged = {j.tier: j for j in case.verdict.judgements} if case.verdict else {}
    earlier = attempts[:-1][-2:]
    length = 2 * room.text // (3 * len(earlier))
    parts = []
    for attempt in earlier:
        judgement = judged.get(attempt.tier)
        how = Markdown(_FARED.get(judgement.outcome, "ended") if judgement else "failed")
        message = Markdown("")
        if judgement and room.refusals:
            message = write(": {}", inline(judgement.message.rstrip("."), length))
        parts.append(write("{} {}{}", code(attempt.tier, room.name), how, message))
    last = Markdown("failed" if case.standing == "failed" else "waits for the gate")
    if case.judgement and case.judgement.tier == attempts[-1].tier:
        last = Markdown(_FARED.get(case.judgement.outcome, "ended"))
    left_out = len(attempts) - 1 - len(earlier)
    return write(
        "**Escalated** — {}{}; {} {}.",
        write("{} refused before; ", plural(left_out, "tier")) if left_out else "",
        join("; ", parts),
        code(attempts[-1].tier, room.name),
        last,
    )


_FARED = {
    "promote": "passed",
    "reject": "was refused",
    "equivalent": "changed nothing",
    "not_enough_data": "could not be judged",
    "invalid": "could not be compared",
}


def _because(edits: Sequence[ParamEdit], room: Room) -> Markdown:
    if not edits or not room.reasons:
        return Markdown("")
    edit = edits[0]
    change = Markdown(change_in_words(edit.before, edit.after, MARKDOWN))
    more = write(" and {}", plural(len(edits) - 1, "more edit")) if len(edits) > 1 else ""
    if len(change) > room.text:
        change = Markdown("is edited")
    return write(", because {} {}{}", code(edit.key, room.name), change, Markdown(more))


def _not_run(case: Case, room: Room) -> Markdown:
    """Say which planned stages did not run, and why not."""
    said = {
        "restored": "{} restored from the run cache",
        "cut_off": "{} cut off, as what it reads came out identical",
        "skipped": "{} skipped",
    }
    parts: list[str] = []
    for outcome, words in said.items():
        stages = [r.stage for r in case.receipts.values() if r.outcome == outcome]
        if stages:
            parts.append(words.format(names_of(stages, room)))
    return Markdown("".join("; " + part for part in parts))


def _reused(count: int) -> Markdown:
    return write("; {} reused", count) if count else Markdown("")


def names_of(stages: Sequence[str], room: Room) -> Markdown:
    """Return as many names as there is room for, and how many more there are."""
    shown = join(", ", [code(name, room.name) for name in stages[: room.names]])
    left_out = len(stages) - room.names
    return write("{} and {} more", shown, left_out) if left_out > 0 else shown
