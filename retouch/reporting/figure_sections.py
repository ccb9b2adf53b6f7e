"""The evidence to look at: the sections that hold a figure, with its numbers beside it."""

from __future__ import annotations

from collections.abc import Collection
from statistics import median

from retouch.gate.model import Calibration, CalibrationOf, ReliabilityBin
from retouch.reporting.case import Case
from retouch.reporting.escape import Markdown, code, inline, write
from retouch.reporting.figures import CALIBRATION, DRIFT, LOSS_BY_DAY
from retouch.reporting.figures.calibration import calibrated, reliable
from retouch.reporting.figures.drift import drift_days
from retouch.reporting.figures.loss_by_day import days_of
from retouch.reporting.layout import Room
from retouch.reporting.numbers import UNKNOWN, plural, share, significant
from retouch.reporting.section import Section
from retouch.reporting.table import Table, table

MOST_SLICES = 30


def picture(about: Markdown, name: str) -> Markdown:
    """Return the picture of a figure; its link stands at the end of the report."""
    return write("![{}][{}]", about, Markdown(name.removesuffix(".svg")))


def by_day(case: Case, figures: Collection[str]) -> Section | None:
    """Return both models day by day."""
    if case.judgement is None or LOSS_BY_DAY not in figures:
        return None
    days = days_of(case.judgement)
    better = sum(day.candidate < day.production for day in days)
    return Section(
        name="By day",
        about=write("the candidate is better on {} of {}", better, plural(len(days), "day")),
        blocks=(picture(write("{} by day, production against candidate", case.loss), LOSS_BY_DAY),),
        files=("verdict",),
        opened=True,
    )


def drift(case: Case, figures: Collection[str]) -> Section | None:
    """Return how the alerted column moved."""
    if case.verdict is None or case.verdict.drift is None or DRIFT not in figures:
        return None
    found = case.verdict.drift
    before, after = (drift_days(days) for days in (found.reference, found.current))
    now = significant(median(day.median for day in after), 4)
    usual = write("{} → ", significant(median(day.median for day in before), 4)) if before else ""
    return Section(
        name="Drift",
        about=write("{}: daily median {}{}", inline(found.column, 60), usual, now),
        blocks=(
            picture(Markdown("The alerted column day by day, as its median and band"), DRIFT),
            write(
                "Column {}, {}: {} of the window of the alert, {} of its reference window; the"
                " median over each window of its days' medians.",
                code(found.column),
                inline(found.where or "all rows"),
                plural(len(after), "day"),
                plural(len(before), "day"),
            ),
        ),
        files=("verdict",),
    )


def calibration(case: Case, figures: Collection[str], room: Room) -> Section | None:
    """Return whether the models know how sure they are."""
    if case.judgement is None or CALIBRATION not in figures:
        return None
    bins, slices = reliable(case.judgement), calibrated(case.judgement)
    shown = picture(Markdown("Calibration of production and candidate"), CALIBRATION)
    about = _distance(bins) if bins else _bias(case, slices[0])
    blocks = (shown, _by_slice(slices, room)) if slices else (shown,)
    return Section(name="Calibration", about=about, blocks=blocks, files=("verdict",))


def _bias(case: Case, first: Calibration) -> Markdown:
    covers = ""
    if first.production.coverage is not None and first.candidate.coverage is not None:
        ends = (share(of.coverage) for of in (first.production, first.candidate))
        covers = write(", coverage {} → {}", *ends)
    return write(
        "bias {} → {} on {}{}",
        significant(first.production.bias),
        case.with_unit(significant(first.candidate.bias)),
        inline(first.where, 60),
        covers,
    )


def _distance(bins: list[ReliabilityBin]) -> Markdown:
    """Return how far the labels lie from the probabilities, weighted by rows."""
    off = []
    for model in ("production", "candidate"):
        mine = [one for one in bins if one.model == model]
        rows = sum(one.rows for one in mine)
        gaps = sum(one.rows * abs(one.mean_score - one.mean_label) for one in mine)
        off.append(significant(gaps / rows) if rows else UNKNOWN)
    return write("labels are {} → {} from the probabilities, on average", *off)


def _by_slice(slices: list[Calibration], room: Room) -> Table:
    rows: list[tuple[object, ...]] = [
        (
            code(of.where, room.name) if of.where != "all rows" else Markdown("All rows"),
            f"{of.rows:,}",
            significant(of.production.bias),
            write("**{}**", significant(of.candidate.bias)),
            _coverage(of.production),
            _coverage(of.candidate),
        )
        for of in slices[:MOST_SLICES]
    ]
    if len(slices) > MOST_SLICES:
        more = plural(len(slices) - MOST_SLICES, "more slice")
        rows.append((more, *[UNKNOWN] * 5))
    return table(
        ["Slice", "Rows>", "Bias>", "**Bias of the candidate**>", "Coverage>",
         "**Coverage of the candidate**>"],
        rows,
    )  # fmt: skip


def _coverage(of: CalibrationOf) -> Markdown:
    """Return `83.1 % (79.8 % to 86 %)`."""
    if of.coverage is None or of.coverage_lower is None or of.coverage_upper is None:
        return share(of.coverage)
    ends = (share(of.coverage_lower), share(of.coverage_upper))
    return write("{} ({} to {})", share(of.coverage), *ends)
