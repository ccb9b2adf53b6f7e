"""A canary from its merge to its end, and rollbacks, through the command line and real git."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.github.fake import REPOSITORY, Drop, FakeGitHub, Status
from tests.jobs.canary.site import MOVED, Place, labels_turn_bad, make_place
from tests.made_once import made_once
from tests.toy_project import Toy

BRANCH = "retouch/rollback/v1-1-0"


@pytest.fixture(scope="session")
def place_once(tmp_path_factory: pytest.TempPathFactory, built: Toy) -> Place:
    """Not to be changed."""

    def make(folder: Path) -> Path:
        make_place(folder, built)
        return folder

    return Place.at(made_once(tmp_path_factory, "place", make))


@pytest.fixture(scope="session")
def passed_once(tmp_path_factory: pytest.TempPathFactory, place_once: Place) -> Place:
    """The same, with a canary.json that says pass. Not to be changed."""

    def make(folder: Path) -> Path:
        place = place_once.copy(folder)
        told = place.toy.retouch("canary", "judge", "--out", "canary.json")
        assert told.code == 0, told
        return folder

    return Place.at(made_once(tmp_path_factory, "passed", make))


@pytest.fixture(scope="session")
def failed_once(tmp_path_factory: pytest.TempPathFactory, place_once: Place) -> Place:
    """The same, with data that is bad for the canary, and a canary.json that says fail."""

    def make(folder: Path) -> Path:
        place = place_once.copy(folder)
        labels_turn_bad(place.toy, "2024-02-22", 60.0)
        place.push()
        told = place.toy.retouch("canary", "judge", "--out", "canary.json")
        assert told.code == 0, told
        return folder

    return Place.at(made_once(tmp_path_factory, "failed", make))


@pytest.fixture
def place(tmp_path: Path, place_once: Place) -> Place:
    return place_once.copy(tmp_path)


@pytest.fixture
def passed(tmp_path: Path, passed_once: Place) -> Place:
    return passed_once.copy(tmp_path)


@pytest.fixture
def failed(tmp_path: Path, failed_once: Place) -> Place:
    return failed_once.copy(tmp_path)


@pytest.fixture
def promoted(passed: Place) -> Place:
    told = passed.toy.retouch("canary", "apply", "canary.json", "--no-github")
    assert told.code == 0, told
    return passed


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def on_github(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Return a function that puts GitHub over the origin of a place."""
    opened: list[FakeGitHub] = []

    def over(place: Place) -> FakeGitHub:
        fake = FakeGitHub(place.origin)
        opened.append(fake.__enter__())
        monkeypatch.setenv("GITHUB_TOKEN", fake.token)
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        return fake

    yield over
    for fake in opened:
        fake.__exit__(None, None, None)
        assert fake.violations == []


def test_a_canary_that_is_better_on_the_days_that_came_goes_to_production(passed: Place):
    found = passed.judged()
    assert found.decision == "pass", found.message
    assert (found.production.version, found.candidate.version) == ("v1.0.0", "v1.1.0")
    assert (found.start, found.end) == ("2024-02-22", MOVED)
    assert [day.rows for day in found.days] == [16] * 8
    assert all(day.gain > 2 for day in found.days)
    assert passed.toy.git("status", "--porcelain").split() == ["??", "canary.json"]
    assert not (passed.toy.root / ".retouch/shadow").exists()

    told = passed.toy.retouch("canary", "apply", "canary.json")

    assert told.code == 0, told
    assert told.out.startswith("The canary passes: after 8 days the mean gain is +2.")
    assert passed.staged() == ("v1.1.0", None)
    assert passed.tags()[-2:] == ["means#prod#3", "means#canary!#4"]
    assert passed.said("means#canary!#4")["passed"] is True
    assert set(passed.tags()) == passed.at_origin()

    again = passed.toy.retouch("canary", "apply", "canary.json")
    assert again.code == 0, again
    assert passed.tags()[-1] == "means#canary!#4"
    judged = passed.toy.retouch("canary", "judge", "--out", "other.json")
    assert (judged.code, judged.out.strip()) == (
        0,
        "No version is in the canary stage: there is nothing to judge.",
    )
    assert not (passed.toy.root / "other.json").exists()


def test_a_canary_that_is_worse_is_taken_down_and_its_merge_taken_back(failed: Place, on_github):
    assert failed.judged().decision == "fail", failed.judged().message
    before = failed.toy.tree()
    github = on_github(failed)

    told = failed.toy.retouch("canary", "apply", "canary.json")

    assert told.code == 0, told
    assert failed.staged() == ("v1.0.0", None)
    assert failed.tags()[-1] == "means#canary!#3"
    said = failed.said("means#canary!#3")
    assert said["failed"] is True and said["model"] == failed.judged().candidate.model
    assert "below −0.30 points" in said["reason"]
    assert failed.registry().blocked(failed.judged().candidate.model)
    assert failed.toy.tree() == before
    (pull,) = github.pulls
    assert (pull["head"], pull["base"]) == (BRANCH, "main")
    _took_back(failed)
    (issue,) = github.issues
    assert issue["labels"] == ["retouch:canary"]
    assert f"/pull/{pull['number']}" in issue["body"] and "| 2024-02-29 |" in issue["body"]
    assert _deployed(github) == {("canary", "failure"), ("production", "success")}

    again = failed.toy.retouch("canary", "apply", "canary.json")
    assert again.code == 0, again
    assert (len(github.pulls), len(github.issues), len(github.deployments)) == (1, 1, 2)
    assert failed.tags()[-1] == "means#canary!#3"


def _deployed(github: FakeGitHub) -> set[tuple[str, str]]:
    return {(d["environment"], d["statuses"][-1]["state"]) for d in github.deployments}


def _took_back(place: Place) -> None:
    """Assert that the branch records v1.0.0 again, but for what came after v1.1.0."""
    old, new = (
        place.toy.git("rev-parse", f"{v}^{{commit}}").strip()
        for v in ("means@v1.0.0", "means@v1.1.0")
    )
    head, main = place.origin.head(BRANCH), place.origin.head("main")
    assert place.origin.parents(head) == [main]
    changed = place.origin.git("diff", "--name-only", main, head).decode().split()
    assert changed == ["dvc.lock", "models/metrics.json", "params.yaml"]
    lock = place.origin.file(head, "dvc.lock").decode()
    for stage in ("fit@eu", "assemble", "evaluate"):
        assert _entry(lock, stage) == _entry(place.origin.file(old, "dvc.lock").decode(), stage)
        assert _entry(lock, stage) != _entry(place.origin.file(new, "dvc.lock").decode(), stage)
    params = place.origin.file(head, "params.yaml").decode()
    assert f"until: '{MOVED}'      # the clock" in params
    assert params.count("until: '2024-01-17'") == 2
    assert place.origin.file(head, "models/metrics.json") == place.origin.file(
        old, "models/metrics.json"
    )
    assert place.origin.entry(head, "reports") == place.origin.entry(main, "reports")


def _entry(lock: str, stage: str) -> str:
    from retouch.lockfile.entries import entries

    return entries(lock)[stage]


@pytest.mark.parametrize(
    ("route", "fault"),
    [
        ("GET pulls", Status(500)),
        ("POST git/refs", Status(403, {"message": "Resource not accessible"})),
        ("POST git/refs", Drop(after=True)),
        ("POST pulls", Status(502)),
        ("POST pulls", Drop(after=True)),
        ("POST issues", Drop(after=True)),
        ("POST deployments", Status(500)),
        ("POST deployments/{deployment_id}/statuses", Drop(after=True)),
    ],
)
def test_wherever_github_fails_the_next_call_goes_on(
    failed_once: Place, tmp_path, on_github, monkeypatch, route, fault
):
    failed = failed_once.copy(tmp_path)
    monkeypatch.setattr("retouch.cli.options.time.sleep", lambda seconds: None)
    github = on_github(failed)
    github.fails(route, *[fault] * 8)
    first = failed.toy.retouch("canary", "apply", "canary.json")
    github._faults.clear()
    assert failed.staged() == ("v1.0.0", None)
    assert first.code in (0, 1), first
    assert ("The next call continues" in first.err) == (first.code == 1)

    second = failed.toy.retouch("reconcile")  # the next scheduled run, without the verdict's file

    assert second.code == 0, second
    assert failed.tags()[-1] == "means#canary!#3"
    assert (len(github.pulls), len(github.issues)) == (1, 1)
    assert _deployed(github) == {("canary", "failure"), ("production", "success")}
    assert f"/pull/{github.pulls[0]['number']}" in github.issues[0]["body"]
    assert "| 2024-02-29 |" in github.issues[0]["body"]
    _took_back(failed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda doc: doc.update(decision="pass"), "does not follow from its days"),
        (lambda doc: doc["limits"].update(margin=0.5), "another policy"),
        (lambda doc: doc.update(loss="brier"), "another policy"),
        (lambda doc: doc.update(name="other"), "another model"),
        (lambda doc: doc["candidate"].update(model="c" * 32), "is not a version of means"),
        (lambda doc: doc["candidate"].update(version="v9.0.0"), "is not a version of means"),
        (lambda doc: doc["production"].update(commit="c" * 40), "is not a version of means"),
        (lambda doc: doc["candidate"].update(seen_until="2024-02-25"), "not all new"),
        (lambda doc: doc.update(start="2024-02-21"), "not all new"),
        (lambda doc: doc.update(end="2024-03-09"), "not all new"),
        (lambda doc: doc["days"][0].update(candidate=None), "is not a CanaryVerdict"),
        (lambda doc: doc["days"].reverse(), "is not a CanaryVerdict"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_and_nothing_done(
    failed_once: Place, tmp_path, change, message
):
    document = json.loads((failed_once.toy.root / "canary.json").read_text())
    change(document)
    (tmp_path / "forged.json").write_text(json.dumps(document))
    tags = failed_once.at_origin()

    told = failed_once.toy.retouch("canary", "apply", str(tmp_path / "forged.json"))

    assert told.code == 2, told
    assert message in told.err
    assert failed_once.at_origin() == tags


def test_a_canary_held_against_what_is_no_longer_in_production_is_judged_again(failed: Place):
    model = failed.judged().candidate.model
    with_canary = failed.toy.git("rev-parse", "means@v1.1.0^{commit}").strip()
    from retouch.git.gto_tags import write_tag

    said = json.dumps({"model": model})
    at = failed.registry().next_moment(datetime.now(UTC))
    write_tag(failed.toy.root, "means#prod#9", with_canary, said, at=at, push=True)
    told = failed.toy.retouch("canary", "apply", "canary.json")
    assert told.code == 2 and "Judge it again" in told.err


def test_a_revert_takes_back_neither_the_days_nor_the_candidates_that_were_judged(place: Place):
    """GitHub's own Revert of a squash-merged retrain takes the report along."""
    from retouch.engine.past_reports import judged_until
    from retouch.engine.project import open_project

    toy = place.toy
    model = next(v.hash for v in place.registry().known if v.name == "v1.1.0")
    toy.git("checkout", "--quiet", "-B", "main", "means@v1.0.0^{commit}")
    toy.git("merge", "--quiet", "--squash", "retrain")
    toy.commit("Retrain (#1)")
    facts = []
    for _ in range(2):
        project = open_project(toy.root)
        facts.append((judged_until(toy.root, str(model)), project.judged_before()))
        toy.git("revert", "--no-edit", "HEAD")
    assert facts == [("2024-02-22", 1)] * 2
    toy.git("revert", "--no-edit", "HEAD")
    assert open_project(toy.root).judged_before() == 1

    toy.git("clone", "--quiet", "--depth=1", f"file://{toy.root}", "../shallow")
    shallow = open_project(toy.root.parent / "shallow")
    assert shallow.judged_before(whole=False) == 0
    again = open_project(shallow.root)
    assert again.judged_before() == 1  # what the clone lacked was fetched


def test_days_that_scoring_would_read_from_old_data_are_not_judged(place: Place):
    place.toy.replace("params.yaml", "highest: 1000", "highest: 900")
    place.toy.commit("What the rows are made with changes, and nobody makes them")

    told = place.toy.retouch("canary", "judge", "--out", "canary.json")

    assert told.code == 2, told
    assert "clean: out of date, so scoring would read old data." in told.err
    assert "`dvc repro clean`" in told.err
    assert not (place.toy.root / "canary.json").exists()


def test_nothing_has_arrived_is_no_error(place: Place):
    text = (place.toy.root / "params.yaml").read_text()
    (place.toy.root / "params.yaml").write_text(text.replace(MOVED, "2024-02-22"))
    told = place.toy.retouch("canary", "judge", "--out", "canary.json")
    assert told.code == 0, told
    assert told.out.startswith("Nothing has arrived since v1.1.0 was judged")
    assert not (place.toy.root / "canary.json").exists()


def test_a_rollback_puts_the_version_before_back_once(promoted: Place, on_github):
    github = on_github(promoted)
    before = promoted.toy.tree()

    told = promoted.toy.retouch("rollback", "--reason", "Gates at JFK are late. @octocat")

    assert told.code == 0, told
    assert promoted.staged() == ("v1.0.0", None)
    assert promoted.tags()[-2:] == ["means#prod!#5", "means#prod#6"]
    said = promoted.said("means#prod!#5")
    assert (said["rolled_back"], said["reason"]) == (True, "Gates at JFK are late. @octocat")
    assert promoted.registry().blocked(str(said["model"])) == said["reason"]
    assert set(promoted.tags()) == promoted.at_origin()
    assert promoted.toy.tree() == before
    _took_back(promoted)
    (issue,) = github.issues
    assert issue["labels"] == ["retouch:rollback"] and "@octocat" not in issue["body"]
    states = {d["environment"]: [] for d in github.deployments}
    for deployment in github.deployments:
        states[deployment["environment"]].append(deployment["statuses"][-1]["state"])
    assert states == {"production": ["success"]}

    again = promoted.toy.retouch("rollback")

    assert again.code == 2, again
    assert "retouch rollback --to VERSION" in again.err
    assert promoted.tags()[-1] == "means#prod#6"
    assert (len(github.pulls), len(github.issues)) == (1, 1)


def test_the_commands_that_resolve_gto_tags_see_the_rollback(promoted: Place, monkeypatch):
    assert promoted.toy.retouch("rollback").code == 0
    monkeypatch.chdir(promoted.toy.root)
    import dvc.api
    import gto.api

    shown = gto.api.show(".", "means#prod", table=False)
    assert [row["version"] for row in shown] == ["v1.0.0"]
    first = promoted.toy.git("rev-parse", "means@v1.0.0^{commit}").strip()
    assert dvc.api.artifacts_show("means", stage="prod")["rev"] == first


def test_without_github_the_tags_are_written_and_the_rest_is_done_later(promoted: Place, on_github):
    told = promoted.toy.retouch("rollback", "--no-github", "--no-push", "--reason", "Late.")
    assert told.code == 0, told
    assert "means#prod#6" not in promoted.at_origin()

    github = on_github(promoted)
    later = promoted.toy.retouch("rollback")

    assert later.code == 0, later
    assert promoted.tags()[-2:] == ["means#prod!#5", "means#prod#6"]
    assert set(promoted.tags()) == promoted.at_origin()
    assert (len(github.pulls), len(github.issues)) == (1, 1)


def test_a_rollback_killed_between_its_tags_is_finished_by_the_next_call(promoted: Place):
    assert promoted.toy.retouch("rollback", "--reason", "Late.").code == 0
    promoted.toy.git("tag", "--delete", "means#prod#6")
    promoted.origin.git("update-ref", "-d", "refs/tags/means#prod#6")

    told = promoted.toy.retouch("rollback", "--reason", "Another reason.")

    assert told.code == 0, told
    assert promoted.staged()[0] == "v1.0.0"
    assert promoted.tags()[-2:] == ["means#prod!#5", "means#prod#6"]
    assert promoted.said("means#prod#6")["reason"] == "Late."


def test_a_rollback_is_undone_by_name_and_nothing_is_taken_back_then(promoted: Place, on_github):
    github = on_github(promoted)
    assert promoted.toy.retouch("rollback").code == 0

    told = promoted.toy.retouch("rollback", "--to", "v1.1.0")

    assert told.code == 0, told
    assert promoted.staged()[0] == "v1.1.0"
    assert "close the pull request" in told.out
    assert promoted.said("means#prod!#7")["rolled_back"] is False
    assert (len(github.pulls), len(github.issues)) == (1, 1)


def test_a_rollback_without_a_version_before_is_refused(place: Place):
    told = place.toy.retouch("rollback")
    assert told.code == 2 and "No version was in prod before v1.0.0" in told.err
    assert place.toy.retouch("rollback", "--to", "v7").code == 2


def test_a_version_that_falls_again_gets_a_pull_request_and_an_issue_of_its_own(
    promoted: Place, on_github
):
    github = on_github(promoted)
    assert promoted.toy.retouch("rollback", "--reason", "Late.").code == 0
    github.merge(github.pulls[0]["number"])
    assert promoted.toy.retouch("rollback", "--to", "v1.1.0").code == 0
    promoted.toy.git("fetch", "--quiet", "origin")
    promoted.toy.git("reset", "--quiet", "--hard", "origin/main")
    promoted.toy.git("revert", "--no-edit", "--mainline", "1", "HEAD")
    promoted.push()

    for _ in range(2):
        told = promoted.toy.retouch("rollback", "--to", "v1.0.0", "--reason", "Late again.")
        assert told.code == 0, told

    assert [pull["head"] for pull in github.pulls] == [BRANCH, f"{BRANCH}.9"]
    assert "Late again." in github.pulls[1]["body"]
    assert len(github.issues) == 2
    undone = promoted.toy.retouch("rollback", "--to", "v1.1.0")
    assert f"Pull request {github.pulls[1]['number']}" in undone.out


def test_a_version_that_is_rolled_back_is_no_canary_any_more(passed: Place):
    """Or it would be back in production as soon as it passes."""
    assert passed.toy.retouch("rollback", "--to", "v1.1.0", "--reason", "In a hurry.").code == 0
    assert passed.staged() == ("v1.1.0", "v1.1.0")

    told = passed.toy.retouch("rollback", "--to", "v1.0.0", "--reason", "Too late.")

    assert told.code == 0, told
    assert passed.staged() == ("v1.0.0", None)
    assert passed.tags()[-1] == "means#canary!#7"
    applied = passed.toy.retouch("canary", "apply", "canary.json")
    assert passed.staged() == ("v1.0.0", None), applied


def test_after_a_tag_dated_ahead_what_is_told_is_what_counts(promoted: Place):
    from retouch.git.gto_tags import write_tag

    toy, ahead = promoted.toy, datetime.now(UTC) + timedelta(hours=2)
    commit = toy.git("rev-parse", "means@v1.1.0^{commit}").strip()
    write_tag(toy.root, "means#prod#40", commit, "by a clock that is off", at=ahead, push=True)

    told = toy.retouch("rollback", "--reason", "Gates at JFK are late.")

    assert told.code == 0, told
    assert promoted.staged() == ("v1.0.0", None)
    assert promoted.tags()[-1] == "means#prod#42"


def test_a_canary_whose_model_was_taken_down_does_not_pass(passed: Place):
    from retouch.git.gto_tags import write_tag

    model = passed.judged().candidate.model
    commit = passed.toy.git("rev-parse", "means@v1.1.0^{commit}").strip()
    said = json.dumps({"model": model, "rolled_back": True, "reason": "Too late."})
    at = passed.registry().next_moment(datetime.now(UTC))
    write_tag(passed.toy.root, "means#prod!#3", commit, said, at=at, push=True)

    told = passed.toy.retouch("canary", "apply", "canary.json")

    assert told.code == 2 and "was taken down (Too late.) and stays so" in told.err
    assert passed.staged() == ("v1.0.0", "v1.1.0")
