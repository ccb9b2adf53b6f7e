"""What a reviewer should know although it does not decide, the most telling first."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from retouch.gate.model import Check, GuardrailResult
from retouch.reporting.case import Case, close_to_limit
from retouch.reporting.escape import Markdown, code, inline, write
from retouch.reporting.layout import Room
from retouch.reporting.notes import names_of


def warnings_of(
    case: Case, room: Room, seen: Collection[Check | GuardrailResult] = ()
) -> tuple[Markdown, ...]:
    """Return one sentence per warning, without the checks that are seen in a table anyway."""
    checks = [check for check in case.checks if check not in seen]
    return (
        *_left_behind(case),
        *_stopped(case, room),
        *_close(case, checks, room),
        *_optional(case, checks, room),
        *_observed(case, [g for g in case.guardrails if g not in seen], room),
        *_scope(case, room),
        *_skipped(case, room),
    )


def _left_behind(case: Case) -> list[Markdown]:
    refused = case.standing in ("reject", "halted", "not_enough_data", "invalid", "failed")
    if not (case.kept and refused):
        return []
    return [Markdown("**Not put back** — the refused candidate is still in the workspace.")]


def _stopped(case: Case, room: Room) -> list[Markdown]:
    """Say why tiers were left untried; of a broken guardrail the first sentence says it."""
    if not case.run or not case.run.stopped or case.halted_by:
        return []
    return [write("**Stopped** — {}.", inline(case.run.stopped.rstrip("."), room.text))]


def _observed(case: Case, found: Iterable[GuardrailResult], room: Room) -> list[Markdown]:
    return [
        write(
            "**Observed, does not block** — {}: {}.",
            inline(g.name, room.name),
            inline(g.message.rstrip("."), room.text),
        )
        for g in found
        if g.mode == "observe" and g.result != "pass"
    ]


def _close(case: Case, checks: Iterable[Check], room: Room) -> list[Markdown]:
    return [
        write(
            "**Close to its limit** — {}: at worst {} (limit {}). Not blocking.",
            case.name_of(check, room.name),
            case.change_of(check.gain_lower),
            case.change_of(check.limit),
        )
        for check in checks
        if close_to_limit(check)
    ]


def _optional(case: Case, checks: Iterable[Check], room: Room) -> list[Markdown]:
    return [
        write(
            "**Not required, not passed** — {}: {}.",
            case.name_of(check, room.name),
            inline(check.message.rstrip("."), room.text),
        )
        for check in checks
        if not check.required and check.result != "pass" and check.family == "gate"
    ]


def _skipped(case: Case, room: Room) -> list[Markdown]:
    if not case.plan.tiers:  # then it is the reason of the hold, and said first of all
        return []
    return [
        write(
            "**Tier skipped** — {}: {}",
            code(tier.tier, room.name),
            inline(tier.reason, room.text),
        )
        for tier in case.plan.skipped
    ]


def _scope(case: Case, room: Room) -> list[Markdown]:
    """Say where more ran than the alert alone asked for."""
    found = [
        write("**Wider than the alert** — {}.", inline(note.rstrip("."), room.text))
        for note in case.plan.touched.notes
    ]
    stages = case.tier.stages if case.tier else ()
    before = [
        s.stage
        for s in stages
        if s.decision == "run" and not any(because.by_alert for because in s.because)
    ]
    if before:
        verb = Markdown("was" if len(before) == 1 else "were")
        found.append(
            write(
                "**Not because of the alert** — {} {} out of date already, and ran too.",
                names_of(before, room),
                verb,
            )
        )
    return found
