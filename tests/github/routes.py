"""The operations of the fake GitHub over git data; the others stand beside it.

To add one, write a function here or in one of `routes_*.py`.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

from tests.github import routes_actions, routes_issues, routes_pulls, routes_records
from tests.github.contract import overlaid
from tests.github.fake import Call, FakeGitHub, Reply
from tests.github.protection import Move
from tests.github.table import ROUTES, failed, not_moved, route, said, user

__all__ = ["ROUTES", "routes_actions", "routes_issues", "routes_pulls", "routes_records"]


@route("GET", "", "metadata: read")
def repository(github: FakeGitHub, call: Call) -> Reply:
    facts = {"full_name": github.name, "default_branch": github.default_branch}
    return Reply(200, said("GET", "", 200, facts))


@route("GET", "git/ref/{ref}", "contents: read")
def reference(github: FakeGitHub, call: Call) -> Reply:
    ref = call.params["ref"]
    kind, _, name = ref.partition("/")
    head = github.git.head(name) if kind == "heads" else None
    found = github.git.tag(name) if kind == "tags" else head and ("commit", head)
    if not found:
        return failed(404, "Not Found")
    return Reply(200, _reference("GET", "git/ref/{ref}", 200, ref, found[1], found[0]))


@route("POST", "git/refs", "contents: write")
def new_reference(github: FakeGitHub, call: Call) -> Reply:
    branch = call.body["ref"].removeprefix("refs/heads/")
    if github.git.head(branch) is not None:
        return failed(422, "Reference already exists")
    if github.git.kind(call.body["sha"]) != "commit":
        return failed(422, "Object does not exist")
    refused = not_moved(github, Move(f"refs/heads/{branch}", None, call.body["sha"]))
    if refused:
        return refused
    try:
        github.git.point(branch, call.body["sha"])
    except AssertionError:
        return failed(422, "Reference cannot be created")
    made = _reference("POST", "git/refs", 201, f"heads/{branch}", call.body["sha"])
    return Reply(201, made)


@route("PATCH", "git/refs/{ref}", "contents: write")
def move_reference(github: FakeGitHub, call: Call) -> Reply:
    ref, sha = call.params["ref"], call.body["sha"]
    branch = ref.removeprefix("heads/")
    head = github.git.head(branch)
    if head is None:
        return failed(422, "Reference does not exist")
    if github.git.kind(sha) != "commit":
        return failed(422, "Object does not exist")
    if branch in github.protected_branches:
        return failed(422, "Changes must be made through a pull request.")
    if not call.body.get("force", False) and not github.git.is_ancestor(head, sha):
        return failed(422, "Update is not a fast forward")
    refused = not_moved(github, Move(f"refs/{ref}", head, sha))
    if refused:
        return refused
    github.git.point(branch, sha)
    return Reply(200, _reference("PATCH", "git/refs/{ref}", 200, ref, sha))


@route("DELETE", "git/refs/{ref}", "contents: write")
def delete_reference(github: FakeGitHub, call: Call) -> Reply:
    branch = call.params["ref"].removeprefix("heads/")
    if github.git.head(branch) is None:
        return failed(422, "Reference does not exist")
    refused = not_moved(github, Move(f"refs/heads/{branch}", github.git.head(branch), None))
    if refused:
        return refused
    github.git.delete(branch)
    return Reply(204)


@route("GET", "activity", "contents: read")
def activity(github: FakeGitHub, call: Call) -> Reply:
    """Newest first; pages go on by a cursor, here the number of the last one shown."""
    wanted = {"refs/heads/" + call.query.get("ref", "").removeprefix("refs/heads/")} - {
        "refs/heads/"
    }
    found = [one for one in github.activities[::-1] if not wanted or one["ref"] in wanted]
    start, size = int(call.query.get("after", 0)), int(call.query.get("per_page", 30))
    goes_on = start + size < len(found)
    query = urlencode({**call.query, "after": start + size})
    link = {"Link": f'<{call.url}?{query}>; rel="next"'} if goes_on else {}
    example = said("GET", "activity", 200, {})
    shown = [overlaid(example, one) for one in found[start : start + size]]
    return Reply(200, shown, link)


@route("GET", "git/commits/{commit_sha}", "contents: read")
def commit(github: FakeGitHub, call: Call) -> Reply:
    if github.git.kind(call.params["commit_sha"]) != "commit":
        return failed(404, "Not Found")
    return Reply(200, _commit(github, call.params["commit_sha"]))


@route("POST", "git/commits", "contents: write")
def new_commit(github: FakeGitHub, call: Call) -> Reply:
    parents = call.body.get("parents", [])
    if github.git.kind(call.body["tree"]) != "tree":
        return failed(422, "Tree SHA does not exist")
    if any(github.git.kind(parent) != "commit" for parent in parents):
        return failed(422, "Parent SHA does not exist or is not a commit object")
    made = github.git.commit(call.body["tree"], parents, call.body["message"], github.now())
    return Reply(201, _commit(github, made))


@route("POST", "git/trees", "contents: write")
def new_tree(github: FakeGitHub, call: Call) -> Reply:
    base, entries = call.body.get("base_tree"), []
    if base is not None and github.git.kind(base) != "tree":
        return failed(404, "Not Found")
    if not call.body["tree"]:
        return failed(422, "Invalid tree info")
    for entry in call.body["tree"]:
        path = entry["path"]
        if {"", ".", "..", ".git"} & set(path.lower().split("/")):
            return failed(422, "tree.path contains a malformed path component")
        if ("content" in entry) == ("sha" in entry):
            return failed(422, "Must supply either tree.sha or tree.content.")
        gone = "sha" in entry
        if gone and (entry["sha"] is not None or base is None or not github.git.entry(base, path)):
            return failed(422, "GitRPC::BadObjectState")
        entries.append((path, entry["mode"], None if gone else entry["content"].encode()))
    made = github.git.tree(base, entries)
    return Reply(201, said("POST", "git/trees", 201, {"sha": made}))


@route("GET", "contents/{path}", "contents: read")
def contents(github: FakeGitHub, call: Call) -> Reply:
    ref, path = call.query.get("ref", github.default_branch), call.params["path"]
    if github.git.kind(ref) != "commit":
        return failed(404, f"No commit found for the ref {ref}")
    entry = github.git.entry(ref, path)
    if entry is None:
        return failed(404, "Not Found")
    if entry[0] == "tree":
        return Reply(200, [])
    raw = github.git.file(ref, path) or b""
    small = len(raw) <= 1_000_000
    facts = {
        "type": "file",
        "encoding": "base64" if small else "none",
        "content": base64.encodebytes(raw).decode() if small else "",
        "size": len(raw),
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": entry[1],
    }
    links = dict.fromkeys(("url", "git_url", "html_url", "download_url"), call.url)
    return Reply(200, {**facts, **links, "_links": {"self": "-", "git": "-", "html": "-"}})


@route("POST", "dispatches", "contents: write")
def dispatches(github: FakeGitHub, call: Call) -> Reply:
    github.events.append(call.body)
    return Reply(204)


@route("GET", "collaborators/{username}/permission", "metadata: read")
def permission(github: FakeGitHub, call: Call) -> Reply:
    login = call.params["username"]
    if login == "ghost":
        return failed(404, f"{login} is not a user")
    role = github.collaborators.get(login, "read")
    level = {"maintain": "write", "triage": "read"}.get(role, role)
    example = said("GET", "collaborators/{username}/permission", 200, {})
    facts = {"permission": level, "role_name": role, "user": user(login) | {"role_name": role}}
    return Reply(200, example | facts)


def _reference(
    method: str, rest: str, status: int, ref: str, sha: str, kind: str = "commit"
) -> Any:
    facts = {"ref": f"refs/{ref}", "object": {"sha": sha, "type": kind}}
    return said(method, rest, status, facts)


def _commit(github: FakeGitHub, sha: str) -> Any:
    facts = {
        "sha": sha,
        "tree": {"sha": github.git.tree_of(sha)},
        "message": github.git.message(sha),
        "committer": {"date": github.git.committed_at(sha)},
        "parents": [
            {"sha": parent, "url": "-", "html_url": "-"} for parent in github.git.parents(sha)
        ],
    }
    return said("POST", "git/commits", 201, facts)
