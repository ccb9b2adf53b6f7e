"""The Shadow part of a report: how far the candidate departs from production on new rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retouch.gate.holdout import is_day
from retouch.gate.shadow_model import Shadow, ShadowDay, Shift, days_of, share_of, tolerance_of
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.numbers import SPACE, UNKNOWN, number, plural, signed
from retouch.reporting.table import Table, table

SLICES_SHOWN = 12
DAYS_SHOWN = 31
_SLICES = "Where, Rows>, Days>, Production>, **Candidate**>, Shift>, Lowest>, Highest>, "
_SLICES += "10" + SPACE + "%>, 50" + SPACE + "%>, 90" + SPACE + "%>"
_DAYS = "Day, Rows>, Production>, **Candidate**>, Apart>, Beyond>"


def shadow_about(shadow: Shadow) -> Markdown:
    """Return what goes on after the section's name."""
    if shadow.overall is None:
        return Markdown("the score tables cannot be compared")
    return write(
        "{} without labels, {}", plural(shadow.overall.rows, "row"), Markdown(days_of(shadow))
    )


def shadow_blocks(shadow: Shadow) -> tuple[Markdown | Table, ...]:
    """Return what the section shows: the sentence, the slices, the days, and how to read them."""
    blocks: list[Markdown | Table] = [inline(shadow.message)]
    if shadow.overall is not None:
        blocks += [_shifts(shadow, shadow.overall), *_more(shadow), _by_day(shadow), _read(shadow)]
    return (*blocks, _models(shadow))


def _shifts(shadow: Shadow, overall: Shift) -> Table:
    shown = [overall, *shadow.slices[:SLICES_SHOWN]]
    return table(_SLICES.split(", "), [_row(shift, shadow.decimals) for shift in shown])


def _row(shift: Shift, decimals: int) -> Sequence[object]:
    old, new = shift.production, shift.candidate
    moved = ((old.low, new.low), (old.median, new.median), (old.high, new.high))
    return (
        code(shift.where),
        f"{shift.rows:,}",
        f"{shift.days:,}",
        number(old.mean, decimals),
        write("**{}**", number(new.mean, decimals)),
        signed(shift.mean, decimals),
        signed(shift.lower, decimals),
        signed(shift.upper, decimals),
        *(signed(after - before, decimals) for before, after in moved),
    )


def _more(shadow: Shadow) -> Iterable[Markdown]:
    """Yield what the table leaves out."""
    left_out = []
    if len(shadow.slices) > SLICES_SHOWN:
        left_out.append(
            write("{} in the file", plural(len(shadow.slices) - SLICES_SHOWN, "more slice"))
        )
    if shadow.too_small:
        left_out.append(
            write(
                "{} with fewer than {}",
                plural(shadow.too_small, "slice"),
                plural(shadow.min_rows, "row"),
            )
        )
    if shadow.not_in_table:
        missing = join(", ", map(code, shadow.not_in_table[:12]))
        left_out.append(write("the score tables have no {}", missing))
    if left_out:
        yield write("Not shown: {}.", join("; ", left_out))


def _by_day(shadow: Shadow) -> Table:
    """Return the newest days, oldest first."""

    def row(day: ShadowDay) -> Sequence[object]:
        return (
            day.day,
            f"{day.rows:,}",
            number(day.production, shadow.decimals),
            write("**{}**", number(day.candidate, shadow.decimals)),
            number(day.difference, shadow.decimals),
            Markdown(share_of(day.differing)),
        )

    return table(_DAYS.split(", "), map(row, shadow.days[-DAYS_SHOWN:]))


def _read(shadow: Shadow) -> Markdown:
    older = max(0, len(shadow.days) - DAYS_SHOWN)
    return write(
        "No label has come for these rows: this says how far the models are apart, not which is"
        " right. *Shift* is candidate minus production; *lowest* and *highest* are its one-sided"
        " bounds by whole days ({} % each), the last columns the shift of the scores' quantiles."
        " *Apart* is the mean distance of the two scores of a row, {} at the most; *beyond* the"
        " share of rows with more than {}.{}",
        f"{100 * shadow.confidence:g}",
        number(shadow.largest, shadow.decimals),
        inline(tolerance_of(shadow)),
        write(" {} in the file.", plural(older, "earlier day")) if older else "",
    )


def _models(shadow: Shadow) -> Markdown:
    """Return which models these are, and whether the rows were new to them."""
    told = [
        write(
            "{} {}, which has looked at data up to {}",
            Markdown(name),
            code(model[:10]),
            UNKNOWN if seen is None else inline(seen, 20),
        )
        for name, model, seen in (
            ("production", shadow.production_model, shadow.production_seen_until),
            ("candidate", shadow.candidate_model, shadow.candidate_seen_until),
        )
    ]
    seen = shadow.candidate_seen_until or ""
    known = is_day(seen) and seen > shadow.start
    note = Markdown(" Some of these rows are not new to the candidate.") if known else ""
    return write("Models: {}.{}", join("; ", told), note)
