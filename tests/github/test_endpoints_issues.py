"""Comments, labels and issues through the API, among those of other people."""

from __future__ import annotations

import pytest

from retouch.github.errors import Refused
from retouch.github.issues import (
    add_comment,
    add_reaction,
    edit_comment,
    find_issue,
    get_labels,
    list_comments,
    open_issue,
    set_labels,
)
from tests.github.fake import Drop, Status

MARK = "<!-- retouch:report 1 -->"
US = "github-actions[bot]"
BODY = f"{MARK}\nKept."


@pytest.fixture
def number(github):
    return github.open_pull("topic", files={"t": "t"})


def test_comments_are_listed_over_all_pages_with_their_authors(github, site, number):
    github.page_limit = 2
    for n in range(5):
        github.comment(number, f"{n}", f"user{n}")
    github.comment(github.add_issue("Other")["number"], "elsewhere")

    found = list_comments(site, number)

    assert [(c.body, c.author) for c in found] == [(f"{n}", f"user{n}") for n in range(5)]
    assert found[0].html_url.startswith("https://github.com/acme/site/")


def test_the_author_of_a_comment_may_be_gone(github, site, number):
    times = dict.fromkeys(("created_at", "updated_at"), "2024-03-01T00:00:00Z")
    gone = {"id": 1, "body": None, "user": None, "html_url": "-", **times}
    github.fails("GET issues/{issue_number}/comments", Status(200, [gone]))

    (found,) = list_comments(site, number)
    assert (found.author, found.body) == ("ghost", "")


def test_the_same_comment_is_not_made_again(github, site, number):
    made = add_comment(site, number, BODY, marker=MARK, author=US)
    github.comments[0]["body"] = BODY.replace("\n", "\r\n") + "\r\n"

    assert add_comment(site, number, BODY, marker=MARK, author=US).id == made.id
    assert len(github.comments) == 1


def test_ours_with_the_marker_is_returned_as_it_is(github, site, number):
    made = add_comment(site, number, BODY, marker=MARK, author=US)

    again = add_comment(site, number, f"{MARK} New", marker=MARK, author=github.login)

    assert (again.id, again.body) == (made.id, BODY)


@pytest.mark.parametrize("copied", [f"{MARK} Not kept!", BODY])
@pytest.mark.parametrize("fault", [None, Drop(), Drop(after=True)])
def test_a_strangers_comment_with_our_marker_or_text_does_not_keep_ours_away(
    github, site, number, copied, fault
):
    github.comment(number, copied, "mallory")
    if fault:
        github.fails("POST issues/{issue_number}/comments", fault)

    made = add_comment(site, number, BODY, marker=MARK, author=US)

    assert (made.author, made.body) == (github.login, BODY)
    assert [c["author"] for c in github.comments] == ["mallory", github.login]


@pytest.mark.parametrize("marker", ["", "<!-- other -->"])
def test_a_comment_that_would_not_be_known_again_is_a_mistake_of_ours(site, number, marker):
    with pytest.raises(ValueError, match="marker"):
        add_comment(site, number, BODY, marker=marker, author=US)
    with pytest.raises(ValueError, match="marker"):
        open_issue(site, "T", BODY, ["canary"], marker=marker)


def test_a_comment_that_is_too_long_is_refused(github, site, number):
    made = add_comment(site, number, BODY + "x" * (65_536 - len(BODY)), marker=MARK, author=US)

    with pytest.raises(Refused, match="maximum is 65536 characters"):
        edit_comment(site, made.id, "x" * 65_537)


def test_a_comment_that_is_gone_is_said(site, number):
    with pytest.raises(Refused, match="not found on"):
        edit_comment(site, 77, "x")


def test_a_reaction_is_there_once(github, site, number):
    comment = github.comment(number, "/retrain")

    add_reaction(site, comment, "eyes")
    add_reaction(site, comment, "eyes")
    add_reaction(site, comment, "-1")

    assert [r["content"] for r in github.reactions] == ["eyes", "-1"]


def test_labels_are_set_exactly(github, site, number):
    github.page_limit = 1
    set_labels(site, number, ["retouch", "hold", "with space & more"])
    assert get_labels(site, number) == ("retouch", "hold", "with space & more")
    set_labels(site, number, ["retouch", "a/b?"])
    assert get_labels(site, number) == ("retouch", "a/b?")
    set_labels(site, number, [])
    assert get_labels(site, number) == ()


def test_a_new_label_takes_more_than_an_old_one(github, site, number):
    github.known_labels = {"retouch"}
    github.permissions |= {"issues": "read"}

    set_labels(site, number, ["retouch"])
    with pytest.raises(Refused) as refused:
        set_labels(site, number, ["fresh"])

    assert "You do not have permission to create labels" in str(refused.value)
    assert str(refused.value).endswith("Give it the permission Issues: write.")


def test_pull_requests_can_be_commented_without_the_permission_for_issues(github, site, number):
    github.permissions |= {"issues": "none"}
    other = github.add_issue("An issue")["number"]

    made = add_comment(site, number, BODY, marker=MARK, author=US)
    edit_comment(site, made.id, "New")
    add_reaction(site, made.id, "+1")
    with pytest.raises(Refused, match="Issues: read"):
        add_comment(site, other, BODY, marker=MARK, author=US)


def test_an_issue_is_opened_once_even_if_somebody_closed_it(github, site):
    made = open_issue(site, "Canary failed", BODY, ["canary"], marker=MARK)
    github.issues[0]["state"] = "closed"

    again = open_issue(site, "Canary failed", BODY, ["canary"], marker=MARK)

    assert (again.number, again.state, again.labels) == (made.number, "closed", ("canary",))
    assert len(github.issues) == 1


def test_an_issue_that_only_looks_like_ours_is_not_taken_for_it(github, site):
    github.add_issue("Unlabelled", BODY, [], "mallory")
    github.add_issue("Of another kind", BODY, ["rollback"], "alice")
    github.add_issue("Of another case", "<!-- retouch:report 2 -->", ["canary"], "alice")
    pull = github.open_pull("topic", body=BODY, files={"t": "t"})
    github.label(pull, "canary")

    assert find_issue(site, MARK, "canary") is None
    made = open_issue(site, "Canary failed", BODY, ["canary"], marker=MARK)
    assert find_issue(site, MARK, "Canary") == made


def test_an_open_issue_comes_before_a_closed_one(github, site):
    first = github.add_issue("One", BODY, ["canary"])["number"]
    github.add_issue("Two", BODY, ["canary"])
    github.close(2)

    found = find_issue(site, MARK, "canary")
    assert found is not None
    assert found.number == first
