"""A lock that a branch brings is restored from only if it is of an answer of ours."""

from __future__ import annotations

from retouch.engine.project import Project
from retouch.github.client import Client
from retouch.github.records import set_status
from retouch.github.repository import Repository
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.retrain.authorization import authorized, authorized_with_locks
from retouch.jobs.retrain.branch_contents import BaseBranch, fetch_branch
from tests.jobs.retrain.conftest import Loop

US = "github-actions[bot]"


def test_a_lock_is_restored_from_only_when_our_verdict_lies_on_it(loop: Loop):
    git, root, branch = loop.github.git, loop.toy.root, "retouch/alert/" + "0" * 26
    repo = Repository(Client(loop.github.token, loop.github.url), loop.github.name)
    ours = git.commit_on("main", {"docs/a.md": b"x"})
    git.point(branch, ours)
    lock = git.file("main", "dvc.lock").replace(b"size: ", b"size: 1", 1)
    answer = git.commit_on(branch, {"dvc.lock": lock})

    def restored(us: str = US) -> set[str]:
        base = BaseBranch(root, git.head("main"), WritablePaths.of(Project(root).pipeline))
        incoming = fetch_branch(base, branch)
        assert incoming is not None
        assert set(incoming.locks) == {"dvc.lock"}
        assert authorized(incoming, repo, None).locks == {}
        return set(authorized_with_locks(incoming, repo, None, root, us).locks)

    set_status(repo, answer, "pending", "retraining")
    set_status(repo, answer, "success", "ready", context="another")
    assert restored() == set()
    loop.github.login = "mallory"
    set_status(repo, answer, "success", "ready to merge")
    assert restored() == set()
    loop.github.login = US
    set_status(repo, answer, "success", "ready to merge")
    assert restored() == {"dvc.lock"}
    assert restored("retouch[bot]") == set()

    git.commit_on(branch, {"reports/note.json": b"{}"})  # an override, say
    assert restored() == {"dvc.lock"}
    git.commit_on(branch, {"dvc.lock": lock.replace(b"size: ", b"size: 2", 1)})
    assert restored() == set()
