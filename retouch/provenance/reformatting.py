"""What a formatter or git may have done to a signed file, undone. Pure.

A signature covers bytes. When an editor, a formatter or a checkout changed white space only, the
alert says the same and the signature does not fit; the error should name that change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Change = Literal["line ends", "final newline", "indentation"]

# White space between tokens goes; every token stays as it was written, 1e-3 and \u00e9 included.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_ITEM, _KEY = ", ", ": "
_INDENTS = ("  ", "    ", "\t")


KEEP_LINE_ENDS = (
    "Add `alerts/** -text` to .gitattributes, so that git converts none, then remove the file and "
    "check it out again."
)
NEW_ID = "A new alert needs a new id: `retouch alert new`."


def hint_on(one: bytes, other: bytes) -> str:
    """Return what to do about two contents of the same alert."""
    return KEEP_LINE_ENDS if other in with_line_ends(one) else NEW_ID


def with_line_ends(raw: bytes) -> tuple[bytes, bytes]:
    """Return the file with the line ends of Unix and with those of Windows."""
    unix = raw.replace(b"\r\n", b"\n")
    return unix, unix.replace(b"\n", b"\r\n")


def undone(raw: bytes) -> Iterator[tuple[Change, bytes]]:
    """Yield the texts that the file may have been before its white space changed.

    The likeliest first: other line ends, another final newline, then the indentations that JSON
    writers make. Each differs from `raw` and from the others.
    """
    seen = {raw}
    for change, text in _candidates(raw):
        if text not in seen:
            seen.add(text)
            yield change, text


def _candidates(raw: bytes) -> Iterator[tuple[Change, bytes]]:
    for converted in with_line_ends(raw):
        yield "line ends", converted
    yield "final newline", raw.rstrip(b"\r\n")
    yield "final newline", raw.rstrip(b"\r\n") + b"\n"
    try:
        tokens = _TOKEN.findall(raw.decode())
    except UnicodeDecodeError:
        return
    for text in (_one_line(tokens, ",", ":"), _one_line(tokens, _ITEM, _KEY)):
        yield "indentation", text.encode()
        yield "indentation", text.encode() + b"\n"
    for indent in _INDENTS:
        text = _indented(tokens, indent)
        yield "indentation", text.encode()
        yield "indentation", text.encode() + b"\n"


def _one_line(tokens: list[str], item: str, key: str) -> str:
    return "".join({",": item, ":": key}.get(token, token) for token in tokens)


def _indented(tokens: list[str], indent: str) -> str:
    """Return the tokens as JSON writers lay them out: one item a line, empty brackets closed."""
    parts: list[str] = []
    depth, opened = 0, False
    for token in tokens:
        if token in "}]":
            depth -= 1
            parts.append(token if opened else f"\n{indent * depth}{token}")
            opened = False
            continue
        if opened:
            parts.append(f"\n{indent * depth}")
        opened = token in "{["
        depth += opened
        parts.append({",": f",\n{indent * depth}", ":": _KEY}.get(token, token))
    return "".join(parts)
