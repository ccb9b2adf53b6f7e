"""A saved plan is carried out as it is, or refused."""

from __future__ import annotations

import json

import pytest

from retouch.planning.model import Plan
from tests.toy_project import Toy


def test_a_saved_plan_is_carried_out_as_it_is(toy: Toy):
    alert = toy.alert("data_quality")
    assert toy.retouch("plan", alert, "--out", "plan.json", "--jobs", "1").code == 0
    saved = Plan.model_validate_json((toy.root / "plan.json").read_text())

    told = toy.retouch("run", alert, "--plan", "plan.json")

    assert told.code == 0, told
    assert (toy.report(alert) / "plan.json").read_text() == (toy.root / "plan.json").read_text()
    assert toy.last_run(alert).plan_key == saved.key


def _policy(toy: Toy, _alert: str) -> None:
    toy.replace("policies/retraining.yaml", "to: 500", "to: 400")


def _params(toy: Toy, _alert: str) -> None:
    toy.replace("params.yaml", "highest: 1000", "highest: 999")


def _alert(toy: Toy, alert: str) -> None:
    document = json.loads((toy.root / alert).read_text())
    (toy.root / alert).write_text(json.dumps(document | {"severity": "critical"}))


@pytest.mark.parametrize(
    ("change", "moved"), [(_policy, "policy"), (_params, "pipeline"), (_alert, "alerts")]
)
def test_a_saved_plan_is_refused_when_what_it_read_has_changed(toy: Toy, change, moved):
    alert = toy.alert("data_quality")
    assert toy.retouch("plan", alert, "--out", "plan.json").code == 0
    change(toy, alert)
    toy.commit("Something moved")
    before = toy.tree()

    told = toy.retouch("run", alert, "--plan", "plan.json")

    assert told.code == 2
    assert told.err == (
        f"Error: plan.json: was made from other inputs: {moved} changed since."
        " Plan again: `retouch plan ALERT --out FILE`.\n"
    )
    assert toy.tree() == before
    assert not toy.report(alert).exists()


def test_a_saved_plan_that_somebody_edited_is_refused(toy: Toy):
    alert = toy.alert("data_quality")
    toy.retouch("plan", alert, "--out", "plan.json")
    toy.replace("plan.json", '"after": 500', '"after": 5')

    told = toy.retouch("run", alert, "--plan", "plan.json")

    assert told.code == 2
    assert told.err.startswith("Error: plan.json: was edited: these inputs make another plan.")
    assert toy.params()["clean"]["highest"] == 1000


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema_version": "9"}', "no JSON"])
def test_a_file_that_is_no_plan_is_refused_in_one_sentence(toy: Toy, text):
    alert = toy.alert("data_quality")
    (toy.root / "plan.json").write_text(text)
    told = toy.retouch("run", alert, "--plan", "plan.json")
    assert told.code == 2
    assert told.err.startswith("Error: plan.json: is not a Plan of this version")
    assert told.err.count("\n") == 1


def test_a_saved_plan_cannot_say_that_a_person_approved(toy: Toy):
    alert = toy.alert("data_quality", monitor="stranger")
    toy.retouch("plan", alert, "--out", "plan.json")
    forged = json.loads((toy.root / "plan.json").read_text())
    forged |= {"action": "retrain", "accepted_by": "Ada Lovelace", "provenance": []}
    (toy.root / "plan.json").write_text(json.dumps(forged))
    before = toy.tree()

    told = toy.retouch("run", alert, "--plan", "plan.json")

    assert told.out.startswith("Held for review: ")
    assert toy.tree() == before


def test_a_person_may_approve_what_was_planned_before(toy: Toy):
    alert = toy.alert("data_quality", monitor="stranger")
    toy.retouch("plan", alert, "--out", "plan.json")

    told = toy.retouch("run", alert, "--plan", "plan.json", "--accept-unsigned")

    assert "Verdict: equivalent." in told.out
