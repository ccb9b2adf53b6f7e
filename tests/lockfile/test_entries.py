"""Entries of `dvc.lock`, moved as they stand."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.lockfile.entries import (
    digest_in,
    directory_listing,
    entry_digest,
    entry_names,
    in_evaluation_order,
    in_order_of,
    lock_file_of,
    outputs_in,
    with_entry,
    without_entries,
)
from tests.pipeline.strategies import FEW, stage

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


def test_an_entry_replaces_the_one_of_its_name_and_only_that():
    text = lock("a", "'2024'", "c", tail="end: 1\n")

    replaced = with_entry(text, "2024", entry("'2024'", md5="1"))

    assert replaced == text.replace(entry("'2024'"), entry("'2024'", md5="1"))


def test_a_new_entry_comes_after_all_others_and_before_what_follows_them():
    assert with_entry(lock("a", tail="end: 1\n"), "b", entry("b")) == lock(
        "a", "b", tail="end: 1\n"
    )


def test_a_lock_without_entries_takes_none():
    with pytest.raises(ValueError, match="no entries"):
        with_entry("schema: '2.0'\n", "a", entry("a"))


def test_entries_are_taken_out_byte_for_byte_and_none_left_is_no_lock():
    text = lock("a", "b", LONG, tail="end: 1\n")

    assert without_entries(text, {"b"}) == lock("a", LONG, tail="end: 1\n")
    assert without_entries(text, {LONG, "x"}) == lock("a", "b", tail="end: 1\n")
    assert without_entries(text, {"a", "b", LONG}) == ""


def test_the_order_of_another_lock_is_taken_over_and_new_entries_follow_as_they_are():
    assert in_order_of(lock("c", "a"), lock("n", "a", "m", "c")) == lock("c", "a", "n", "m")


def test_the_digest_of_an_entry_depends_on_what_it_says_and_not_on_its_layout():
    plain = "  fit:\n    cmd: make\n    deps:\n    - path: a\n      md5: x\n"
    laid_out = "  'fit':\n      cmd:   make\n      deps: [{path: a, md5: x}]\n"
    head = "schema: '2.0'\nstages:\n"

    assert digest_in(head + plain, "fit") == entry_digest(plain) == entry_digest(laid_out)
    assert digest_in(head + plain, "other") is None
    assert entry_digest(plain) != entry_digest(plain.replace("md5: x", "md5: y"))
    assert entry_digest(plain) != entry_digest(plain.replace("fit", "fat"))


def test_the_recorded_hashes_are_those_of_the_stages_own_outputs():
    text = (
        "schema: '2.0'\nstages:\n  fit:\n    cmd: make\n    deps:\n    - path: in\n      md5: d\n"
        "    outs:\n    - path: out/a\n      hash: md5\n      md5: aaa\n      size: 1\n"
        "    - path: ../b\n      etag: bbb\n    - path: c\n"
        "  other:\n    cmd: make\n    outs:\n    - path: z\n      md5: zzz\n"
    )
    fit = stage("sub/dvc.yaml:fit").model_copy(update={"folder": "sub"})

    assert outputs_in(text, fit) == {"sub/out/a": "aaa", "b": "bbb", "sub/c": ""}
    assert outputs_in("", fit) == {}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("fit", "dvc.lock"),
        ("sub/dvc.yaml:fit", "sub/dvc.lock"),
        ("a/b/dvc.yaml:x@1", "a/b/dvc.lock"),
    ],
)
def test_a_stage_is_recorded_in_the_lock_beside_its_dvc_yaml(address, path):
    assert lock_file_of(address) == path


@pytest.mark.parametrize(
    "listing",
    [
        b"{}",
        b"[1]",
        b'[{"relpath": "../a", "md5": "%s"}]' % (b"0" * 32),
        b'[{"relpath": "a//b", "md5": "%s"}]' % (b"0" * 32),
        b'[{"relpath": "a", "md5": "%s.dir"}]' % (b"0" * 32),
        b'[{"relpath": "a", "md5": "../../x"}]',
    ],
)
def test_a_directory_listing_that_leads_out_of_it_is_refused(listing):
    with pytest.raises(ValueError, match=r"it is not|it names"):
        directory_listing(listing)


def test_a_directory_listing_names_the_object_of_each_file():
    listing = b'[{"relpath": "a/b", "md5": "%s"}]' % (b"0" * 32)

    assert directory_listing(listing) == {"a/b": "0" * 32}
