"""Merging `dvc.lock` by stage, as text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.errors import InputError
from retouch.lockfile.entries import (
    UnreadableYaml,
    entries,
    entry_digest,
    entry_digests,
    in_order_of,
    parse_plain_yaml,
    without_entries,
)
from retouch.lockfile.integrity import merge_locks

HEAD = "schema: '2.0'\nstages:\n"
SIDE = st.dictionaries(st.sampled_from(["a", "b", "fit@eu", "'1'"]), st.integers(0, 2))


def entry(name, made):
    return f"  {name}:\n    cmd: make {name}\n    outs:\n    - path: out\n      md5: '{made}'\n"


def lock(side):
    return HEAD + "".join(entry(n, m) for n, m in side.items()) if side else ""


def merge(base, ours, theirs):
    return merge_locks(lock(base), lock(ours), lock(theirs))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "kept", "left_out"),
    [
        ({"a": 0}, {"a": 1}, {"a": 0}, {"a": 1}, ()),
        ({"a": 0}, {"a": 0}, {"a": 1}, {"a": 1}, ()),
        ({"a": 0}, {"a": 1}, {"a": 1}, {"a": 1}, ()),
        ({"a": 0}, {"a": 1, "b": 0}, {"a": 2}, {"b": 0}, ("a",)),
        ({}, {"a": 1, "b": 0}, {"a": 2}, {"b": 0}, ("a",)),
        ({"a": 0, "b": 0}, {"b": 0}, {"a": 0, "b": 0}, {"b": 0}, ()),
        ({"a": 0, "b": 0}, {"b": 0}, {"a": 1, "b": 0}, {"b": 0, "a": 1}, ()),
        ({"a": 0, "b": 0}, {"a": 1, "b": 0}, {"b": 0}, {"a": 1, "b": 0}, ()),
        ({}, {"a": 1}, {"b": 1}, {"a": 1, "b": 1}, ()),
    ],
)
def test_each_entry_is_one_sides_or_left_out(base, ours, theirs, kept, left_out):
    merged = merge(base, ours, theirs)
    assert merged.text == lock(kept)
    assert merged.left_out == left_out


def test_the_consumer_that_git_would_make_of_two_halves_is_left_out():
    deps = "    deps:\n    - path: a\n      md5: {a}\n    - path: c\n      md5: {c}\n"
    both = f"  ens:\n{deps}    outs: {{o}}\n"
    base, ours, theirs = (
        HEAD + both.format(a=a, c=c, o=o)
        for a, c, o in (("a0", "c0", 1), ("a1", "c0", 1), ("a0", "c1", 3))
    )
    merged = merge_locks(base, ours, theirs)
    assert merged.left_out == ("ens",)
    assert entries(merged.text) == {}


def test_with_nothing_left_the_file_is_one_that_dvc_reads():
    merged = merge({"a": 0}, {"a": 1}, {"a": 2})
    assert merged.text == "schema: '2.0'\nstages: {}\n"


def test_what_stands_behind_the_entries_is_merged_as_well():
    old, new = (f"datasets:\n- name: d\n  rev: '{n}'\n" for n in "12")
    a = lock({"a": 0})
    assert merge_locks(a + old, a + old, a + new).text == a + new
    assert merge_locks(a + old, a + new, a + old).text == a + new
    with pytest.raises(InputError, match="both sides changed what stands around"):
        merge_locks(a, a + old, a + new)


def test_a_lock_that_cannot_be_read_is_refused_by_the_name_of_its_side():
    with pytest.raises(InputError, match=r"dvc.lock \(theirs\): cannot be read entry by entry"):
        merge_locks("", lock({"a": 0}), "<<<<<<< HEAD\n")


@given(SIDE, SIDE, SIDE)
def test_no_entry_is_made_up_and_none_is_lost_in_silence(base, ours, theirs):
    merged = merge(base, ours, theirs)
    sides = [entries(lock(side)) for side in (base, ours, theirs)]

    for name, text in entries(merged.text).items():
        assert text in (sides[1].get(name), sides[2].get(name))
    gone = ({*sides[1]} | {*sides[2]}) - {*entries(merged.text)} - {*merged.left_out}
    for name in gone:  # taken out by one side, untouched by the other
        assert name not in sides[1] or name not in sides[2]
        assert (sides[1].get(name) or sides[2].get(name)) == sides[0].get(name)


@given(SIDE, SIDE, SIDE)
def test_both_ways_round_the_same_is_said(base, ours, theirs):
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert entries(one.text) == entries(other.text)
    assert {*one.left_out} == {*other.left_out}


@given(SIDE, SIDE)
def test_where_one_side_did_nothing_the_other_side_is_the_result(base, theirs):
    merged = merge(base, base, theirs)
    assert entries(merged.text) == entries(lock(theirs))
    assert merged.left_out == ()


def test_the_digest_is_of_what_an_entry_says_not_of_how_it_is_laid_out():
    one = entry_digest("  a:\n    cmd: x\n    outs:\n    - path: o\n")
    assert entry_digest("  a:\n    outs: [{path: 'o'}]\n    cmd: \"x\"\n") == one
    for other in (
        "  b:\n    cmd: x\n    outs:\n    - path: o\n",
        "  a:\n    cmd: y\n    outs:\n    - path: o\n",
        "  a:\n    cmd: x\n    outs:\n    - path: o\n      md5: ''\n",
    ):
        assert entry_digest(other) != one


@pytest.mark.parametrize(
    ("one", "other"), [("yes", "true"), ("1", "'1'"), ("2024-01-01", "'2024-01-01'"), ("~", "''")]
)
def test_values_that_dvc_tells_apart_have_digests_of_their_own(one, other):
    assert entry_digest(f"  a:\n    p: {one}\n") != entry_digest(f"  a:\n    p: {other}\n")


def test_anchors_within_an_entry_are_read():
    shared = "  a:\n    params:\n      x: &id001\n      - 1\n      y: *id001\n"
    assert entry_digest(shared) == entry_digest("  a:\n    params:\n      x: [1]\n      y: [1]\n")


@pytest.mark.parametrize(
    "text",
    [
        "schema: '2.0'\nstages: {a: {cmd: x}}\n",  # DVC reads an entry, line by line there is none
        HEAD + "  a:\n    cmd: x\n  a:\n    cmd: y\n",
        HEAD + "  a:\n    cmd: x\n   b:\n    cmd: y\n",
        HEAD + "  a:\n    cmd: x\n---\nstages:\n  a:\n    cmd: y\n",
        HEAD + "<<<<<<< HEAD\n  a:\n    cmd: x\n=======\n",
        HEAD + "  a: *nowhere\n",
        HEAD + "  a:\n    cmd: x\n? stages\n: {b: {}}\n",
        "a:\n  md5: old\n",
        "- a\n",
        "text\n",
        "stages: [1]\n",
        "[" * 500,
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(
            f"{n}: &{n} [{','.join(['*' + m] * 9)}]\n"
            for m, n in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        HEAD + "  a:\n    cmd: \x00\n",
    ],
)
def test_a_lock_that_is_not_what_it_looks_like_line_by_line_is_refused(text):
    with pytest.raises(InputError, match=r"^dvc.lock: cannot be read entry by entry: "):
        entries(text)


def test_entries_taken_out_leave_the_others_as_they_were():
    text = lock({"a": 0, "b": 1, "'1'": 2}) + "datasets: []\n"
    assert without_entries(text, ["b"]) == lock({"a": 0, "'1'": 2}) + "datasets: []\n"
    assert without_entries(text, ["1", "a"]) == lock({"b": 1}) + "datasets: []\n"
    assert without_entries(lock({"a": 0}), ["a"]) == ""


def test_entries_go_back_to_where_they_were():
    before, after = lock({"a": 0, "b": 0, "c": 0}), lock({"c": 0, "a": 1, "new": 0, "b": 2})
    assert in_order_of(before, after) == lock({"a": 1, "b": 2, "c": 0, "new": 0})


def test_digests_go_by_the_name_of_the_stage():
    assert entry_digests(lock({"a": 0, "'1'": 0})).keys() == {"a", "1"}


def test_aliases_that_grow_are_not_followed():
    nine = [f"  {n}: &{n} [{', '.join([f'*{m}'] * 9)}]\n" for m, n in pairwise("abcdefghi")]
    with pytest.raises(UnreadableYaml, match="its aliases make it too large"):
        parse_plain_yaml("x:\n  a: &a [1, 1, 1]\n" + "".join(nine))
