"""Numbers as a person reads them. The results are safe to print."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

from retouch.reporting.escape import Markdown

UNKNOWN = Markdown("–")
SPACE = "\u00a0"
"""A number and its unit stay on one line."""


def duration(seconds: float) -> Markdown:
    """Return `0.4 s`, `12.4 s`, `1 m 5 s` or `2 h 3 m`."""
    if seconds < 59.95:
        return Markdown(f"{seconds:.1f}{SPACE}s")
    whole = round(seconds)
    if whole < 3600:
        return Markdown(f"{whole // 60}{SPACE}m{SPACE}{whole % 60}{SPACE}s")
    minutes = round(seconds / 60)
    return Markdown(f"{minutes // 60:,}{SPACE}h{SPACE}{minutes % 60}{SPACE}m")


def size(count: int) -> Markdown:
    """Return bytes as `512 B`, `14.2 kB`, `3.2 MB` or `1.1 GB`."""
    if count < 1000:
        return Markdown(f"{count}{SPACE}B")
    number = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        number /= 1000
        if number < 999.95 or unit == "TB":
            return Markdown(f"{number:,.1f}{SPACE}{unit}")
    raise AssertionError("unreachable")


def moment(time: datetime) -> Markdown:
    """Return a moment as `2013-07-16 06:12 UTC`."""
    return Markdown(f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def plural(count: int, noun: str, nouns: str | None = None) -> Markdown:
    """Return `1 stage` or `1,204 rows`. Both nouns are literals."""
    return Markdown(f"{count:,} {noun if count == 1 else nouns or noun + 's'}")


def decimals_for(
    values: Iterable[float | None], limited: Iterable[tuple[float | None, float]] = ()
) -> int:
    """Return the fewest decimals that show all of it fairly, 6 at most.

    That is two significant digits of the smallest limit, as the gate's own sentences have it, or
    without limits three of the largest value; and no bound rounded onto its limit. `limited` are
    pairs of a bound and its limit.
    """
    pairs = list(limited)
    limits = [abs(limit) for _, limit in pairs if limit]
    largest = max((abs(x) for x in values if x), default=10.0)
    digits = (
        1 - math.floor(math.log10(min(limits))) if limits else 2 - math.floor(math.log10(largest))
    )
    for decimals in range(min(6, max(0, digits)), 6):
        if all(_fair(bound, limit, decimals) for bound, limit in pairs if bound != limit):
            return decimals
    return 6


def _fair(bound: float | None, limit: float, decimals: int) -> bool:
    shown = round(limit, decimals)
    if abs(shown - limit) > abs(limit) / 100:
        return False
    return bound is None or round(bound, decimals) != shown


def number(value: float | None, decimals: int) -> Markdown:
    """Return a number with these decimals, or a dash where there is none."""
    if value is None:
        return UNKNOWN
    return Markdown(_minus(f"{value:,.{decimals}f}"))


def signed(value: float | None, decimals: int) -> Markdown:
    """Return a number with its sign; zero has none."""
    if not value:
        return UNKNOWN if value is None else Markdown("0")
    text = f"{value:+,.{decimals}f}"
    return Markdown(_minus(text if float(text.replace(",", "")) else text[1:]))


def significant(value: float | None, digits: int = 3) -> Markdown:
    """Return a number of any size with so many digits that count: `12.4`, `1,250`, `3e12`, `−0.02`.

    A dash for a missing or infinite number.
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = f"{value:.{digits}g}"
    if "e" in text:
        mantissa, _, power = text.partition("e")
        text = f"{float(text):,.0f}" if 0 <= int(power) < 6 else f"{mantissa}e{int(power)}"
    elif abs(value) >= 1000:
        text = f"{float(text):,.0f}"
    return Markdown("0" if text == "-0" else text.replace("-", "−"))


def probability(value: float | None) -> Markdown:
    """Return a probability as `0.032`, `< 0.001` or `1`; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if 0 <= value < 0.001:
        return Markdown("&lt; 0.001")
    return Markdown(f"{value:.3f}".rstrip("0").rstrip("."))


def percentage(value: float | None, digits: int = 3) -> Markdown:
    """Return a share as `83.1 %`; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return Markdown(f"{significant(100 * value, digits)}{SPACE}%")


def percent(part: float, whole: float) -> Markdown | None:
    """Return a share as `82 %`, or None where it means nothing: there is no whole."""
    if whole <= 0:
        return None
    return Markdown(f"{100 * part / whole:.0f}{SPACE}%".replace("-", "−"))


def _minus(text: str) -> str:
    return (
        ("−" + text[1:] if float(text.replace(",", "")) else text[1:]) if text[0] == "-" else text
    )
