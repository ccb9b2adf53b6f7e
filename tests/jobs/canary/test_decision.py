"""What becomes of a canary, from its days and the policy alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from retouch.gate.canary_model import CanaryVerdict
from retouch.policy.promotion import Canary
from retouch.registry.canary_decision import decide_canary, next_action
from tests.jobs.canary.conftest import LIMITS, make_verdict

GAINS = st.lists(st.floats(-6, 6), max_size=40)


@pytest.mark.parametrize(
    ("gains", "outcome"),
    [
        ([1.5] * 12, "pass"),
        ([0.0] * 28, "pass"),
        ([-3.0] * 28, "fail"),
        ([0.0] * 3, "wait"),
        ([-3.0, 3.0] * 14, "undecided"),
        ([-3.0, 3.0] * 13, "wait"),
        ([], "wait"),
    ],
)
def test_a_canary_passes_fails_waits_or_stays_undecided(gains, outcome):
    assert decide_canary(make_verdict(gains)).outcome == outcome


def test_the_sentence_has_days_mean_bounds_and_margin():
    assert decide_canary(make_verdict([1.5] * 12)).message == (
        "The canary passes: after 12 days the mean gain is +1.50 points, its bounds −0.53 to +2.00,"
        " above −1.00 points."
    )
    assert decide_canary(make_verdict([-3.0] * 28)).message.endswith("below −1.00 points.")
    assert "in the 28 days it has" in decide_canary(make_verdict([-3.0, 3.0] * 14)).message
    assert decide_canary(make_verdict([], note="No rows yet.")).message == (
        "No day that counts has arrived. No rows yet."
    )


def test_before_it_has_enough_days_it_does_not_pass_but_may_fail():
    early = make_verdict([2.0] * 14, at_least_days=15)
    assert decide_canary(early).outcome == "wait"
    assert "is not promoted before 15 days have arrived" in decide_canary(early).message
    assert decide_canary(make_verdict([2.0] * 15, at_least_days=15)).outcome == "pass"
    assert decide_canary(make_verdict([-2.0] * 27, at_least_days=28)).outcome == "fail"


def test_invalid_scores_of_the_candidate_fail_it_whatever_its_days_say():
    found = decide_canary(make_verdict([1.5] * 12, invalid="The score table of it has no rows."))
    assert found.outcome == "fail"
    assert found.message.startswith("The canary fails: its scores are invalid. The score table")


def test_days_after_the_last_one_allowed_change_nothing():
    long = [-3.0, 3.0] * 14
    assert decide_canary(make_verdict([*long, *[3.0] * 30])) == decide_canary(make_verdict(long))


@given(GAINS)
def test_the_documents_own_bounds_and_decision_are_not_read(gains):
    said = make_verdict(gains)
    lied = said.model_copy(
        update={
            "decision": "pass",
            "days": tuple(d.model_copy(update={"lower": 9.0, "upper": 9.0}) for d in said.days),
        }
    )
    assert decide_canary(lied) == decide_canary(said)


@pytest.mark.parametrize("answer", ["ask", "promote", "roll_back"])
def test_what_follows_is_the_policys_word(answer):
    canary = Canary(**LIMITS, undecided=answer)
    assert next_action("undecided", canary) == answer
    assert next_action("pass", canary) == "promote"
    assert next_action("fail", canary) == "roll_back"
    assert next_action("wait", canary) == "nothing"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda doc: doc["days"].reverse(),
        lambda doc: doc["days"].append(doc["days"][-1]),
        lambda doc: doc["days"][0].update(day="2024-02-30"),
        lambda doc: doc["days"][0].update(day="2023-02-22"),
        lambda doc: doc.update(end=doc["start"]),
        lambda doc: doc["days"][0].update(candidate="NaN"),
        lambda doc: doc["days"][0].update(candidate=None),
        lambda doc: doc["days"][0].update(candidate=1e200),
        lambda doc: doc["days"][0].update(rows=0),
        lambda doc: doc.update(extra=1),
        lambda doc: doc["limits"].update(margin=-1),
        lambda doc: doc["candidate"].update(commit="--upload-pack=x"),
    ],
)
def test_a_document_that_cannot_be_is_refused(wrong):
    document = make_verdict([0.1, 0.2, 0.3]).model_dump(mode="json")
    CanaryVerdict.model_validate(document)
    wrong(document)
    with pytest.raises(ValidationError):
        CanaryVerdict.model_validate(document)
