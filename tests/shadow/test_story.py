"""`retouch shadow` in a real checkout: a candidate was kept, the clock moved, no label has come."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from retouch.gate.shadow_model import Shadow
from tests.made_once import made_once
from tests.toy_project import Toy, kill, wait_for

CLOCK, MOVED = "2024-02-22", "2024-03-01"


@pytest.fixture(scope="session")
def kept_once(tmp_path_factory: pytest.TempPathFactory, built: Toy) -> Toy:
    """The toy a week ago, with a candidate for eu that `retouch run` has kept."""

    def make(folder: Path) -> Toy:
        shutil.copytree(built.root.parent, folder, symlinks=True, dirs_exist_ok=True)
        toy = Toy(folder / "toy")
        text = (toy.root / "score.py").read_text().replace('"label": float(row["label"]),', "")
        wait = "import os, time\ntime.sleep(float(os.environ.get('TOY_SLOW', 0)))\n"
        (toy.root / "score_new.py").write_text(wait + text)
        command = "python score_new.py {model} {from} {until} {out}"
        toy.replace("policies/promotion.yaml", "score:\n", f"score:\n  unlabelled_cmd: {command}\n")
        toy.replace("params.yaml", MOVED, CLOCK)
        toy.commit("A week ago")
        told = toy.retouch("run", toy.alert("target_drift", where={"region": "eu"}))
        assert "Verdict: promote." in told.out, told
        return toy

    return made_once(tmp_path_factory, "kept", make)


def a_week_on(folder: Path, toy: Toy) -> Toy:
    shutil.copytree(toy.root.parent, folder, symlinks=True, dirs_exist_ok=True)
    copy = Toy(folder / "toy")
    copy.replace("params.yaml", f"until: '{CLOCK}'      #", f"until: '{MOVED}'      #")
    return copy


@pytest.fixture
def kept(tmp_path: Path, kept_once: Toy) -> Toy:
    """A copy of it in which the clock has moved on by a week, to do anything with."""
    return a_week_on(tmp_path, kept_once)


@pytest.fixture(scope="session")
def only_asked(tmp_path_factory: pytest.TempPathFactory, kept_once: Toy) -> Toy:
    """The same. Not to be changed."""
    return a_week_on(tmp_path_factory.mktemp("asked"), kept_once)


def report_of(toy: Toy) -> Path:
    (folder,) = (path for path in (toy.root / "reports").iterdir() if path.name != "build")
    return folder


def filed(toy: Toy) -> Shadow:
    return Shadow.model_validate_json((report_of(toy) / "shadow.json").read_text())


def nothing_left(toy: Toy) -> bool:
    here = toy.root / ".retouch"
    return not (here / "shadow").exists() and not (here / "run/journal.json").exists()


def test_a_kept_candidate_is_compared_on_what_has_arrived_since_and_the_report_has_it(kept: Toy):
    before = kept.tree()

    told = kept.retouch("shadow")

    assert told.code == 0, told
    assert told.out.startswith(
        "On 128 rows of 2024-02-22 to 2024-02-29 the candidate differs from production by "
    )
    assert "by more than 1.00 points on 50 % of rows; most where region = eu (+" in told.out
    assert "reports/" in told.out
    assert kept.tree() == before
    assert nothing_left(kept)
    found = filed(kept)
    report = (report_of(kept) / "report.md").read_text()
    assert report.count("<b>Shadow</b>") == 1 and "[shadow.json][shadow]" in report
    assert (found.outcome, found.start, found.end) == ("compared", CLOCK, MOVED)
    assert found.candidate_seen_until == "2024-02-08"
    assert found.production_seen_until == "2024-01-17"
    verdict = json.loads((report_of(kept) / "verdict.json").read_text())["judgements"][-1]
    assert found.production_model == verdict["production_model"]
    assert found.candidate_model == verdict["candidate_model"]
    assert [shift.where for shift in found.slices] == ["region = eu", "region = us"]
    assert found.slices[1].mean == 0

    named = kept.retouch("shadow", report_of(kept).name, "--tolerance", "1000", "--json")
    assert named.code == 0, named
    assert json.loads(named.out) == json.loads((report_of(kept) / "shadow.json").read_text())
    assert filed(kept).overall.differing == 0
    again = (report_of(kept) / "report.md").read_text()
    assert again.count("<b>Shadow</b>") == 1
    assert "1,000.00 points" in again


def test_on_a_branch_production_is_what_its_base_records(kept: Toy):
    kept.git("checkout", "--quiet", "-b", "retrain")
    kept.commit("Retrain")
    same = kept.retouch("shadow")
    assert (same.code, same.err) == (0, "")
    assert "are the same model" in same.out and "--production origin/main" in same.out
    assert not (report_of(kept) / "shadow.json").exists()

    told = kept.retouch("shadow", "--production", "main")
    assert told.code == 0, told
    there = filed(kept)
    assert there.outcome == "compared"
    kept.commit("What the shadow says")

    kept.git("checkout", "--quiet", "main")
    kept.dvc("checkout", "--force", "--quiet")
    kept.replace("params.yaml", CLOCK, MOVED)
    back = kept.retouch(
        "shadow", "--candidate", "retrain", "--from", CLOCK, "--out", "x/shadow.json"
    )
    assert back.code == 0, back
    assert "Report:" not in back.out, "main has no report of it"
    written = Shadow.model_validate_json((kept.root / "x/shadow.json").read_text())
    assert written.message == there.message
    assert written.candidate_model == there.candidate_model


def test_a_fresh_clone_fetches_both_models_and_the_data_and_keeps_none_of_it(kept: Toy):
    kept.git("checkout", "--quiet", "-b", "retrain")
    kept.commit("Retrain")
    clone = kept.clone("clone")
    before = clone.tree()

    told = clone.retouch("shadow", "--production", "origin/main")

    assert told.code == 0, told
    assert "On 128 rows" in told.out
    assert clone.tree() == before
    assert nothing_left(clone)

    lost = kept.clone("lost")
    shutil.rmtree(kept.root.parent / "store")
    told = lost.retouch("shadow", "--production", "origin/main")
    assert told.code == 2
    assert "not in DVC's cache, and the remote does not have it" in told.err
    assert "Traceback" not in told.err
    assert nothing_left(lost)


def test_when_nothing_has_arrived_since_it_says_how_to_move_the_clock(kept: Toy):
    kept.replace("params.yaml", MOVED, CLOCK)
    told = kept.retouch("shadow")
    assert (told.code, told.err) == (0, "")
    assert f"Nothing has arrived since the candidate was judged: data reaches up to {CLOCK}" in (
        told.out
    )
    assert "data.until in params.yaml" in told.out
    machine = json.loads(kept.retouch("shadow", "--json").out)
    assert machine["outcome"] == "nothing_to_compare"
    assert nothing_left(kept)


def test_without_a_verdict_it_starts_where_the_candidate_itself_stopped_looking(kept: Toy):
    shutil.rmtree(report_of(kept))
    told = kept.retouch("shadow", "--json")
    assert told.code == 0, told
    assert json.loads(told.out)["start"] == "2024-02-08"
    assert not list((kept.root / "reports").glob("*/shadow.json"))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--from", "soon"], "--from 'soon': is not a day written YYYY-MM-DD"),
        (["--until", "2024-2-1"], "--until '2024-2-1': is not a day"),
        (["--until", "2024-03-02"], "--until 2024-03-02: data has arrived up to 2024-03-01 only"),
        (["--from", "2024-03-01"], "From 2024-03-01 until 2024-03-01 (exclusive) there is no day"),
        (["--from", "2024-02-25", "--until", "2024-02-24"], "there is no day"),
        (["--until", "2024-02-10"], "From 2024-02-22 until 2024-02-10"),
        (["--tolerance", "-1"], "--tolerance -1.0: is no number from 0 on"),
        (["--tolerance", "nan"], "--tolerance nan"),
        (["--tolerance", "inf"], "--tolerance inf"),
        (["--tolerance", "some"], "'some' is not a valid float"),
        (["--production", "nowhere"], "--production 'nowhere': git knows no such commit"),
        (["--candidate", "--all"], "--candidate '--all': git knows no such commit"),
        (["--production", "HEAD~2"], "--production 'HEAD~2': dvc.lock: has no entry that makes"),
        (["../x"], "'../x' is not the id of a report"),
        (["01J1Q5T7M0A1B2C3D4E5F6G7H8"], "there is no verdict, so no candidate was kept"),
    ],
)
def test_a_bad_question_gets_one_sentence_and_changes_nothing(only_asked: Toy, args, message):
    before = only_asked.tree()
    told = only_asked.retouch("shadow", *args)
    assert (told.code, told.out) == (2, ""), told
    assert message in told.err
    assert "Traceback" not in told.err
    assert only_asked.tree() == before
    assert not (report_of(only_asked) / "shadow.json").exists()


def test_a_report_on_another_candidate_is_left_alone(kept: Toy):
    kept.commit("Retrain")
    kept.fit_until("us", "2024-02-05")
    assert kept.retouch("build").code == 0
    told = kept.retouch("shadow", report_of(kept).name)
    assert told.code == 2
    assert "did not keep the candidate to be compared" in told.err
    told = kept.retouch("shadow", "--from", CLOCK)
    assert told.code == 0, told
    assert "region = us" in told.out and "Report:" not in told.out


def test_without_a_command_for_unlabelled_rows_it_says_what_to_write(kept: Toy):
    path = kept.root / "policies/promotion.yaml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "unlabelled_cmd" not in line))
    told = kept.retouch("shadow")
    assert told.code == 2
    assert "policies/promotion.yaml: score.unlabelled_cmd: is missing" in told.err
    assert "`unlabelled_cmd: python score.py --unlabelled {model} {from} {until} {out}`" in told.err

    kept.replace("policies/promotion.yaml", "score:\n", "score:\n  unlabelled_cmd: score {out}\n")
    assert "score.unlabelled_cmd: lacks the placeholder {model}" in kept.retouch("shadow").err


def test_a_bad_table_is_filed_as_invalid_without_a_number(kept: Toy):
    kept.replace("score_new.py", '"score": models', '"score": float("nan") * models')
    told = kept.retouch("shadow")
    assert told.code == 1, told
    assert (
        "Invalid. The score table of the model in production has 128 rows whose score" in told.out
    )
    found = filed(kept)
    assert (found.outcome, found.overall, found.slices, found.days) == ("invalid", None, (), ())
    assert nothing_left(kept)


def test_a_command_that_fails_leaves_nothing_behind(kept: Toy):
    kept.replace(
        "score_new.py", "import os, time\n", "import os, time\nraise SystemExit('no disk')\n"
    )
    before = kept.tree()
    told = kept.retouch("shadow", "--out", "shadow.json")
    assert told.code == 1
    assert "failed (exit code 1): no disk" in told.err and "Try it by hand" in told.err
    assert kept.tree() == before
    assert not (report_of(kept) / "shadow.json").exists()
    assert nothing_left(kept)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_interrupted_it_leaves_no_process_and_no_file(kept: Toy, number):
    (kept.root / "data/clean.csv").unlink()  # so that it has to be pulled, and to go again
    before = kept.tree()
    process = kept.start("shadow", slow=120)
    wait_for(lambda: _scores(kept) == 2)

    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert b"Traceback" not in said
    assert kept.tree() == before
    assert kept.processes() == []
    assert nothing_left(kept)
    assert not (report_of(kept) / "shadow.json").exists()


def test_killed_it_is_cleared_away_by_the_next_one(kept: Toy):
    (kept.root / "data/clean.csv").unlink()
    before = kept.tree()
    process = kept.start("shadow", slow=120)
    wait_for(lambda: _scores(kept) == 2)
    second = kept.retouch("shadow")
    assert (second.code, "Another `retouch` run is active" in second.err) == (2, True)

    kill(process)
    assert _scores(kept) == 2, "scoring lives on"

    told = kept.retouch("shadow")
    assert told.code == 0, told
    assert kept.processes() == []
    assert kept.tree() == before
    assert nothing_left(kept)


def test_what_a_run_left_half_done_is_not_compared(kept: Toy):
    kept.commit("Retrain")
    alert = kept.alert("target_drift", 2, where={"region": "us"})
    process = kept.start("run", alert, slow=120)
    wait_for(lambda: any("fit.py" in command for command in kept.processes()))
    kill(process)
    told = kept.retouch("shadow")
    assert told.code == 2
    assert "A run was cut short here: tier refit for alert" in told.err
    assert kept.retouch("run", alert).code == 0


def _scores(toy: Toy) -> int:
    """Count the scoring commands under way."""
    commands = [command.split() for command in toy.processes()]
    return sum(words[:2] == ["python", "score_new.py"] for words in commands)
