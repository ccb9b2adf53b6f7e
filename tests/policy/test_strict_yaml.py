"""YAML is read as a person reads it, or refused in one sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.errors import InputError
from retouch.policy.strict_yaml import MAX_CHARACTERS, read_yaml


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_yaml(text, "p.yaml", hint="Mend it.")
    assert caught.value.hint == "Mend it."
    return caught.value.message


def test_plain_values_are_read_as_they_look():
    text = 'a: [1, -2.5, true, false, null, ~, text, "2013-07-01"]\nb: {c: }\n'

    assert read_yaml(text, "p.yaml", hint="") == {
        "a": [1, -2.5, True, False, None, None, "text", "2013-07-01"],
        "b": {"c": None},
    }


@pytest.mark.parametrize("text", ["", "# a comment only\n"])
def test_a_file_that_says_nothing_is_null(text):
    assert read_yaml(text, "p.yaml", hint="") is None


@pytest.mark.parametrize(
    ("written", "as_what"),
    [
        ("2013-07-01", "YAML reads a date"),
        ("2013-07-01 12:00:00", "YAML reads a date"),
        ("no", "YAML reads true or false"),
        ("On", "YAML reads true or false"),
        ("True", "YAML reads true or false"),
        ("1:30", "YAML gives it a special meaning"),
        ("010", "YAML gives it a special meaning"),
        ("0x10", "YAML gives it a special meaning"),
        ("1_000", "YAML gives it a special meaning"),
        (".nan", "YAML gives it a special meaning"),
        ("-.inf", "YAML gives it a special meaning"),
        ("=", "YAML gives it a special meaning"),
        ("9" * 5000, "YAML gives it a special meaning"),
    ],
)
def test_what_looks_like_text_and_is_none_must_be_quoted(written, as_what):
    assert refusal(f"a:\n  - {written}\n") == (
        f'p.yaml: a[0]: {as_what}; if text is meant, quote it: "{written}".'
    )
    assert read_yaml(f'a:\n  - "{written}"\n', "p.yaml", hint="") == {"a": [written]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {b: 1, b: 2}", "a.b: the key is given more than once."),
        ("a: {b: 1, 'b': 2}", "a.b: the key is given more than once."),
        ("a:\n  on: 1", "a: line 2, column 3: the key is not text; quote it."),
        ("1: 2", "line 1, column 1: the key is not text; quote it."),
        ("? [a]\n: 1", "line 1, column 3: the key is not text; quote it."),
        ("<<: {a: 1}", "line 1, column 1: the key is not text; quote it."),
        ("a: &x 1", "line 1, column 4: anchors and aliases are not allowed; write the value out."),
        ("a: *x", "line 1, column 4: anchors and aliases are not allowed; write the value out."),
        (
            "a: !!python/name:os.system x",
            "line 1, column 4: tags are not allowed; write a plain value.",
        ),
        ("a: !!set {b}", "line 1, column 4: tags are not allowed; write a plain value."),
        ("[" * 33 + "]" * 33, "line 1, column 33: nested more than 32 deep."),
        ("[" * 100_000, "line 1, column 33: nested more than 32 deep."),
        ("a: 1\n---\nb: 2", "line 2, column 1: not YAML: but found another document."),
        ("a: [1", "line 2, column 1: not YAML: did not find expected ',' or ']'."),
        (
            "a: \x00",
            "not YAML: unacceptable character #x0000: control characters are not allowed.",
        ),
        ("x" * (MAX_CHARACTERS + 1), "1,000,001 characters; at most 1,000,000 are read."),
    ],
)
def test_what_grows_or_misleads_is_refused(text, message):
    assert refusal(text) == f"p.yaml: {message}"


plain_text = st.text(st.characters(max_codepoint=0xD7FF), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**19), 10**19) | plain_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_text, inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_json_is_read_as_what_it_is(value):
    assert read_yaml(json.dumps(value), "p.yaml", hint="") == value


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"#?, \n01.~")) | st.text())
def test_any_text_is_a_plain_value_or_bad_input(text):
    try:
        json.dumps(read_yaml(text, "p.yaml", hint=""))
    except InputError as error:
        assert "\n" not in error.message
