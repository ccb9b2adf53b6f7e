"""What the guardrails found: a row each on the first screen, all of them below."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.gate.model import GuardrailResult
from retouch.reporting.case import Case
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.layout import Room
from retouch.reporting.numbers import UNKNOWN, plural, significant, size
from retouch.reporting.section import Section
from retouch.reporting.table import table

MOST = 50
_WORDS = {"pass": "holds", "fail": "broken", "not_enough_data": "not enough data"}


def guardrail_row(found: GuardrailResult, name: int) -> Sequence[object]:
    """Return the row of the first screen's table."""
    before, after = (_number(found, x) for x in (found.production, found.candidate))
    bold = after if after == UNKNOWN else write("**{}**", after)
    return (write("Guardrail: {}", inline(found.name, name)), before, bold, UNKNOWN, _gate(found))


def counted(case: Case) -> Markdown:
    """Return `5 guardrails` that hold of those that can block, or `4 of 5 guardrails`."""
    blocking = [found for found in case.guardrails if found.mode == "block"]
    hold = sum(not found.stops for found in blocking)
    if hold == len(blocking):
        return plural(hold, "guardrail")
    return write("{} of {}", hold, plural(len(blocking), "guardrail"))


def guardrails_section(case: Case, room: Room) -> Section | None:
    """Return what every guardrail measured, the broken ones first and in words."""
    found = case.guardrails
    if not found:
        return None
    stops = sum(g.stops for g in found)
    observed = sum(g.mode == "observe" and g.result != "pass" for g in found)
    about = write(
        "{}{}",
        write("{} of {} stop it", stops, len(found)) if stops else _all_hold(len(found) - observed),
        write(", {} observed and not held", observed) if observed else "",
    )
    said = [
        write("- {}: {}", inline(g.name, room.name), inline(g.message, room.text))
        for g in found[:MOST]
        if g.result != "pass"
    ]
    more = len(found) - MOST
    return Section(
        name="Guardrails",
        about=about,
        blocks=(
            table(
                ["Guardrail", "What is measured", "Production>", "**Candidate**>",
                 "Held against the limit>", "Limit>", "Result"],
                [_row(case, g, room) for g in found[:MOST]],
            ),
            *([write("And {}.", plural(more, "more guardrail"))] if more > 0 else []),
            *([join("\n", said)] if said else []),
        ),
        files=("verdict",),
    )  # fmt: skip


def _all_hold(count: int) -> Markdown:
    return write("{} hold", count) if count != 1 else Markdown("1 holds")


def _row(case: Case, found: GuardrailResult, room: Room) -> tuple[object, ...]:
    name = inline(found.name, room.name)
    if found.name == case.halted_by:
        name = write("**{}** (halted the run)", name)
    return (
        name,
        write("{} ({})", inline(found.measure, room.text), code(found.kind, 24)),
        _number(found, found.production),
        _number(found, found.candidate),
        _compared(found),
        _number(found, found.limit),
        _result(found),
    )


def _compared(found: GuardrailResult) -> Markdown:
    """Return `1.31 (1.22 to 1.40)`."""
    compared = _number(found, found.compared)
    ends = [_number(found, x) for x in (found.lower, found.upper)]
    if compared == UNKNOWN or all(end == UNKNOWN for end in ends):
        return compared
    return write("{} ({} to {})", compared, *ends)


def _result(found: GuardrailResult) -> Markdown:
    said = Markdown(f"{_emoji(found)} {_WORDS[found.result]}")
    if found.mode == "observe":
        return write("{}; observed, does not block", said)
    return said


def _gate(found: GuardrailResult) -> Markdown:
    observed = Markdown("observed: " if found.mode == "observe" else "")
    if found.result == "not_enough_data":
        return write("{} {}not enough data", _emoji(found), observed)
    compared, limit = _number(found, found.compared), _number(found, found.limit)
    if compared == UNKNOWN:
        said = Markdown(_WORDS[found.result])
    elif limit == UNKNOWN:
        said = compared
    else:
        said = write("{} (limit {})", compared, limit)
    return write("{} {}{}", _emoji(found), observed, said)


def _emoji(found: GuardrailResult) -> Markdown:
    if found.result == "pass":
        return Markdown("✅")
    if found.mode == "observe":
        return Markdown("⚪")
    return Markdown("❌" if found.result == "fail" else "⚠️")


def _number(found: GuardrailResult, value: float | None) -> Markdown:
    """Return a number of the guardrail in its own scale: it is never of the loss's."""
    if found.kind == "size" and value is not None and 1000 <= abs(value) < 1e18:
        return size(round(value))
    return significant(value)
