"""How far a run climbs: until a tier suffices, a guardrail halts it, or a budget is used up."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from retouch.execution.model import Run
from retouch.gate.model import Verdict
from tests.reporting import documents as made
from tests.toy_project import Toy

EU = {"region": "eu"}


def verdict_on(toy: Toy, alert: str) -> Verdict:
    return Verdict.model_validate_json((toy.report(alert) / "verdict.json").read_text())


def climbed(toy: Toy, alert: str) -> list[tuple[str, str, bool]]:
    judged = {j.tier: j.outcome for j in verdict_on(toy, alert).judgements}
    return [(a.tier, judged.get(a.tier, ""), a.kept) for a in toy.last_run(alert).attempts]


def nudge_far_enough(toy: Toy) -> None:
    """Let the first tier fit nearly all there is, so that it is good enough by itself."""
    toy.replace("policies/retraining.yaml", "to: '2024-01-18'", "to: '2024-02-14'")


def set_in(toy: Toy, file: str, text: str) -> None:
    """Add a section to a policy."""
    with (toy.root / f"policies/{file}.yaml").open("a") as policy:
        policy.write(text)


def test_where_the_cheap_tier_suffices_no_other_is_tried(toy: Toy):
    nudge_far_enough(toy)
    toy.commit("Nudge far enough")
    alert = toy.alert("performance", where=EU)

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert climbed(toy, alert) == [("nudge", "promote", True)]
    assert toy.last_run(alert).stopped is None
    assert toy.last_run(alert).attempts[0].judging_cpu_seconds > 0
    assert toy.params()["parts"]["eu"]["until"] == "2024-02-14"


def test_a_cheap_tier_that_passes_overall_and_harms_a_subgroup_gives_way_to_the_next(toy: Toy):
    nudge_far_enough(toy)
    scored = '"score": models[row["region"]]["mean"],'
    rare = 'row["region"] == "eu" and int(row["id"]) % 8 == 7'
    nudged = 'models["eu"]["until"] == "2024-02-14"'
    toy.replace(
        "score.py",
        scored,
        f'"score": models[row["region"]]["mean"] - (20 if {rare} and {nudged} else 0),\n'
        f'        "sort": "rare" if {rare} else "usual",',
    )
    toy.replace("policies/promotion.yaml", "slices: [region]", "slices: [region, sort]")
    toy.replace("policies/promotion.yaml", "min_rows: 50", "min_rows: 10")
    toy.commit("A subgroup that the first tier harms")
    alert = toy.alert("performance", where=EU)

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert climbed(toy, alert) == [("nudge", "reject", False), ("refit", "promote", True)]
    first = {check.name: check.result for check in verdict_on(toy, alert).judgements[0].checks}
    assert (first["overall"], first["alerted slice"]) == ("pass", "pass")
    assert first["sort = rare"] == "fail"
    assert "sort = rare" in verdict_on(toy, alert).judgements[0].message
    assert toy.params()["parts"]["eu"]["until"] == "2024-02-16"


def guard(then: str) -> str:
    return (
        "guardrails:\n"
        "  - name: No region is served much worse than another\n"
        "    why: Both have paid.\n"
        "    kind: fairness\n"
        "    by: region\n"
        "    metric: mean_absolute_error\n"
        "    gap_at_most: 5\n"
        f"    then: {then}\n"
    )


def test_a_guardrail_that_halts_ends_the_run_with_everything_as_it_was(toy: Toy):
    nudge_far_enough(toy)
    set_in(toy, "promotion", guard("halt"))
    toy.commit("A guardrail")
    alert = toy.alert("performance", where=EU)
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert toy.tree() == before
    assert toy.git("status", "--porcelain", "--untracked-files=no") == ""
    assert climbed(toy, alert) == [("nudge", "reject", False)]
    stopped = toy.last_run(alert).stopped
    assert stopped is not None
    name = "No region is served much worse than another"
    assert stopped.startswith(f"The guardrail '{name}' ended the run. ")
    assert verdict_on(toy, alert).deciding.halted_by == name
    assert "ended the run" in told.out
    assert toy.retouch("run", alert).out.startswith("Nothing to do: already handled.")


def test_a_guardrail_that_asks_for_the_next_tier_lets_the_ladder_go_on(toy: Toy):
    nudge_far_enough(toy)
    set_in(toy, "promotion", guard("next_tier"))
    toy.commit("A guardrail")
    alert = toy.alert("performance", where=EU)
    before = toy.tree()

    assert toy.retouch("run", alert).code == 0
    assert climbed(toy, alert) == [("nudge", "reject", False), ("refit", "reject", False)]
    assert toy.last_run(alert).stopped is None
    assert toy.tree() == before


def test_after_the_last_candidate_a_hold_out_may_judge_the_rest_has_to_wait(toy: Toy):
    toy.replace("policies/promotion.yaml", "  days: 14", "  days: 14\n  candidates: 1")
    toy.commit("One candidate a hold-out")
    asked = "Hold-out 2024-02-16 to 2024-03-01: {} judged, at most 1 for one slice"
    assert asked.format("0 candidates") in toy.retouch("status").out
    alert = toy.alert("performance", where=EU)
    before = toy.tree()

    assert toy.retouch("run", alert).code == 0

    assert climbed(toy, alert) == [("nudge", "reject", False), ("refit", "not_enough_data", False)]
    assert toy.tree() == before
    assert asked.format("1 candidate") in toy.retouch("status").out
    told = json.loads(toy.retouch("status", "--json").out)["holdout"]
    assert told == {"start": "2024-02-16", "end": "2024-03-01", "judged": 1, "allowed": 1}

    another = toy.alert("target_drift", number=2, where=EU)
    assert toy.retouch("run", another).code == 0
    assert climbed(toy, another) == [("refit", "not_enough_data", False)]


def test_a_ladder_is_climbed_as_far_as_the_budget_says(toy: Toy):
    set_in(toy, "retraining", "budget: {tiers: 1}\n")
    toy.commit("One tier")
    alert = toy.alert("performance", where=EU)
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert climbed(toy, alert) == [("nudge", "reject", False)]
    assert toy.last_run(alert).stopped == "Not tried: refit. budget.tiers allows 1 for one alert."
    assert "Not tried: refit." in told.out
    assert toy.tree() == before


def test_a_tier_that_fits_alone_is_not_tried_after_a_dear_one(toy: Toy):
    _let_it_have_cost(toy, "fit@eu", 59.9)
    set_in(toy, "retraining", "budget: {cpu_per_alert: 1 minute}\n")
    toy.commit("A minute")
    alert = toy.alert("performance", where=EU)

    assert toy.retouch("run", alert).code == 0

    assert climbed(toy, alert) == [("nudge", "reject", False)]
    stopped = toy.last_run(alert).stopped
    assert stopped is not None
    assert stopped.startswith("Not tried: refit. Its forecast of ")
    assert "would pass budget.cpu_per_alert, 1 minute." in stopped


def test_what_other_runs_spent_today_holds_a_plan_and_nothing_runs(toy: Toy):
    set_in(toy, "retraining", "budget: {cpu_per_day: 1 hour}\n")
    toy.commit("An hour a day")
    alert = toy.alert("performance", where=EU)
    assert json.loads(toy.retouch("plan", alert, "--json").out)["action"] == "retrain"
    _spend(toy, 3600.0)
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert told.out.startswith("Held for review: Not tried: nudge. Its forecast of ")
    assert toy.tree() == before
    assert sorted(p.name for p in toy.report(alert).iterdir()) == ["plan.json", "report.md"]
    assert "Held. Not tried: nudge." in toy.retouch("plan", alert).out


def test_a_tier_that_overruns_the_wall_clock_is_stopped_and_put_back(toy: Toy):
    (toy.root / "reports/build/run.json").unlink()  # nothing is known of what it will take
    set_in(toy, "retraining", "budget: {wall_per_alert: 0 minutes}\n")
    toy.commit("No time at all")
    alert = toy.alert("performance", where=EU)
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 1, told
    assert told.err.splitlines()[-1] == (
        "Error: Stopped: nudge. It had not ended when budget.wall_per_alert, 0 minutes, was over."
        " All changes were rolled back. See `budget` in policies/retraining.yaml."
    )
    assert toy.tree() == before
    assert toy.processes() == []
    assert [a.kept for a in toy.last_run(alert).attempts] == [False]


def test_a_tier_that_failed_before_is_skipped_where_it_is_not_worth_it(toy: Toy):
    value = "{worth_of_one: 1, predictions_per_day: 16, horizon: 14 days, least_episodes: 2}"
    set_in(toy, "retraining", f"value: {value}\n")
    toy.commit("A value rule")
    alert = toy.alert("performance", where=EU)
    told = toy.retouch("plan", alert).out
    assert "Worth it? No like alert in the past: the ladder stands as the rules have it." in told

    for number in (1, 2):
        _remember(toy, number, {"nudge": ("reject", 0.3), "refit": ("promote", 10.0)})
    told = toy.retouch("plan", alert).out

    assert "Tier 1 of 1: refit." in told
    assert "Tier nudge skipped. It is not worth its cost: " in told
    assert "0 of 2 candidates for like alerts passed." in told
    assert "Worth it? refit is worth most: " in told

    assert toy.retouch("run", alert).code == 0
    assert climbed(toy, alert) == [("refit", "promote", True)]


@pytest.mark.parametrize("path", ["data/nothing.csv", "../toy/data", "/etc", "."])
def test_rows_learned_from_that_are_nowhere_are_refused_before_anything_runs(toy: Toy, path):
    learned = f"  days: 14\n  learned_from: {{paths: [{path}]}}"
    toy.replace("policies/promotion.yaml", "  days: 14", learned)
    toy.commit("What it learned from")
    alert = toy.alert("performance", where=EU)
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 2, told
    assert told.err.startswith(
        f"Error: policies/promotion.yaml: holdout.learned_from.paths: {path!r} is no output of the"
    )
    assert toy.tree() == before


def test_what_production_learned_from_is_kept_beside_it_before_anything_runs(toy: Toy):
    learned = "  days: 14\n  learned_from: {paths: [data/clean.csv]}"
    toy.replace("policies/promotion.yaml", "  days: 14", learned)
    toy.commit("What it learned from, with the hold-out in it")
    before = (toy.root / "data/clean.csv").read_bytes()
    (toy.root / "data/clean.csv").unlink()
    alert = toy.alert("target_drift", where=EU)

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    kept = toy.root / ".retouch/production"
    assert (kept / "data/clean.csv").read_bytes() == before
    assert (kept / "models/bundle/manifest.json").exists()
    assert climbed(toy, alert) == [("refit", "invalid", False)]


def _let_it_have_cost(toy: Toy, stage: str, cpu_seconds: float) -> None:
    path = toy.root / "reports/build/run.json"
    run = json.loads(path.read_text())
    for receipt in run["attempts"][0]["receipts"]:
        receipt["cpu_seconds"] = cpu_seconds if receipt["stage"] == stage else 0.0
    path.write_text(json.dumps(run))


def _spend(toy: Toy, cpu_seconds: float) -> None:
    """Leave the record of a run that answered another alert just now."""
    run = toy.last_run()
    receipt = (
        run.attempts[0]
        .receipts[0]
        .model_copy(update={"cpu_seconds": cpu_seconds, "stage": "other", "outcome": "ran"})
    )
    attempt = run.attempts[0].model_copy(update={"receipts": (receipt,)})
    now = datetime.now(UTC)
    other = Run(
        **dict(run)
        | {"alert_ids": ("other",), "started_at": now, "finished_at": now, "attempts": (attempt,)}
    )
    folder = toy.root / "reports/01J1Q5T7M0A1B2C3D4E5F6G7H8"
    folder.mkdir()
    (folder / "run.json").write_text(other.to_json())


def _remember(toy: Toy, number: int, tried: dict[str, tuple[str, float]]) -> None:
    """Leave the report of an earlier alert, on days long gone."""
    name = f"01J1Q5T7M0A1B2C3D4E5F6G7H{number}"
    plan = made.plan(
        *(made.refit(tier=tier) for tier in tried),
        alerts=(made.alert(alert_id=name, where=("region = eu",)),),
    )
    days = made.HOLDOUT.model_copy(update={"start": "2024-01-01", "end": "2024-01-15", "rows": 224})
    judgements = [
        made.judgement(
            tier,
            outcome,
            "One sentence.",
            holdout=days,
            checks=(
                made.check("overall", 2.0, 1.0, 0.5, 1.5, rows=224, gain=gain / 2),
                made.check("alerted slice", 2.0, 1.0, 0.5, 1.5, rows=112, gain=gain),
            ),
        )
        for tier, (outcome, gain) in tried.items()
    ]
    verdict = made.verdict(*judgements).model_copy(update={"alert_ids": (name,)})
    folder = toy.root / "reports" / name
    folder.mkdir()
    (folder / "plan.json").write_text(plan.to_json())
    (folder / "verdict.json").write_text(verdict.to_json())
