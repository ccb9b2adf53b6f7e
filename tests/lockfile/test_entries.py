"""Entries of `dvc.lock`, moved as they stand."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.lockfile.entries import entry_names, in_evaluation_order
from tests.pipeline.strategies import FEW

LONG = "x" * 130


def entry(name, md5="0"):
    first = f"  ? {name}\n  : cmd:" if len(name) > 128 else f"  {name}:\n    cmd:"
    return f"{first} make {name}\n    deps:\n    - path: in:\n      md5: {md5}\n"


def lock(*names, head="schema: '2.0'\nstages:\n", tail=""):
    return head + "".join(map(entry, names)) + tail


def test_the_names_of_all_entries():
    assert entry_names(lock("clean", "fit@eu", "'2024'", "a b")) == {
        "clean",
        "fit@eu",
        "2024",
        "a b",
    }


@pytest.mark.parametrize(
    "text", ["", "schema: '2.0'\n", "schema: '2.0'\nstages: {}\n", "stages:\n"]
)
def test_a_lock_without_stages_has_no_entries(text):
    assert entry_names(text) == frozenset()
    assert in_evaluation_order(text, text, ["a"]) == text


def test_a_name_too_long_for_a_simple_key_is_found():
    assert entry_names(lock(LONG, "fit")) == {LONG, "fit"}


def test_nothing_but_an_entry_is_one():
    text = (
        "schema: '2.0'\nstages:\n  # ours\n  a:\n    cmd:\n    - 'b:'\n    outs:\n    - path: c\n"
    )

    assert entry_names(text) == {"a"}
    assert in_evaluation_order("", text, []) == text


def test_new_entries_are_put_into_the_order_of_evaluation():
    assert in_evaluation_order("", lock("c", "a", "b"), ["a", "b", "c"]) == lock("a", "b", "c")


def test_known_entries_stay_where_they_are_and_new_ones_follow():
    before = lock("z", "a")

    after = in_evaluation_order(before, lock("z", "a", "n", "m"), ["a", "m", "n", "z"])

    assert after == lock("z", "a", "m", "n")


def test_new_entries_that_nobody_ordered_come_last():
    assert in_evaluation_order("", lock("x", "b", "a"), ["a", "b"]) == lock("a", "b", "x")


def test_what_follows_the_stages_stays_behind_them():
    tail = "other:\n  thing: 1\n"

    ordered = in_evaluation_order("", lock("b", "a", tail=tail), ["a", "b"])

    assert ordered == lock("a", "b", tail=tail)
    assert entry_names(ordered) == {"a", "b"}


@FEW
@given(st.permutations([*"abcd", LONG]), st.sets(st.sampled_from("abcd")))
def test_whatever_the_race_the_text_is_the_same(finished, known):
    order = [*"abcd", LONG]
    before = lock(*sorted(known))
    raced = lock(*sorted(known), *(name for name in finished if name not in known))

    ordered = in_evaluation_order(before, raced, order)

    assert ordered == lock(*sorted(known), *(name for name in order if name not in known))
    assert in_evaluation_order(before, ordered, order) == ordered


def test_no_line_is_lost_or_made():
    for names in permutations(["a", LONG, "c"]):
        text = lock(*names, tail="end: 1\n")
        ordered = in_evaluation_order("", text, ["c", "a"])
        assert sorted(ordered.splitlines()) == sorted(text.splitlines())
