"""The command line: its help, its exit codes, what it prints for people and for machines."""

from __future__ import annotations

import ast
import errno
import inspect
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from rich.console import Console

import retouch.cli as cli_package
from retouch.cli.console import ProgressBar, ProgressLines
from retouch.cli.main import cli
from retouch.execution.model import Outcome, Receipt
from tests.toy_project import Toy

GOLDEN = Path(__file__).parents[1] / "golden/help.txt"


def _commands(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _commands(inner, (*path, name))


COMMANDS = list(_commands(cli, ()))


def test_the_help_of_every_command_is_the_golden_one(toy: Toy):
    texts = []
    for path, _command in COMMANDS:
        told = toy.retouch(*path, "--help")
        assert (told.code, told.err) == (0, "")
        texts.append(f"$ retouch {' '.join([*path, '--help'])}\n{told.out}")
    text = "\n".join(texts)
    if not GOLDEN.exists():  # to accept a new one, delete the old one
        GOLDEN.write_text(text)
        pytest.fail(f"{GOLDEN.name} was written: read it, and run again")
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize(
    "command", [pytest.param(command, id=" ".join(path)) for path, command in COMMANDS]
)
def test_help_does_not_depend_on_how_python_indents_docstrings(command):
    """Python 3.13 strips the indentation that all lines share; click does so for the others."""
    text = inspect.cleandoc(command.help)
    assert not any(line.startswith("    ") for line in text.splitlines())


def test_the_summary_of_every_command_fits_into_80_columns():
    for path, group in COMMANDS:
        names = group.commands if isinstance(group, click.Group) else {}
        room = 80 - len("    ") - len("    ") - max(map(len, names), default=0)
        for name, command in names.items():
            summary = command.get_short_help_str(room)
            assert not summary.endswith("..."), (*path, name)


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("plan",),
        ("run", "--jobs", "0", "x.json"),
        ("build", "--nonsense"),
        ("alert", "new", "--kind", "drift", "--dataset", "rows"),
        ("alert", "new", "--kind", "manual", "--dataset", "rows", "--where", "region"),
        ("alert", "new", "--kind", "manual", "--dataset", "rows", "--finding", "psi"),
        ("alert", "new", "--kind", "manual", "--dataset", "rows", "--finding", "psi=1.2.3"),
    ],
)
def test_wrong_words_on_the_command_line_are_bad_input(toy: Toy, args):
    told = toy.retouch(*args)
    assert told.code == 2
    assert "Error: " in told.err
    assert "Traceback" not in told.err


def test_our_own_bugs_have_an_exit_code_of_their_own(toy: Toy, monkeypatch):
    monkeypatch.setattr("retouch.cli.run.project_status", lambda _project: 1 / 0)
    told = toy.retouch("status")
    assert told.code == 3
    assert "ZeroDivisionError" in told.err
    assert told.err.endswith("Internal error. Please report it with the lines above.\n")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (errno.ENOSPC, "a/b: No space left on device. Free some space, or raise the quota, then "),
        (errno.EDQUOT, "a/b: Disk quota exceeded. Free some space"),
        (errno.EACCES, "a/b: Permission denied. Let this user read and write there"),
        (errno.EROFS, "a/b: Read-only file system. Let this user read and write there"),
    ],
)
def test_what_only_the_owner_of_the_machine_can_mend_is_no_bug_of_ours(
    toy: Toy, monkeypatch, error, message
):
    def fail() -> None:
        raise OSError(error, os.strerror(error), "a/b")

    monkeypatch.setitem(cli.commands, "fail", click.Command("fail", callback=fail))
    told = toy.retouch("fail")
    assert told.code == 2
    assert told.err.startswith(f"Error: {message}")


def test_a_plan_is_printed_for_people_and_for_machines(toy: Toy):
    alert = toy.alert("performance", where={"region": "eu"})
    told = toy.retouch("plan", alert)
    assert "\x1b" not in told.out + told.err
    assert "3 others" in told.out
    assert "fit@us" not in told.out
    assert "fit@us" in toy.retouch("plan", alert, "--whole").out
    plan = json.loads(toy.retouch("plan", alert, "--json").out)
    assert list(plan) == [
        *("schema_version", "key", "model", "alerts", "action", "rule", "why", "touched", "tiers"),
        *("skipped", "provenance", "accepted_by", "worth", "base_commit", "reads", "planned_at"),
    ]


def test_a_run_prints_plain_lines_and_its_answer_as_json(toy: Toy):
    alert = toy.alert("data_quality")
    told = toy.retouch("run", alert, "--json", "--no-push")
    assert "\x1b" not in told.out + told.err
    lines = [line.split(" s  ")[1] for line in told.err.splitlines()]
    assert lines[0] == "clean: started"
    assert lines[1].startswith("clean: ran in ")
    assert lines[2] == "fit@eu: cut off: its inputs did not change"
    answer = json.loads(told.out)
    assert answer | {"message": ""} == {
        "handled_before": False,
        "action": "retrain",
        "verdict": "equivalent",
        "message": "",
        "kept": True,
        "report": str(toy.report(alert)),
    }


def test_status_and_explain_print_for_people_and_for_machines(toy: Toy):
    alert = toy.alert("target_drift", where={"region": "eu"})
    told = toy.retouch("status")
    assert told.out.startswith("In production: means ")
    assert [Path(alert).stem, "target_drift", "open"] == told.out.splitlines()[-1].split()[:3]
    status = json.loads(toy.retouch("status", "--json").out)
    assert list(status) == [
        *("model", "production_hash", "production_commit", "versions", "out_of_date", "holdout"),
        *("alerts", "interrupted"),
    ]
    assert status["production_hash"] in toy.lock()
    assert (status["out_of_date"], status["interrupted"]) == ([], None)

    told = toy.retouch("explain", "fit@eu", "--alert", alert)
    assert "module train, works on region = eu" in told.out
    assert "upstream: clean" in told.out
    assert "downstream: assemble, evaluate" in told.out
    assert "tier refit: run, because params.yaml:parts.eu.until" in told.out
    stage = json.loads(toy.retouch("explain", "clean", "--json").out)
    assert list(stage) == [
        *("stage", "desc", "meta", "upstream", "downstream", "cost", "decisions"),
    ]
    assert stage["cost"]["cpu_seconds"] > 0
    assert stage["decisions"][0][1]["decision"] == "reuse"


def test_what_is_out_of_date_is_told_by_status(toy: Toy):
    toy.fit_until("us", "2024-01-25")
    assert "Out of date: fit@us. To update: `retouch build`." in toy.retouch("status").out


def test_the_policys_examples_are_run(toy: Toy):
    told = toy.retouch("policy", "check")
    assert (told.code, told.out) == (0, "3 of 3 examples decided as expected.\n")
    toy.replace("policies/retraining.yaml", "expect: {try: [refit]}", "expect: {try: [nudge]}")
    told = toy.retouch("policy", "check")
    assert told.code == 1
    assert "What drifted is fitted again: example 1: expected" in told.err


def test_a_new_alert_can_be_printed_and_is_valid(toy: Toy):
    told = toy.retouch("alert", "new", "--kind", "manual", "--dataset", "rows", "--print")
    assert told.code == 0
    assert json.loads(told.out)["model"] == "means", "the policy's model"
    assert not (toy.root / "alerts").exists()


def test_the_digest_of_a_path_is_that_of_dvc_lock(toy: Toy):
    new = ("alert", "new", "--kind", "manual", "--dataset", "rows", "--print", "--path")
    current = json.loads(toy.retouch(*new, "data/clean.csv").out)["slice"]["current"]
    assert current["digest"].removeprefix("md5:") in toy.lock()
    told = toy.retouch(*new, "data/clena.csv")
    assert told.code == 2
    assert "dvc.lock records no such data; did you mean 'data/clean.csv'?" in told.err


def test_what_lies_beside_an_alert_is_no_fault_of_it(toy: Toy):
    alert = toy.alert("data_quality")
    assert toy.retouch("alert", "intake").code == 0
    receipt = alert.replace(".json", ".receipt.json")
    told = toy.retouch("alert", "check", alert, receipt)
    assert (told.code, told.err) == (0, "")
    assert told.out == f"{alert}: ok\n{receipt}: a receipt, not an alert\n"


def test_commands_work_from_a_folder_of_the_project(toy: Toy):
    inside = Toy(toy.root / "models")
    alert = toy.alert("data_quality")
    assert inside.retouch("plan", f"../{alert}").code == 0
    assert inside.retouch("status").out == toy.retouch("status").out


def _receipt(stage: str, outcome: Outcome) -> Receipt:
    return Receipt(stage=stage, outcome=outcome, because="so", wall_seconds=1.5)


@pytest.mark.parametrize("kind", [ProgressLines, ProgressBar])
def test_progress_can_be_watched_on_a_terminal_and_in_a_log(kind):
    file = io.StringIO()
    console = Console(file=file, force_terminal=kind is ProgressBar, width=100)
    with kind(console, {"fit@eu": 3.0, "fit@[us]": 2.0}) as watch:
        for _attempt in range(2):  # two tiers
            watch.planned(["fit@eu", "fit@[us]", "assemble"])
            watch.started("fit@eu")
            watch.started("fit@[us]")
            watch.finished(_receipt("fit@[us]", "ran"))
            watch.finished(_receipt("fit@eu", "failed"))
            watch.finished(_receipt("assemble", "skipped"))
            watch.finished(_receipt("never planned", "cut_off"))
    said = file.getvalue()
    assert "fit@[us]" in said
    assert said.count("FAILED") == 2
    assert ("\x1b[" in said) == (kind is ProgressBar)


def test_a_bar_that_was_never_told_of_a_plan_does_not_mind():
    console = Console(file=io.StringIO(), force_terminal=True)
    with ProgressBar(console, {}) as watch:
        watch.finished(_receipt("fit@eu", "ran"))


def test_every_error_of_the_command_line_says_what_to_do():
    """An error without a hint leaves the reader with the fault alone."""
    folder = Path(cli_package.__file__).parent
    without = [
        f"{path.name}:{call.lineno}"
        for path in sorted(folder.glob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if call.func.id in ("InputError", "CheckFailed")
        if "hint" not in [keyword.arg for keyword in call.keywords]
    ]
    assert without == []
