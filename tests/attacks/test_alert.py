"""An alert that is nothing but attacks goes all the way, and none of them comes to anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from retouch.alerts.envelope import seal
from retouch.cli.console import harmless_log
from retouch.cli.main import main
from tests.attacks.attacks import (
    EXPRESSION,
    INLINE,
    MARKDOWN,
    RUNNER,
    acting_in,
    commands_in,
    everything,
    shell,
)
from tests.jobs.retrain.conftest import Loop

STRICT = (
    ("alert_id",), ("kind",), ("severity",), ("model",), ("status",), ("audience",),
    ("monitor", "id"), ("slice", "current", "dataset"), ("slice", "current", "path"),
    ("slice", "current", "digest"), ("slice", "current", "rev"), ("emitted_at",), ("expires_at",),
)  # fmt: skip
"""Fields of a form: any attack makes it no alert."""
FREE = ("message", "hypothesis")


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


@pytest.fixture
def in_actions(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> Loop:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    return loop


def put(document: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(document))
    at = copy
    for name in place[:-1]:
        at = at[name]
    at[place[-1]] = value
    return copy


def sent(loop: Loop, document: dict[str, Any]) -> tuple[str, ...]:
    payload = seal(json.dumps(document).encode(), None, None, "it")
    return loop.event({"client_payload": payload}, "repository_dispatch")


def plain_alert(loop: Loop) -> dict[str, Any]:
    where = {"region": "eu"}
    path = loop.toy.root / loop.toy.alert("performance", where=where, severity="critical")
    document = json.loads(path.read_text())
    path.unlink()
    return document


def test_a_field_with_a_form_takes_no_attack_and_its_refusal_obeys_none(
    in_actions: Loop, canary: Path
):
    document = plain_alert(in_actions)
    for place in STRICT:
        for attack in (shell(canary), RUNNER, INLINE, EXPRESSION, MARKDOWN):
            told = in_actions.ci("receive", *sent(in_actions, put(document, place, attack)))
            assert told.code == 2, (place, attack, told)
            assert commands_in(told.out + told.err) == []
            assert "Traceback" not in told.err
    assert in_actions.github.writes == []
    assert not canary.exists()


def hostile_alert(loop: Loop, canary: Path) -> dict[str, Any]:
    attack, short = everything(canary), f"{INLINE[:30]} @acme/ml #1"
    document = plain_alert(loop)
    document |= dict.fromkeys(FREE, attack)
    document["model_version"] = short
    document["monitor"] |= {"tool": short, "tool_version": short, "run_id": short}
    document["labels"] = {attack[:60]: attack}
    document["slice"]["columns"] = [attack[:100].strip()]
    document["evidence"] = [{"uri": attack[:900]}]
    document["findings"] = [
        {
            "scope": "column", "column": attack[:100].strip(), "metric": "mean",
            "native_metric": attack[:200], "native_id": attack[:200], "value": 1.0,
        }
    ]  # fmt: skip
    return document


def test_what_an_alert_says_is_read_and_never_run_obeyed_or_rendered(
    in_actions: Loop, canary: Path
):
    loop, output = in_actions, in_actions.folder / "output"
    document = hostile_alert(loop, canary)
    for name in ("columns",):  # a column that is no name is refused; the rest goes on without it
        told = loop.ci("receive", *sent(loop, document))
        if told.code == 2:
            assert commands_in(told.out + told.err) == []
            del document["slice"][name]
            document["findings"][0] |= {"column": "amount"}
    logs = []

    told = loop.ci("receive", *sent(loop, document), "--output", str(output))
    assert told.code == 0, told
    logs.append(told)
    target = '{"pull": 1, "runs_on": null, "minutes": null}'
    assert output.read_text() == f"any=true\ntargets=[{target}]\n"
    folder = loop.folder / "packages"
    told = loop.ci("retrain", "--pull", "1", "--out", str(folder))
    assert told.code == 0, told
    logs.append(told)
    told = loop.ci("publish", str(folder), "--target", target)
    assert told.code == 0, told
    logs.append(told)
    told = loop.ci("receive", "--event-name", "schedule", "--output", str(output))
    logs.append(told)

    assert not canary.exists()
    for told in logs:
        assert commands_in(told.out + told.err) == [], told
    _check_github(loop)


def _check_github(loop: Loop) -> None:
    github = loop.github
    (pull,) = github.pulls
    assert pull["head"] == f"retouch/alert/{pull['head'].rpartition('/')[2]}"
    assert pull["title"] == "Retrain means: performance in rows (critical)"
    assert set(pull["labels"]) <= {"retrain", "model:means", "verdict:pass", "verdict:fail"}
    assert github.comments
    for text in (pull["body"], *(comment["body"] for comment in github.comments)):
        assert acting_in(text) == []
        assert text.count("<!-- retouch:") == text.count("-->") == 1 + ("retouch:result" in text)
    for commit in github.git.git("log", "--format=%B", f"main..{pull['head']}").decode().split():
        assert commit[:1] not in ("@", "#")
    for status in github.statuses:
        assert len(status["description"]) <= 140
        assert "evil" not in status["description"]


def test_what_a_stage_prints_is_no_command_when_it_fails(in_actions: Loop, canary: Path):
    loop = in_actions
    lines = "\\n".join(["::set-output name=targets::[]", " ::add-mask::means", "##[group]x"])
    (loop.toy.root / "clean.py").write_text(f'import sys\nsys.exit("{lines}")\n')
    loop.push("A stage that talks to the runner")
    document = plain_alert(loop) | {"kind": "data_quality"}
    del document["slice"]["where"]
    assert loop.ci("receive", *sent(loop, document)).code == 0

    told = loop.ci("retrain", "--pull", "1", "--out", str(loop.folder / "packages"))

    assert told.code == 0, told
    assert "add-mask" in told.err, "it is told, and harmless"
    assert commands_in(told.out + told.err) == []


PIECES = (
    ["::add-mask::x\n"],
    [":", ":add-mask::x\n"],
    ["fine\n", "  ", ":", ":set-output name=a::b\n"],
    ["fine\r::debug::x\n"],
    ["a ##[add-path]/tmp\n"],
    ["a #", "#", "[add-path]/tmp\n"],
    ["a ##", "[add-path]/tmp\n"],
    ["\n\n\t::error::x"],
)


@pytest.mark.parametrize("pieces", PIECES, ids=repr)
def test_no_command_reaches_the_log_in_one_piece_or_in_several(pieces, capsys):
    with harmless_log({"GITHUB_ACTIONS": "true"}):
        for piece in pieces:
            sys.stdout.write(piece)
    assert commands_in("".join(pieces)) != []
    assert commands_in(capsys.readouterr().out) == []


def test_elsewhere_and_of_other_texts_nothing_is_changed(capsys):
    texts = ("a :: b\n", '{"any": true}\n', "fit@eu: ok\n", "# [x]\n", "::x\n")
    for environment in ({}, {"GITHUB_ACTIONS": "true"}):
        with harmless_log(environment):
            sys.stdout.write("".join(texts if not environment else texts[:-1]))
    assert capsys.readouterr().out == "".join((*texts, *texts[:-1]))
    with harmless_log({"GITHUB_ACTIONS": "true"}):
        sys.stdout.write(json.dumps({"message": "##[group]"}))
    assert json.loads(capsys.readouterr().out) == {"message": "##[group]"}


def test_a_wrong_option_is_told_without_a_command(capsys, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["ci", "retrain", "--pull", "x ##[add-mask]y"]) == 2
    assert main(["\n::add-mask::x"]) == 2
    captured = capsys.readouterr()
    assert commands_in(captured.out + captured.err) == []
