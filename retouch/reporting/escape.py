"""Text from outside, made harmless in GitHub Markdown.

An alert may say anything: a message that mentions a team, closes an issue, ends our comment marker
or adds a row to a table. Everything a template prints is escaped unless it is a `Markdown`, and
only our own code makes those.

Escapes are HTML entities, never backslashes: an entity cannot delimit anything in Markdown, and
the same text is as harmless in raw HTML (a `<summary>`) as in a paragraph. What GitHub links after
it has decoded entities (mentions, issues, commits, emoji) is parted by a zero-width space.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import LiteralString

TEXT_LIMIT = 300
NAME_LIMIT = 80
_PART = "&#8203;"
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
_STRUCTURE = {c: f"&#{ord(c)};" for c in "\\`*_{}[]|~^"} | {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "#": "&#35;",
    # GitHub's own advice for a dollar sign that is no mathematics.
    "$": "<span>$</span>",
}
_TOKEN = re.compile(
    r"(?P<mention>@)"
    r"|(?P<issue>#(?=\d))"
    r"|(?P<ticket>(?<=[A-Za-z])(?<!\de)-(?=\d)|(?<=GHSA)-)"  # GH-12, or a prefix of its own
    r"|(?P<url>:(?=//)|(?<=www)(?=\.))"
    r"|(?P<emoji>:(?=[\w+-]+(?::|$)))"
    r"|(?P<commit>[0-9a-f]{7,})"
    r"|(?P<harmless>(?<=[a-z0-9])_(?=[a-z0-9])|(?<=\S )>(?= ))"
    r"|(?P<structure>[\\`*_{}\[\]|~^&<>#$])",
    re.IGNORECASE,
)
_AT_START = re.compile(r"[-+=:]|\d{1,9}[.)](?=\s|$)")


class Markdown(str):
    """Markdown written by our own code; all other text is escaped when a template prints it.

    Joining or slicing one gives a plain `str`, so whatever is not marked again is escaped again.
    """

    __slots__ = ()


def write(template: LiteralString, *values: object, **named: object) -> Markdown:
    """Fill a literal template: `Markdown` values as they are, all others escaped."""
    return Markdown(
        template.format(*map(inline, values), **{k: inline(v) for k, v in named.items()})
    )


def join(separator: LiteralString, values: Iterable[object]) -> Markdown:
    """Join values with a literal separator; those that are not `Markdown` are escaped."""
    return Markdown(separator.join(map(inline, values)))


def plain(value: object, limit: int = TEXT_LIMIT) -> str:
    """Return one visible line of at most `limit` characters, without any Markdown.

    Control, bidi, zero-width and unassigned characters go, and no letter keeps more than two marks.
    """
    kept: list[str] = []
    marks = 0
    for char in str(value)[: 20 * limit + 1000]:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category in ("Cc", "Zl", "Zp", "Zs"):
            kept.append(" ")
        elif category in ("Cn", "Co", "Cs"):
            kept.append("\ufffd")
        elif category != "Cf" and char not in _INVISIBLE and marks <= 2:
            kept.append(char)
    return _shorten(" ".join("".join(kept).split()), limit)


def inline(value: object, limit: int = TEXT_LIMIT) -> Markdown:
    """Return the value as prose that shows as it reads and does nothing.

    At most `limit` characters are seen, and at most three times as many written.
    """
    if isinstance(value, Markdown):
        return value
    text = plain(value, limit)
    escaped = _TOKEN.sub(_defuse, text)
    while len(escaped) > 3 * limit:
        text = _shorten(text, len(text) // 2)
        escaped = _TOKEN.sub(_defuse, text)
    start = _AT_START.match(escaped)
    if not start:
        return Markdown(escaped)
    last = start.end() - 1
    return Markdown(f"{escaped[:last]}&#{ord(escaped[last])};{escaped[last + 1 :]}")


def code(value: object, limit: int = NAME_LIMIT) -> Markdown:
    """Return the value as inline code; long names keep their head and their tail."""
    text = shorten_name(plain(value, max(limit, 2000)), limit)
    if not text:
        return Markdown("<code>(empty)</code>")
    if re.search(r"[`|<]|-->|\$\{\{", text):
        return Markdown(f"<code>{inline(text, limit)}</code>")
    return Markdown(f"`{text}`")


def shorten_name(text: str, limit: int) -> str:
    """Return a name of at most `limit` characters: its head and its tail tell names apart."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def _defuse(token: re.Match[str]) -> str:
    text = token[0]
    if token["commit"]:
        return _PART.join(text[i : i + 6] for i in range(0, len(text), 6))
    if token["harmless"]:
        return text
    if token["structure"]:
        return _STRUCTURE[text]
    return _STRUCTURE.get(text, text) + _PART


def _shorten(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    words = cut.rfind(" ", max(0, limit - 20))
    return (cut[:words] if words > 0 else cut).rstrip() + "…"
