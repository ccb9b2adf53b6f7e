"""The first screen: what a reviewer decides on, in at most twenty lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from retouch.gate.model import Check
from retouch.reporting.case import ALERTED, Case, allowed_loss, too_small, within_noise
from retouch.reporting.checks import first_screen_checks, first_screen_table
from retouch.reporting.cost import cost
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.guardrails import guardrail_count
from retouch.reporting.layout import CHARACTERS, LAYOUTS, LINES, Layout
from retouch.reporting.notes import (
    escalation,
    monitor_message,
    override_lines,
    stage_names,
    warnings_of,
    what_ran,
    why_now,
)
from retouch.reporting.numbers import duration, plural, probability
from retouch.reporting.template import Table, fill


@dataclass(frozen=True)
class FirstScreen:
    """The values of the first screen, in the order they are read."""

    heading: Markdown
    moved: Markdown | None
    sentence: Markdown
    merging: Markdown
    table: Table | None
    overridden: tuple[Markdown, ...]
    """Who overrode which check, and why: one line each."""
    notes: tuple[Markdown, ...]
    """Why now, what ran, what it cost, and at most one warning: one line each."""


def render_first_screen(case: Case, notices: Sequence[Markdown] = ()) -> Markdown:
    """Return the roomiest first screen that keeps to its budget; at the worst without its notes.

    `notices` come below the heading, before everything else.
    """
    marker = case.marker.as_markdown()
    for layout in LAYOUTS:
        text = fill("_first_screen.md.j2", marker=marker, screen=first_screen(case, layout))
        text = with_notices(text, notices)
        if len(text) < CHARACTERS and text.rstrip("\n").count("\n") < LINES:
            return Markdown(text)
    bare = replace(first_screen(case, LAYOUTS[-1]), notes=())
    bare = replace(bare, table=None) if notices else bare
    return Markdown(with_notices(fill("_first_screen.md.j2", marker=marker, screen=bare), notices))


def with_notices(text: str, notices: Sequence[Markdown]) -> str:
    """Put notices below the heading, which ends at the first empty line."""
    if not notices:
        return text
    head, gap, rest = text.partition("\n\n")
    return f"{head}{gap}{gap.join(notices)}{gap}{rest}"


def first_screen(case: Case, layout: Layout) -> FirstScreen:
    """Return the contents of a case's first screen."""
    status = case.status_text
    warnings = warnings_of(case, layout, first_screen_checks(case, layout))
    notes = [
        why_now(case, layout),
        monitor_message(case, layout),
        escalation(case, layout),
        what_ran(case, layout),
        cost(case, layout),
    ]
    if warnings and layout.warning:
        more = len(warnings) - 1
        notes.append(write("⚠️ {}{}", warnings[0], write(" ({} more below.)", more) if more else ""))
    return FirstScreen(
        heading=write(
            "{} Retouch {} — {}",
            Markdown(status.emoji),
            code(case.plan.model, layout.name),
            Markdown(case.message),
        ),
        moved=_moved(case, layout),
        sentence=sentence(case, layout),
        merging=_merging(case, layout),
        table=first_screen_table(case, layout),
        overridden=override_lines(case, layout),
        notes=tuple(note for note in notes if note),
    )


def _moved(case: Case, layout: Layout) -> Markdown | None:
    if not case.moved:
        return None
    return write(
        "`main` moved from {} to {}: {} will run again. The report below is for the old base.",
        code(case.plan.base_commit[:7]),
        code(case.moved.to_commit[:7]),
        stage_names(case.moved.stages, layout) or Markdown("the plan"),
    )


def _merging(case: Case, layout: Layout) -> Markdown:
    """Say what merging does and does not do."""
    changes = write("Merging commits the change to {} and `dvc.lock`", _files(case, layout))
    match case.status:
        case "promote":
            return write(
                "{}; {}.{}",
                changes,
                _after_merge(case),
                Markdown(" No code or policy changes.") if layout.scope else "",
            )
        case "repaired":
            return write("{}, which records the repair; {}.", changes, _model_after(case))
        case "equivalent" if case.kept:
            return write("{}; {}.", changes, _model_after(case))
        case "held":
            return Markdown(
                "Nothing was run. Merging records the alert and this report, and changes no model."
            )
        case "stale":
            return Markdown("Do not merge until the report is refreshed for the new base.")
        case "retraining":
            return Markdown("Nothing to merge yet: the verdict will appear here.")
        case _ if case.kept:
            return Markdown(
                "The candidate is still on this branch: merging would commit a model that did not"
                " pass."
            )
        case _:
            return Markdown(
                "All changes were rolled back: merging records this report and changes no model,"
                " data or parameter."
            )


def _model_after(case: Case) -> Markdown:
    if case.same_model:
        return Markdown("the model in production is unchanged")
    return _after_merge(case)


def _after_merge(case: Case) -> Markdown:
    if case.verdict is not None and case.verdict.on_merge == "canary":
        return Markdown("the merged model is a canary until the following days confirm it")
    return Markdown("the merged model goes to production")


def _files(case: Case, layout: Layout) -> Markdown:
    files = sorted({edit.file for edit in case.tier.edits}) if case.tier else []
    if len(files) > 2:
        return plural(len(files), "params file")
    return join(", ", [code(file, layout.name) for file in files]) or Markdown("the parameters")


def sentence(case: Case, layout: Layout) -> Markdown:
    """Return the result in one sentence, with the number that decides."""
    match case.status:
        case "held" if case.plan.unproven:
            reasons = " ".join(case.plan.unproven)
            return write("**Needs approval first.** {}", inline(reasons, layout.text))
        case "held":
            rule = (
                write(" Rule: {}.", inline(case.plan.rule, layout.text)) if case.plan.rule else ""
            )
            return write("**{}**{}", inline(case.plan.why, layout.text), Markdown(rule))
        case "failed":
            return _failed(case, layout)
        case "repaired":
            model = (
                "and the model is unchanged"
                if case.same_model
                else "and no prediction on the hold-out changes"
            )
            return write(
                "**The input is repaired {}.** {}.",
                Markdown(model),
                inline(_message(case), layout.text),
            )
        case "equivalent" | "invalid":
            return write("**{}.**", inline(_message(case), layout.text))
        case "not_enough_data":
            return _not_enough_data(case, layout)
        case "reject":
            return _rejected(case, layout)
        case "halted":
            return _halted(case, layout)
        case "promote":
            return _better(case, layout)
        case "stale" | "retraining":
            return _in_progress(case, layout)


def checks_passed(case: Case) -> Markdown:
    """Return `All 8 checks pass` or `7 of 8 checks pass`, without alarms that lack data."""
    checks = [check for check in case.checks if not too_small(check)]
    passed = sum(check.result == "pass" for check in checks)
    blocking = [guardrail for guardrail in case.guardrails if guardrail.mode == "block"]
    if passed == len(checks):
        if blocking and not any(guardrail.blocks for guardrail in blocking):
            return write("All {} and {} pass", plural(passed, "check"), guardrail_count(case))
        text = write("All {} pass", plural(passed, "check")) if passed > 1 else None
        text = text or Markdown("The check passes")
    else:
        text = write("{} of {} pass", passed, plural(len(checks), "check"))
    return write("{}; {} hold", text, guardrail_count(case)) if blocking else text


def _message(case: Case) -> str:
    return case.verdict.message.rstrip(".") if case.verdict else ""


def _numbers(case: Case, check: Check) -> Markdown:
    """Return `27.3 → 10.9 minutes (−16.4, at worst −12.1)`."""
    change = Markdown("≈ unchanged") if within_noise(check) else case.format_change(check.gain)
    return write(
        "{} → {} ({}{})",
        case.format_loss(check.production),
        case.with_unit(case.format_loss(check.candidate)),
        change,
        write(", at worst {}", case.format_change(check.gain_lower))
        if check.gain_lower is not None
        else "",
    )


def _better(case: Case, layout: Layout) -> Markdown:
    if not case.checks:
        return write("**{}.**", inline(_message(case), layout.text))
    check = case.checks[0]
    return write(
        "**{} {}: {}**{}. {}.",
        case.loss,
        case.check_scope(check, layout.name),
        _numbers(case, check),
        _on(case, check),
        checks_passed(case),
    )


def _on(case: Case, check: Check) -> Markdown:
    """Say on which days, and whether both models are new to them."""
    judged = case.judgement.holdout if case.judgement else None
    if not judged:
        return Markdown("")
    unseen = max(judged.production_seen_until, judged.candidate_seen_until) <= judged.start
    return write(
        " on {}{} ({} to {}, {})",
        plural(check.days, "day"),
        Markdown(" that neither model has seen") if unseen else "",
        judged.start,
        judged.end,
        plural(check.rows, "row"),
    )


def _rejected(case: Case, layout: Layout) -> Markdown:
    failing = [c for c in case.checks if c.required and c.result == "fail"]
    if not failing or failing[0].production is None:
        passed = write(" {}.", checks_passed(case)) if case.checks else ""
        return write("**{}.**{}", inline(_message(case), layout.text), passed)
    check = failing[0]
    if check.criterion == "restored":
        return _not_restored(case, check, layout)
    if check.family == "harm_alarm":
        return _harmed(case, check, layout)
    alerted = next((c for c in case.checks if c.name == ALERTED and c is not check), None)
    return write(
        "**{} {}: {}, must be < {}.**{} {}{}.",
        case.loss,
        case.check_scope(check, layout.name),
        _numbers(case, check),
        case.format_change(check.limit),
        write(" The alerted slice: {}.", _numbers(case, alerted)) if alerted else "",
        checks_passed(case),
        _on(case, check),
    )


def _not_restored(case: Case, check: Check, layout: Layout) -> Markdown:
    """Say how far the slice is from the level of the alert's reference window."""
    usual = (
        write(" (reference window: {})", case.format_loss(check.reference))
        if check.reference is not None
        else ""
    )
    return write(
        "**Not restored {}: {} → {}, must be ≤ {}{}.** {}{}.",
        case.check_scope(check, layout.name),
        case.format_loss(check.production),
        case.with_unit(case.format_loss(check.candidate)),
        case.format_loss(allowed_loss(check)),
        usual,
        checks_passed(case),
        _on(case, check),
    )


def _harmed(case: Case, check: Check, layout: Layout) -> Markdown:
    """Say which monitored slice gets worse, corrected for how many are monitored."""
    alarms = sum(c.family == "harm_alarm" for c in case.checks)
    alerted = next((c for c in case.checks if c.name == ALERTED and c.family == "gate"), None)
    return write(
        "**Harm {}: {}, significantly beyond {} (p = {}, corrected for {}).**{} {}{}.",
        case.check_scope(check, layout.name),
        _numbers(case, check),
        case.format_change(check.limit),
        probability(check.p_adjusted),
        plural(alarms, "monitored slice"),
        write(" The alerted slice: {}.", _numbers(case, alerted)) if alerted else "",
        checks_passed(case),
        _on(case, check),
    )


def _halted(case: Case, layout: Layout) -> Markdown:
    """Say which guardrail halted the run, with its numbers, and where the evidence is."""
    guardrail = next((g for g in case.guardrails if g.name == case.halted_by), None)
    message = write(": {}", inline(guardrail.message.rstrip("."), layout.text)) if guardrail else ""
    rolled_back = "It was not rolled back" if case.kept else "All changes were rolled back"
    return write(
        "**Halted by the guardrail “{}”{}.** {}. Root cause: [incident][incident].",
        inline(case.halted_by, layout.name * 2),
        Markdown(message),
        Markdown(rolled_back),
    )


def _not_enough_data(case: Case, layout: Layout) -> Markdown:
    short = [c for c in case.checks if c.required and c.result == "not_enough_data"]
    used = case.judgement.holdout if case.judgement else None
    used_up = used is not None and used.candidate_number > used.candidates_allowed
    if not short or used_up or short[0].criterion == "restored":
        return write("**{}.**", inline(_message(case), layout.text))
    check = short[0]
    shows = (
        write(
            " A change below {} would not be detectable.",
            case.with_unit(case.format_loss(check.detectable)),
        )
        if check.detectable is not None
        else ""
    )
    return write(
        "**Not enough data {}: {} on {}.**{} Wait for more labelled days, or close the pull"
        " request.",
        case.check_scope(check, layout.name),
        plural(check.rows, "row"),
        plural(check.days, "day"),
        shows,
    )


def _failed(case: Case, layout: Layout) -> Markdown:
    receipt = next(r for r in case.receipts.values() if r.outcome == "failed")
    exited = "" if receipt.exit_code is None else write(" with exit code {}", receipt.exit_code)
    log = write(" Log: {}.", code(receipt.log, layout.text)) if receipt.log else ""
    return write(
        "**{} failed{} after {}**: {}.{}",
        code(receipt.stage, layout.name),
        exited,
        duration(receipt.wall_seconds),
        inline(receipt.because, layout.text),
        log,
    )


def _in_progress(case: Case, layout: Layout) -> Markdown:
    if case.verdict:
        return write("**Previously:** {}.", inline(_message(case), layout.text))
    if case.tier is None:
        return Markdown("**Planned; nothing has run yet.**")
    done = "has run and awaits the gate" if case.run else "is planned"
    return write(
        "**Tier {} {}:** {}.",
        code(case.tier.tier, layout.name),
        done,
        inline(case.tier.message.rstrip("."), layout.text),
    )
