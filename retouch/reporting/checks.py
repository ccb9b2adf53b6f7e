"""The checks of the gate as tables: six rows for the first screen, all of them below."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.gate.model import Check, GuardrailResult
from retouch.reporting.case import (
    ALERTED,
    OVERALL,
    Case,
    allowed_loss,
    close_to_limit,
    too_small,
    within_noise,
)
from retouch.reporting.escape import Markdown, inline, write
from retouch.reporting.guardrails import guardrail_row
from retouch.reporting.layout import Layout
from retouch.reporting.numbers import SPACE, UNKNOWN, plural, probability
from retouch.reporting.template import Table, table

FIRST = "Production>, **Candidate**>, Change>, Gate"
ALL = (
    "Check, Rows>, Days>, Production>, **Candidate**>, Change>, At worst>, Limit>, Detectable>,"
    " Result"
)
ALARMS = (
    "Harm alarm, Rows>, Days>, Production>, **Candidate**>, Change>, p (harm)>, p (Holm)>, q>,"
    " Result"
)
MAX_ALARMS = 60
CheckOrGuardrail = Check | GuardrailResult


def first_screen_checks(case: Case, layout: Layout) -> list[CheckOrGuardrail]:
    """Return the checks and guardrails with a row on the first screen, the deciding ones first."""
    rows = min(layout.rows, 3) if case.moved else layout.rows
    items: list[CheckOrGuardrail] = [*case.checks, *case.guardrails]
    items.sort(key=lambda item: _weight(case, item))
    return items if len(items) <= rows else items[: rows - 1]


def first_screen_table(case: Case, layout: Layout) -> Table | None:
    """Return the deciding checks in at most six rows; the last row sums up the others."""
    if not case.checks and not case.guardrails:
        return None
    shown = first_screen_checks(case, layout)
    items: list[CheckOrGuardrail] = [*case.checks, *case.guardrails]
    others = [item for item in items if item not in shown]
    unit = write(", {}", inline(case.unit, 16)) if case.unit else ""
    return table(
        [write("{}{}", case.loss, unit), *FIRST.split(", ")],
        [
            guardrail_row(item, layout.name)
            if isinstance(item, GuardrailResult)
            else _row(case, item, layout.name)
            for item in shown
        ]
        + ([_summary_row(others)] if others else []),
    )


def checks_table(case: Case, layout: Layout) -> Table:
    """Return every check of the gate with its evidence and its limit."""
    checks = [check for check in case.checks if check.family == "gate"]
    with_q = any(check.q_value is not None for check in checks)
    return table(
        (ALL.replace("Result", "q>, Result") if with_q else ALL).split(", "),
        [
            (
                *_measured(case, check, layout),
                UNKNOWN if check.criterion == "restored" else case.format_change(check.gain_lower),
                _limit(case, check),
                case.format_loss(check.detectable),
                *([probability(check.q_value)] if with_q else []),
                _result(check),
            )
            for check in sorted(checks, key=lambda check: _weight(case, check))
        ],
    )


def harm_alarms_table(case: Case, layout: Layout) -> Table | None:
    """Return the harm alarms with their p-values, corrected for how many there are."""
    alarms = [check for check in case.checks if check.family == "harm_alarm"]
    if not alarms:
        return None
    alarms.sort(key=lambda check: (check.result == "pass", _chance(check)))
    rows: list[Sequence[object]] = [
        (
            *_measured(case, check, layout),
            probability(check.p_value),
            probability(check.p_adjusted),
            probability(check.q_value),
            _result(check),
        )
        for check in alarms[:MAX_ALARMS]
    ]
    if len(alarms) > MAX_ALARMS:
        left = alarms[MAX_ALARMS:]
        failed = sum(check.result == "fail" for check in left)
        message = Markdown(f"❌ {failed} fail" if failed else "✅ no harm detected")
        more = plural(len(left), "more alarm")
        rows.append((more, *[UNKNOWN] * 8, message))
    return table(ALARMS.split(", "), rows)


def _measured(case: Case, check: Check, layout: Layout) -> tuple[object, ...]:
    name = case.check_name(check, layout.name)
    if check.family == "harm_alarm":
        name = Markdown(name.removeprefix("Harm alarm: "))
    return (
        name,
        f"{check.rows:,}",
        f"{check.days:,}",
        case.format_loss(check.production),
        _bold(case.format_loss(check.candidate)),
        _change(case, check),
    )


def _limit(case: Case, check: Check) -> Markdown:
    """Return the largest change allowed; for a slice to be restored, the largest loss."""
    if check.criterion != "restored":
        return case.format_change(check.limit)
    if check.reference is None:
        return UNKNOWN
    return write("loss ≤ {}", case.format_loss(allowed_loss(check)))


def _chance(check: Check) -> float:
    if check.p_adjusted is not None:
        return check.p_adjusted
    return 2.0 if check.p_value is None else check.p_value


def _row(case: Case, check: Check, name: int) -> Sequence[object]:
    return (
        case.check_name(check, name),
        case.format_loss(check.production),
        _bold(case.format_loss(check.candidate)),
        _change(case, check),
        _gate(case, check),
    )


def _bold(text: Markdown) -> Markdown:
    return text if text == UNKNOWN else write("**{}**", text)


def _change(case: Case, check: Check) -> Markdown:
    if check.gain is None:
        return UNKNOWN
    if check.result == "not_enough_data":
        return write("{}, inconclusive", case.format_change(check.gain))
    if within_noise(check):
        return Markdown(f"≈{SPACE}unchanged")
    arrow = "▼" if check.gain > 0 else "▲" if check.gain < 0 else ""
    return Markdown(f"{case.format_change(check.gain)}{SPACE}{arrow}".rstrip())


def _gate(case: Case, check: Check) -> Markdown:
    """Return the check's limit and how close the bound came, in one cell."""
    if check.result == "not_enough_data":
        return write(
            "{} not enough data: {}, {}",
            _emoji(check),
            plural(check.rows, "row"),
            plural(check.days, "day"),
        )
    if check.criterion == "restored":
        return write("{} must be ≤ {}", _emoji(check), case.format_loss(allowed_loss(check)))
    if check.family == "harm_alarm":
        shown = "harm detected" if check.result == "fail" else "no harm detected"
        return write(
            "{} {} (p = {})", _emoji(check), Markdown(shown), probability(check.p_adjusted)
        )
    if check.gain_lower is None:
        return write("{} no value", _emoji(check))
    return write(
        "{} at worst {} ({}limit {})",
        _emoji(check),
        case.format_change(check.gain_lower),
        Markdown("close to the ") if close_to_limit(check) else "",
        case.format_change(check.limit),
    )


def _emoji(check: Check) -> Markdown:
    if check.result == "pass":
        return Markdown("⚠️" if close_to_limit(check) else "✅")
    if not check.required:
        return Markdown("⚪")
    return Markdown("❌" if check.result == "fail" else "⚠️")


def _result(check: Check) -> Markdown:
    labels = {"pass": "pass", "fail": "fail", "not_enough_data": "not enough data"}
    if check.family == "harm_alarm":
        labels |= {"pass": "no harm detected", "fail": "harm detected"}
    close = ", close" if close_to_limit(check) else ""
    optional = "" if check.required else " (optional)"
    return Markdown(f"{_emoji(check)} {labels[check.result]}{close}{optional}")


def _weight(case: Case, item: CheckOrGuardrail) -> tuple[float, float]:
    """Return the sort key: the alerted slice, overall, what failed, what is close to its limit."""
    if isinstance(item, GuardrailResult):
        if item.result == "pass":
            return (5, 0.0)
        rank = 0.5 if item.name == case.halted_by else 1 if item.blocks else 3
        return (rank, -1e301)
    if item.name in (ALERTED, OVERALL) and item.family == "gate":
        return (0, float(item.name != ALERTED))
    failed = item.result != "pass"
    rank = 1 if failed and item.required else 2 if close_to_limit(item) else 3 if failed else 4
    if item.criterion == "restored":
        rank = min(rank, 2)
    if item.family == "harm_alarm":
        return (rank + (0.5 if rank == 4 else 0), _chance(item))
    return (rank, item.gain_lower - item.limit if item.gain_lower is not None else -1e300)


def _summary_row(others: Sequence[CheckOrGuardrail]) -> Sequence[object]:
    checks = [one for one in others if isinstance(one, Check)]
    guardrails = [one for one in others if isinstance(one, GuardrailResult)]
    required: list[CheckOrGuardrail] = [
        *(c for c in checks if c.required),
        *(g for g in guardrails if g.blocks),
    ]
    failed = sum(one.result == "fail" for one in required)
    unsure = sum(one.result == "not_enough_data" for one in required)
    small = sum(map(too_small, checks))
    optional = sum(c.result != "pass" and not c.required for c in checks) - small
    optional += sum(g.result != "pass" and not g.blocks for g in guardrails)
    close = sum(close_to_limit(c) for c in checks)
    emoji, message = "✅", "all pass"
    if failed:
        emoji, message = "❌", f"{failed} fail"
    elif unsure:
        emoji, message = "⚠️", f"{unsure} inconclusive"
    elif close:
        emoji, message = "⚠️", f"all pass, {close} close to the limit"
    elif optional:
        emoji, message = "⚪", f"{optional} optional not passed"
    elif small:
        message = f"all pass, {small} too small to judge"
    named = [plural(len(checks), "more slice")] if checks else []
    if guardrails:
        more = "guardrail" if checks else "more guardrail"
        named.append(plural(len(guardrails), more))
    label = write("{} (below)", Markdown(" and ".join(named)))
    return (label, UNKNOWN, UNKNOWN, UNKNOWN, Markdown(f"{emoji} {message}"))
