"""The checks of the gate as tables: six rows for the first screen, all of them below."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.reporting.case import ALERTED, OVERALL, Case, close_to_limit, within_noise
from retouch.reporting.escape import Markdown, inline, write
from retouch.reporting.numbers import SPACE, UNKNOWN, plural
from retouch.reporting.room import Room
from retouch.reporting.table import Table, table
from retouch.validation.model import Check

FIRST = "Production>, **Candidate**>, Change>, Gate"
ALL = (
    "Check, Rows>, Days>, Production>, **Candidate**>, Change>, At worst>, Limit>, Would show>,"
    " Result"
)


def shown_first(case: Case, room: Room) -> list[Check]:
    """Return the checks the first screen has a row for, what decides first."""
    rows = min(room.rows, 3) if case.moved else room.rows
    checks = sorted(case.checks, key=_weight)
    return checks if len(checks) <= rows else checks[: rows - 1]


def first_checks(case: Case, room: Room) -> Table | None:
    """Return the checks that decide in at most six rows; the last row sums up the others."""
    if not case.checks:
        return None
    shown = shown_first(case, room)
    others = [check for check in case.checks if check not in shown]
    unit = write(", {}", inline(case.unit, 16)) if case.unit else ""
    return table(
        [write("{}{}", case.loss, unit), *FIRST.split(", ")],
        [_row(case, check, room.name) for check in shown] + ([_sum_up(others)] if others else []),
    )


def all_checks(case: Case, room: Room) -> Table:
    """Return every check with its evidence and its limit."""
    return table(
        ALL.split(", "),
        [
            (
                case.name_of(check, room.name),
                f"{check.rows:,}",
                f"{check.days:,}",
                case.loss_of(check.production),
                _bold(case.loss_of(check.candidate)),
                _change(case, check),
                case.change_of(check.gain_lower),
                case.change_of(check.limit),
                case.loss_of(check.detectable),
                _result(check),
            )
            for check in sorted(case.checks, key=_weight)
        ],
    )


def _row(case: Case, check: Check, name: int) -> Sequence[object]:
    return (
        case.name_of(check, name),
        case.loss_of(check.production),
        _bold(case.loss_of(check.candidate)),
        _change(case, check),
        _gate(case, check),
    )


def _bold(text: Markdown) -> Markdown:
    return text if text == UNKNOWN else write("**{}**", text)


def _change(case: Case, check: Check) -> Markdown:
    if check.gain is None:
        return UNKNOWN
    if check.result == "not_enough_data":
        return write("{}, unsure", case.change_of(check.gain))
    if within_noise(check):
        return Markdown(f"≈{SPACE}unchanged")
    arrow = "▼" if check.gain > 0 else "▲" if check.gain < 0 else ""
    return Markdown(f"{case.change_of(check.gain)}{SPACE}{arrow}".rstrip())


def _gate(case: Case, check: Check) -> Markdown:
    """Return the check's limit and how near the bound came, in one cell."""
    if check.result == "not_enough_data":
        return write(
            "{} too little data: {}, {}",
            _emoji(check),
            plural(check.rows, "row"),
            plural(check.days, "day"),
        )
    if check.gain_lower is None:
        return write("{} no number", _emoji(check))
    return write(
        "{} at worst {} ({}limit {})",
        _emoji(check),
        case.change_of(check.gain_lower),
        Markdown("close to its ") if close_to_limit(check) else "",
        case.change_of(check.limit),
    )


def _emoji(check: Check) -> Markdown:
    if check.result == "pass":
        return Markdown("⚠️" if close_to_limit(check) else "✅")
    if not check.required:
        return Markdown("⚪")
    return Markdown("❌" if check.result == "fail" else "⚠️")


def _result(check: Check) -> Markdown:
    words = {"pass": "pass", "fail": "fail", "not_enough_data": "not enough data"}[check.result]
    close = ", close" if close_to_limit(check) else ""
    optional = "" if check.required else " (not required)"
    return Markdown(f"{_emoji(check)} {words}{close}{optional}")


def _weight(check: Check) -> tuple[int, float]:
    """Sort by what a reviewer must see: the alerted slice, overall, what failed, what is close."""
    if check.name in (ALERTED, OVERALL):
        return (0, float(check.name != ALERTED))
    failed = check.result != "pass"
    rank = 1 if failed and check.required else 2 if close_to_limit(check) else 3 if failed else 4
    return (rank, check.gain_lower - check.limit if check.gain_lower is not None else -1e300)


def _sum_up(checks: Sequence[Check]) -> Sequence[object]:
    failed = sum(c.result != "pass" and c.required for c in checks)
    optional = sum(c.result != "pass" and not c.required for c in checks)
    close = sum(close_to_limit(c) for c in checks)
    emoji, says = "✅", "all pass"
    if failed:
        emoji, says = "❌", f"{failed} fail"
    elif close:
        emoji, says = "⚠️", f"all pass, {close} close"
    elif optional:
        emoji, says = "⚪", f"{optional} not required and not passed"
    label = write("{}, below", plural(len(checks), "more slice"))
    return (label, UNKNOWN, UNKNOWN, UNKNOWN, Markdown(f"{emoji} {says}"))
