"""Inputs that somebody may send: damaged copies of good ones, giants, and plain noise."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

ODD = (
    "", " ", "\x00", "\x1b[2J", "\u202e", "\u200b", "\ufeff", "\ud800", "\U000e0041",
    "../../etc/passwd", "/etc/passwd", "alerts/../../x", "C:\\x", "a" * 5_000, "-", "--help",
    "${{ github.token }}", "$(touch x)", "`x`", "-->", "@team", "<script>", "{{ x }}", "%s%n",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2013-02-30T00:00:00Z",
    "2026-11-23T06:00:00", "2013-07-01", "24:00", "NaN", "Infinity", "1e999", "0x10", "010", "yes",
    None, True, False, 0, -0.0, 1, -1, 2**63, 10**308, 10**400, 1e-320, 0.1, float("nan"),
    float("inf"), -float("inf"), [], {}, [[]], [None] * 300, {"": ""}, {"a": {"b": {"c": []}}},
    {"__proto__": 1}, {"__class__": "x"}, [{"x": 1}] * 50,
)  # fmt: skip
"""What stands where something else belongs."""
BYTES = (
    b"", b"\x00", b"\xff", b"\xfe\xff", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\r\n",
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"- ", b"&a ", b"*a", b"!!python/object:x ",
    b"!!binary ", b"? ", b"| ", b"> ", b"---\n", b"...\n", b"%YAML 9\n", b"<<: *a\n", b"~", b"NaN",
    b"1e999", b"9" * 400, b"\\ud800", b"\t", b"# ", b"0001-01-01T00:00:00Z", b"../",
)  # fmt: skip
"""What is put among the bytes of a document."""

free_text = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=12,
    ).map(json.dumps),
)
"""Noise: text, bytes, and JSON of any shape."""


def damaged_bytes(good: bytes, chance: random.Random) -> bytes:
    """Return a document with a few stretches of it lost, doubled, moved or replaced."""
    raw = bytearray(good)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(raw) + 1)
        end = min(len(raw), at + chance.choice((0, 1, 1, 2, 8, 64)))
        match chance.randrange(4):
            case 0:
                del raw[at:end]
            case 1:
                raw[at:end] = chance.choice(BYTES)
            case 2:
                raw[at:at] = raw[at:end] * chance.choice((1, 2, 50))
            case _:
                raw[at:end] = bytes(chance.randrange(256) for _ in range(end - at))
    return bytes(raw)


def damaged_value(good: Any, chance: random.Random) -> Any:
    """Return a value with one to three of its places odd, gone, doubled or swapped."""
    value = copy.deepcopy(good)
    for _ in range(chance.randint(1, 3)):
        places = list(_places(value))
        if not places:
            return chance.choice(ODD)
        holder, key = chance.choice(places)
        match chance.randrange(5):
            case 0 | 1:
                holder[key] = copy.deepcopy(chance.choice(ODD))
            case 2:
                del holder[key]
            case 3 if isinstance(holder, dict):
                holder[chance.choice([o for o in ODD if isinstance(o, str)])] = holder[key]
            case _:
                other, at = chance.choice(places)
                holder[key] = copy.deepcopy(other.get(at) if isinstance(other, dict) else other)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield value, key
            yield from _places(item)
    elif isinstance(value, list):
        for number, item in enumerate(value[:50]):
            yield value, number
            yield from _places(item)


def giants() -> Sequence[bytes]:
    """Return inputs that take long, or much memory, to read without care."""
    megabyte = 1_000_000
    nine = "".join(
        f"{chr(97 + n)}: &{chr(97 + n)} [{'*' + chr(96 + n) + ','} " for n in range(1, 9)
    )
    return (
        b"a" * (10 * megabyte),
        b"[" * megabyte,
        b'{"a":' * 200_000,
        b"[" + b"0," * (5 * megabyte) + b"0]",
        b'{"schema_version": "' + b"1" * (9 * megabyte) + b'"}',
        b'{"a": ' + b"9" * (9 * megabyte) + b"}",
        b"{" + b",".join(b'"k%d":1' % n for n in range(500_000)) + b"}",
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (c + 1, c + 1, b",".join([b"*%c" % c] * 9)) for c in range(97, 110)
        ),
        nine.encode(),
        b"- " * 100_000,
        b"a: " * 100_000,
        b"? " * 100_000,
        b"\x00" * megabyte,
        b'"' + b"\\u202e" * 500_000 + b'"',
    )
