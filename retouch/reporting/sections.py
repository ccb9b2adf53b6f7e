"""What is folded away below the first screen, each part with the file its numbers come from."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from retouch.alerts.words import AlertSummary
from retouch.gate.shadow_model import Shadow
from retouch.reporting.attempts import attempts_table
from retouch.reporting.case import Case
from retouch.reporting.checks import all_checks, harm_alarms
from retouch.reporting.cost import forecast_in_words
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.figure_sections import by_day, calibration, drift, picture
from retouch.reporting.figures import SLICES
from retouch.reporting.guardrails import guardrails_section
from retouch.reporting.layout import Room
from retouch.reporting.notes import overridden_in_words
from retouch.reporting.numbers import moment, plural, share
from retouch.reporting.provenance import provenance_table
from retouch.reporting.section import Section
from retouch.reporting.sentence import checks_passed
from retouch.reporting.shadow import shadow_about, shadow_blocks
from retouch.reporting.stages import counts, edits_table, stages_table
from retouch.reporting.table import Table
from retouch.reporting.value import skipped_block, worth_blocks
from retouch.reporting.warnings import warnings_of

__all__ = ["DETAILS", "Detail", "Section", "sections"]

ROOM = Room(name=80, text=300, rows=6, names=12)
_WHOLE = replace(ROOM, text=500)
ALERTS_SHOWN = 5
FINDINGS_SHOWN = 10


@dataclass(frozen=True)
class Detail:
    """How much of the long parts is written; a report too long loses them in R12's order."""

    provenance: bool = True
    alert: bool = True
    drift: bool = True
    """How the data moved, and what `retouch shadow` found."""
    checks: bool = True
    """The slices: checks and calibration. Their figure stays."""
    guardrails: bool = True
    stages: int = 1000


_SHORT = Detail(provenance=False, alert=False, drift=False, checks=False)
DETAILS = (
    Detail(),
    Detail(provenance=False),
    Detail(provenance=False, alert=False),
    Detail(provenance=False, alert=False, drift=False),
    _SHORT,
    replace(_SHORT, stages=200),
    replace(_SHORT, stages=50),
    replace(_SHORT, stages=10, guardrails=False),
)


def sections(
    case: Case, detail: Detail, *, figures: Collection[str], shadow: Shadow | None = None
) -> tuple[Section, ...]:
    """Return the parts there is something to say in, in the order they are wanted."""
    parts = [
        by_day(case, figures),
        _overridden(case),
        _warnings(case),
        _plan(case, detail.stages),
        _checks(case, figures, whole=detail.checks),
        guardrails_section(case, ROOM) if detail.guardrails else None,
        calibration(case, figures, ROOM) if detail.checks else None,
        _attempts(case),
        _shadow(shadow) if shadow and detail.drift else None,
        drift(case, figures) if detail.drift else None,
        _alert(case) if detail.alert else None,
        _provenance(case) if detail.provenance else None,
    ]
    return tuple(part for part in parts if part)


def _overridden(case: Case) -> Section | None:
    """Return all overrides with their whole reasons."""
    if not case.overridden:
        return None
    listed = [write("- {}", overridden_in_words(one, _WHOLE)) for one in case.overridden]
    return Section(
        name="Overridden",
        about=write(
            "{}, and why",
            plural(len(listed), "check that did not hold", "checks that did not hold"),
        ),
        blocks=(join("\n", listed),),
        files=("verdict",),
    )


def _warnings(case: Case) -> Section | None:
    warnings = warnings_of(case, ROOM)
    if len(warnings) < 2:
        return None
    listed = [write("- {}", warning) for warning in warnings[:20]]
    if len(warnings) > 20:
        listed.append(write("- {}", plural(len(warnings) - 20, "more", "more")))
    return Section(
        name="Warnings",
        about=write(
            "{}, none of them blocking", plural(len(warnings), "thing to know", "things to know")
        ),
        blocks=(join("\n", listed),),
        files=("plan", *(("verdict",) if case.verdict else ())),
    )


def _plan(case: Case, most: int) -> Section | None:
    tier, worth = case.tier, worth_blocks(case.plan)
    skipped = () if case.run else skipped_block(case.plan)
    if tier is None:
        if not (worth or skipped):
            return None
        about = Markdown("nothing is run, and why")
        return Section(name="Plan", about=about, blocks=(*worth, *skipped), files=("plan",))
    return Section(
        name="Plan",
        about=write("{}, and why", counts(tier)),
        blocks=(
            write("Tier {}: {}.", code(tier.tier), inline(tier.message.rstrip("."))),
            edits_table(tier.edits),
            stages_table(tier, case.receipts, most),
            forecast_in_words(tier.forecast),
            *worth,
            *skipped,
        ),
        files=("plan", *(("run",) if case.run else ())),
    )


def _checks(case: Case, figures: Collection[str], *, whole: bool) -> Section | None:
    if not case.checks:
        return None
    seen = (picture(Markdown("The change slice by slice, with its interval"), SLICES),)
    blocks: tuple[Markdown | Table, ...] = seen if SLICES in figures else ()
    if whole:
        blocks += (all_checks(case, ROOM), _how_to_read(case), *_alarms(case))
    if not blocks:
        return None
    about = write("{}, slice by slice", checks_passed(case))
    return Section(name="Checks", about=about, blocks=blocks, files=("verdict",))


def _how_to_read(case: Case) -> Markdown:
    """Say what the columns of the checks mean, and how often the hold-out was asked."""
    used = case.judgement.holdout if case.judgement else None
    bound = (
        write(" Each bound holds with {} confidence.", share(used.confidence))
        if used and used.confidence is not None
        else ""
    )
    q_values = any(check.q_value is not None for check in case.checks)
    return write(
        "Change is candidate minus production: below 0 the candidate is better. *At worst*"
        " is its one-sided bound by whole days. In the file both stand as gains, with the"
        " sign turned. *Would show* is the smallest change these rows would show with"
        " 80 % power.{}{}",
        bound,
        Markdown(" *q* is Benjamini and Hochberg's: shown, it decides nothing.")
        if q_values
        else "",
    )


def _alarms(case: Case) -> Iterator[Markdown | Table]:
    alarms = harm_alarms(case, ROOM)
    if alarms is not None:
        yield alarms
        yield Markdown(
            "A harm alarm passes unless harm beyond its limit is shown: *p of harm*, *corrected*"
            " by Holm for the number of alarms."
        )


def _attempts(case: Case) -> Section | None:
    if not case.run or not case.run.attempts:
        return None
    tried = len(case.run.attempts)
    left = [tier.tier for tier in case.plan.tiers[tried:]]
    said: list[Markdown] = []
    if case.run.stopped:
        said.append(write("Stopped: {}.", inline(case.run.stopped.rstrip("."))))
    if left:
        said.append(write("Not tried: {}.", join(", ", map(code, left[:10]))))
    return Section(
        name="Attempts",
        about=write("{} of {} tried", tried, plural(len(case.plan.tiers), "tier")),
        blocks=(attempts_table(case), *said, *skipped_block(case.plan)),
        files=("run", *(("verdict",) if case.verdict else ()), *_plan_file(case)),
    )


def _plan_file(case: Case) -> tuple[str, ...]:
    return ("plan",) if case.plan.skipped else ()


def _shadow(shadow: Shadow) -> Section:
    return Section(
        name="Shadow",
        about=shadow_about(shadow),
        blocks=shadow_blocks(shadow),
        files=("shadow",),
    )


def _alert(case: Case) -> Section:
    alerts = case.plan.alerts
    blocks = [block for alert in alerts[:ALERTS_SHOWN] for block in _told(alert)]
    if len(alerts) > ALERTS_SHOWN:
        blocks.append(write("And {}.", plural(len(alerts) - ALERTS_SHOWN, "more alert")))
    return Section(
        name="Alert",
        about=Markdown("what the monitor said, in its own words"),
        blocks=tuple(blocks),
        files=("plan",),
    )


def _told(alert: AlertSummary) -> Iterator[Markdown]:
    """Yield who said it and when, of which data, the findings, and the free text."""
    columns = write(", columns {}", join(", ", map(code, alert.columns[:12])))
    where = write(", where {}", join(" and ", map(code, alert.where[:12])))
    window = write(", {} (half-open)", inline(alert.window or "", 60))
    yield write(
        "**{}** ({}) from {} on {}, confidence {}. Dataset {}{}{}{}.",
        inline(alert.kind.replace("_", " "), 40),
        inline(alert.severity, 20),
        code(alert.monitor),
        moment(alert.emitted_at),
        inline(alert.confidence, 100),
        code(alert.dataset),
        columns if alert.columns else "",
        where if alert.where else "",
        window if alert.window else "",
    )
    found = [write("- {}", inline(finding)) for finding in alert.findings[:FINDINGS_SHOWN]]
    if len(alert.findings) > FINDINGS_SHOWN:
        found.append(write("- {}", plural(len(alert.findings) - FINDINGS_SHOWN, "more finding")))
    if found:
        yield join("\n", found)
    if alert.message:
        yield write("> {}", inline(alert.message, 1000))
    if alert.hypothesis:
        yield write("> Hypothesis: {}", inline(alert.hypothesis, 1000))


def _provenance(case: Case) -> Section:
    return Section(
        name="Provenance",
        about=Markdown("who, when, commits, data and models"),
        blocks=(provenance_table(case),),
        files=("plan", *(("run",) if case.run else ()), *(("verdict",) if case.verdict else ())),
    )
