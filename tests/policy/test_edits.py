"""A tier becomes a diff of declared inputs: computed, never guessed."""

from __future__ import annotations

import copy
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.errors import InputError
from retouch.pipeline.model import Stage, StageMeta
from retouch.policy.edits import ParamEdit, expand_edits
from retouch.policy.model import Tier

ANCHORS = {
    "window.start": date(2013, 6, 16),
    "window.end": date(2013, 7, 1),
    "data.until": date(2013, 8, 1),
    "holdout.from": date(2013, 7, 17),
    "holdout.until": date(2013, 8, 1),
}


def stage(part, module="train", **partition):
    meta = StageMeta(module=module, partition={"part": part} | partition)
    return Stage(name=f"{module}@{part}", cmd="x", meta=meta)


CENTRAL, WEST = stage("central"), stage("west")


def params():
    part = {"until": "2013-03-16", "exclude": [], "revision": 0}
    return {
        "params.yaml": {"parts": {"central": dict(part), "west": dict(part)}, "on": False},
        "params/west.yaml": {"until": "2013-03-16"},
    }


def tier(*edits, module="train"):
    return Tier.model_validate(
        {"description": "Do.", "module": module, "must": "improve", "edits": list(edits)}
    )


def expanded(*edits, touched=(CENTRAL,), anchors=ANCHORS, given=None):
    return expand_edits("refit", tier(*edits), touched, anchors, given or params())


def refusal(*edits, **more):
    with pytest.raises(InputError) as caught:
        expanded(*edits, **more)
    return caught.value


UNTIL = {"set": "parts.{part}.until", "to": {"days_before": 15, "of": "holdout.from"}}
EXCLUDE = {
    "set": "parts.{part}.exclude",
    "append": {"from": "{window.start}", "until": "{window.end}"},
}


def test_days_are_counted_back_from_an_anchor():
    assert expanded(UNTIL) == (
        ParamEdit(
            file="params.yaml",
            key="parts.central.until",
            before="2013-03-16",
            after="2013-07-02",
        ),
    )


def test_an_item_is_appended_with_its_placeholders_filled():
    (edit,) = expanded(EXCLUDE)

    assert (edit.before, edit.after) == ([], [{"from": "2013-06-16", "until": "2013-07-01"}])


def test_a_list_is_cleared_and_an_empty_one_stays_as_it_is():
    cleared = {"set": "parts.{part}.exclude", "clear": True}
    full = params()
    full["params.yaml"]["parts"]["central"]["exclude"] = [{"from": "2013-02-08"}, "a day"]

    (edit,) = expanded(cleared, touched=(CENTRAL, WEST), given=full)

    assert edit.key == "parts.central.exclude"
    assert (edit.before, edit.after) == ([{"from": "2013-02-08"}, "a day"], [])
    assert expanded(cleared) == ()


def test_a_list_cannot_be_cleared_and_added_to_by_one_tier():
    error = refusal(EXCLUDE, {"set": "parts.{part}.exclude", "clear": True})

    assert "would be set to both" in error.message


def test_a_revision_is_increased():
    (edit,) = expanded({"set": "parts.{part}.revision", "increase_by": 1})

    assert (edit.before, edit.after) == (0, 1)


def test_a_literal_is_set():
    (edit,) = expanded({"set": "on", "to": True})

    assert (edit.before, edit.after) == (False, True)


def test_the_file_may_be_one_per_partition():
    (edit,) = expanded({"set": "until", "in": "params/{part}.yaml", "to": "{part}"}, touched=[WEST])

    assert (edit.file, edit.after) == ("params/west.yaml", "west")


def test_every_touched_stage_of_the_module_gets_its_edits_in_order_of_the_keys():
    touched = [WEST, stage("north", module="calibrate"), CENTRAL, Stage(name="bare", cmd="x")]

    edits = expanded(UNTIL, EXCLUDE, touched=touched)

    assert [edit.key for edit in edits] == [
        "parts.central.exclude",
        "parts.central.until",
        "parts.west.exclude",
        "parts.west.until",
    ]


def test_edits_that_agree_on_a_key_are_one():
    assert len(expanded({"set": "on", "to": True}, touched=[CENTRAL, WEST])) == 1


def test_edits_that_disagree_on_a_key_are_refused():
    error = refusal({"set": "parts.central.until", "to": "{part}"}, touched=[CENTRAL, WEST])

    assert error.message == (
        "policies/retraining.yaml: tiers.refit.edits[0]: "
        "parts.central.until would be set to both 'central' and 'west'."
    )


def test_an_edit_that_changes_nothing_is_left_out():
    assert expanded({"set": "on", "to": False}) == ()


def test_no_touched_stage_of_the_module_means_no_edits():
    assert expanded(UNTIL, touched=[stage("central", module="calibrate")]) == ()


def test_an_edit_is_made_only_for_stages_that_have_the_keys_it_names():
    edit = {"set": "parts.{part}.until", "to": "{origin}"}

    edits = expanded(edit, touched=[CENTRAL, stage("west", origin="EWR")])

    assert [(edit.key, edit.after) for edit in edits] == [("parts.west.until", "EWR")]


def test_a_placeholder_that_no_touched_stage_has_is_refused():
    error = refusal({"set": "parts.{prat}.until", "to": "x"})

    assert error.message == (
        "policies/retraining.yaml: tiers.refit.edits[0]: no touched stage of module 'train' has "
        "{prat}; there are {data.until}, {holdout.from}, {holdout.until}, {part}, {window.end}, "
        "{window.start}."
    )


@pytest.mark.parametrize("anchors", [{}, ANCHORS | {"window.start": None}])
def test_an_anchor_that_the_alert_does_not_give_is_refused(anchors):
    error = refusal(EXCLUDE, anchors=anchors)

    assert error.message == (
        "policies/retraining.yaml: tiers.refit.edits[0]: "
        "needs the day window.start, but the alert has no window."
    )
    assert error.hint == "Correct the tier, or use another one."


def test_a_key_that_does_not_exist_comes_with_the_one_that_was_meant():
    error = refusal(UNTIL, touched=[stage("centrl")])

    assert error.message == (
        "params.yaml: parts.centrl.until: no such key; did you mean 'central'?"
    )
    assert error.hint == "policies/retraining.yaml: tiers.refit.edits[0] requires it."


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"set": "on.off", "to": 1}, "params.yaml: on.off: no such key."),
        (
            {"set": "x", "in": "param.yaml", "to": 1},
            "param.yaml: no such params file; did you mean",
        ),
        (
            {"set": "on", "append": {"a": 1}},
            "params.yaml: on: is not a list, so nothing can be appended.",
        ),
        ({"set": "on", "clear": True}, "params.yaml: on: is not a list, so it cannot be cleared."),
        (
            {"set": "parts.{part}.until", "clear": True},
            "params.yaml: parts.central.until: is not a list, so it cannot be cleared.",
        ),
        (
            {"set": "on", "increase_by": 1},
            "params.yaml: on: is not a whole number, so it",
        ),
    ],
)
def test_a_value_that_is_not_there_or_of_another_type_is_refused(edit, message):
    assert refusal(edit).message.startswith(message)


def test_a_date_that_is_not_quoted_in_the_params_is_refused():
    given = {"params.yaml": {"until": [date(2013, 3, 16)]}}

    error = refusal({"set": "until", "append": {"a": 1}}, given=given)

    assert error.message == (
        "params.yaml: until: holds more than plain values: a date without quotes, or .inf?"
    )


def test_a_params_file_that_cannot_be_edited_is_refused_by_the_plan_already():
    error = refusal({"set": "k", "in": "p.toml", "to": 2}, given={"p.toml": {"k": 1}})

    assert error.message == "p.toml: k: only YAML and JSON params files can be edited."


def applied(edits, given):
    """Return the params as they are once the edits are made."""
    after = copy.deepcopy(given)
    for edit in edits:
        *path, last = edit.key.split(".")
        node = after[edit.file]
        for step in path:
            node = node[step]
        assert node[last] == edit.before
        node[last] = edit.after
    return after


edits = st.sampled_from(
    [
        UNTIL,
        EXCLUDE,
        {"set": "on", "to": True},
        {"set": "parts.{part}.revision", "to": 3},
        {"set": "until", "in": "params/west.yaml", "to": "{data.until}"},
    ]
)


@given(st.lists(edits, min_size=1, max_size=5), st.permutations([CENTRAL, WEST]))
def test_asking_again_for_what_is_done_yields_nothing_whatever_the_order(chosen, touched):
    first = expanded(*chosen, touched=touched)

    assert first == expanded(*chosen[::-1], touched=touched[::-1])
    assert expanded(*chosen, touched=touched, given=applied(first, params())) == ()


def test_the_params_given_are_left_alone():
    given = params()

    expanded(EXCLUDE, UNTIL, given=given)

    assert given == params()
