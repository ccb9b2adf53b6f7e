"""`retouch doctor`: what is wrong is found, with what mends it; what cannot be seen is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from retouch.github.client import Client, Timing
from retouch.github.repository import Repository
from retouch.jobs.doctor.doctor import examine
from retouch.jobs.doctor.findings import SetupFinding, run_check
from retouch.jobs.doctor.github import FOLDER, SHIPPED, GitHubAccess, kind_of
from tests.github.bare import Bare
from tests.github.fake import REPOSITORY, FakeGitHub, Status
from tests.toy_project import ROOT, Toy

OFFLINE = GitHubAccess(False, lambda: pytest.fail("nobody is to be asked"))


@pytest.fixture
def whole(toy: Toy) -> Toy:
    """The toy project with all that it takes, but for GitHub."""
    shutil.copytree(ROOT / FOLDER, toy.root / FOLDER)
    (toy.root / ".gitattributes").write_text("dvc.lock merge=retouch-lock\n")
    toy.git("config", "merge.retouch-lock.driver", "retouch merge-lock %O %A %B %P")
    toy.commit("All that it takes")
    return toy


def found(toy: Toy, asking: GitHubAccess = OFFLINE, **environment: str) -> dict[str, SetupFinding]:
    return {f.about: f for f in examine(toy.root, environment, asking).findings}


def asked_of(github: FakeGitHub) -> GitHubAccess:
    client = Client(github.token, github.url, Timing(timeout=(5.0, 5.0), max_total_wait=0.0))
    return GitHubAccess(True, lambda: Repository(client, REPOSITORY))


def test_a_project_that_has_everything_is_healthy_and_the_network_is_left_alone(whole: Toy):
    findings = found(whole)
    statuses = {about: finding.status for about, finding in findings.items()}
    assert statuses == {
        "history": "ok",
        "tags": "skipped",
        "pipeline": "ok",
        "model": "ok",
        "policies": "ok",
        "monitors": "ok",
        "merge driver": "ok",
        "data": "ok",
        "workflows": "ok",
        "token": "skipped",
        "opening pull requests": "skipped",
        "GitHub": "skipped",
        "reading pull requests": "skipped",
    }
    assert all(finding.message for finding in findings.values())


def test_a_folder_that_is_no_repository_is_one_finding(tmp_path: Path):
    [finding] = examine(tmp_path, {}, OFFLINE).findings
    assert (finding.about, finding.status) == ("checkout", "fail")
    assert finding.hint == "Run `git init` first."


def test_what_is_wrong_is_said_with_what_mends_it_and_one_fault_hides_no_other(whole: Toy):
    (whole.root / "policies/monitors.yaml").write_text("version: 1\nmonitors: [")
    (whole.root / ".gitattributes").write_text("")
    whole.dvc("remote", "default", "--unset")
    (whole.root / FOLDER / "canary.yml").unlink()
    findings = found(whole)
    wrong = {about for about, finding in findings.items() if finding.status == "fail"}
    assert wrong == {"policies", "monitors", "data", "workflows"}
    assert findings["workflows"].message == "canary.yml is not in .github/workflows."
    assert "retouch store init" in (findings["data"].hint or "")
    assert findings["merge driver"].status == "warn"
    assert findings["model"].status == "ok"


def test_a_pipeline_that_was_never_built_has_no_model(unbuilt: Toy):
    finding = found(unbuilt)["model"]
    assert finding.status == "fail"
    assert "retouch build" in (finding.hint or "")


def test_a_clone_that_lacks_history_tags_or_the_driver_is_told(whole: Toy, tmp_path: Path):
    whole.git("tag", "-a", "means@v1.0.0", "-m", "one")
    whole.git("clone", "--quiet", "--depth=1", "--no-tags", f"file://{whole.root}", "../clone")
    findings = found(Toy(tmp_path / "clone"), GitHubAccess(True, lambda: pytest.fail("no token")))
    assert findings["history"].status == "fail"
    assert findings["tags"].status == "fail"
    assert "git fetch --tags" in (findings["tags"].hint or "")
    assert findings["merge driver"].hint == "`retouch verify --install-driver`."
    whole.git("-C", "../clone", "fetch", "--quiet", "--unshallow", "--tags")
    findings = found(Toy(tmp_path / "clone"), GitHubAccess(True, lambda: pytest.fail("no token")))
    assert {findings["history"].status, findings["tags"].status} == {"ok"}


def test_a_remote_of_this_machine_is_no_good_in_a_workflow(whole: Toy):
    assert found(whole)["data"].status == "ok"
    assert found(whole, CI="true")["data"].status == "warn"


def test_a_workflow_with_more_power_than_it_was_shipped_with_is_named(whole: Toy):
    path = whole.root / FOLDER / "retrain.yml"
    text = path.read_text()
    path.write_text(text.replace("contents: read\n", "contents: write\n", 1))
    finding = found(whole)["workflows"]
    assert finding.status == "warn"
    assert "retrain.yml: jobs.retrain.permissions" in finding.message
    path.write_text(text.replace("permissions: {}", "permissions: write-all"))
    assert "permissions: is not `{}`" in found(whole)["workflows"].message
    path.write_text("\t: [")
    assert found(whole)["workflows"].status == "fail"
    path.write_text("[]")
    assert "is not a workflow" in found(whole)["workflows"].message


def test_a_workflow_that_was_replaced_is_to_be_deleted_and_one_of_the_same_name_is_not(whole: Toy):
    path = whole.root / FOLDER / "promote.yml"
    path.write_text("run: retouch promote --push --github\n")
    finding = found(whole)["workflows"]
    assert finding.status == "warn"
    assert finding.message.startswith(".github/workflows/promote.yml: runs `retouch promote`")
    path.write_text("run: make promotion\n")
    assert found(whole)["workflows"].status == "ok"


def test_the_shipped_workflows_are_those_of_this_repository():
    for name, jobs in SHIPPED.items():
        document = yaml.safe_load((ROOT / FOLDER / f"{name}.yml").read_text())
        here = {job: body["permissions"] for job, body in document["jobs"].items()}
        assert here == jobs


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, "none"),
        ({"GITHUB_TOKEN": ""}, "none"),
        ({"GITHUB_TOKEN": "ghs_" + "x" * 36, "GITHUB_ACTIONS": "true"}, "workflow"),
        ({"GITHUB_TOKEN": "ghs_" + "x" * 520, "GITHUB_ACTIONS": "true"}, "workflow"),
        (
            {"GITHUB_TOKEN": "ghs_x", "GITHUB_ACTIONS": "true", "RETOUCH_APP_LOGIN": "r[bot]"},
            "app",
        ),
        ({"GITHUB_TOKEN": "ghs_x", "GITHUB_ACTIONS": "true", "RETOUCH_APP_ID": "1"}, "app"),
        ({"GITHUB_TOKEN": "ghs_x"}, "app"),
        ({"GITHUB_TOKEN": "ghp_x"}, "person"),
        ({"GITHUB_TOKEN": "github_pat_x"}, "person"),
        ({"GITHUB_TOKEN": "hello"}, "unknown"),
    ],
)
def test_whose_token_it_is_is_told_by_how_it_begins_never_by_its_length(environment, kind):
    assert kind_of(environment) == kind


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeGitHub(Bare.create(tmp_path / "site.git", {"README.md": b"A site.\n"})) as fake:
        yield fake
    assert fake.violations == []


def test_github_is_asked_what_the_token_may_do(whole: Toy, github: FakeGitHub):
    github.open_pull("retouch/alert/x", files={"alerts/x.json": "{}"})
    findings = found(whole, asked_of(github), GITHUB_TOKEN=github.token, GITHUB_ACTIONS="true")
    assert findings["GitHub"].message == "acme/site answers; its default branch is main."
    assert findings["reading pull requests"].message == "1 is open."
    one_click = findings["opening pull requests"]
    assert one_click.status == "skipped"
    assert "Allow GitHub Actions to create and approve pull requests" in (one_click.hint or "")
    assert "Approve workflows to run" in one_click.message


def test_a_token_that_may_not_read_pull_requests_is_found_out(whole: Toy, github: FakeGitHub):
    github.permissions.pop("pull_requests")
    finding = found(whole, asked_of(github), GITHUB_TOKEN="ghp_x")["reading pull requests"]
    assert finding.status == "fail"
    assert finding.hint == "Give it the permission Pull requests: read."


def test_a_token_that_is_wrong_is_found_out(whole: Toy, github: FakeGitHub):
    asking = asked_of(github)
    github.token = "another"
    findings = found(whole, asking, GITHUB_TOKEN="ghp_x")
    assert findings["GitHub"].status == "fail"
    assert findings["reading pull requests"].status == "skipped"


def test_a_github_that_does_not_answer_is_no_fault_of_the_project(whole: Toy, github: FakeGitHub):
    github.fails("GET repo", Status(502))
    findings = found(whole, asked_of(github), GITHUB_TOKEN="ghp_x")
    assert findings["GitHub"].status == "skipped"
    assert findings["reading pull requests"].status == "skipped"


def test_any_branch_may_be_the_default_one(whole: Toy, github: FakeGitHub):
    github.git.git("branch", "trunk", "main")
    github.default_branch = "trunk"
    finding = found(whole, asked_of(github), GITHUB_TOKEN="ghp_x")["GitHub"]
    assert (finding.status, finding.message) == (
        "ok",
        "acme/site answers; its default branch is trunk.",
    )


def test_the_command_prints_a_table_or_json_and_its_exit_code_says_whether_something_fails(
    whole: Toy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    told = whole.retouch("doctor", "--offline")
    assert told.code == 0, told
    assert "merge driver" in told.out
    shutil.rmtree(whole.root / FOLDER)
    told = whole.retouch("doctor", "--offline", "--json")
    assert told.code == 1
    by_name = {one["about"]: one for one in json.loads(told.out)["findings"]}
    assert by_name["workflows"]["message"] == "No workflow of Retouch is in .github/workflows."
    assert by_name["tags"] == {
        "about": "tags",
        "status": "skipped",
        "message": "There is no remote `origin` to compare with.",
        "hint": "`git remote add origin https://github.com/OWNER/NAME`.",
    }


def test_our_own_bugs_are_not_taken_for_findings():
    with pytest.raises(ZeroDivisionError):
        run_check("sums", lambda: 1 // 0)  # type: ignore[return-value, arg-type]
