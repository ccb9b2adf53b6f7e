"""Tables and sections as values, and the templates, which escape all other text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import jinja2

from retouch.reporting.escape import Markdown, inline


@dataclass(frozen=True)
class Table:
    """Heads, which of them are numbers (right-aligned), and rows of as many cells."""

    heads: tuple[object, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[object, ...], ...]


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Make a table; a head that ends in `>` is over numbers. Heads are literals."""
    return Table(
        heads=tuple(Markdown(head.removesuffix(">")) for head in heads),
        numeric=tuple(head.endswith(">") for head in heads),
        rows=tuple(tuple(row) for row in rows),
    )


@dataclass(frozen=True)
class Section:
    """A part of the report that opens on a click."""

    name: str
    about: Markdown
    """Follows the name. HTML, not Markdown: so GitHub reads a `<summary>`."""
    blocks: tuple[Markdown | Table, ...]
    files: tuple[str, ...]
    """The documents its numbers come from."""
    open: bool = False


@cache
def _environment() -> jinja2.Environment:
    # `autoescape` would be HTML's, and its `Markup` is made by filters and macros along the way.
    # `finalize` sees every value last, and lets only `Markdown` through.
    return jinja2.Environment(
        loader=jinja2.PackageLoader("retouch.reporting", "templates"),
        finalize=inline,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def fill(template: str, **values: object) -> str:
    """Fill one of the templates."""
    return _environment().get_template(template).render(values)


def fill_text(source: str, **values: object) -> str:
    """Fill a template given as text, under the same rules."""
    return _environment().from_string(source).render(values)
