"""What is folded away below the first screen, each part with the file its numbers come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from retouch.alerts.words import AlertSummary
from retouch.reporting.attempts import attempts_table
from retouch.reporting.case import Case
from retouch.reporting.checks import all_checks
from retouch.reporting.cost import forecast_in_words
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.numbers import moment, plural
from retouch.reporting.provenance import provenance_table
from retouch.reporting.room import Room
from retouch.reporting.sentence import checks_passed
from retouch.reporting.stages import counts, edits_table, stages_table
from retouch.reporting.table import Table
from retouch.reporting.warnings import warnings_of

ROOM = Room(name=80, text=300, rows=6, names=12)
ALERTS_SHOWN = 5
FINDINGS_SHOWN = 10


@dataclass(frozen=True)
class Section:
    """A part that opens on a click."""

    name: str
    about: Markdown
    """Goes on after the name. HTML, not Markdown: GitHub reads a summary so."""
    blocks: tuple[Markdown | Table, ...]
    files: tuple[str, ...]
    """The documents its numbers come from."""
    opened: bool = False


@dataclass(frozen=True)
class Detail:
    """How much of the long parts is written; a report too long loses them in R12's order."""

    provenance: bool = True
    alert: bool = True
    checks: bool = True
    stages: int = 1000


DETAILS = (
    Detail(),
    Detail(provenance=False),
    Detail(provenance=False, alert=False),
    Detail(provenance=False, alert=False, checks=False),
    Detail(provenance=False, alert=False, checks=False, stages=200),
    Detail(provenance=False, alert=False, checks=False, stages=50),
    Detail(provenance=False, alert=False, checks=False, stages=10),
)


def sections(case: Case, detail: Detail, *, figure: bool) -> tuple[Section, ...]:
    """Return the parts there is something to say in, in the order they are wanted."""
    parts = [
        _by_day(case) if figure else None,
        _warnings(case),
        _plan(case, detail.stages),
        _checks(case) if detail.checks else None,
        _attempts(case),
        _alert(case) if detail.alert else None,
        _provenance(case) if detail.provenance else None,
    ]
    return tuple(part for part in parts if part)


def _by_day(case: Case) -> Section | None:
    days = case.judgement.days if case.judgement else ()
    if not days:
        return None
    better = sum(day.candidate < day.production for day in days)
    return Section(
        name="By day",
        about=write("the candidate is better on {} of {}", better, plural(len(days), "day")),
        blocks=(
            write(
                "![{} by day, production against candidate][figure]",
                case.loss,
            ),
        ),
        files=("verdict",),
        opened=True,
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
    tier = case.tier
    if tier is None:
        return None
    return Section(
        name="Plan",
        about=write("{}, and why", counts(tier)),
        blocks=(
            write("Tier {}: {}.", code(tier.tier), inline(tier.says.rstrip("."))),
            edits_table(tier.edits),
            stages_table(tier, case.receipts, most),
            forecast_in_words(tier.forecast),
        ),
        files=("plan", *(("run",) if case.run else ())),
    )


def _checks(case: Case) -> Section | None:
    if not case.checks:
        return None
    return Section(
        name="Checks",
        about=write("{}, slice by slice", checks_passed(case)),
        blocks=(
            all_checks(case, ROOM),
            Markdown(
                "Change is candidate minus production: below 0 the candidate is better. *At worst*"
                " is its one-sided bound by whole days. In the file both stand as gains, with the"
                " sign turned. *Would show* is the smallest change these rows would show with"
                " 80 % power."
            ),
        ),
        files=("verdict",),
    )


def _attempts(case: Case) -> Section | None:
    if not case.run or not case.run.attempts:
        return None
    tried = len(case.run.attempts)
    left = [tier.tier for tier in case.plan.tiers[tried:]]
    rest = write("Not tried: {}.", join(", ", map(code, left[:10]))) if left else None
    return Section(
        name="Attempts",
        about=write("{} of {} tried", tried, plural(len(case.plan.tiers), "tier")),
        blocks=(attempts_table(case), *((rest,) if rest else ())),
        files=("run", *(("verdict",) if case.verdict else ())),
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
