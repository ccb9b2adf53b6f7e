"""A table as values: the template alone knows how Markdown draws one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retouch.reporting.escape import Markdown


@dataclass(frozen=True)
class Table:
    """Heads, which of them are numbers (right-aligned), and rows of as many cells."""

    heads: tuple[object, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[object, ...], ...]


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Make a table; a head that ends in `>` is over numbers. Heads are literals of ours."""
    return Table(
        heads=tuple(Markdown(head.removesuffix(">")) for head in heads),
        numeric=tuple(head.endswith(">") for head in heads),
        rows=tuple(tuple(row) for row in rows),
    )
