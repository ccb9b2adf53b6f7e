"""A person's word against a check: it lets pass what it names, all of it, and nothing unsound."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from retouch.gate.model import (
    OUTCOMES,
    Check,
    GuardrailResult,
    Judgement,
    Override,
    Overrides,
    Verdict,
)
from retouch.gate.overrides import apply_overrides, blocking, would_change

AT = datetime(2024, 3, 1, tzinfo=UTC)
NAMES = ("overall", "alerted slice", "origin = EWR", "carrier = UA", "fast", "small")


def said(*names: str, by: str = "ada") -> tuple[Override, ...]:
    return tuple(Override(check=name, reason="agreed", by=by, at=AT) for name in names)


def check(name: str, result: str = "pass", **changed: object) -> Check:
    values = {"criterion": "not_worse", "rows": 9, "days": 3, "limit": -1.0, "message": name}
    return Check.model_validate({"name": name, "result": result, **values, **changed})


def guardrail(name: str, result: str = "pass", **changed: object) -> GuardrailResult:
    values = {"kind": "size", "mode": "block", "then": "halt", "measure": "bytes", "message": name}
    return GuardrailResult.model_validate({"name": name, "result": result, **values, **changed})


def judgement(outcome: str = "reject", **changed: object) -> Judgement:
    values: dict[str, object] = {
        "tier": "refit",
        "outcome": outcome,
        "message": "It is worse by 2.0.",
        "production_model": "p",
        "candidate_model": "c",
    }
    return Judgement.model_validate(values | changed)


CHECKS = st.lists(
    st.builds(
        check,
        st.sampled_from(NAMES[:4]),
        st.sampled_from(["pass", "fail", "not_enough_data"]),
        required=st.booleans(),
        family=st.sampled_from(["gate", "harm_alarm"]),
    ),
    max_size=4,
)
GUARDRAILS = st.lists(
    st.builds(
        guardrail,
        st.sampled_from(NAMES[4:]),
        st.sampled_from(["pass", "fail", "not_enough_data"]),
        mode=st.sampled_from(["block", "observe"]),
        then=st.sampled_from(["halt", "next_tier"]),
    ),
    max_size=2,
)


@st.composite
def judgements(draw: st.DrawFn) -> Judgement:
    found = tuple(draw(GUARDRAILS))
    halting = (g.name for g in found if g.blocks and g.result == "fail" and g.then == "halt")
    return judgement(
        draw(st.sampled_from(OUTCOMES)),
        checks=tuple(draw(CHECKS)),
        guardrails=found,
        halted_by=next(halting, None),
    )


OVERRIDES = st.lists(st.sampled_from(NAMES)).map(lambda names: said(*names))


@given(judgements(), OVERRIDES)
def test_it_passes_exactly_when_all_that_stops_it_is_named(found, overrides):
    now = apply_overrides(found, overrides)
    named = {override.check for override in overrides}
    stopping = {one.name for one in blocking(found)}
    could = found.outcome in ("reject", "not_enough_data")
    passes = could and bool(stopping) and stopping <= named
    assert (now.outcome == "promote") == (passes or found.outcome == "promote")
    if passes:
        assert {override.check for override in now.overridden} == stopping
        assert now.halted_by is None
    else:
        assert now.model_copy(update={"halted_by": found.halted_by}) == found


@given(judgements(), OVERRIDES)
def test_done_twice_it_changes_nothing_more_and_no_number_ever(found, overrides):
    now = apply_overrides(found, overrides)
    assert apply_overrides(now, overrides) == now
    assert (now.checks, now.guardrails, now.holdout) == (
        found.checks,
        found.guardrails,
        found.holdout,
    )


@given(judgements())
def test_without_overrides_it_is_the_same_judgement(found):
    assert apply_overrides(found, ()) is found


@given(judgements(), OVERRIDES)
def test_a_verdict_reached_under_overrides_is_not_asked_for_again(found, overrides):
    def verdict(one: Judgement) -> Verdict:
        return Verdict(
            plan_key="k", alert_ids=("a",), outcome=one.outcome, message="", loss="brier", unit="",
            judgements=(one,), judged_at=AT,
        )  # fmt: skip

    now = apply_overrides(found, overrides)
    assert not would_change(verdict(now), overrides)
    assert would_change(verdict(found), overrides) == (now != found)


def test_the_sentence_keeps_its_number_and_names_the_people():
    stopped = judgement(checks=(check("overall", "fail"), check("origin = EWR", "fail")))
    overrides = (*said("overall", by="ada"), *said("origin = EWR", by="bob"))
    now = apply_overrides(stopped, overrides)
    assert now.message == "It is worse by 2.0, overridden by @ada and @bob."
    assert apply_overrides(stopped, said("overall", "origin = EWR")).message.endswith("by @ada.")


def test_the_last_word_on_a_check_counts_and_what_holds_anyway_is_left_out():
    stopped = judgement(checks=(check("overall", "fail"), check("origin = EWR")))
    overrides = (*said("overall", "origin = EWR"), *said("overall", by="bob"))
    now = apply_overrides(stopped, overrides)
    assert [(o.check, o.by) for o in now.overridden] == [("overall", "bob")]


@pytest.mark.parametrize("outcome", ["invalid", "equivalent", "promote"])
def test_what_cannot_be_compared_is_never_let_pass(outcome):
    stopped = judgement(outcome, checks=(check("overall", "fail"),))
    assert apply_overrides(stopped, said("overall")) is stopped


def test_a_hold_out_that_is_used_up_has_no_check_to_override():
    assert apply_overrides(judgement("not_enough_data"), said(*NAMES)).outcome == "not_enough_data"


def test_a_harm_alarm_and_a_guardrail_that_halts_are_overridden_by_their_names():
    alarm = check("carrier = UA", "fail", family="harm_alarm")
    stopped = judgement(checks=(alarm,), guardrails=(guardrail("small", "fail"),),
                        halted_by="small")  # fmt: skip
    assert apply_overrides(stopped, said("small")).outcome == "reject"
    assert apply_overrides(stopped, said("small")).halted_by is None
    assert apply_overrides(stopped, said("carrier = UA")).halted_by == "small"
    assert apply_overrides(stopped, said("carrier = UA", "small")).outcome == "promote"


def test_another_guardrail_that_halts_takes_over_where_one_is_overridden():
    found = (guardrail("small", "fail"), guardrail("fast", "fail"))
    stopped = judgement(guardrails=found, halted_by="small")
    assert apply_overrides(stopped, said("small")).halted_by == "fast"


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "@ada"},
        {"by": "ada lovelace"},
        {"by": "-"},
        {"by": ""},
        {"check": ""},
        {"reason": ""},
        {"reason": "x" * 501},
        {"at": "2024-03-01T00:00:00"},
        {"more": 1},
    ],
)
def test_an_override_that_nobody_could_have_made_is_refused(wrong):
    good = {"check": "overall", "reason": "agreed", "by": "ada", "at": "2024-03-01T00:00:00Z"}
    assert Overrides.model_validate({"overrides": [good]})
    with pytest.raises(ValidationError):
        Overrides.model_validate({"overrides": [good | wrong]})
