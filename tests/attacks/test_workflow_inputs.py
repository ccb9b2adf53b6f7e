"""What somebody types into a workflow, or names a branch or a file, is never run by a shell.

The steps of the workflow files are run for real, by the light interpreter of `tests/e2e`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.attacks import EXPRESSION, INLINE, commands_in, shell
from tests.e2e.scene import Scene


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def test_the_reason_of_a_rollback_is_a_text(scene: Scene, canary: Path):
    scene.interpreted()
    for version in ("", f"v1.0.0{shell(canary)}", f"--push={shell(canary)}"):
        reason = f"{shell(canary)} {EXPRESSION} {INLINE} --github"
        [ran] = scene.start("rollback", version=version, reason=reason)
        assert ran.jobs == {"rollback": "failure"}, ran  # nothing to go back to
        assert commands_in(ran.said["rollback"]) == []
    assert not canary.exists()
    assert scene.tags() == ["means#prod#1", "means@v1.0.0"]


def test_inputs_of_a_retrain_are_texts(scene: Scene, canary: Path):
    scene.interpreted()
    for pull in (f"1{shell(canary)}", f"--main {shell(canary)}", EXPRESSION):
        runs = scene.start("alert", pull=pull, overwrite=False, accepted_by=shell(canary))
        assert [job for ran in runs for job, end in ran.jobs.items() if end == "success"] == []
    assert not canary.exists()
    assert scene.github.writes == []


def test_a_branch_and_a_file_may_have_any_name(scene: Scene, canary: Path):
    scene.interpreted()
    branch = f"a/$(touch${{IFS}}{canary.name})`id`;x"
    name = f"alerts/$(touch {canary.name});`id` ${{{{ github.token }}}} x.json"
    number = scene.github.open_pull(branch, author="mallory", files={name: "{}"})
    runs = scene.pull_event(number, "opened")
    assert [ran.workflow for ran in runs] == ["alert"]
    for text in runs[0].said.values():
        assert commands_in(text) == []
    assert not list(scene.folder.rglob(canary.name))
    assert scene.git.head("main") == scene.main


def test_a_comment_runs_nothing(scene: Scene, canary: Path):
    scene.interpreted()
    scene.github.collaborators["alice"] = "write"
    number = scene.github.open_pull("retouch/alert/x", files={"a": "b"})
    for body in (
        f"/retrain override overall {shell(canary)} {EXPRESSION}",
        f"/retrain {shell(canary)}",
        f"/retrain hold{shell(canary)}",
    ):
        for ran in scene.comment(number, body):
            for text in ran.said.values():
                assert commands_in(text) == []
    assert not canary.exists()
