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
from retouch.reporting.layout import Room
from retouch.reporting.numbers import SPACE, UNKNOWN, chance, plural
from retouch.reporting.table import Table, table

FIRST = "Production>, **Candidate**>, Change>, Gate"
ALL = (
    "Check, Rows>, Days>, Production>, **Candidate**>, Change>, At worst>, Limit>, Would show>,"
    " Result"
)
ALARMS = (
    "Harm alarm, Rows>, Days>, Production>, **Candidate**>, Change>, p of harm>, Corrected>, q>,"
    " Result"
)
MOST_ALARMS = 60
Asked = Check | GuardrailResult


def shown_first(case: Case, room: Room) -> list[Asked]:
    """Return the checks and guardrails the first screen has a row for, what decides first."""
    rows = min(room.rows, 3) if case.moved else room.rows
    asked: list[Asked] = [*case.checks, *case.guardrails]
    asked.sort(key=lambda one: _weight(case, one))
    return asked if len(asked) <= rows else asked[: rows - 1]


def first_checks(case: Case, room: Room) -> Table | None:
    """Return what decides in at most six rows; the last row sums up the others."""
    if not case.checks and not case.guardrails:
        return None
    shown = shown_first(case, room)
    asked: list[Asked] = [*case.checks, *case.guardrails]
    others = [one for one in asked if one not in shown]
    unit = write(", {}", inline(case.unit, 16)) if case.unit else ""
    return table(
        [write("{}{}", case.loss, unit), *FIRST.split(", ")],
        [
            guardrail_row(one, room.name)
            if isinstance(one, GuardrailResult)
            else _row(case, one, room.name)
            for one in shown
        ]
        + ([_sum_up(others)] if others else []),
    )


def all_checks(case: Case, room: Room) -> Table:
    """Return every check of the gate with its evidence and its limit."""
    checks = [check for check in case.checks if check.family == "gate"]
    with_q = any(check.q_value is not None for check in checks)
    return table(
        (ALL.replace("Result", "q>, Result") if with_q else ALL).split(", "),
        [
            (
                *_measured(case, check, room),
                UNKNOWN if check.asks == "restored" else case.change_of(check.gain_lower),
                _limit(case, check),
                case.loss_of(check.detectable),
                *([chance(check.q_value)] if with_q else []),
                _result(check),
            )
            for check in sorted(checks, key=lambda check: _weight(case, check))
        ],
    )


def harm_alarms(case: Case, room: Room) -> Table | None:
    """Return the harm alarms with their chances, corrected for how many there are."""
    alarms = [check for check in case.checks if check.family == "harm_alarm"]
    if not alarms:
        return None
    alarms.sort(key=lambda check: (check.result == "pass", _chance(check)))
    rows: list[Sequence[object]] = [
        (
            *_measured(case, check, room),
            chance(check.p_value),
            chance(check.p_adjusted),
            chance(check.q_value),
            _result(check),
        )
        for check in alarms[:MOST_ALARMS]
    ]
    if len(alarms) > MOST_ALARMS:
        left = alarms[MOST_ALARMS:]
        failed = sum(check.result == "fail" for check in left)
        message = Markdown(f"❌ {failed} fail" if failed else "✅ no harm shown")
        more = plural(len(left), "more alarm")
        rows.append((more, *[UNKNOWN] * 8, message))
    return table(ALARMS.split(", "), rows)


def _measured(case: Case, check: Check, room: Room) -> tuple[object, ...]:
    name = case.name_of(check, room.name)
    if check.family == "harm_alarm":
        name = Markdown(name.removeprefix("Harm alarm: "))
    return (
        name,
        f"{check.rows:,}",
        f"{check.days:,}",
        case.loss_of(check.production),
        _bold(case.loss_of(check.candidate)),
        _change(case, check),
    )


def _limit(case: Case, check: Check) -> Markdown:
    """Return the largest change allowed; of a slice to be restored, the largest loss."""
    if check.asks != "restored":
        return case.change_of(check.limit)
    if check.reference is None:
        return UNKNOWN
    return write("loss ≤ {}", case.loss_of(allowed_loss(check)))


def _chance(check: Check) -> float:
    if check.p_adjusted is not None:
        return check.p_adjusted
    return 2.0 if check.p_value is None else check.p_value


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
    if check.asks == "restored":
        return write("{} must be ≤ {}", _emoji(check), case.loss_of(allowed_loss(check)))
    if check.family == "harm_alarm":
        shown = "harm shown" if check.result == "fail" else "no harm shown"
        return write("{} {} (p = {})", _emoji(check), Markdown(shown), chance(check.p_adjusted))
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
    words = {"pass": "pass", "fail": "fail", "not_enough_data": "not enough data"}
    if check.family == "harm_alarm":
        words |= {"pass": "no harm shown", "fail": "harm shown"}
    close = ", close" if close_to_limit(check) else ""
    optional = "" if check.required else " (not required)"
    return Markdown(f"{_emoji(check)} {words[check.result]}{close}{optional}")


def _weight(case: Case, asked: Asked) -> tuple[float, float]:
    """Sort by what a reviewer must see: the alerted slice, overall, what failed, what is close."""
    if isinstance(asked, GuardrailResult):
        if asked.result == "pass":
            return (5, 0.0)
        rank = 0.5 if asked.name == case.halted_by else 1 if asked.stops else 3
        return (rank, -1e301)
    if asked.name in (ALERTED, OVERALL) and asked.family == "gate":
        return (0, float(asked.name != ALERTED))
    failed = asked.result != "pass"
    rank = 1 if failed and asked.required else 2 if close_to_limit(asked) else 3 if failed else 4
    if asked.asks == "restored":
        rank = min(rank, 2)
    if asked.family == "harm_alarm":
        return (rank + (0.5 if rank == 4 else 0), _chance(asked))
    return (rank, asked.gain_lower - asked.limit if asked.gain_lower is not None else -1e300)


def _sum_up(others: Sequence[Asked]) -> Sequence[object]:
    checks = [one for one in others if isinstance(one, Check)]
    guardrails = [one for one in others if isinstance(one, GuardrailResult)]
    required: list[Asked] = [
        *(c for c in checks if c.required),
        *(g for g in guardrails if g.stops),
    ]
    failed = sum(one.result == "fail" for one in required)
    unsure = sum(one.result == "not_enough_data" for one in required)
    small = sum(map(too_small, checks))
    optional = sum(c.result != "pass" and not c.required for c in checks) - small
    optional += sum(g.result != "pass" and not g.stops for g in guardrails)
    close = sum(close_to_limit(c) for c in checks)
    emoji, message = "✅", "all pass"
    if failed:
        emoji, message = "❌", f"{failed} fail"
    elif unsure:
        emoji, message = "⚠️", f"{unsure} cannot be told"
    elif close:
        emoji, message = "⚠️", f"all pass, {close} close"
    elif optional:
        emoji, message = "⚪", f"{optional} not required and not passed"
    elif small:
        message = f"all pass, {small} too small to judge"
    named = [plural(len(checks), "more slice")] if checks else []
    if guardrails:
        more = "guardrail" if checks else "more guardrail"
        named.append(plural(len(guardrails), more))
    label = write("{}, below", Markdown(" and ".join(named)))
    return (label, UNKNOWN, UNKNOWN, UNKNOWN, Markdown(f"{emoji} {message}"))
