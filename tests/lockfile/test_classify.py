"""Where an entry comes from, as a decision on digests."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from retouch.lockfile.integrity import Integrity, StaleStage, classify, only, unattributed_entries

DIGESTS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("0123"))
RECORDED = st.frozensets(st.tuples(st.sampled_from("abcd"), st.sampled_from("0123")), max_size=4)


def found(entries, parents, recorded=(), *, must_be_known=False, doubted=()):
    classified = classify(entries, parents, recorded, must_be_known=must_be_known, doubted=doubted)
    return {entry.stage: entry.found for entry in classified}


def test_an_entry_of_both_halves_is_doubtful_in_a_merge_and_nowhere_else():
    left, right, merged = (
        {"a": "new", "ens": "l"},
        {"a": "old", "ens": "r"},
        {"a": "new", "ens": "x"},
    )

    said = found(merged, [left, right], must_be_known=True)

    assert said == {"a": "same_as_parent", "ens": "doubtful"}
    assert found(merged, [left])["ens"] == "made_here"


def test_a_receipt_accounts_for_its_own_stage_only():
    merged = {"a": "x", "b": "x"}
    assert found(merged, [{}, {}], {("a", "x")}, must_be_known=True) == {
        "a": "recorded",
        "b": "doubtful",
    }


def test_an_entry_of_another_stage_of_a_parent_is_nobodys():
    assert found({"a": "1"}, [{"b": "1"}], must_be_known=True) == {"a": "doubtful"}


def test_without_a_parent_everything_is_the_first_or_recorded():
    assert found({"a": "1", "b": "2"}, [], {("b", "2")}) == {"a": "first", "b": "recorded"}


def test_what_a_merge_made_up_is_not_a_persons_work():
    said = found({"a": "1", "b": "2"}, [{}], doubted={("a", "1")})
    assert said == {"a": "doubtful", "b": "made_here"}
    assert found({"a": "1"}, [{}], {("a", "1")}, doubted={("a", "1")}) == {"a": "recorded"}


def test_stages_that_are_gone_are_no_matter():
    assert only({"gone": "1", "a": "2"}, ["a", "new"]) == {"a": "2"}


@given(DIGESTS, st.lists(DIGESTS, max_size=3), RECORDED)
def test_a_merge_is_free_of_doubt_exactly_when_every_entry_is_a_parents_or_recorded(
    entries, parents, recorded
):
    said = found(entries, parents, recorded, must_be_known=True)

    accounted = {pair for parent in parents for pair in parent.items()} | recorded
    doubtful = {stage for stage, what in said.items() if what == "doubtful"}
    expected = {stage for stage, digest in entries.items() if (stage, digest) not in accounted}
    assert doubtful == (expected if parents else set())
    assert unattributed_entries(entries, parents, recorded) == {*entries.items()} - accounted


@given(DIGESTS, st.lists(DIGESTS, min_size=1, max_size=3), RECORDED, st.booleans())
def test_no_order_of_parents_or_entries_matters(entries, parents, recorded, must):
    said = found(entries, parents, recorded, must_be_known=must)
    for other in permutations(parents):
        assert found(entries, other, recorded, must_be_known=must) == said
    backwards = dict(reversed(entries.items()))
    assert found(backwards, parents, recorded, must_be_known=must) == said


def test_anything_that_stands_against_a_commit_makes_it_unsound():
    plain = Integrity(commit="c", parents=())
    assert plain.sound and plain.message == ()
    for said in (
        {"stale": (StaleStage(stage="a", because="b"),)},
        {"faults": ("x.py: touched.",)},
        {"missing": ("m: nowhere.",)},
        {"entries": classify({"a": "1"}, [{}], (), must_be_known=True)},
    ):
        against = plain.model_copy(update=said)
        assert not against.sound
        assert len(against.message) == 1
