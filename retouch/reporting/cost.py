"""What the run cost compared with the full pipeline; what is unknown is said to be unknown."""

from __future__ import annotations

from retouch.planning.model import Forecast
from retouch.reporting.case import Case
from retouch.reporting.escape import Markdown, code, write
from retouch.reporting.layout import Layout
from retouch.reporting.numbers import duration, moment, percent, plural


def cost(case: Case, layout: Layout) -> Markdown | None:
    """Return the cost of all tiers together, and the saving."""
    if case.tier is None:
        return None
    spent, wall = _spent(case)
    tiers = len(case.run.attempts) if case.run else 1
    return write(
        "**Cost** — {}{}{}{}.{}",
        "" if case.run else Markdown("about "),
        _cpu_and_wall(spent, wall),
        write(" for {}", plural(tiers, "tier")) if tiers > 1 else "",
        _compared_with_full(case, spent),
        _freshness(case) if layout.freshness else "",
    )


def forecast_text(forecast: Forecast) -> Markdown:
    """Return what a tier will cost, what the full pipeline would cost, and what is unknown."""
    untimed = plural(forecast.unknown, "planned stage")
    whole = _full_cost(forecast) if forecast.full_cpu_seconds else Markdown("not recorded")
    if not forecast.cpu_seconds and forecast.unknown:
        return write(
            "Forecast: unknown ({} without recorded timing). Full pipeline: {}.", untimed, whole
        )
    return write(
        "Forecast: {} with {}; certain: {} CPU.{} Full pipeline: {}.",
        _cpu_and_wall(forecast.cpu_seconds, forecast.wall_seconds),
        plural(forecast.jobs, "job"),
        duration(forecast.certain_cpu_seconds),
        write(" Not included: {} without recorded timing.", untimed) if forecast.unknown else "",
        whole,
    )


def written_at(case: Case) -> Markdown:
    """Return when the newest document of the case was made, in UTC."""
    if case.verdict:
        return write("judged {}", moment(case.verdict.judged_at))
    if case.run:
        return write("run {}", moment(case.run.finished_at))
    return write("planned {}", moment(case.plan.planned_at))


def _spent(case: Case) -> tuple[float, float]:
    if case.run:
        attempts = case.run.attempts
        return sum(a.cpu_seconds for a in attempts), sum(a.wall_seconds for a in attempts)
    assert case.tier
    return case.tier.forecast.cpu_seconds, case.tier.forecast.wall_seconds


def _compared_with_full(case: Case, spent: float) -> Markdown:
    """Compare the cost with the full pipeline's; a run without a result saves nothing."""
    assert case.tier
    forecast = case.tier.forecast
    percentage = percent(forecast.full_cpu_seconds - spent, forecast.full_cpu_seconds)
    if percentage is None:
        return Markdown("; the full pipeline has no recorded timing, so the saving is unknown")
    whole = write("; full pipeline: {}", _full_cost(forecast))
    if case.status in ("failed", "invalid"):
        return whole
    if spent >= forecast.full_cpu_seconds:
        return write("{}, so no saving", whole)
    least = Markdown("at least ") if forecast.full_unknown else ""
    return write("{}, so {}{} less CPU", whole, least, percentage)


def _full_cost(forecast: Forecast) -> Markdown:
    both = _cpu_and_wall(forecast.full_cpu_seconds, forecast.full_wall_seconds)
    if not forecast.full_unknown:
        return both
    return write("at least {} ({} not timed)", both, plural(forecast.full_unknown, "stage"))


def _cpu_and_wall(cpu: float, wall: float) -> Markdown:
    return write("{} CPU, {} wall", duration(cpu), duration(wall))


def _freshness(case: Case) -> Markdown:
    base = code(case.plan.base_commit[:7])
    return write(" For base {}, {}.", base, written_at(case))
