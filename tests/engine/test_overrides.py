"""`overrides.json` in a report's folder: what a run makes of it, and when it runs again."""

from __future__ import annotations

import json

import pytest

from tests.engine.test_outcomes import report_of, verdict_on
from tests.toy_project import Toy


def override(toy: Toy, alert: str, *checks: str) -> None:
    said = [
        {"check": check, "reason": "agreed | <b>x</b>", "by": "ada", "at": "2024-03-02T00:00:00Z"}
        for check in checks
    ]
    toy.report(alert).mkdir(parents=True, exist_ok=True)
    (toy.report(alert) / "overrides.json").write_text(
        json.dumps({"schema_version": "1.0", "overrides": said})
    )


def test_a_refused_alert_runs_again_once_it_is_overridden_and_its_candidate_is_kept(toy: Toy):
    toy.replace("policies/retraining.yaml", "{try: [nudge, refit]}", "{try: [nudge]}")
    toy.replace("policies/retraining.yaml", "try: [nudge, refit]", "try: [nudge]")
    toy.commit("One tier is enough")
    alert = toy.alert("performance", where={"region": "us"})  # us has not changed
    assert toy.retouch("run", alert).code == 0
    before = verdict_on(toy, alert)
    stopping = [c.name for c in before.judgements[0].checks if c.required and c.result != "pass"]
    assert before.outcome == "reject"
    assert stopping

    override(toy, alert, "no such check")
    assert toy.retouch("run", alert).out.startswith("Nothing to do: already handled.")

    override(toy, alert, *stopping)
    told = toy.retouch("run", alert)
    assert told.code == 0, told
    assert "Verdict: promote." in told.out
    verdict = verdict_on(toy, alert)
    assert verdict.message.endswith(", overridden by @ada.")
    assert [o.check for o in verdict.deciding.overridden] == stopping
    assert verdict.deciding.checks == before.judgements[0].checks
    assert verdict.deciding.holdout == before.judgements[0].holdout  # no further look was taken
    assert toy.last_run(alert).attempts[-1].kept
    report = report_of(toy, alert)
    assert "ready to merge, overridden" in report
    assert "> [!IMPORTANT]" in report
    assert "<b>x</b>" not in report
    assert "| <b>" not in report
    assert toy.retouch("run", alert).out.startswith("Nothing to do: already handled.")


def test_a_broken_file_of_overrides_is_bad_input_and_nothing_runs(toy: Toy):
    alert = toy.alert("performance", where={"region": "us"})
    override(toy, alert)
    before = toy.tree()
    for text in ("{", "[]", '{"overrides": [{"check": "overall"}]}'):
        (toy.report(alert) / "overrides.json").write_text(text)
        told = toy.retouch("run", alert)
        assert told.code == 2, told
        assert "overrides.json: is not a Overrides of this version" in told.err
        assert toy.tree() == before
        assert not (toy.root / ".retouch/run").exists()


def test_overrides_that_speak_of_other_alerts_too_ask_for_the_whole_group(toy: Toy):
    alerts = [toy.alert("performance", number, where={"region": "us"}) for number in (1, 2)]
    plan = {"plan_key": "k", "alert_ids": [alert[7:-5] for alert in alerts]}
    check = {"name": "overall", "criterion": "not_worse", "rows": 1, "days": 1, "limit": 0.0}
    judged = {"tier": "refit", "outcome": "reject", "message": "no", "production_model": "p",
              "candidate_model": "c",
              "checks": [{**check, "result": "fail", "message": "no"}]}  # fmt: skip
    verdict = {**plan, "outcome": "reject", "message": "no", "loss": "brier", "unit": "",
               "judgements": [judged], "judged_at": "2024-03-01T00:00:00Z"}  # fmt: skip
    override(toy, alerts[0], "overall")
    (toy.report(alerts[0]) / "verdict.json").write_text(json.dumps(verdict))
    told = toy.retouch("run", alerts[1])
    assert told.code == 2, told
    assert f"`retouch run {alerts[0]} {alerts[1]}`" in told.err


@pytest.mark.parametrize("file", [False, True])
def test_an_empty_file_of_overrides_is_as_none(toy: Toy, file: bool):
    alert = toy.alert("data_quality")
    if file:
        override(toy, alert)
    assert toy.retouch("run", alert, "--no-push").code == 0
    verdict = verdict_on(toy, alert)
    assert verdict.outcome == "equivalent"
    assert verdict.deciding.overridden == ()
