"""The templates, and the one way out of them: whatever is not our own Markdown is escaped."""

from __future__ import annotations

from functools import cache

import jinja2

from retouch.reporting.escape import inline


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
    """Fill one of our templates."""
    return _environment().get_template(template).render(values)


def fill_text(source: str, **values: object) -> str:
    """Fill a template given as text, under the same rules."""
    return _environment().from_string(source).render(values)
