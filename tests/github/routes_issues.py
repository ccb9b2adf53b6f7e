"""Issues, comments, reactions and labels of the fake GitHub, of pull requests too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.github.fake import Call, FakeGitHub, Reply
from tests.github.site import Record
from tests.github.table import failed, invalid, label, page, route, said, too_long, user

_ONE = "issues/{issue_number}"
_COMMENT = "issues/comments/{comment_id}"


@route("GET", "issues", "issues: read")
def issues(github: FakeGitHub, call: Call) -> Reply:
    state = call.query.get("state", "open")
    wanted = {name.lower() for name in call.query.get("labels", "").split(",") if name}
    both = sorted([*github.pulls, *github.issues], key=lambda issue: -issue["number"])
    found = [
        issue
        for issue in both
        if state in ("all", issue["state"]) and wanted <= {name.lower() for name in issue["labels"]}
    ]
    return page(github, call, found, lambda issue: _issue("GET", "issues", 200, github, issue))


@route("POST", "issues", "issues: write")
def new_issue(github: FakeGitHub, call: Call) -> Reply:
    body = call.body.get("body")
    refused = too_long("Issue", body)
    if refused:
        return refused
    made = github.add_issue(call.body["title"], body, list(call.body.get("labels", ())))
    return Reply(201, _issue("POST", "issues", 201, github, made))


@route("GET", _ONE, "issues: read")
def one_issue(github: FakeGitHub, call: Call) -> Reply:
    found = _found(github, call)
    return Reply(200, _issue("GET", _ONE, 200, github, found)) if found else _NOT_FOUND


@route("PATCH", _ONE, "issues: write")
def change_issue(github: FakeGitHub, call: Call) -> Reply:
    found = _found(github, call)
    if found is None:
        return _NOT_FOUND
    refused = too_long("Issue", call.body.get("body"))
    if refused:
        return refused
    found.update({n: call.body[n] for n in ("title", "body", "state") if n in call.body})
    return Reply(200, _issue("PATCH", _ONE, 200, github, found))


@route("GET", f"{_ONE}/comments", "issues: read")
def comments(github: FakeGitHub, call: Call) -> Reply:
    found = _found(github, call)
    if found is None:
        return _NOT_FOUND
    listed = [c for c in github.comments if c["number"] == found["number"]]
    rest = f"{_ONE}/comments"
    return page(github, call, listed, lambda c: _comment("GET", rest, 200, github, c))


@route("POST", f"{_ONE}/comments", "issues: write")
def new_comment(github: FakeGitHub, call: Call) -> Reply:
    found, body = _found(github, call), call.body["body"]
    if found is None:
        return _NOT_FOUND
    refused = _refused(body)
    if refused:
        return refused
    github.comment(found["number"], body, github.login)
    made = _comment("POST", f"{_ONE}/comments", 201, github, github.comments[-1])
    return Reply(201, made)


@route("GET", _COMMENT, "issues: read")
def one_comment(github: FakeGitHub, call: Call) -> Reply:
    found = _found_comment(github, call)
    return Reply(200, _comment("GET", _COMMENT, 200, github, found)) if found else _NOT_FOUND


@route("PATCH", _COMMENT, "issues: write")
def change_comment(github: FakeGitHub, call: Call) -> Reply:
    found = _found_comment(github, call)
    if found is None:
        return _NOT_FOUND
    refused = _refused(call.body["body"])
    if refused:
        return refused
    github.edit_comment(found["id"], call.body["body"], github.login)
    return Reply(200, _comment("PATCH", _COMMENT, 200, github, found))


@route("POST", f"{_COMMENT}/reactions", "issues: write")
def react(github: FakeGitHub, call: Call) -> Reply:
    found = _found_comment(github, call)
    if found is None:
        return _NOT_FOUND
    reaction = {"comment": found["id"], "content": call.body["content"], "user": github.login}
    status = 200 if reaction in github.reactions else 201
    if status == 201:
        github.reactions.append(reaction)
    facts = {"content": reaction["content"], "user": user(github.login)}
    return Reply(status, said("POST", f"{_COMMENT}/reactions", status, facts))


@route("GET", f"{_ONE}/labels", "issues: read")
def labels(github: FakeGitHub, call: Call) -> Reply:
    found = _found(github, call)
    return page(github, call, found["labels"], label) if found else _NOT_FOUND


@route("PUT", f"{_ONE}/labels", "issues: write")
def set_labels(github: FakeGitHub, call: Call) -> Reply:
    found, names = _found(github, call), call.body["labels"]
    if found is None:
        return _NOT_FOUND
    refused = _refused_labels(github, names)
    if refused:
        return refused
    github.label(found["number"], *dict.fromkeys(names))
    return Reply(200, [label(name) for name in found["labels"]])


@route("DELETE", f"{_ONE}/labels/{{name}}", "issues: write")
def remove_label(github: FakeGitHub, call: Call) -> Reply:
    found, name = _found(github, call), call.params["name"]
    if found is None or name not in found["labels"]:
        return failed(404, "Label does not exist")
    found["labels"].remove(name)
    return Reply(200, [label(other) for other in found["labels"]])


_NOT_FOUND = failed(404, "Not Found")


def _found(github: FakeGitHub, call: Call) -> Record | None:
    try:
        return github.issue(int(call.params["issue_number"]))
    except LookupError:
        return None


def _found_comment(github: FakeGitHub, call: Call) -> Record | None:
    wanted = int(call.params["comment_id"])
    return next((c for c in github.comments if c["id"] == wanted), None)


def _refused(body: str) -> Reply | None:
    if not body.strip():
        return invalid("IssueComment", "missing_field", field="body")
    return too_long("IssueComment", body)


def _refused_labels(github: FakeGitHub, names: Sequence[str]) -> Reply | None:
    if any(not 0 < len(name) <= 50 for name in names):
        return invalid("Label", "invalid", field="name")
    if set(names) - github.known_labels and github.permissions.get("issues") != "write":
        message = "You do not have permission to create labels on this repository."
        return failed(
            403, message, {"resource": "Repository", "field": "label", "code": "unauthorized"}
        )
    return None


def _comment(method: str, rest: str, status: int, github: FakeGitHub, comment: Record) -> Any:
    here = f"https://github.com/{github.name}/issues/{comment['number']}"
    facts = {
        "id": comment["id"],
        "body": comment["body"],
        "user": user(comment["author"]),
        "html_url": f"{here}#issuecomment-{comment['id']}",
        "created_at": comment["created_at"],
        "updated_at": comment["updated_at"],
    }
    return said(method, rest, status, facts)


def _issue(method: str, rest: str, status: int, github: FakeGitHub, issue: Record) -> Any:
    kind = "pull" if "head" in issue else "issues"
    url = f"https://github.com/{github.name}/{kind}/{issue['number']}"
    facts = {
        "number": issue["number"],
        "html_url": url,
        "state": issue["state"],
        "title": issue["title"],
        "body": issue["body"],
        "user": user(issue["author"]),
        "labels": [label(name) for name in issue["labels"]],
    }
    if "head" in issue:
        facts["pull_request"] = dict.fromkeys(("url", "html_url", "diff_url", "patch_url"), url)
    return said(method, rest, status, facts)
