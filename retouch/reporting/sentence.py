"""The one sentence with the number, and what is still needed of a person."""

from __future__ import annotations

from retouch.gate.model import Check
from retouch.reporting.case import ALERTED, Case, allowed_loss, too_small, within_noise
from retouch.reporting.escape import Markdown, code, inline, write
from retouch.reporting.guardrails import counted
from retouch.reporting.layout import Room
from retouch.reporting.numbers import chance, duration, plural


def sentence(case: Case, room: Room) -> Markdown:
    """Say what was found, with the number that decides."""
    match case.standing:
        case "held" if case.plan.unproven:
            reasons = " ".join(case.plan.unproven)
            return write("**A person has to vouch for it first.** {}", inline(reasons, room.text))
        case "held":
            rule = write(" Rule: {}.", inline(case.plan.rule, room.text)) if case.plan.rule else ""
            return write("**{}**{}", inline(case.plan.why, room.text), Markdown(rule))
        case "failed":
            return _failed(case, room)
        case "repaired":
            model = (
                "and the model stays as it is"
                if case.same_model
                else "and no prediction of the hold-out changes"
            )
            return write(
                "**The input is repaired, {}.** {}.",
                Markdown(model),
                inline(_message(case), room.text),
            )
        case "equivalent" | "invalid":
            return write("**{}.**", inline(_message(case), room.text))
        case "not_enough_data":
            return _too_little(case, room)
        case "reject":
            return _rejected(case, room)
        case "halted":
            return _halted(case, room)
        case "promote":
            return _better(case, room)
        case "stale" | "retraining":
            return _under_way(case, room)


def checks_passed(case: Case) -> Markdown:
    """Return `All 8 checks pass` or `7 of 8 checks pass`; what was too small to ask is apart."""
    checks = [check for check in case.checks if not too_small(check)]
    passed = sum(check.result == "pass" for check in checks)
    asked = [found for found in case.guardrails if found.mode == "block"]
    if passed == len(checks):
        if asked and not any(found.stops for found in asked):
            return write("All {} and {} pass", plural(passed, "check"), counted(case))
        said = write("All {} pass", plural(passed, "check")) if passed > 1 else None
        said = said or Markdown("It passes")
    else:
        said = write("{} of {} pass", passed, plural(len(checks), "check"))
    return write("{}; {} hold", said, counted(case)) if asked else said


def _message(case: Case) -> str:
    return case.verdict.message.rstrip(".") if case.verdict else ""


def _numbers(case: Case, check: Check) -> Markdown:
    """Return `27.3 → 10.9 minutes (−16.4, at worst −12.1)`."""
    change = Markdown("≈ unchanged") if within_noise(check) else case.change_of(check.gain)
    return write(
        "{} → {} ({}{})",
        case.loss_of(check.production),
        case.with_unit(case.loss_of(check.candidate)),
        change,
        write(", at worst {}", case.change_of(check.gain_lower))
        if check.gain_lower is not None
        else "",
    )


def _better(case: Case, room: Room) -> Markdown:
    if not case.checks:
        return write("**{}.**", inline(_message(case), room.text))
    check = case.checks[0]
    return write(
        "**{} {}: {}**{}. {}.",
        case.loss,
        case.scope_of(check, room.name),
        _numbers(case, check),
        _on(case, check),
        checks_passed(case),
    )


def _on(case: Case, check: Check) -> Markdown:
    """Say on which days, and whether they are new to both models."""
    judged = case.judgement.holdout if case.judgement else None
    if not judged:
        return Markdown("")
    unseen = max(judged.production_seen_until, judged.candidate_seen_until) <= judged.start
    return write(
        " on {}{} ({} to {}, {})",
        plural(check.days, "day"),
        Markdown(" neither model has seen") if unseen else "",
        judged.start,
        judged.end,
        plural(check.rows, "row"),
    )


def _rejected(case: Case, room: Room) -> Markdown:
    failing = [c for c in case.checks if c.required and c.result == "fail"]
    if not failing or failing[0].production is None:
        passed = write(" {}.", checks_passed(case)) if case.checks else ""
        return write("**{}.**{}", inline(_message(case), room.text), passed)
    check = failing[0]
    if check.asks == "restored":
        return _not_restored(case, check, room)
    if check.family == "harm_alarm":
        return _harmed(case, check, room)
    alerted = next((c for c in case.checks if c.name == ALERTED and c is not check), None)
    return write(
        "**{} {}: {}, must be < {}.**{} {}{}.",
        case.loss,
        case.scope_of(check, room.name),
        _numbers(case, check),
        case.change_of(check.limit),
        write(" The alerted slice: {}.", _numbers(case, alerted)) if alerted else "",
        checks_passed(case),
        _on(case, check),
    )


def _not_restored(case: Case, check: Check, room: Room) -> Markdown:
    """Say how far the slice is from what the alert's reference window had."""
    usual = (
        write(", from {} in the reference window", case.loss_of(check.reference))
        if check.reference is not None
        else ""
    )
    return write(
        "**Not restored {}: {} → {}, must be ≤ {}{}.** {}{}.",
        case.scope_of(check, room.name),
        case.loss_of(check.production),
        case.with_unit(case.loss_of(check.candidate)),
        case.loss_of(allowed_loss(check)),
        usual,
        checks_passed(case),
        _on(case, check),
    )


def _harmed(case: Case, check: Check, room: Room) -> Markdown:
    """Say which watched slice gets worse, surely enough although many were watched."""
    alarms = sum(c.family == "harm_alarm" for c in case.checks)
    alerted = next((c for c in case.checks if c.name == ALERTED and c.family == "gate"), None)
    return write(
        "**Harm {}: {}, shown beyond {} (p = {}, corrected for {}).**{} {}{}.",
        case.scope_of(check, room.name),
        _numbers(case, check),
        case.change_of(check.limit),
        chance(check.p_adjusted),
        plural(alarms, "watched slice"),
        write(" The alerted slice: {}.", _numbers(case, alerted)) if alerted else "",
        checks_passed(case),
        _on(case, check),
    )


def _halted(case: Case, room: Room) -> Markdown:
    """Say which guardrail ended the run, with its numbers, and where the evidence lies."""
    found = next((g for g in case.guardrails if g.name == case.halted_by), None)
    message = write(": {}", inline(found.message.rstrip("."), room.text)) if found else ""
    back = "It was not put back" if case.kept else "Everything was put back"
    return write(
        "**Halted: the guardrail “{}” is broken{}.** {}; root cause: [incident][incident].",
        inline(case.halted_by, room.name * 2),
        Markdown(message),
        Markdown(back),
    )


def _too_little(case: Case, room: Room) -> Markdown:
    short = [c for c in case.checks if c.required and c.result == "not_enough_data"]
    used = case.judgement.holdout if case.judgement else None
    used_up = used is not None and used.candidate_number > used.candidates_allowed
    if not short or used_up or short[0].asks == "restored":
        return write("**{}.**", inline(_message(case), room.text))
    check = short[0]
    shows = (
        write(
            " A change of less than {} would not show.",
            case.with_unit(case.loss_of(check.detectable)),
        )
        if check.detectable is not None
        else ""
    )
    return write(
        "**Too little data to tell {}: {} on {}.**{} Wait for more labelled days, or close this.",
        case.scope_of(check, room.name),
        plural(check.rows, "row"),
        plural(check.days, "day"),
        shows,
    )


def _failed(case: Case, room: Room) -> Markdown:
    receipt = next(r for r in case.receipts.values() if r.outcome == "failed")
    exited = "" if receipt.exit_code is None else write(" with exit code {}", receipt.exit_code)
    log = write(" Log: {}.", code(receipt.log, room.text)) if receipt.log else ""
    return write(
        "**{} failed{} after {}**: {}.{}",
        code(receipt.stage, room.name),
        exited,
        duration(receipt.wall_seconds),
        inline(receipt.because, room.text),
        log,
    )


def _under_way(case: Case, room: Room) -> Markdown:
    if case.verdict:
        return write("**Before:** {}.", inline(_message(case), room.text))
    if case.tier is None:
        return Markdown("**Planned; nothing was run yet.**")
    done = "has run and waits for the gate" if case.run else "is planned"
    return write(
        "**Tier {} {}:** {}.",
        code(case.tier.tier, room.name),
        done,
        inline(case.tier.message.rstrip("."), room.text),
    )
