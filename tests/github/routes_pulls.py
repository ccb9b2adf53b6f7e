"""Pull requests of the fake GitHub."""

from __future__ import annotations

from typing import Any

from tests.github.fake import Call, FakeGitHub, Reply
from tests.github.site import ACTIONS, Record
from tests.github.table import failed, invalid, label, page, route, said, too_long, user

_ONE = "pulls/{pull_number}"
_MAX_FILES = 3000


@route("GET", "pulls", "pull_requests: read")
def pulls(github: FakeGitHub, call: Call) -> Reply:
    state, head = call.query.get("state", "open"), call.query.get("head", "")
    owner, colon, branch = head.partition(":")
    found = [
        pull
        for pull in github.pulls
        if state in ("all", pull["state"])
        # GitHub leaves out a filter of another form.
        and (not colon or (owner, branch) == (pull["owner"], pull["head"]))
        and call.query.get("base", pull["base"]) == pull["base"]
    ]
    if call.query.get("direction", "desc") == "desc":
        found.reverse()
    return page(github, call, found, lambda pull: _pull("GET", "pulls", 200, github, pull))


@route("POST", "pulls", "pull_requests: write")
def new_pull(github: FakeGitHub, call: Call) -> Reply:
    head, base = call.body["head"].removeprefix(f"{github.owner}:"), call.body["base"]
    if github.login == ACTIONS and not github.actions_may_open_pull_requests:
        return failed(403, "GitHub Actions is not permitted to create or approve pull requests.")
    for name, branch in (("base", base), ("head", head)):
        if github.git.head(branch) is None:
            return invalid("PullRequest", "invalid", field=name)
    message = None
    if any((p["state"], p["head"], p["base"]) == ("open", head, base) for p in github.pulls):
        message = f"A pull request already exists for {github.owner}:{head}."
    elif not github.git.new_commits(base, head):
        message = f"No commits between {base} and {head}"
    if message:
        return invalid("PullRequest", "custom", message=message)
    title, body = call.body.get("title", ""), call.body.get("body")
    refused = _refused(title, body)
    if refused:
        return refused
    sha, draft = github.git.head(head) or "", call.body.get("draft", False)
    made = github.add_pull(head, base, sha, title, body, github.login, draft=draft)
    return Reply(201, _pull("POST", "pulls", 201, github, made))


@route("GET", _ONE, "pull_requests: read")
def one_pull(github: FakeGitHub, call: Call) -> Reply:
    found = _found(github, call)
    if found is None:
        return failed(404, "Not Found")
    return Reply(200, _pull("GET", _ONE, 200, github, found))


@route("PATCH", _ONE, "pull_requests: write")
def change_pull(github: FakeGitHub, call: Call) -> Reply:
    found, body = _found(github, call), call.body
    if found is None:
        return failed(404, "Not Found")
    refused = _refused(body.get("title", found["title"]), body.get("body"))
    if refused:
        return refused
    if "state" in body and found["merged"]:
        return invalid("PullRequest", "invalid", field="state", message="It is merged.")
    opened = body.get("state") == "open" and found["state"] == "closed"
    if opened and found["owner"] == github.owner and github.git.head(found["head"]) is None:
        message = f"state cannot be changed. The {found['head']} branch has been deleted."
        return invalid("PullRequest", "invalid", field="state", message=message)
    found.update({name: body[name] for name in ("title", "body", "state", "base") if name in body})
    return Reply(200, _pull("PATCH", _ONE, 200, github, found))


@route("GET", f"{_ONE}/files", "pull_requests: read")
def files(github: FakeGitHub, call: Call) -> Reply:
    found = _found(github, call)
    if found is None:
        return failed(404, "Not Found")
    changed = github.changed_files(found["number"])[:_MAX_FILES]
    example = said("GET", f"{_ONE}/files", 200, {})
    return page(github, call, changed, lambda file: example | file)


def _found(github: FakeGitHub, call: Call) -> Record | None:
    number = int(call.params["pull_number"])
    return next((pull for pull in github.pulls if pull["number"] == number), None)


def _refused(title: str, body: str | None) -> Reply | None:
    if not title.strip():
        return invalid("PullRequest", "missing_field", field="title")
    if len(title) > 256:
        message = "title is too long (maximum is 256 characters)"
        return invalid("PullRequest", "custom", field="title", message=message)
    return too_long("PullRequest", body)


def _pull(method: str, rest: str, status: int, github: FakeGitHub, pull: Record) -> Any:
    name = f"{pull['owner']}/{github.name.partition('/')[2]}"
    repository = said("GET", "", 200, {"full_name": name})
    facts = {
        "number": pull["number"],
        "html_url": f"https://github.com/{github.name}/pull/{pull['number']}",
        "state": pull["state"],
        "merged_at": pull["merged_at"],
        "merge_commit_sha": pull["merge_commit_sha"],
        "title": pull["title"],
        "body": pull["body"],
        "user": user(pull["author"]),
        "labels": [label(name) for name in pull["labels"]],
        "draft": pull["draft"],
        # A branch that is gone leaves its last commit behind; one that moved on takes us along.
        "head": {"ref": pull["head"], "sha": pull["sha"], "repo": repository},
        "base": {"ref": pull["base"], "sha": github.git.head(pull["base"])},
    }
    return said(method, rest, status, facts)
