"""Which version is rolled back, and which one stands in for it, from tags alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from retouch.errors import InputError
from retouch.registry.registry import registry_from_tags
from retouch.registry.rollback_plan import plan_rollback
from retouch.registry.tags import parse_tag

START = datetime(2024, 3, 1, tzinfo=UTC)


def registry(*events):
    """Tags in order: (name, number of the commit, what it says)."""
    tags = []
    for number, (name, commit, *said) in enumerate(events):
        told = {"model": f"model{commit}"} | (said[0] if said else {})
        at = START + timedelta(seconds=number)
        tags.append(parse_tag(name, commit=str(commit) * 40, at=at, message=json.dumps(told)))
    assert None not in tags
    return registry_from_tags("means", tags)


THREE = [
    ("means@v1.0.0", 1),
    ("means#prod#1", 1),
    ("means@v1.1.0", 2),
    ("means#canary#2", 2),
    ("means#prod#3", 2),
    ("means#canary!#4", 2, {"passed": True}),
    ("means@v1.2.0", 3),
    ("means#prod#5", 3),
]
OUT = ("means#prod!#6", 3, {"rolled_back": True, "to": "v1.1.0", "reason": "late"})
IN = ("means#prod#7", 2, {"rollback_of": "v1.2.0"})


def names(found):
    return found.bad.name, found.target.name


def test_the_version_before_in_production_stands_in():
    found = plan_rollback(registry(*THREE), None)
    assert names(found) == ("v1.2.0", "v1.1.0")
    assert (found.taken_out, found.put_in) == (None, None)


def test_a_version_that_was_named_stands_in():
    assert names(plan_rollback(registry(*THREE), "v1.0.0")) == ("v1.2.0", "v1.0.0")


@pytest.mark.parametrize(
    "down",
    [
        [("means@v1.1.0!", 2)],
        [("means#prod!#6", 2, {"rolled_back": True})],
        [("means#canary!#6", 2, {"failed": True})],
    ],
)
def test_versions_that_are_down_are_passed_over(down):
    assert names(plan_rollback(registry(*THREE, *down), None)) == ("v1.2.0", "v1.0.0")


def test_a_rollback_cut_short_is_gone_on_with():
    for to in (None, "v1.1.0"):
        found = plan_rollback(registry(*THREE, OUT), to)
        assert names(found) == ("v1.2.0", "v1.1.0")
        assert (found.taken_out.name, found.put_in, found.reason) == ("means#prod!#6", None, "late")
    with pytest.raises(InputError, match="was interrupted"):
        plan_rollback(registry(*THREE, OUT), "v1.0.0")


def test_a_rollback_that_is_done_is_not_rolled_back_unless_a_version_is_named():
    done = registry(*THREE, OUT, IN)
    found = plan_rollback(done, None)
    assert names(found) == ("v1.2.0", "v1.1.0")
    assert found.put_in.name == "means#prod#7"
    assert plan_rollback(done, "v1.1.0") == found
    further = plan_rollback(done, "v1.0.0")
    assert names(further) == ("v1.1.0", "v1.0.0")
    assert further.taken_out is None
    undone = plan_rollback(done, "v1.2.0")
    assert names(undone) == ("v1.1.0", "v1.2.0")


def test_a_promotion_after_a_rollback_may_be_rolled_back():
    later = [("means@v1.3.0", 4), ("means#prod#8", 4)]
    assert names(plan_rollback(registry(*THREE, OUT, IN, *later), None)) == ("v1.3.0", "v1.1.0")


@pytest.mark.parametrize(
    ("events", "to", "message"),
    [
        ([], None, "No version of means is in prod"),
        (THREE[:2], None, "No version was in prod before v1.0.0"),
        (THREE, "v9.9.9", "is not a registered version of means"),
        (THREE, "v1.2.0", "is already in prod"),
        ([*THREE, ("means@v1.0.0!", 1)], "v1.0.0", "is not a registered version"),
        (THREE, "\x1b[31mv1", r"\\x1b"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(events, to, message):
    with pytest.raises(InputError, match=message):
        plan_rollback(registry(*events), to)
