"""What decides first: checks, guardrails, and what halts a run."""

from __future__ import annotations

import pytest

from retouch.gate.comparison import Measured


def size(**given):
    return {
        "kind": "size",
        "name": "The model stays small",
        "why": "It is shipped.",
        "ratio_at_most": 2.0,
    } | given


@pytest.fixture
def outcome(judged, policy):
    """Judge a candidate that is better by 2, `ratio` times as large, under these guardrails."""

    def outcome(*guardrails, ratio=None, new=3.0, **given):
        measured = None
        if ratio is not None:
            measured = Measured(production_bytes=1000, candidate_bytes=int(1000 * ratio))
        given = {"policy": policy(guardrails=guardrails), "measured": measured} | given
        return judged(5.0, new, **given)

    return outcome


def test_a_guardrail_that_holds_stops_nothing(outcome):
    judgement = outcome(size(), ratio=1.5)
    assert judgement.outcome == "promote"
    assert [g.result for g in judgement.guardrails] == ["pass"]
    assert judgement.halted_by is None


def test_a_broken_guardrail_rejects_a_better_model_and_halts(outcome):
    judgement = outcome(size(), ratio=3)
    assert judgement.outcome == "reject"
    assert judgement.message == judgement.guardrails[0].message
    assert judgement.halted_by == "The model stays small"


def test_a_broken_guardrail_may_leave_the_ladder_to_go_on(outcome):
    judgement = outcome(size(then="next_tier"), ratio=3)
    assert (judgement.outcome, judgement.halted_by) == ("reject", None)


def test_an_observed_guardrail_is_shown_and_stops_nothing(outcome):
    judgement = outcome(size(mode="observe"), ratio=3)
    assert (judgement.outcome, judgement.halted_by) == ("promote", None)
    assert judgement.guardrails[0].result == "fail"


def test_what_was_not_measured_is_not_passed(outcome):
    judgement = outcome(size())
    assert (judgement.outcome, judgement.halted_by) == ("not_enough_data", None)
    assert judgement.message == judgement.guardrails[0].message


def test_a_failed_check_is_said_before_a_broken_guardrail_which_still_halts(outcome):
    judgement = outcome(size(), ratio=3, new=7.0)
    assert judgement.outcome == "reject"
    assert judgement.message == judgement.checks[0].message
    assert judgement.halted_by == "The model stays small"


def test_a_broken_guardrail_weighs_more_than_an_unanswered_check(outcome, alerted):
    moon = alerted("region = moon", ("region", "eq", "moon"))
    assert outcome(size(), ratio=1, alerted=moon).outcome == "not_enough_data"
    assert outcome(size(), ratio=3, alerted=moon).outcome == "reject"


def test_guardrails_are_asked_of_repairs_too(outcome):
    judgement = outcome(size(), ratio=3, new=5.1, must="not_get_worse")
    assert (judgement.outcome, judgement.halted_by) == ("reject", "The model stays small")


@pytest.mark.parametrize(
    ("rail", "ratio", "message"),
    [
        (size(), 1.0, "equivalent"),
        (size(), 3.0, "reject"),
        (size(then="next_tier"), 3.0, "reject"),
        (size(mode="observe"), 3.0, "equivalent"),
        (
            size(),
            None,
            "equivalent",
        ),  # Not measured yet: `retouch.engine.evaluate` measures what may stay.
    ],
)
def test_a_repair_that_scores_alike_must_hold_what_scores_do_not_show(
    outcome, rail, ratio, message
):
    assert outcome(rail, ratio=ratio, new=5.0, must="not_get_worse").outcome == message


def test_a_repair_that_scores_alike_is_not_kept_for_want_of_a_measurement(outcome):
    nothing = {"measured": Measured(), "new": 5.0, "must": "not_get_worse"}
    assert outcome(size(), **nothing).outcome == "not_enough_data"


def test_the_first_broken_guardrail_is_the_one_that_halts(outcome):
    rails = [size(name="One", then="next_tier"), size(name="Two"), size(name="Three")]
    judgement = outcome(*rails, ratio=3)
    assert judgement.message == judgement.guardrails[0].message
    assert judgement.halted_by == "Two"


def test_columns_guardrails_cut_by_need_not_be_slices(outcome):
    fair = {
        "kind": "fairness",
        "name": "No region is left behind",
        "why": "Fair.",
        "by": "region",
        "metric": "mean_absolute_error",
        "gap_at_most": 1.0,
    }
    assert outcome(fair).guardrails[0].result == "pass"
    assert outcome(fair | {"by": "moon"}).outcome == "not_enough_data"
