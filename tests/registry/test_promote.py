"""Merging makes versions: once, in order, and whatever fails on the way."""

from __future__ import annotations

import contextlib
import json
import os
import signal

import psutil
import pytest

from retouch.git.gto_tags import read_tags
from tests.github.fake import FakeGitHub, Status
from tests.registry.released import Released, github_over
from tests.toy_project import kill, wait_for


def test_the_first_version_is_the_baseline_in_prod(released: Released):
    said = released.promoted("--commit", released.baseline)
    assert said["plan"]["outcome"] == "promote"
    assert released.tags() == ["means@v1.0.0", "means#prod#1"]
    assert {tag.commit for tag in read_tags(released.origin)} == {released.baseline}


def test_a_merged_candidate_is_the_next_version_and_a_canary(versions: Released):
    assert (versions.in_stage("prod"), versions.in_stage("canary")) == ("v1.0.0", "v1.1.0")
    version = versions.registry.find("v1.1.0")
    assert version is not None
    assert version.commit == versions.merge
    tag = next(tag for tag in read_tags(versions.origin) if tag.name == "means@v1.1.0")
    report = versions.alert.removeprefix("alerts/").removesuffix(".json")
    assert (tag.details["report"], tag.details["verdict"]) == (report, "promote")
    assert tag.details["model"] in versions.toy.lock()


def test_gto_sees_the_same_versions(versions: Released):
    from gto import api

    shown = api.show(str(versions.origin))["means"]
    assert shown["version"] == "v1.1.0"
    assert shown["stage"] == {"prod": "v1.0.0", "canary": "v1.1.0"}


def test_promoting_twice_is_promoting_once(versions: Released):
    before = versions.toy.git("ls-remote", "origin")
    told = versions.promote()
    assert told.code == 0
    assert "nothing to do" in told.out
    assert versions.toy.git("ls-remote", "origin") == before


def test_another_clone_finds_nothing_left_to_do(versions: Released):
    clone = versions.clone("other")
    told = clone.retouch("promote", "--no-push")
    assert "already v1.1.0" in told.out, told


def test_dry_says_what_would_be_done_and_does_nothing(released: Released):
    told = released.promote("--dry")
    assert told.code == 0
    assert "becomes v1.0.0" in told.out
    assert "to do" in told.out
    assert released.tags() == []
    assert read_tags(released.toy.root) == ()


def test_a_model_built_by_hand_is_refused_by_its_hash(released: Released):
    released.promoted("--commit", released.baseline)
    toy = released.toy
    for path in (toy.root / "reports").glob("*/verdict.json"):
        path.unlink()
    toy.commit("The verdict is lost")
    toy.git("push", "--quiet", "origin", "main")
    told = released.promote()
    assert told.code == 1
    assert "has no accepting verdict in this commit" in told.out
    assert released.in_stage("canary") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"outcome": "promote"', '"outcome": "reject"'),
        ('"candidate_model": "', '"candidate_model": "0'),
        ('"plan_key": "', '"plan_key": "0'),
        ('"schema_version": "1.0"', '"schema_version": "9.9"'),
        ("{", ""),
    ],
)
def test_a_verdict_that_does_not_keep_this_very_model_keeps_nothing(
    released: Released, old: str, new: str
):
    released.promoted("--commit", released.baseline)
    path = released.toy.report(released.alert) / "verdict.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    released.toy.commit("Another verdict")
    assert released.promote("--no-push", "--dry").code == 1


def test_a_run_that_was_not_kept_keeps_nothing(released: Released):
    released.promoted("--commit", released.baseline)
    path = released.toy.report(released.alert) / "run.json"
    path.write_text(path.read_text().replace('"kept": true', '"kept": false'))
    released.toy.commit("Another run")
    assert released.promote("--no-push", "--dry").code == 1


def test_a_model_that_failed_its_canary_stays_down_after_it_is_merged_again(versions: Released):
    version = versions.registry.find("v1.1.0")
    assert version is not None
    said = json.dumps({"reason": "loss went up", "model": version.hash, "failed": True})
    tag = ["tag", "--annotate", "--message", said, "means#canary!#9", versions.merge]
    versions.toy.git(*tag)
    versions.toy.git("push", "--quiet", "origin", "--tags")
    versions.toy.git("commit", "--quiet", "--allow-empty", "--message", "Once more")
    told = versions.promote()
    assert told.code == 1
    assert "loss went up" in told.out
    assert "stays so" in told.out


def test_a_revert_registers_nothing(versions: Released):
    versions.toy.git("revert", "--no-edit", "--mainline", "1", "HEAD")
    before = versions.tags()
    told = versions.promote()
    assert told.code == 0, told
    assert "the model of v1.0.0" in told.out
    assert versions.tags() == before


def test_a_commit_that_was_not_merged_is_not_promoted(released: Released):
    clone = released.clone("other")
    clone.git("checkout", "--quiet", "-b", "mine")
    clone.git("commit", "--quiet", "--allow-empty", "--message", "Not reviewed")
    told = clone.retouch("promote")
    assert told.code == 1
    assert "only merged commits are promoted" in told.err
    assert released.tags() == []


def test_a_commit_that_is_not_there_is_a_sentence(released: Released):
    told = released.promote("--commit", "no such")
    assert (told.code, told.out) == (2, "")
    assert "--commit 'no such'" in told.err


def test_a_lock_that_git_made_up_is_not_promoted(released: Released):
    toy = released.toy
    lock = toy.root / "dvc.lock"
    text = lock.read_text()
    base = toy.git("show", f"{released.baseline}:dvc.lock")
    ours, theirs = (t.partition("  evaluate:")[2].partition("\n  fit")[0] for t in (text, base))
    assert ours != theirs
    lock.write_text(text.replace(ours, theirs))
    toy.commit("The old evaluation with the new model")
    told = released.promote("--no-push")
    assert told.code == 1
    assert "is not sound" in told.err
    assert read_tags(toy.root) == ()


def test_what_origin_refuses_is_said_and_the_next_call_goes_on(released: Released):
    released.hook('case "$1" in *prod*) echo no tags today >&2; exit 1;; esac')
    told = released.promote("--commit", released.baseline)
    assert told.code == 1
    assert "done   means@v1.0.0" in told.out
    assert "to do  v1.0.0 is assigned to prod" in told.out
    assert "means#prod#1 could not be written" in told.err
    assert [tag.name for tag in read_tags(released.toy.root)] == ["means@v1.0.0"]
    released.hook("exit 0")
    assert released.promote("--commit", released.baseline).code == 0
    assert released.tags() == ["means@v1.0.0", "means#prod#1"]


@pytest.mark.parametrize("ref", ["means@v1.0.0", "means#prod#1"])
def test_killed_while_a_tag_is_pushed_the_next_call_goes_on(released: Released, ref: str):
    """The tag is in our clone then and nowhere else, which is not to count."""
    released.hook(f'[ "$1" = "refs/tags/{ref}" ] && touch reached && sleep 60; exit 0')
    process = released.toy.start("promote", "--commit", released.baseline)
    try:
        wait_for(lambda: (released.origin / "reached").exists())
    finally:
        pushing = _git_processes(released)
        kill(process)
        for pid in pushing:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    released.hook("exit 0")
    for path in released.origin.rglob("*.lock"):
        path.unlink()
    assert ref in {tag.name for tag in read_tags(released.toy.root)}
    assert ref not in released.tags()
    assert released.promote("--commit", released.baseline).code == 0
    assert released.tags() == ["means@v1.0.0", "means#prod#1"]


def _git_processes(released: Released) -> list[int]:
    """Return what works for the promotion: git, and the hook of `origin`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            ours = str(process.cwd()).startswith(str(released.folder))
            if ours and "retouch" not in process.cmdline():
                found.append(process.pid)
    return found


def test_two_at_the_same_time_make_one_version(released: Released):
    clones = [released.toy, released.clone("other")]
    told = [clone.start("promote", "--commit", released.baseline, "--json") for clone in clones]
    for process in told:
        process.communicate(timeout=120)
    assert released.promote("--commit", released.baseline).code == 0
    registry = released.registry
    assert [version.name for version in registry.versions] == ["v1.0.0"]
    assert {event.version.name for event in registry.history("prod")} == {"v1.0.0"}


def test_a_deployment_and_a_release_are_made_once(released: Released, github: FakeGitHub):
    assert released.promote("--commit", released.baseline, "--github").code == 0
    told = released.promote("--github")
    assert told.code == 0, told
    deployed = [(d["environment"], d["sha"]) for d in github.deployments]
    assert deployed == [("production", released.baseline), ("canary", released.merge)]
    assert [release["tag"] for release in github.releases] == ["means@v1.0.0", "means@v1.1.0"]
    written = list(github.writes)
    told = released.promote("--github")
    assert "nothing to do" in told.out
    assert github.writes == written


@pytest.mark.parametrize(
    "route",
    [
        "POST deployments",
        "POST deployments/{deployment_id}/statuses",
        "POST releases",
        "POST releases/{release_id}/assets",
    ],
)
def test_github_failing_leaves_the_tags_and_the_next_call_goes_on(
    released: Released, github: FakeGitHub, route: str
):
    github.fails(route, Status(403, {"message": "Resource not accessible by integration"}))
    told = released.promote("--commit", released.baseline, "--github")
    assert told.code == 1, told
    assert released.tags() == ["means@v1.0.0", "means#prod#1"]
    assert "to do" in told.out
    told = released.promote("--commit", released.baseline, "--github")
    assert told.code == 0, told
    assert len(github.deployments) == len(github.releases) == 1


def test_without_a_token_github_is_a_sentence(released: Released, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/site")
    told = released.promote("--github")
    assert told.code == 2
    assert "GITHUB_TOKEN is not set" in told.err
    assert released.tags() == []


def test_without_an_origin_it_says_how_to_go_without(released: Released):
    released.toy.git("remote", "remove", "origin")
    told = released.promote("--commit", released.baseline)
    assert told.code == 2
    assert "--no-push" in told.err
    assert released.promote("--commit", released.baseline, "--no-push").code == 0


def test_status_tells_prod_canary_and_whose_model_head_records(released: Released):
    assert "In production: means" in released.toy.retouch("status").out
    released.both()
    told = released.toy.retouch("status")
    assert "prod: v1.0.0" in told.out
    assert "canary: v1.1.0" in told.out
    assert "HEAD records the canary's model." in told.out
    found = json.loads(released.toy.retouch("status", "--json").out)["versions"]
    assert (found["prod"]["commit"], found["head"]) == (released.baseline, "canary")


def test_a_version_registered_by_gto_itself_counts(released: Released):
    from gto import api

    for key, value in {"user.name": "Toy", "user.email": "toy@example.org"}.items():
        released.toy.git("config", key, value)  # it does not look further than here
    api.register(str(released.toy.root), "means", released.baseline, version="v3.0.0")
    api.assign(str(released.toy.root), "means", "prod", version="v3.0.0")
    released.toy.git("push", "--quiet", "origin", "--tags")
    said = released.promoted()
    assert said["plan"]["version"] == "v3.1.0"
    assert (released.in_stage("prod"), released.in_stage("canary")) == ("v3.0.0", "v3.1.0")


def test_a_canary_that_makes_way_is_recorded_as_inactive(versions: Released, monkeypatch):
    """GitHub does it for no deployment that is marked as transient."""
    toy = versions.toy
    version = versions.registry.find("v1.1.0")
    assert version is not None and version.hash is not None
    old = version.hash
    new = f"{'0' * 32}.dir"
    for path in ("dvc.lock", *toy.git("ls-files", "reports/*/*.json").split()):
        text = (toy.root / path).read_text()
        (toy.root / path).write_text(text.replace(old, new).replace(old[:-4], new[:-4]))
    toy.commit("Another model")
    toy.git("push", "--quiet", "origin", "main")
    with github_over(versions.origin, monkeypatch) as fake:
        told = versions.promote("--github")
        states = {d["sha"]: d["statuses"][-1]["state"] for d in fake.deployments}
    assert versions.in_stage("canary") == "v1.2.0", told
    assert states[versions.merge] == "inactive"
    assert sorted(states.values()) == ["in_progress", "inactive"]
