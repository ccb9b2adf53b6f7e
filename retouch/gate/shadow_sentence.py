"""A shadow in one sentence. Its numbers are rounded for people; the document holds them in full."""

from __future__ import annotations

from datetime import date, timedelta

from retouch.gate.shadow_model import Shadow


def in_one_sentence(shadow: Shadow) -> str:
    """Return how far apart the two models are, on how many rows, and where most.

    The days are from the first to the last, both included, as a person reads them.
    """
    found = shadow.overall
    assert found is not None
    of_days = f"On {found.rows:,} row{'s' * (found.rows != 1)} of {days_of(shadow)}"
    if found.difference == 0:
        return f"{of_days} the candidate scores exactly as production does."
    parts = [
        f"{of_days} the candidate differs from production by {_amount(found.difference, shadow)}"
        " on average",
        _beyond(found.differing, shadow),
    ]
    if shadow.slices and shadow.slices[0].mean:
        most = shadow.slices[0]
        parts.append(f"most where {most.where} ({_shifted(most.mean, shadow)})")
    return f"{'; '.join(parts)}."


def days_of(shadow: Shadow) -> str:
    """Return `2013-07-01 to 2013-07-08`, both included, or a single day."""
    last = (date.fromisoformat(shadow.end) - timedelta(days=1)).isoformat()
    return shadow.start if shadow.start == last else f"{shadow.start} to {last}"


def tolerance_of(shadow: Shadow) -> str:
    """Return the tolerance with its unit, rounded only where that loses nothing."""
    text = f"{shadow.tolerance:,.{shadow.decimals}f}"
    if float(text.replace(",", "")) != shadow.tolerance:
        text = f"{shadow.tolerance:.4g}"
    return _with_unit(text, shadow)


def share_of(share: float) -> str:
    """Return a share in percent that is 0 % or 100 % only where it is none or all."""
    percent = 100 * share
    if 0 < percent < 1:
        return f"{percent:.2g} %" if percent >= 0.01 else "less than 0.01 %"
    if 99 < percent < 100:
        return "more than 99 %"
    return f"{percent:.0f} %"


def _beyond(share: float, shadow: Shadow) -> str:
    """`by more than 1.00 minutes on 41 % of rows`."""
    of_rows = "every row" if share == 1 else f"{share_of(share)} of rows"
    if not shadow.tolerance:
        return f"they differ on {of_rows}"
    by = f"by more than {tolerance_of(shadow)}"
    return f"{by} on {of_rows}" if share else f"nowhere {by}"


def _amount(value: float, shadow: Shadow) -> str:
    smallest = 10.0**-shadow.decimals
    if value < smallest / 2:
        return f"less than {_with_unit(f'{smallest:.{shadow.decimals}f}', shadow)}"
    return _with_unit(f"{value:,.{shadow.decimals}f}", shadow)


def _shifted(value: float, shadow: Shadow) -> str:
    sign = "−" if value < 0 else "+"
    return sign + _amount(abs(value), shadow).replace("less than ", "<")


def _with_unit(text: str, shadow: Shadow) -> str:
    return f"{text} {shadow.unit}" if shadow.unit else text
