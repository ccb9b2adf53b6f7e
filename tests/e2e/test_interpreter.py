"""The light interpreter reads expressions as GitHub does, and comes to what act comes to."""

from __future__ import annotations

import pytest

from tests.e2e.expressions import Names, evaluate, filled, holds, truth
from tests.e2e.ground import US
from tests.e2e.scene import Scene
from tests.e2e.test_stories import jobs, reports, verdict

NAMES = Names(
    {
        "github": {"event": {"pull_request": {"number": 7}}, "ref_name": "main"},
        "inputs": {"target": '{"pull": 12, "minutes": null}', "empty": ""},
        "needs": {
            "a": {"result": "failure", "outputs": {"any": "true"}},
            "b": {"result": "skipped"},
        },
        "vars": {},
    },
    {"success": lambda: True, "failure": lambda: False, "always": lambda: True},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.event.pull_request.number || inputs.pull || 'x'", 7),
        ("github.event.issue.number || github.ref_name", "main"),
        ("github.ref_name && format('--pull={0}', fromJSON(inputs.target).pull)", "--pull=12"),
        ("fromJSON(inputs.target).minutes || vars.MINUTES || 350", 350),
        ("needs.a.outputs.any == 'TRUE' && needs.b.result != 'success'", True),
        ("contains(needs.*.result, 'failure')", True),
        ("!startsWith(github.ref_name, 'ma') || (1 < 2 && null == '')", True),
        ("vars.NOTHING == '' && vars['NOTHING'] == null", True),
        ("'it''s'", "it's"),
        ("inputs.empty && 'yes' || 'no'", "no"),
    ],
)  # fmt: skip
def test_an_expression_has_the_value_that_github_documents(text, value):
    assert evaluate(text, NAMES) == value


@pytest.mark.parametrize("text", ["github.", "'a", "foo.bar", "nothing(1)", "1 2", "(1"])
def test_what_is_no_expression_is_an_error(text):
    with pytest.raises((SyntaxError, IndexError)):
        evaluate(text, NAMES)


def test_texts_are_filled_and_a_whole_expression_keeps_its_type():
    assert filled("#${{ github.event.pull_request.number }}-${{ vars.X }}", NAMES) == "#7-"
    assert filled({"a": ["${{ fromJSON(inputs.target) }}"]}, NAMES) == {
        "a": [{"pull": 12, "minutes": None}]
    }


def test_a_condition_without_a_word_on_failure_wants_success():
    failing = Names(NAMES.contexts, {**NAMES.functions, "success": lambda: False})
    assert holds("github.ref_name == 'main'", NAMES)
    assert not holds("github.ref_name == 'main'", failing)
    assert holds("${{ always() && github.ref_name == 'main' }}", failing)
    assert not holds(None, failing)
    assert [truth(value) for value in (0, "", None, "0", [], {})] == [False] * 3 + [True] * 3


def test_an_alert_comes_to_the_same_under_act_and_interpreted(answered: Scene, ground, tmp_path):
    from tests.e2e.end_state import differences, end_state
    from tests.e2e.scene import stand_on

    other = stand_on(ground, tmp_path / "other")
    with other.github:
        interpreter = other.interpreted()
        runs = other.open_alert("performance", **US)[1]
        assert set(jobs(runs)["alert"].values()) == {"success"}
        assert verdict(other, 1) == verdict(answered, 1)
        assert len(reports(other, 1)) == 1
        found = differences(end_state(other), end_state(answered))
        assert found == [], "\n".join(found)
        kept = [job["name"] for job in other.github.jobs]
    assert other.github.violations == []
    assert kept[0] == "receive"
    assert "retrain / publish" in kept or any(name.startswith("retrain / ") for name in kept)
    assert not interpreter.runs[0].failed
