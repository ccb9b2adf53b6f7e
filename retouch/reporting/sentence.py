"""The one sentence with the number, and what is still needed of a person."""

from __future__ import annotations

from retouch.reporting.case import ALERTED, Case, within_noise
from retouch.reporting.escape import Markdown, code, inline, write
from retouch.reporting.numbers import duration, plural
from retouch.reporting.room import Room
from retouch.validation.model import Check


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
                inline(_says(case), room.text),
            )
        case "equivalent" | "invalid":
            return write("**{}.**", inline(_says(case), room.text))
        case "not_enough_data":
            return _too_little(case, room)
        case "reject":
            return _rejected(case, room)
        case "promote":
            return _better(case, room)
        case "stale" | "retraining":
            return _under_way(case, room)


def checks_passed(case: Case) -> Markdown:
    """Return `All 8 checks pass` or `7 of 8 checks pass`."""
    passed = sum(check.result == "pass" for check in case.checks)
    if passed == len(case.checks):
        return (
            write("All {} pass", plural(passed, "check")) if passed > 1 else Markdown("It passes")
        )
    return write("{} of {} pass", passed, plural(len(case.checks), "check"))


def _says(case: Case) -> str:
    return case.verdict.says.rstrip(".") if case.verdict else ""


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
        return write("**{}.**", inline(_says(case), room.text))
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
        return write("**{}.**", inline(_says(case), room.text))
    check = failing[0]
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


def _too_little(case: Case, room: Room) -> Markdown:
    short = [c for c in case.checks if c.required and c.result == "not_enough_data"]
    if not short:
        return write("**{}.**", inline(_says(case), room.text))
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
        return write("**Before:** {}.", inline(_says(case), room.text))
    if case.tier is None:
        return Markdown("**Planned; nothing was run yet.**")
    done = "has run and waits for the gate" if case.run else "is planned"
    return write(
        "**Tier {} {}:** {}.",
        code(case.tier.tier, room.name),
        done,
        inline(case.tier.says.rstrip("."), room.text),
    )
