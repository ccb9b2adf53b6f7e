"""Which retrains stand in each other's way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from retouch.jobs.packages.overlap import Claim, certain, claimed_by, waits_for
from tests.reporting import documents as made

STAGES = st.frozensets(st.sampled_from(["clean", "fit@eu", "fit@us", "assemble"]))


def claim(number: int, stages: frozenset[str], *, kept: bool = True) -> Claim:
    return Claim(
        pull=number,
        branch=f"retouch/alert/{number}",
        report_id=str(number),
        alert_ids=(str(number),),
        stages=stages,
        kept=kept,
    )


CLAIMS = st.lists(st.builds(claim, st.integers(1, 9), STAGES, kept=st.booleans()), max_size=5)


def test_what_may_run_downstream_is_no_overlap():
    assert certain(made.plan(made.refit())) == {"train-air@central"}
    assert certain(made.plan(made.recalibrate(), made.refit())) == {
        "calibrate",
        "train-air@central",
    }


@given(mine=STAGES, claims=CLAIMS)
def test_one_waits_for_exactly_those_that_hold_a_stage_of_its_own(mine, claims):
    waits = waits_for(mine, "retouch/alert/mine", claims)
    assert list(waits) == sorted(set(waits))
    for one in claims:
        holds = one.kept and bool(mine & one.stages)
        assert not holds or one.pull in waits
    assert all(any(c.pull == n and c.kept and mine & c.stages for c in claims) for n in waits)


@given(one=STAGES, other=STAGES)
def test_overlap_is_mutual(one, other):
    a, b = claim(1, one), claim(2, other)
    assert bool(waits_for(one, a.branch, [a, b])) == bool(waits_for(other, b.branch, [a, b]))


def test_nobody_waits_for_their_own_branch():
    mine = claim(1, frozenset({"clean"}))
    assert waits_for(mine.stages, mine.branch, [mine]) == ()


def test_alerts_are_claimed_by_the_oldest_pull_request_that_has_all_of_them():
    one = claim(1, frozenset()).model_copy(update={"alert_ids": ("a", "b")})
    two = claim(2, frozenset()).model_copy(update={"alert_ids": ("a", "b", "c")})
    assert claimed_by(["a"], "x", [two, one]) == one
    assert claimed_by(["a", "c"], "x", [one, two]) == two
    assert claimed_by(["d"], "x", [one, two]) is None
    assert claimed_by(["a"], one.branch, [one]) is None
