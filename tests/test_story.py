"""The whole story on a project in miniature, through the command line: build to `dvc pull`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.planning.model import Plan
from tests.signing import register, sign
from tests.toy_project import Toy

GOLDEN = Path(__file__).parent / "golden/story_report.md"


def test_an_alert_is_signed_planned_run_judged_reported_committed_and_pulled(
    toy: Toy, tmp_path: Path
):
    key = register(toy, tmp_path, "watch", kinds="[performance]")
    told = toy.retouch(
        *("alert", "new", "--kind", "performance", "--dataset", "rows", "--where", "region=eu"),
        *("--monitor", "watch"),
        *("--window", "2024-02-01", "2024-03-01", "--finding", "mae:label=30.1>5"),
        *("--message", "eu is <b>far</b> off | since February"),
    )
    assert told.code == 0, told
    alert = sign(toy, told.out.strip(), key)
    told = toy.retouch("alert", "intake", "--channel", "commit", "--sender", "watcher")
    assert told.code == 0, told
    assert "verified, pending: " in told.out
    toy.commit("An alert")
    _it_is_planned_without_data(toy.clone("no-data"), alert)

    before, params = toy.tree(), toy.params()
    told = toy.retouch("run", alert, "--jobs", "2", "--json")
    assert told.code == 0, told
    answer = json.loads(told.out)
    assert (answer["verdict"], answer["kept"]) == ("promote", True)

    _the_ladder_was_climbed(toy, alert, params)
    _the_report_is_the_golden_one(toy, alert)
    assert _changed(before, toy.tree()) == {
        "params.yaml",
        "dvc.lock",
        "models/eu.json",
        "models/bundle/eu.json",
        "models/bundle/manifest.json",
        "models/metrics.json",
    }
    report = f"reports/{Path(alert).stem}/"
    assert set(toy.git("status", "--porcelain").split("\n")[:-1]) == {
        " M dvc.lock",
        " M models/metrics.json",
        " M params.yaml",
        f"?? {report}",
    }
    toy.commit("Refit eu")
    assert toy.dvc("status") == "Data and pipelines are up to date.\n"
    assert toy.git("status", "--porcelain") == ""

    _asking_again_does_nothing(toy, alert)

    fresh = toy.clone("fresh")
    fresh.dvc("pull", "--quiet")
    assert fresh.tree() == toy.tree()


def _it_is_planned_without_data(clone: Toy, alert: str) -> None:
    before = clone.tree()
    assert not any(path.startswith("models/bundle") for path in before)
    told = clone.retouch("plan", alert, "--json", "--jobs", "2")
    assert told.code == 0, told
    plan = Plan.model_validate_json(told.out)
    assert [tier.tier for tier in plan.tiers] == ["nudge", "refit"]
    for tier in plan.tiers:
        assert tier.named("run") == ("fit@eu",)
        assert tier.named("may_run") == ("assemble", "evaluate")
        assert tier.forecast.unknown == 0
        assert 0 < tier.forecast.cpu_seconds < tier.forecast.full_cpu_seconds
    assert clone.tree() == before
    assert clone.git("status", "--porcelain") == ""
    assert list(clone.root.glob(".dvc/cache/files/**/*")) == []


def _the_ladder_was_climbed(toy: Toy, alert: str, before: dict) -> None:
    run, folder = toy.last_run(alert), toy.report(alert)
    verdict = Verdict.model_validate_json((folder / "verdict.json").read_text())
    plan = Plan.model_validate_json((folder / "plan.json").read_text())
    assert [(a.tier, a.kept) for a in run.attempts] == [("nudge", False), ("refit", True)]
    assert [(j.tier, j.outcome) for j in verdict.judgements] == [
        ("nudge", "reject"),
        ("refit", "promote"),
    ]
    assert run.plan_key == verdict.plan_key == plan.key
    assert run.base_commit == plan.base_commit == toy.git("rev-parse", "HEAD").strip()
    (edit,) = run.attempts[-1].edits
    assert (edit.key, edit.before, edit.after) == ("parts.eu.until", "2024-01-17", "2024-02-16")
    assert toy.params() == before | {
        "parts": {**before["parts"], "eu": {"until": "2024-02-16", "slow": 0}}
    }, "the first tier's edit was undone"
    assert "# labels above are dropped" in (toy.root / "params.yaml").read_text()
    deciding = verdict.deciding
    assert deciding.candidate_model in toy.lock()
    assert deciding.production_model not in toy.lock()
    assert deciding.holdout is not None
    assert deciding.holdout.production_seen_until == "2024-01-17"
    assert deciding.holdout.candidate_seen_until == "2024-02-16" == deciding.holdout.start
    first = verdict.judgements[0]
    assert first.production_model == deciding.production_model
    assert len({first.production_model, first.candidate_model, deciding.candidate_model}) == 3


def _asking_again_does_nothing(toy: Toy, alert: str) -> None:
    before = toy.tree()
    told = toy.retouch("run", alert)
    assert told.code == 0, told
    report = f"reports/{Path(alert).stem}/report.md"
    assert told.out == f"Nothing to do: already handled. Report: {report}\n"
    told = toy.retouch("run", alert, "--json")
    assert json.loads(told.out)["handled_before"] is True
    assert toy.tree() == before
    assert toy.git("status", "--porcelain") == ""


def _the_report_is_the_golden_one(toy: Toy, alert: str) -> None:
    folder = toy.report(alert)
    assert sorted(path.name for path in folder.iterdir()) == [
        "loss-by-day.svg",
        "plan.json",
        "report.md",
        "run.json",
        "slices.svg",
        "verdict.json",
    ]
    assert (folder / "loss-by-day.svg").read_text().lstrip().startswith(("<?xml", "<svg"))
    text = normalised((folder / "report.md").read_text(), toy.last_run(alert))
    if not GOLDEN.exists():  # to accept a new one, delete the old one
        GOLDEN.write_text(text)
        pytest.fail(f"{GOLDEN.name} was written: read it, and run again")
    assert text == GOLDEN.read_text()


def normalised(report: str, run: Run) -> str:
    """Take out what differs from one run to the next: ids, hashes, times, what things cost."""
    space = "[ \u00a0\u202f]"
    for pattern, name in (
        (run.alert_ids[0], "ALERT"),
        (r"\b[0-9a-f]{32,64}(\.dir)?\b", "HASH"),
        (r'(?<="plan":")[0-9a-f]+|(?<="base":")[0-9a-f]+', "HASH"),
        (r"`[0-9a-f]{7,16}`", "`HASH`"),
        (r"SHA256:[\w+/]{43}", "SHA256:KEY"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME"),
        (rf"\b[\d.]+{space}?(s|min)\b", "N s"),
        (rf"\b[\d.]+{space}MB\b", "N MB"),
        (r"so [^.]*\. For base", "so MUCH SAVED. For base"),
    ):
        report = re.sub(pattern, name, report)
    return report


def _changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
