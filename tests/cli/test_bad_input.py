"""Bad input: one sentence that names the file and what is wrong, exit code 2, nothing changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.toy_project import Told, Toy

ID = "01HQW9J6R00000000000000001"
ALERT = f"alerts/{ID}.json"


def refused(toy: Toy, *args: str) -> str:
    """Run a command that must be refused; return its one sentence."""
    before = toy.tree()
    told: Told = toy.retouch(*args)
    assert told.code == 2, told
    assert told.out == "", told
    assert told.err.startswith("Error: "), told
    assert told.err.count("\n") == 1, told
    assert toy.tree() == before
    assert not (toy.root / ".retouch/run").exists()
    return told.err.removeprefix("Error: ").rstrip("\n")


def edited(**changes: object) -> Callable[[Toy], None]:
    """Return a change of the alert's fields; None takes a field out."""

    def change(toy: Toy) -> None:
        fields = json.loads((toy.root / ALERT).read_text()) | changes
        fields = {key: value for key, value in fields.items() if value is not None}
        (toy.root / ALERT).write_text(json.dumps(fields))

    return change


def written(path: str, text: str) -> Callable[[Toy], None]:
    return lambda toy: (toy.root / path).write_text(text) and None


def replaced(path: str, old: str, new: str) -> Callable[[Toy], None]:
    return lambda toy: toy.replace(path, old, new)


def removed(path: str) -> Callable[[Toy], None]:
    def remove(toy: Toy) -> None:
        target = toy.root / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()

    return remove


def doubled_key(toy: Toy) -> None:
    toy.replace(ALERT, '"kind":', '"kind": "manual", "kind":')


def unmade(toy: Toy) -> None:
    """Leave DVC and the files, but a git repository without a commit."""
    shutil.rmtree(toy.root / ".git")
    toy.git("init", "--quiet")


ALERT_CASES: list[tuple[str, Callable[[Toy], None], str]] = [
    ("no file", removed(ALERT), f"{ALERT}: there is no such file. Write one: `retouch alert new"),
    ("empty file", written(ALERT, ""), f"{ALERT}: line 1, column 1: not JSON: "),
    ("not JSON", written(ALERT, "{'kind': 1}"), f"{ALERT}: line 1, column 2: not JSON: "),
    ("no object", written(ALERT, "[]"), f"{ALERT}: must be a JSON object."),
    ("other version", edited(schema_version="2.0"), f"{ALERT}: schema_version: '2.0' is not"),
    ("unknown field", edited(severty="info"), f"{ALERT}: severty: "),
    ("doubled key", doubled_key, f"{ALERT}: kind: "),
    ("NaN", written(ALERT, '{"schema_version": NaN}'), f"{ALERT}: "),
    ("naive time", edited(emitted_at="2024-03-01T06:00:00"), f"{ALERT}: emitted_at: "),
    ("unknown model", edited(model="meens"), f"alerts/{ID}.json: model: 'meens' is unknown here; "),
    ("another name", edited(alert_id="01HQW9J6R00000000000000002"), f"{ALERT}: "),
]


@pytest.mark.parametrize(
    ("change", "message"), [case[1:] for case in ALERT_CASES], ids=[case[0] for case in ALERT_CASES]
)
def test_a_bad_alert_is_refused(toy: Toy, change, message):
    toy.alert("data_quality")
    change(toy)
    sentence = refused(toy, "run", ALERT)
    assert sentence.startswith(message)
    if "severty" in message:
        assert "did you mean 'severity'?" in sentence


LFS_POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 9\n"
PROJECT_CASES: list[tuple[str, Callable[[Toy], None], str]] = [
    (
        "no policy",
        removed("policies"),
        "policies/retraining.yaml: there is no such file.",
    ),
    (
        "policy with a typo",
        replaced("policies/retraining.yaml", "must: not_get_worse", "mutt: not_get_worse"),
        "policies/retraining.yaml: tiers.repair.mutt: ",
    ),
    (
        "policy on another model",
        replaced("policies/retraining.yaml", "model: means", "model: medians"),
        f"alerts/{ID}.json: model: 'means' is unknown here",
    ),
    (
        "promotion with a typo",
        replaced("policies/promotion.yaml", "min_rows", "min_row"),
        "policies/promotion.yaml: limits.min_row: ",
    ),
    (
        "no clock",
        replaced("policies/promotion.yaml", "key: data.until", "key: data.untill"),
        "params.yaml: data.untill: is None, not a day written 'YYYY-MM-DD', but policies/promotion",
    ),
    (
        "no params key",
        replaced("params.yaml", "  us: {until: '2024-01-17', slow: 0}\n", ""),
        "params.yaml: parts.us: no such key, but stage fit@us declares it.",
    ),
    (
        "no params file",
        removed("params.yaml"),
        "params.yaml: there is no such params file, but dvc.yaml names it.",
    ),
    ("broken params", replaced("params.yaml", "parts:", "parts: ["), "DVC cannot read"),
    ("broken dvc.yaml", written("dvc.yaml", "stages: ["), "DVC cannot read the pipeline: "),
    (
        "dvc.yaml with a typo",
        replaced("dvc.yaml", "    deps: [clean.py", "    dep: [clean.py"),
        "DVC cannot read the pipeline: ",
    ),
    ("broken dvc.lock", written("dvc.lock", "schema: '2.0'\nstages: ["), "DVC cannot read"),
    (
        "meta with a typo",
        replaced("dvc.yaml", "retouch: {module: assemble}", "retouch: {modul: assemble}"),
        "dvc.yaml: stages.assemble.meta.retouch.modul: ",
    ),
    (
        "a pointer for a file",
        written("clean.py", LFS_POINTER),
        "clean.py: is a pointer of Git LFS; the file is not here. Bring it: `git lfs pull`",
    ),
    (
        "a pointer for data",
        written("data/rows.csv", LFS_POINTER),
        "data/rows.csv: is a pointer of Git LFS; the file is not here.",
    ),
    ("no DVC", removed(".dvc"), "{root}: is not in a DVC repository."),
    ("no commit", unmade, "The repository has no commit yet"),
    ("no git", removed(".git"), "{root}: "),
]


@pytest.mark.parametrize(
    ("change", "message"),
    [case[1:] for case in PROJECT_CASES],
    ids=[case[0] for case in PROJECT_CASES],
)
def test_a_bad_project_is_refused(toy: Toy, change, message):
    toy.alert("data_quality")
    change(toy)
    sentence = refused(toy, "run", ALERT)
    assert sentence.startswith(message.replace("{root}", str(toy.root)))
    for typo, meant in (("mutt", "must"), ("min_row:", "min_rows"), ("modul:", "module")):
        if typo in message:
            assert f"did you mean {meant!r}?" in sentence.lower()
    assert refused(toy, "plan", ALERT).startswith(message.replace("{root}", str(toy.root)))


def test_a_directory_is_no_alert(toy: Toy):
    (toy.root / "alerts").mkdir()
    assert refused(toy, "run", "alerts") == (
        "alerts: is a directory, not a file. Write one: `retouch alert new --help`."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "DVC cannot read the pipeline: 'dvc.lock' validation failed: required key"),
        ("schema: '2.0'\n", "dvc.lock: has no entry that makes models/bundle, so there is no"),
    ],
)
def test_with_an_empty_lock_nothing_is_in_production(toy: Toy, text, message):
    (toy.root / "dvc.lock").write_text(text)
    toy.commit("Lose the lock")
    assert refused(toy, "status").startswith(message)
    refused(toy, "run", toy.alert("data_quality"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            replaced("params.yaml", "highest: 1000", "highest: 900"),
            "The workspace differs from the commit: params.yaml.",
        ),
        (
            replaced("clean.py", '"""Drop', '"""Leave out'),
            "The workspace differs from the commit: clean.py.",
        ),
        (
            written("models/eu.json", '{"mean": 1, "until": "2024-01-17"}'),
            "The workspace differs from dvc.lock: models/eu.json.",
        ),
        (
            removed("models/bundle/us.json"),
            "The workspace differs from dvc.lock: models/bundle.",
        ),
    ],
    ids=["params", "code", "output", "directory"],
)
def test_a_run_does_not_start_from_a_workspace_that_was_changed(toy: Toy, change, message):
    alert = toy.alert("data_quality")
    change(toy)
    assert refused(toy, "run", alert).startswith(message)
    assert toy.retouch("plan", alert).code == 0, "planning is free"


@pytest.mark.parametrize(
    ("slice_", "note"),
    [
        ({"dataset": "rowz"}, "Widened to every stage: no stage declares dataset 'rowz'."),
        (
            {"columns": ["labl"]},
            "Widened to all stages of dataset 'rows': no stage declares column 'labl'.",
        ),
    ],
)
def test_a_slice_that_resolves_to_nothing_is_widened_and_the_plan_says_so(toy: Toy, slice_, note):
    told = toy.retouch("plan", toy.alert("target_drift", **slice_))
    assert told.code == 0, told
    said = " ".join(told.out.split())
    assert note in said
    assert "parts.eu.until" in said
    assert "parts.us.until" in said


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("explain", "assembl"), "assembl: there is no such stage. Did you mean 'assemble'?"),
        (("explain", "zzz"), "zzz: there is no such stage. See `dvc stage list`."),
        (("report", ID), f"reports/{ID}: there is no such report. See `retouch status`."),
        (("report", "build"), "reports/build: there is no such report. See `retouch status`."),
        (("report", "../toy"), "'../toy' is not the id of a report. See `retouch status`."),
        (("report", "/etc"), "'/etc' is not the id of a report. See `retouch status`."),
        (("report", ""), "'' is not the id of a report. See `retouch status`."),
        (("run", ALERT, "--plan", "no.json"), "no.json: there is no such file."),
        (("plan", ALERT, "--out", "policies"), "policies: cannot be written: Is a directory."),
        (("demo", "NOSUCH"), "reports/: no run for alert NOSUCH has an accepted candidate"),
    ],
)
def test_a_bad_argument_is_refused(toy: Toy, args, message):
    toy.alert("data_quality")
    assert refused(toy, *args).startswith(message)


@pytest.mark.parametrize("name", ["plan.json", "run.json", "verdict.json"])
def test_a_report_that_was_tampered_with_is_refused(toy: Toy, name):
    alert = toy.alert("system_health")
    assert toy.retouch("run", alert).code == 0
    (toy.report(alert) / name).write_text("{")
    message = f"reports/{toy.report(alert).name}/{name}: is not a "
    assert message in refused(toy, "report", toy.report(alert).name)
    if name == "verdict.json":
        assert "verdict.json: is not a" in refused(toy, "run", alert)


def test_two_files_may_not_claim_the_same_alert(toy: Toy):
    alert = toy.alert("data_quality")
    other = json.loads((toy.root / alert).read_text()) | {"severity": "info"}
    Path(toy.root / "other.json").write_text(json.dumps(other))
    assert refused(toy, "plan", alert, "other.json") == (
        "other.json: another file has the same alert_id with other content."
        " A new alert needs a new id: `retouch alert new`."
    )


def test_checking_alerts_says_what_is_wrong_with_each(toy: Toy):
    good = toy.alert("data_quality")
    (toy.root / "one.json").write_text("{}")
    (toy.root / "two.json").write_text("no")
    told = toy.retouch("alert", "check", good, "one.json", "two.json")
    assert told.code == 2
    assert told.out == f"{good}: ok\n"
    assert [line.split(":")[0] for line in told.err.splitlines()] == ["one.json", "two.json"]
    assert toy.retouch("alert", "check", good).code == 0
