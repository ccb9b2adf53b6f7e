"""A checkout without data: what is missing is brought, and nothing else; or nothing is done."""

from __future__ import annotations

import shutil

from tests.toy_project import Toy


def test_a_fresh_clone_brings_only_what_the_run_needs_and_then_planning_holds(toy: Toy):
    (toy.root / "data/weights.csv").write_text("region,weight\neu,1\nus,1\n")
    toy.dvc("add", "--quiet", "data/weights.csv")
    toy.dvc("push", "--quiet", "data/weights.csv")
    toy.replace("policies/promotion.yaml", "[data/clean.csv]", "[data/clean.csv, data/weights.csv]")
    toy.alert("target_drift", where={"region": "eu"})
    toy.commit("An alert, and what scoring needs beside the model")
    clone = toy.clone("fresh")
    (alert,) = [f"alerts/{path.name}" for path in clone.root.glob("alerts/*.json")]

    told = clone.retouch("run", alert)

    assert told.code == 0, told
    assert "Verdict: promote." in told.out
    there = {path for path in clone.tree() if path.startswith(("data/", "models/"))}
    assert "data/rows.csv" not in there, "no stage that ran reads it"
    assert there == {
        "data/.gitignore",
        "data/clean.csv",
        "data/rows.csv.dvc",
        "data/weights.csv",
        "data/weights.csv.dvc",
        "models/.gitignore",
        "models/bundle/eu.json",
        "models/bundle/manifest.json",
        "models/bundle/us.json",
        "models/eu.json",
        "models/metrics.json",
        "models/us.json",
    }
    assert clone.outcomes(alert) == dict.fromkeys(["fit@eu", "assemble", "evaluate"], "ran")

    clone.commit("Refit eu")
    second = clone.alert("target_drift", 2, where={"region": "eu"})
    told = clone.retouch("run", second)
    assert told.code == 0, told
    assert told.out.startswith("Held for review: What the policy would change is in place already.")
    other = toy.clone("other")
    other.git("pull", "--quiet", "../fresh", "main")
    other.dvc("pull", "--quiet", "models/bundle")
    bundle = {p.name: p.read_bytes() for p in (other.root / "models/bundle").iterdir()}
    assert bundle == {p.name: p.read_bytes() for p in (clone.root / "models/bundle").iterdir()}


def test_data_that_is_nowhere_to_be_had_is_told_of_in_one_sentence(toy: Toy):
    toy.alert("target_drift", where={"region": "eu"})
    toy.commit("An alert")
    shutil.rmtree(toy.root.parent / "store")
    clone = toy.clone("fresh")
    (alert,) = [f"alerts/{path.name}" for path in clone.root.glob("alerts/*.json")]
    before = clone.tree()

    told = clone.retouch("run", alert)

    assert told.code == 2
    assert told.err.startswith(
        "Error: models/bundle: not in DVC's cache, and the remote does not have it: "
    )
    assert told.err.count("\n") == 1, told.err
    assert clone.tree() == before
    assert not clone.report(alert).exists()
    assert clone.git("status", "--porcelain") == ""


def test_an_input_that_is_lost_during_a_run_puts_everything_back(toy: Toy):
    """The model is here, what the stages read is not: the run has begun when that comes out."""
    shutil.rmtree(toy.root.parent / "store")
    shutil.rmtree(toy.root / ".dvc/cache")
    (toy.root / "models/us.json").unlink()
    alert = toy.alert("target_drift", where={"region": "eu"})
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 2
    assert "Error: models/us.json: not in DVC's cache, and the remote does not have it" in told.err
    assert toy.tree() == before
    assert not toy.report(alert).exists()
