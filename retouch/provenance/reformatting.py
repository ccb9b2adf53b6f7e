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
    with_lf = raw.replace(b"\r\n", b"\n")
    yield "line ends", with_lf
    yield "line ends", with_lf.replace(b"\n", b"\r\n")
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
