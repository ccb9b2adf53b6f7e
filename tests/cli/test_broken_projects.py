"""What DVC refuses to load is one sentence of ours that names the file, with exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_bad_input import refused, replaced, written
from tests.toy_project import Toy

Change = Callable[[Toy], None]


def stage(body: str) -> Change:
    """Return a change that adds a stage `x`."""
    return replaced("dvc.yaml", "  assemble:\n", f"  x: {{cmd: echo, {body}}}\n  assemble:\n")


def in_params(line: str) -> Change:
    return replaced("params.yaml", "clean:\n", f"{line}\nclean:\n")


def raw(path: str, content: bytes) -> Change:
    return lambda toy: (toy.root / path).write_bytes(content) and None


def a_folder_instead_of(path: str) -> Change:
    def change(toy: Toy) -> None:
        (toy.root / path).unlink()
        (toy.root / path).mkdir()

    return change


PIPELINE, PROJECT = "DVC cannot read the pipeline: ", "DVC cannot open the project: "
CASES: dict[str, tuple[Change, str]] = {
    "a stage that reads what it leads to": (
        replaced("dvc.yaml", "deps: [clean.py,", "deps: [clean.py, models/bundle,"),
        f"{PIPELINE}Same item(s) are defined as both a dependency and an output in stages: ",
    ),
    "an output within another": (
        stage("outs: [models/bundle/x]"),
        f"{PIPELINE}The output paths: 'models/bundle'('assemble') 'models/bundle/x'('x') overlap",
    ),
    "an output of two stages": (
        stage("outs: [models/bundle]"),
        f"{PIPELINE}output 'models/bundle' is specified in: - ",
    ),
    "an output within .git": (stage("outs: [.git/x]"), f"{PIPELINE}Path '.git/x' is ignored by"),
    "no value for a template": (
        stage("outs: ['${no.such}']"),
        f"{PIPELINE}failed to parse 'stages.x.outs' in 'dvc.yaml': Could not find 'no.such'",
    ),
    "a template that is none": (
        replaced("dvc.yaml", "${item.region} data/clean.csv", "${item[} data/clean.csv"),
        f"{PIPELINE}failed to parse 'stages.fit.cmd' in 'dvc.yaml': ",
    ),
    "a date among the vars": (
        replaced("dvc.yaml", "stages:\n", "vars: [{day: 2024-01-01}]\nstages:\n"),
        f"{PIPELINE}Unsupported value of type 'date' in 'vars[0]:day'. DVC knows",
    ),
    "an unknown key in dvc.yaml": (
        stage("outs: [y], out: [z]"),
        f"{PIPELINE}'dvc.yaml' validation failed: extra keys not allowed @ data['stages']['x']",
    ),
    "a stage of a number's name": (replaced("dvc.yaml", "  clean:\n", "  7:\n"), PIPELINE),
    "plots that are none": (
        replaced("dvc.yaml", "artifacts:", "plots: 3\nartifacts:"),
        f"{PIPELINE}'dvc.yaml' validation failed: ",
    ),
    "a key twice in dvc.yaml": (
        replaced("dvc.yaml", "artifacts:", "stages: {}\nartifacts:"),
        f"{PIPELINE}unable to read: 'dvc.yaml', YAML file structure is corrupted: ",
    ),
    "an unknown scheme": (stage("deps: ['foo://b/x']"), f"{PIPELINE}config file error: Unsupp"),
    "a remote that is not configured": (
        stage("deps: ['remote://no/x']"),
        f"{PIPELINE}config file error: remote 'no' doesn't exist",
    ),
    "a .dvc file that is none": (
        written("data/rows.csv.dvc", "out: []\n"),
        f"{PIPELINE}'data/rows.csv.dvc' validation failed: ",
    ),
    "a .dvc file of bytes": (
        raw("data/rows.csv.dvc", b"\x00\xff"),
        f"{PIPELINE}unable to read: 'data/rows.csv.dvc', is not valid utf-8",
    ),
    "a lock without hashes": (
        written("dvc.lock", "schema: '2.0'\nstages: {clean: {outs: [{}]}}\n"),
        f"{PIPELINE}'dvc.lock' validation failed: ",
    ),
    "a folder for a lock": (a_folder_instead_of("dvc.lock"), f"{PIPELINE}'dvc.lock' is not a "),
    "no configuration": (
        written(".dvc/config", "[core\n"),
        f"{PROJECT}config file error: Invalid line ('[core')",
    ),
    "an unknown setting": (
        written(".dvc/config", "[core]\n    foo = 1\n"),
        f"{PROJECT}config file error: extra keys not allowed @ data['core']['foo']. Correct .dvc/",
    ),
    "a pattern that is none": (
        written(".dvcignore", "\\\n"),
        f"{PROJECT}Invalid git pattern: '\\\\': Escape character found",
    ),
    "a date in params.yaml": (
        in_params("day: 2024-01-01"),
        f"{PIPELINE}Unsupported value of type 'date' in 'params.yaml:day'. DVC knows texts, "
        'numbers, lists and mappings. Quote a date: "2024-01-31".',
    ),
    "a time in params.yaml": (
        in_params("at: 2024-01-01T03:04:05Z"),
        f"{PIPELINE}Unsupported value of type 'datetime' in 'params.yaml:at'. ",
    ),
    "a set in params.yaml": (
        in_params("x: !!set {a, b}"),
        f"{PIPELINE}Unsupported value of type 'set' in 'params.yaml:x'. ",
    ),
    "an anchor that holds itself": (
        in_params("x: &x [*x]"),
        f"{PIPELINE}it is nested too deeply, or an anchor holds itself.",
    ),
    "two documents in params.yaml": (
        in_params("---"),
        f"{PIPELINE}unable to read: 'params.yaml', YAML file structure is corrupted: expected a "
        "single document in the stream",
    ),
    "a key twice in params.yaml": (
        in_params("data: {}"),
        f"{PIPELINE}unable to read: 'params.yaml', YAML file structure is corrupted: while "
        'constructing a mapping in "<unicode string>", line 2, column 1 found duplicate key "data"',
    ),
    "a tag in params.yaml": (
        in_params("x: !!python/object/apply:os.system [ls]"),
        f"{PIPELINE}unable to read: 'params.yaml', YAML file structure is corrupted: could not "
        "determine a constructor for the tag 'tag:yaml.org,2002:python/object/apply:os.system'",
    ),
    "a tab in params.yaml": (in_params("\tx: 1"), f"{PIPELINE}unable to read: 'params.yaml', "),
    "no text in params.yaml": (
        raw("params.yaml", b"x: \xe9\n"),
        f"{PIPELINE}unable to read: 'params.yaml', is not valid utf-8",
    ),
    "a .nan that a stage reads": (
        replaced("params.yaml", "highest: 1000", "highest: [1, .nan]"),
        "params.yaml: clean.highest: holds .nan, which is equal to nothing, itself included, so "
        "DVC would find stage clean changed every time. Write null, or a text that the stage",
    ),
    "no stages": (
        written("dvc.yaml", "{}\n"),
        "params.yaml: no stage of dvc.yaml reads this params file, but policies/promotion.yaml",
    ),
}


@pytest.mark.parametrize(("change", "message"), CASES.values(), ids=CASES)
def test_what_dvc_cannot_load_is_refused(toy: Toy, change: Change, message: str):
    alert = toy.alert("data_quality")
    change(toy)
    assert refused(toy, "plan", alert).startswith(message)


COMMANDS = ("plan ALERT", "run ALERT", "build", "status", "explain clean", "verify")


@pytest.mark.parametrize("case", ["a template that is none", "a date in params.yaml"])
def test_every_command_refuses_it(toy: Toy, case: str):
    change, message = CASES[case]
    alert = toy.alert("data_quality")
    change(toy)
    toy.commit()
    for command in COMMANDS:
        said = refused(toy, *command.replace("ALERT", alert).split())
        assert said.startswith(message.split(". ")[0]), command


def test_where_dvc_reads_it_from_does_not_matter(toy: Toy, tmp_path: Path):
    """The path of a checkout is no news to whoever reads the message."""
    alert = toy.alert("data_quality")
    CASES["an output within .git"][0](toy)
    assert str(tmp_path) not in refused(toy, "plan", alert)
