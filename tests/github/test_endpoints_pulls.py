"""Pull requests through the API, over branches that move."""

from __future__ import annotations

import pytest

from retouch.errors import InputError
from retouch.github.errors import Refused
from retouch.github.pulls import (
    changed_files,
    edit_pull,
    get_pull,
    is_from_own_branch,
    list_open_pulls,
    open_pull_request,
)
from tests.github.fake import Status


def opened(site, branch):
    return open_pull_request(site, branch=branch, base="main", title="T", body="B")


def test_a_pull_request_tells_all_we_ask_of_it(github, site):
    number = github.open_pull(
        "topic", title="A  title\nof two", body="B", author="alice", files={"t": "t"}, draft=True
    )
    github.label(number, "retouch", "kept")

    found = get_pull(site, number)

    assert found is not None
    assert (found.number, found.title, found.body) == (1, "A title of two", "B")
    assert (found.author, found.labels, found.draft) == ("alice", ("retouch", "kept"), True)
    assert (found.head.ref, found.head.sha) == ("topic", github.git.head("topic"))
    assert (found.status, found.merge_commit_sha) == ("open", None)
    assert is_from_own_branch(site, found)


def test_there_is_none_of_another_number(github, site):
    github.add_issue("An issue")

    assert get_pull(site, 1) is None
    assert get_pull(site, 7) is None


def test_its_head_follows_a_push_into_git(github, site):
    number = github.open_pull("topic", files={"t": "t"})
    pushed = github.git.commit_on("topic", {"u": b"u"})

    found = get_pull(site, number)

    assert found is not None
    assert found.head.sha == pushed
    assert github.git.resolve(f"refs/pull/{number}/head") == pushed


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_a_merge_is_a_real_commit(github, site, method):
    number = github.open_pull("topic", title="A topic", files={"t": "t"})
    head = github.git.head("topic")
    base = github.git.commit_on("main", {"m": b"m"})

    commit = github.merge(number, method)

    found = get_pull(site, number)
    assert found is not None
    assert (found.status, found.merge_commit_sha) == ("merged", commit)
    assert github.git.head("main") == commit
    assert github.git.parents(commit) == ([base, head] if method == "merge" else [base])
    assert (github.git.file(commit, "t"), github.git.file(commit, "m")) == (b"t", b"m")
    assert changed_files(site, number) == ("t",)


def test_a_conflict_is_not_merged(github):
    number = github.open_pull("topic", files={"README.md": "Ours.\n"})
    main = github.git.commit_on("main", {"README.md": b"Theirs.\n"})

    with pytest.raises(AssertionError):
        github.merge(number)
    assert github.git.head("main") == main
    assert github.pull(number)["state"] == "open"


def test_a_merge_that_was_pushed_is_seen(github, site):
    number = github.open_pull("topic", files={"t": "t"})
    head, base = github.git.head("topic"), github.git.head("main")
    merge = github.git.commit(github.git.tree_of(head), [base, head], "By hand")
    github.git.point("main", merge)
    github.git.commit_on("main", {"later": b"l"})

    found = get_pull(site, number)

    assert found is not None
    assert (found.status, found.merge_commit_sha) == ("merged", merge)


def test_the_open_ones_are_listed_over_all_pages(github, site):
    github.page_limit = 2
    for branch in "abcde":
        github.open_pull(branch, files={branch: branch})
    github.git.point("release", github.git.head("main"))
    github.open_pull("f", base="release", files={"f": "f"})
    github.close(2)

    assert [p.number for p in list_open_pulls(site)] == [1, 3, 4, 5, 6]
    assert [p.number for p in list_open_pulls(site, "main")] == [1, 3, 4, 5]
    assert [p.head.ref for p in list_open_pulls(site, "release")] == ["f"]


def test_a_fork_is_listed_and_is_not_ours(github, site):
    number = github.open_pull("topic", owner="mallory", author="mallory", files={"t": "t"})

    (found,) = list_open_pulls(site)

    assert found.head.repo is not None
    assert (found.head.repo.full_name, found.author) == ("mallory/site", "mallory")
    assert not is_from_own_branch(site, found)
    assert github.git.head("topic") is None
    assert changed_files(site, number) == ("t",)


def test_only_what_is_given_is_changed(github, site):
    number = github.open_pull("topic", title="T", body="B", files={"t": "t"})

    edit_pull(site, number)
    assert github.calls == []
    edit_pull(site, number, body="")
    assert (github.pull(number)["title"], github.pull(number)["body"]) == ("T", "")
    edit_pull(site, number, state="closed")
    edit_pull(site, number, state="open")
    assert github.pull(number)["state"] == "open"


def test_what_is_too_long_is_refused_with_githubs_words(github, site):
    number = github.open_pull("topic", files={"t": "t"})

    edit_pull(site, number, body="x" * 65_536)
    with pytest.raises(Refused, match=r"maximum is 65536 characters"):
        edit_pull(site, number, body="x" * 65_537)


def test_the_old_path_of_a_moved_file_is_named_too(github, site):
    text = b"".join(b"line %d\n" % n for n in range(20))
    github.git.commit_on("main", {"policies/p.yaml": text, "gone": b"g"})
    github.open_pull("topic", files={"t": "t"})
    tree = github.git.tree(
        github.git.tree_of("topic"),
        [("policies/p.yaml", "100644", None), ("gone", "100644", None), ("new", "100644", text)],
    )
    github.git.point("topic", github.git.commit(tree, [github.git.head("topic")], "Move"))

    assert changed_files(site, 1) == ("gone", "new", "policies/p.yaml", "t")


def test_a_list_that_github_cut_short_is_not_believed(github, site):
    github.open_pull("topic", files={"t": "t"})
    files = [{"filename": f"f{n}"} for n in range(3000)]
    github.fails("GET pulls/{pull_number}/files", Status(200, files[1:]), Status(200, files))

    assert len(changed_files(site, 1)) == 2999
    with pytest.raises(InputError, match=r"^acme/site#1: it changes 3,000 files or more"):
        changed_files(site, 1)


def test_what_a_workflows_token_opens_waits_for_approval(github, site):
    for branch in ("a", "b"):
        github.git.point(branch, github.git.head("main"))
        github.git.commit_on(branch, {branch: b"x"})
    made = opened(site, "a")
    github.login = "retouch-app[bot]"
    opened(site, "b")

    assert github.awaiting == [{"pull": made.number, "sha": made.head.sha}]


def test_issues_and_pull_requests_are_numbered_together(github, site):
    github.open_pull("a", files={"a": "a"})
    github.add_issue("An issue")
    github.git.point("b", github.git.head("a"))

    assert opened(site, "b").number == 3
