"""What all figures share: the light card, the colours, the letters, the same bytes each time.

A figure brings its own light card, so it reads the same on a light and on a dark page. Text stays
text. Whatever comes from outside goes through `one_line`, which leaves one line of known width.
"""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from retouch.reporting.escape import plain
from retouch.reporting.numbers import significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CARD, EDGE, GRID = "#ffffff", "#d0d7de", "#eaeef2"
INK, MUTED = "#1f2328", "#59636e"
PRODUCTION, CANDIDATE = "#9a6700", "#0969da"
BAD = "#cf222e"
WIDTH = 8.8
"""Inches; of every figure."""
_STYLE: Any = {
    "svg.hashsalt": "retouch",
    "svg.fonttype": "none",
    "font.size": 11.0,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "text.usetex": False,
    "text.parse_math": False,
    "path.simplify": True,
}
_FONTS = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"
_DECIMALS = re.compile(r"-?\d+\.\d+")
_LARGEST = 1e300


def svg(draw: Callable[[Figure], None], height: float) -> bytes:
    """Return as SVG what `draw` puts on a card of this height, in inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # Letters DejaVu lacks are drawn by the reader's own fonts: only names are written down.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(WIDTH, height))
        _card(figure, height)
        draw(figure)
        out = io.StringIO()
        figure.savefig(
            out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
        )
    return _compact(out.getvalue()).encode()


def _compact(text: str) -> str:
    """Name the fonts once, and round coordinates to a hundredth of a point: half the size."""
    text = re.sub(r" font-family: [^;]*;", "", text)
    text = text.replace("<svg ", f'<svg font-family="{_FONTS}" ', 1)
    text = re.sub(r' transform="rotate\(-?0 [^"]*"', "", text)
    places = re.compile(r'(?<= d=")[^"]*(?=")|(?<= [xy]=")[-0-9.]+(?=")')
    return places.sub(lambda match: _DECIMALS.sub(_rounded, match[0]), text)


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def heading(figure: Figure, title: str, under: str, unit: str = "") -> None:
    """Write the title, the subtitle and the unit at the top left."""
    top = float(figure.get_size_inches()[1])
    put_text(figure, 0.022, 1 - 0.35 / top, one_line(title, 90), color=INK, size=13, weight="bold")
    put_text(figure, 0.022, 1 - 0.61 / top, one_line(under, 130), color=MUTED, size=10.5)
    if unit:
        put_text(figure, 0.022, 1 - 0.89 / top, one_line(unit, 40), color=MUTED, size=10.5)


def panel(figure: Figure, left: float, width: float, *, above: float, below: float = 0.49) -> Axes:
    """Add axes between these inches from the top and from the bottom of the card."""
    height = float(figure.get_size_inches()[1])
    axes: Axes = figure.add_axes((left, below / height, width, (height - above - below) / height))
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=MUTED, pad=6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    return axes


def put_text(on: Figure | Axes, x: float, y: float, text: str, **how: Any) -> None:
    """Write text that is never mathematics, whatever dollar signs it holds."""
    on.text(x, y, text, parse_math=False, **how)


def one_line(text: str, columns: int) -> str:
    """Return one line no wider than so many Latin letters; a long name keeps both ends."""
    shown = plain(text, 400)
    if _width(shown) <= columns:
        return shown
    tail = _fitting(shown[::-1], (columns - 1) // 3)[::-1]
    return f"{_fitting(shown, columns - 1 - _width(tail))}…{tail}"


def _fitting(text: str, columns: int) -> str:
    """Return as much of the beginning of a text as fits."""
    length = 0
    while length < len(text) and _width(text[: length + 1]) <= columns:
        length += 1
    return text[:length]


def margin(names: Iterable[str], columns: int) -> float:
    """Return the room the longest of these names takes at the left, as a share of the width."""
    longest = max((_width(one_line(name, columns)) for name in names), default=0)
    return 0.04 + 0.0098 * max(8, longest)


def _width(text: str) -> int:
    return sum(
        2 if unicodedata.east_asian_width(char) in "WF" else unicodedata.category(char) != "Mn"
        for char in text
    )


def clamp(value: float) -> float:
    """Return the value within what can be drawn: the ends of floats overflow an axis."""
    return max(-_LARGEST, min(_LARGEST, value))


def number(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits: `12.4`, `1,250`, `3e12`, `−0.02`."""
    return str(significant(value, digits))


def signed(value: float) -> str:
    """Return a change with its sign and three significant digits."""
    text = number(value, 3)
    return f"+{text}" if value > 0 and text != "0" else text


def ticks(axes: Axes, which: str, most: int = 5) -> None:
    """Put few, short numbers on the `x` or the `y` axis."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def days(axes: Axes, first: int, last: int, most: int = 7) -> None:
    """Put few dates on the x axis, whose values are days' ordinals."""
    step = max(1, -(-(last - first + 1) // most))
    at = range(first, last + 1, step)
    axes.set_xticks(list(at), [f"{date.fromordinal(t):%b} {date.fromordinal(t).day}" for t in at])
    axes.set_xlim(first - 0.5, last + 0.5)


def ordinal(day: str) -> int | None:
    """Return a day's ordinal; None when it is no `YYYY-MM-DD` day."""
    try:
        return date.fromisoformat(day).toordinal()
    except ValueError:
        return None


def _card(figure: Figure, height: float) -> None:
    """Lay a light card with round corners under everything."""
    from matplotlib.patches import FancyBboxPatch

    card = FancyBboxPatch(
        (0.02, 0.02),
        WIDTH - 0.04,
        height - 0.04,
        boxstyle="round,pad=0,rounding_size=0.12",
        transform=figure.dpi_scale_trans,
        facecolor=CARD,
        edgecolor=EDGE,
        zorder=-1,
        linewidth=1,
    )
    figure.add_artist(card)
