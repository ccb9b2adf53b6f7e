"""What a job left when it died, and what main has reverted: `retouch reconcile`, with real git."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retouch.git.gto_tags import write_tag
from tests.github.fake import FakeGitHub, Status
from tests.registry.released import Released
from tests.toy_project import Told


def reconcile(released: Released, *args: str) -> Told:
    told = released.toy.retouch("reconcile", *args)
    assert told.code == 0, told
    return told


def published(released: Released) -> None:
    """Promote the baseline; its successor is on main."""
    released.promoted("--commit", released.baseline)


def push(released: Released) -> None:
    released.toy.git("push", "--quiet", "--force", "origin", "main")
    released.toy.git("fetch", "--quiet", "origin")


def revert(released: Released, commit: str = "HEAD") -> None:
    """Revert as GitHub's button does, and push it."""
    released.toy.git("revert", "--no-edit", "--mainline", "1", commit)
    push(released)


def stages(released: Released) -> tuple[str | None, str | None]:
    return released.in_stage("prod"), released.in_stage("canary")


def test_a_promotion_killed_after_any_tag_is_completed_by_the_next_call(
    released: Released, github: FakeGitHub
):
    published(released)
    reconcile(released)
    assert stages(released) == ("v1.0.0", "v1.1.0")
    for name in ("means#canary#2",):  # as if it had died after the version's tag
        released.toy.git("tag", "--delete", name)
        released.toy.git("push", "--quiet", "origin", "--delete", f"refs/tags/{name}")
    assert stages(released) == ("v1.0.0", None)

    reconcile(released)

    assert stages(released) == ("v1.0.0", "v1.1.0")
    written = list(github.writes)
    assert [release["tag"] for release in github.releases] == ["means@v1.0.0", "means@v1.1.0"]
    again = reconcile(released)
    assert "+ " not in again.out and github.writes == written


def test_an_older_commit_is_superseded_and_nothing_is_done(released: Released):
    published(released)
    reconcile(released)
    tags = released.tags()
    told = released.promote("--commit", released.baseline)
    assert told.code == 0 and "superseded by v1.1.0" in told.out
    assert released.tags() == tags


def test_a_job_that_stands_on_an_older_commit_promotes_nothing(released: Released):
    """As of a promotion that was approved after a newer one."""
    published(released)
    reconcile(released)
    toy = released.clone("late")
    toy.git("checkout", "--quiet", "--detach", released.baseline)
    toy.git("symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    for name in ("means@v1.0.0", "means#prod#1"):  # nobody has promoted the older one
        toy.git("push", "--quiet", "origin", "--delete", f"refs/tags/{name}")
    told = toy.retouch("reconcile", "--push")
    assert told.code == 0, told
    assert "superseded by v1.1.0" in told.out
    assert released.in_stage("prod") is None


def test_githubs_own_revert_withdraws_the_canary(released: Released):
    published(released)
    reconcile(released)
    revert(released)

    told = reconcile(released)

    assert stages(released) == ("v1.0.0", None)
    assert "v1.1.0 is removed from canary: commit" in told.out
    assert "+ " not in reconcile(released).out


def test_a_revert_of_the_revert_returns_it_to_the_canary_stage(released: Released):
    published(released)
    reconcile(released)
    revert(released)
    reconcile(released)
    released.toy.git("revert", "--no-edit", "HEAD")
    push(released)

    reconcile(released)

    assert stages(released) == ("v1.0.0", "v1.1.0")


def test_a_revert_of_what_is_in_production_rolls_it_back_and_tells(
    released: Released, github: FakeGitHub
):
    published(released)
    reconcile(released)
    toy = released.toy
    assert toy.retouch("rollback", "--to", "v1.1.0", "--no-github").code == 0
    revert(released)

    reconcile(released)

    assert stages(released) == ("v1.0.0", None)
    (issue,) = github.issues
    assert "v1.1.0" in issue["title"]
    assert github.pulls == []  # main is as it should be
    assert "+ " not in reconcile(released).out


def test_a_version_that_a_person_assigns_after_its_revert_stays(released: Released):
    published(released)
    reconcile(released)
    revert(released)
    reconcile(released)

    assert released.toy.retouch("rollback", "--to", "v1.1.0", "--no-github").code == 0
    reconcile(released)

    assert stages(released)[0] == "v1.1.0"


def test_of_two_models_in_one_push_only_the_newest_counts(released: Released):
    published(released)
    toy = released.toy
    params = toy.root / "params.yaml"
    params.write_text(params.read_text().replace("until: '2024-01-17'", "until: '2024-01-24'"))
    toy.dvc("repro", "--quiet")
    toy.commit("Built by hand, without a verdict")
    push(released)

    told = reconcile(released, "--dry")

    assert "has no accepting verdict" in told.out
    old = released.promote("--commit", released.merge)
    assert old.code == 0 and "is superseded by commit" in old.out
    assert stages(released) == ("v1.0.0", None)


def test_without_promotion_a_new_version_waits_and_the_output_says_so(
    released: Released, tmp_path: Path
):
    published(released)
    output = tmp_path / "output"
    reconcile(released, "--without-promotion", "--output", str(output))
    assert stages(released) == ("v1.0.0", None)
    assert output.read_text().split() == ["canary=false", "promotion=true"]


def test_a_tag_dated_ahead_is_followed_by_later_ones(released: Released):
    ahead = datetime.now(UTC) + timedelta(hours=2)
    commit = released.baseline
    model = json.dumps({"model": "0" * 32})
    for name in ("means@v0.9.0", "means#canary#1"):
        write_tag(released.toy.root, name, commit, model, at=ahead, push=True)

    told = reconcile(released)

    assert "ahead" in told.out
    assert released.in_stage("prod") == "v0.10.0" or released.in_stage("canary") == "v0.10.0"


def test_a_failure_on_github_stops_no_other_step(released: Released, github: FakeGitHub):
    published(released)
    github.fails("POST releases", *[Status(403, {"message": "Resource not accessible"})] * 8)

    told = released.toy.retouch("reconcile")

    assert told.code == 1 and "Not finished: the release of" in told.err
    assert {d["environment"] for d in github.deployments} == {"production", "canary"}
    github._faults.clear()
    reconcile(released)
    assert len(github.releases) == 2


def test_a_canary_is_judged_only_when_days_have_arrived(released: Released, tmp_path: Path):
    published(released)
    before, after = tmp_path / "before", tmp_path / "after"
    reconcile(released, "--output", str(before))
    released.toy.replace("params.yaml", "until: '2024-03-01'", "until: '2024-03-08'")
    reconcile(released, "--output", str(after))
    assert before.read_text().split() == ["canary=false", "promotion=false"]
    assert after.read_text().split() == ["canary=true", "promotion=false"]
