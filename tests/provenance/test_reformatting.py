"""What formatters and checkouts do to white space can be undone, so that a refusal can name it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.provenance.reformatting import KEEP_LINE_ENDS, NEW_ID, hint_on, undone

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
STYLES = st.sampled_from(
    [
        {"indent": 2},
        {"indent": 4},
        {"indent": "\t"},
        {"indent": None},
        {"indent": None, "separators": (",", ":")},
    ]
)


@given(JSON, STYLES, STYLES, st.booleans(), st.booleans())
def test_every_indentation_can_be_undone(value, style, other, ascii_only, newline):
    def written(style):
        text = json.dumps(value, ensure_ascii=ascii_only, **style)
        return (text + "\n" * newline).encode(errors="surrogatepass")

    signed, changed = written(style), written(other)

    try:
        signed.decode()
    except UnicodeDecodeError:
        return  # half a surrogate pair is no text, and an alert with one is refused
    assert signed == changed or signed in [text for _, text in undone(changed)]


def test_a_number_stays_as_it_was_written():
    signed, changed = b'{"a":1e-3,"b":1.50}', b'{\n  "a": 1e-3,\n  "b": 1.50\n}\n'

    assert ("indentation", signed) in list(undone(changed))


@pytest.mark.parametrize(
    ("signed", "changed", "change"),
    [
        (b"{\n}\n", b"{\r\n}\r\n", "line ends"),
        (b"{\r\n}\r\n", b"{\n}\n", "line ends"),
        (b"{\r\n}\r\n", b"{\r\n}\n", "line ends"),
        (b"{}\n", b"{}", "final newline"),
        (b"{}", b"{}\n", "final newline"),
        (b"{}", b"{}\n\n", "final newline"),
    ],
)
def test_the_change_has_a_name(signed, changed, change):
    assert (change, signed) in list(undone(changed))


@given(st.binary(max_size=60))
def test_no_text_is_tried_twice_nor_the_one_that_was_given(raw):
    texts = [text for _, text in undone(raw)]

    assert raw not in texts
    assert len(texts) == len(set(texts)) <= 14


@pytest.mark.parametrize(
    ("one", "other", "hint"),
    [
        (b"{\n}\n", b"{\r\n}\r\n", KEEP_LINE_ENDS),
        (b"{\r\n}\r\n", b"{\n}\n", KEEP_LINE_ENDS),
        (b"{\n}\n", b"{ }\n", NEW_ID),
    ],
)
def test_what_git_has_converted_needs_no_new_id(one, other, hint):
    assert hint_on(one, other) == hint
