"""The fake GitHub as a process, and what it does to who asks."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from urllib.error import HTTPError

import pytest

from retouch.errors import CheckFailed
from retouch.github.client import Client
from retouch.github.git_data import branch_head
from retouch.github.issues import add_comment
from retouch.github.pulls import get_pull, open_pull_request
from retouch.github.records import create_release
from retouch.github.repository import Repository, repository_facts
from tests.github.fake import TOKEN, Drop, FakeGitHub, Kill, Killed
from tests.github.serve import Process

MARK = "<!-- m -->"
US = "github-actions[bot]"


@pytest.fixture(scope="module")
def process(tmp_path_factory, bare):
    folder = tmp_path_factory.mktemp("served")
    with Process(bare.copy(folder / "other.git").folder, folder, "acme/other") as served:
        yield served


@pytest.fixture
def other(process, clock, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Repository(Client(TOKEN, process.url, clock.waiting()), "acme/other")


def test_a_process_serves_and_people_act_there(process, other):
    process.do("set", collaborators={"alice": "write"})
    number = process.do("open_pull", head="topic", title="T", files={"t.txt": "t\n"})
    process.do("fails", route="POST issues/{issue_number}/comments", faults=["502", "drop-after"])
    made = add_comment(other, number, f"{MARK} ours", marker=MARK, author=US)
    process.do("comment", number=number, body="theirs", author="alice")
    process.do("label", number=number, labels=["retouch"])
    merged = process.do("merge", number=number, method="squash")

    state = process.state()
    assert [c["body"] for c in state["comments"]] == [f"{MARK} ours", "theirs"]
    assert state["comments"][0]["id"] == made.id
    assert state["pulls"][0]["labels"] == ["retouch"]
    assert state["pulls"][0]["merge_commit_sha"] == state["branches"]["main"] == merged
    assert state["calls"].count("POST issues/{issue_number}/comments") == 2
    assert state["violations"] == []
    found = get_pull(other, number)
    assert found is not None
    assert found.html_url == f"https://github.com/acme/other/pull/{number}"


def test_nonsense_is_refused_and_does_no_harm(process, other):
    for act, facts in (
        ("explode", {}),
        ("set", {"git": "/"}),
        ("merge", {"number": 99}),
        ("comment", {"body": "x"}),
        ("fails", {"route": "GET nowhere", "faults": []}),
    ):
        with pytest.raises(HTTPError, match="422"):
            process.do(act, **facts)
    assert repository_facts(other).full_name == "acme/other"


def test_it_ends_with_who_started_it(tmp_path, bare):
    starts = (
        "import os; from pathlib import Path; from tests.github.serve import Process;"
        f"p = Process(Path({str(bare.folder)!r}), Path({str(tmp_path)!r})); p.__enter__();"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", starts], check=True)
    port = int((tmp_path / "github.port").read_text())

    with pytest.raises(ConnectionRefusedError):
        for _ in range(200):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            time.sleep(0.05)


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
def test_who_asks_is_killed_before_the_work_or_after_it(github, site, after, made):
    github.git.point("topic", github.git.head("main"))
    github.git.commit_on("topic", {"t": b"t"})
    github.fails_at(1, Kill(after))
    assert branch_head(site, "topic")

    with pytest.raises(Killed):
        open_pull_request(site, branch="topic", base="main", title="T", body="B")

    assert github.calls == ["GET git/ref/{ref}", "POST pulls"]
    assert github.writes == ["POST pulls"]
    assert len(github.pulls) == made


def test_a_process_may_be_killed_instead(github, site):
    sleeper = subprocess.Popen(["sleep", "60"])
    github.on_kill = sleeper.kill
    github.fails("GET repo", Kill(), Drop())

    assert repository_facts(site).full_name == "acme/site"
    assert sleeper.wait(5) == -signal.SIGKILL


def test_a_mistake_of_the_fake_is_kept(bare, clock, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeGitHub(bare) as github:
        github.releases.append({})
        site = Repository(Client(TOKEN, github.url, clock.waiting()), github.name)
        with pytest.raises(CheckFailed, match="returned 500; tried 5 times"):
            create_release(site, tag="v1", name="-", body="-")
        assert github.violations == ["GET releases/tags/{tag}: KeyError: 'tag'"] * 5
