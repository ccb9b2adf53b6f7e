"""What becomes of a candidate: kept or put back, and what is written down about it."""

from __future__ import annotations

import json

from retouch.gate.model import Verdict
from tests.toy_project import Toy


def verdict_on(toy: Toy, alert: str) -> Verdict:
    return Verdict.model_validate_json((toy.report(alert) / "verdict.json").read_text())


def report_of(toy: Toy, alert: str) -> str:
    return (toy.report(alert) / "report.md").read_text()


def test_when_every_tier_is_refused_everything_is_put_back(toy: Toy):
    _leave_a_copy_of_an_older_model(toy)
    alert = toy.alert("performance", where={"region": "us"})  # us has not changed
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert "Verdict: reject." in told.out
    assert "Changes were rolled back." in told.out
    assert toy.tree() == before
    assert toy.git("status", "--porcelain", "--untracked-files=no") == ""
    attempts = toy.last_run(alert).attempts
    assert [(a.tier, a.kept) for a in attempts] == [("nudge", False), ("refit", False)]
    assert [r.stage for r in attempts[1].receipts] == ["fit@us", "assemble", "evaluate"]
    verdict = verdict_on(toy, alert)
    assert verdict.outcome == "reject"
    assert [j.outcome for j in verdict.judgements] == ["reject", "reject"]
    report = report_of(toy, alert)
    assert '"verdict":"reject"' in report.splitlines()[0]
    assert "2 of 2 tiers tried" in report
    assert report.count("rolled back") >= 2
    assert toy.retouch("run", alert).out.startswith("Nothing to do: already handled.")


def test_a_repair_that_changes_no_model_is_cut_off_and_kept(toy: Toy):
    alert = toy.alert("data_quality")
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert "Verdict: equivalent." in told.out
    assert "The candidate is in the workspace." in told.out
    assert toy.outcomes(alert) == {"clean": "ran"} | dict.fromkeys(
        ["fit@eu", "fit@us", "assemble", "evaluate"], "cut_off"
    )
    assert toy.last_run(alert).attempts[-1].kept
    assert toy.params()["clean"]["highest"] == 500
    changed = {path for path, digest in toy.tree().items() if before[path] != digest}
    assert changed == {"params.yaml", "dvc.lock"}
    assert verdict_on(toy, alert).outcome == "equivalent"
    assert toy.dvc("status") == "Data and pipelines are up to date.\n"

    written = report_of(toy, alert)
    (toy.report(alert) / "report.md").unlink()
    again = toy.retouch("report", toy.report(alert).name)
    assert again.out == written == report_of(toy, alert)


def test_without_days_enough_the_candidate_is_put_back_and_no_other_tier_tried(toy: Toy):
    toy.replace("policies/promotion.yaml", "min_days: 10", "min_days: 15")
    toy.commit("Ask for more days")
    alert = toy.alert("target_drift", where={"region": "eu"})
    before = toy.tree()

    told = toy.retouch("run", alert, "--jobs", "1")

    assert told.code == 0, told
    assert "Verdict: not enough data." in told.out
    assert toy.tree() == before
    assert verdict_on(toy, alert).outcome == "not_enough_data"
    assert not toy.last_run(alert).attempts[-1].kept
    assert '"verdict":"not_enough_data"' in report_of(toy, alert).splitlines()[0]
    assert "not_enough_data" in toy.retouch("status").out


def test_a_hold_out_that_a_model_has_seen_is_invalid_and_ends_the_climb(toy: Toy):
    toy.replace("policies/promotion.yaml", "days: 14", "days: 50")  # from 2024-01-11 on
    toy.commit("A longer hold-out")
    alert = toy.alert("performance", where={"region": "eu"})
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert "Verdict: invalid." in told.out
    assert "the hold-out is not new to it" in " ".join(told.out.split())
    assert toy.tree() == before
    assert [a.tier for a in toy.last_run(alert).attempts] == ["nudge"]
    assert verdict_on(toy, alert).outcome == "invalid"


def test_an_alert_that_no_rule_answers_is_held_with_a_report_and_nothing_runs(toy: Toy):
    alert = toy.alert("system_health")
    before = toy.tree()
    told = toy.retouch("run", alert, "--json")
    answer = json.loads(told.out)
    assert (told.code, answer["action"], answer["verdict"]) == (0, "hold", None)
    assert sorted(p.name for p in toy.report(alert).iterdir()) == ["plan.json", "report.md"]
    assert toy.tree() == before
    assert "held" in toy.retouch("status").out


def test_two_alerts_make_one_group_with_one_report_and_each_is_handled(toy: Toy):
    one, two = toy.alert("data_quality", 1), toy.alert("data_quality", 2)
    assert toy.retouch("run", two, one).code == 0
    assert toy.report(one).exists()
    assert not toy.report(two).exists()
    assert list(verdict_on(toy, one).alert_ids) == [toy.report(one).name, toy.report(two).name]
    for alert in (one, two):
        assert f"{toy.report(one).name}/report.md" in toy.retouch("run", alert).out


def _leave_a_copy_of_an_older_model(toy: Toy) -> None:
    """Do as a run does that was before the model in production: it would be easy to beat."""
    folder = toy.root / ".retouch/production/models/bundle"
    folder.mkdir(parents=True)
    for region in ("eu", "us"):
        (folder / f"{region}.json").write_text('{"mean": 0, "until": "2024-01-02"}')
    (folder / "manifest.json").write_text('{"seen_until": "2024-01-02"}')


def test_a_stage_that_fails_after_it_wrote_is_said_to_have_failed(toy: Toy):
    """What it left in its output is no evidence of damage."""
    text = (toy.root / "fit.py").read_text()
    (toy.root / "fit.py").write_text(text + '\nsys.exit("the end is missing")\n')
    toy.commit()

    told = toy.retouch("build")

    assert told.code == 1
    assert "Stage fit@" in told.err
    assert "the end is missing" in told.err
    assert "Damaged" not in told.err
