"""The value rule's two sides, and the tiers that were left out: why this ladder and no other."""

from __future__ import annotations

from retouch.planning.model import Option, Plan, Worth
from retouch.reporting.escape import Markdown, code, inline, join, write
from retouch.reporting.numbers import UNKNOWN, duration, plural, share, significant
from retouch.reporting.table import Table, table

MOST = 20


def worth_blocks(plan: Plan) -> tuple[Markdown | Table, ...]:
    """Return what each answer is worth, and what follows; nothing without a value rule."""
    worth = plan.worth
    if worth is None:
        return ()
    head = write("**Worth it?** {}", inline(worth.message))
    if not worth.options:
        return (head,)
    return (
        head,
        table(
            ["Answer", "Like alerts>", "Accepted>", "Gain expected>", "Chance>", "Benefit>",
             "Cost>", "Net>"],
            [_row(option, worth) for option in worth.options[:MOST]],
        ),
        Markdown(
            "Gain per prediction of the slice, in the unit of the loss; benefit, cost and net in"
            " CPU time. A dash: no like alert in the past tells."
        ),
    )  # fmt: skip


def skipped_block(plan: Plan) -> tuple[Markdown, ...]:
    """Return which tiers of the ladder were left out, and why."""
    if not plan.skipped:
        return ()
    lines = [write("- {}: {}", code(s.tier), inline(s.reason)) for s in plan.skipped[:MOST]]
    if len(plan.skipped) > MOST:
        lines.append(write("- {}", plural(len(plan.skipped) - MOST, "more", "more")))
    return (Markdown("Skipped:\n\n" + join("\n", lines)),)


def _row(option: Option, worth: Worth) -> tuple[object, ...]:
    name = code(option.name)
    return (
        write("**{}** (best)", name) if option.name == worth.best else name,
        f"{option.episodes:,}",
        f"{option.accepted:,}",
        significant(option.gain),
        share(option.chance, 2),
        _time(option.benefit_cpu_seconds),
        _time(option.cost_cpu_seconds),
        _time(option.net_cpu_seconds),
    )


def _time(seconds: float | None) -> Markdown:
    if seconds is None:
        return UNKNOWN
    if abs(seconds) >= 1e12 or seconds != seconds:
        return write("{} s", significant(seconds))
    minus = "−" if seconds < -0.05 else ""
    return Markdown(f"{minus}{duration(abs(seconds))}")
