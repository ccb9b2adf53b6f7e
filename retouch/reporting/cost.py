"""What it cost, held against the whole pipeline; what is not known is said to be unknown."""

from __future__ import annotations

from retouch.planning.model import Forecast
from retouch.reporting.case import Case
from retouch.reporting.escape import Markdown, code, write
from retouch.reporting.layout import Room
from retouch.reporting.numbers import duration, moment, percent, plural


def cost(case: Case, room: Room) -> Markdown | None:
    """Say what was spent on all tiers together, and what that saved."""
    if case.tier is None:
        return None
    spent, wall = _spent(case)
    tiers = len(case.run.attempts) if case.run else 1
    return write(
        "**Cost** — {}{}{}{}.{}",
        "" if case.run else Markdown("about "),
        _both(spent, wall),
        write(" for {}", plural(tiers, "tier")) if tiers > 1 else "",
        _against_full(case, spent),
        _freshness(case) if room.freshness else "",
    )


def forecast_in_words(forecast: Forecast) -> Markdown:
    """Return what a tier will cost, what the whole pipeline would, and what is not known."""
    never_timed = plural(forecast.unknown, "planned stage was", "planned stages were")
    whole = _full(forecast) if forecast.full_cpu_seconds else Markdown("not recorded")
    if not forecast.cpu_seconds and forecast.unknown:
        return write(
            "Forecast: not known, as {} never timed. The whole pipeline: {}.", never_timed, whole
        )
    return write(
        "Forecast: {} with {}; {} of it for certain.{} The whole pipeline: {}.",
        _both(forecast.cpu_seconds, forecast.wall_seconds),
        plural(forecast.jobs, "job"),
        duration(forecast.certain_cpu_seconds),
        write(" {} never timed, and not in it.", never_timed) if forecast.unknown else "",
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


def _against_full(case: Case, spent: float) -> Markdown:
    """Hold the cost against the whole pipeline's; a run that led to nothing saved nothing."""
    assert case.tier
    forecast = case.tier.forecast
    share = percent(forecast.full_cpu_seconds - spent, forecast.full_cpu_seconds)
    if share is None:
        return Markdown("; the whole pipeline was never timed, so the saving is unknown")
    whole = write("; the whole pipeline: {}", _full(forecast))
    if case.standing in ("failed", "invalid"):
        return whole
    if spent >= forecast.full_cpu_seconds:
        return write("{}, so nothing is saved", whole)
    least = Markdown("at least ") if forecast.full_unknown else ""
    return write("{}, so {}{} less CPU", whole, least, share)


def _full(forecast: Forecast) -> Markdown:
    both = _both(forecast.full_cpu_seconds, forecast.full_wall_seconds)
    if not forecast.full_unknown:
        return both
    return write("at least {} ({} never timed)", both, plural(forecast.full_unknown, "stage"))


def _both(cpu: float, wall: float) -> Markdown:
    return write("{} CPU, {} wall", duration(cpu), duration(wall))


def _freshness(case: Case) -> Markdown:
    base = code(case.plan.base_commit[:7])
    return write(" For base {}, {}.", base, written_at(case))
