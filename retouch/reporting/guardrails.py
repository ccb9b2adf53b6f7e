"""The results of the guardrails: rows on the first screen, a section below."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.gate.model import GuardrailResult
from retouch.reporting.case import Case
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.layout import Layout
from retouch.reporting.numbers import UNKNOWN, plural, significant, size
from retouch.reporting.template import Section, table

MAX_ROWS = 50
_WORDS = {"pass": "holds", "fail": "violated", "not_enough_data": "not enough data"}


def guardrail_row(guardrail: GuardrailResult, name: int) -> Sequence[object]:
    """Return the row of the first screen's table."""
    before, after = (_number(guardrail, x) for x in (guardrail.production, guardrail.candidate))
    bold = after if after == UNKNOWN else write("**{}**", after)
    return (
        write("Guardrail: {}", inline(guardrail.name, name)),
        before,
        bold,
        UNKNOWN,
        _gate(guardrail),
    )


def guardrail_count(case: Case) -> Markdown:
    """Return `5 guardrails` that hold of those that can block, or `4 of 5 guardrails`."""
    blocking = [guardrail for guardrail in case.guardrails if guardrail.mode == "block"]
    hold = sum(not guardrail.blocks for guardrail in blocking)
    if hold == len(blocking):
        return plural(hold, "guardrail")
    return write("{} of {}", hold, plural(len(blocking), "guardrail"))


def guardrails_section(case: Case, layout: Layout) -> Section | None:
    """Return what every guardrail measured; those that did not pass come first."""
    guardrails = case.guardrails
    if not guardrails:
        return None
    stops = sum(g.blocks for g in guardrails)
    observed = sum(g.mode == "observe" and g.result != "pass" for g in guardrails)
    about = write(
        "{}{}",
        write("{} of {} blocking", stops, len(guardrails))
        if stops
        else _all_hold(len(guardrails) - observed),
        write(", {} violated in observe mode", observed) if observed else "",
    )
    details = [
        write("- {}: {}", inline(g.name, layout.name), inline(g.message, layout.text))
        for g in guardrails[:MAX_ROWS]
        if g.result != "pass"
    ]
    more = len(guardrails) - MAX_ROWS
    return Section(
        name="Guardrails",
        about=about,
        blocks=(
            table(
                ["Guardrail", "Measure", "Production>", "**Candidate**>",
                 "Compared value>", "Limit>", "Result"],
                [_row(case, g, layout) for g in guardrails[:MAX_ROWS]],
            ),
            *([write("And {}.", plural(more, "more guardrail"))] if more > 0 else []),
            *([join("\n", details)] if details else []),
        ),
        files=("verdict",),
    )  # fmt: skip


def _all_hold(count: int) -> Markdown:
    return write("{} hold", count) if count != 1 else Markdown("1 holds")


def _row(case: Case, guardrail: GuardrailResult, layout: Layout) -> tuple[object, ...]:
    name = inline(guardrail.name, layout.name)
    if guardrail.name == case.halted_by:
        name = write("**{}** (halted the run)", name)
    return (
        name,
        write("{} ({})", inline(guardrail.measure, layout.text), code(guardrail.kind, 24)),
        _number(guardrail, guardrail.production),
        _number(guardrail, guardrail.candidate),
        _compared(guardrail),
        _number(guardrail, guardrail.limit),
        _result(guardrail),
    )


def _compared(guardrail: GuardrailResult) -> Markdown:
    """Return `1.31 (1.22 to 1.40)`."""
    compared = _number(guardrail, guardrail.compared)
    ends = [_number(guardrail, x) for x in (guardrail.lower, guardrail.upper)]
    if compared == UNKNOWN or all(end == UNKNOWN for end in ends):
        return compared
    return write("{} ({} to {})", compared, *ends)


def _result(guardrail: GuardrailResult) -> Markdown:
    text = Markdown(f"{_emoji(guardrail)} {_WORDS[guardrail.result]}")
    if guardrail.mode == "observe":
        return write("{} (observed, not blocking)", text)
    return text


def _gate(guardrail: GuardrailResult) -> Markdown:
    observed = Markdown("observed: " if guardrail.mode == "observe" else "")
    if guardrail.result == "not_enough_data":
        return write("{} {}not enough data", _emoji(guardrail), observed)
    compared, limit = _number(guardrail, guardrail.compared), _number(guardrail, guardrail.limit)
    if compared == UNKNOWN:
        text = Markdown(_WORDS[guardrail.result])
    elif limit == UNKNOWN:
        text = compared
    else:
        text = write("{} (limit {})", compared, limit)
    return write("{} {}{}", _emoji(guardrail), observed, text)


def _emoji(guardrail: GuardrailResult) -> Markdown:
    if guardrail.result == "pass":
        return Markdown("✅")
    if guardrail.mode == "observe":
        return Markdown("⚪")
    return Markdown("❌" if guardrail.result == "fail" else "⚠️")


def _number(guardrail: GuardrailResult, value: float | None) -> Markdown:
    """Return a number in the guardrail's own scale, which is never that of the loss."""
    if guardrail.kind == "size" and value is not None and 1000 <= abs(value) < 1e18:
        return size(round(value))
    return significant(value)
