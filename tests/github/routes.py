"""The operations of the fake GitHub, over its git repository. To add one, write a function here.

`said` overlays the least answer the description allows with what is really so.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tests.github.contract import example_of, overlaid
from tests.github.fake import REPOSITORY, Call, FakeGitHub, Reply, Route

ROUTES: list[Route] = []
Answer = Callable[[FakeGitHub, Call], Reply]
_HERE = "/repos/{owner}/{repo}"


def route(method: str, rest: str, permission: str) -> Callable[[Answer], Answer]:
    """Enter a function into the table; `rest` is the path within the repository."""

    def enter(answer: Answer) -> Answer:
        template = f"{_HERE}/{rest}" if rest else _HERE
        ROUTES.append(Route(method, template, permission, answer))
        return answer

    return enter


def said(method: str, rest: str, status: int, facts: Any) -> Any:
    template = f"{_HERE}/{rest}" if rest else _HERE
    return overlaid(example_of(method, template, status), facts)


def failed(status: int, message: str, *errors: dict[str, Any]) -> Reply:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return Reply(status, body | {"errors": list(errors)} if errors else body)


@route("GET", "", "metadata: read")
def repository(github: FakeGitHub, call: Call) -> Reply:
    facts = {"full_name": REPOSITORY, "default_branch": github.default_branch}
    return Reply(200, said("GET", "", 200, facts))


@route("GET", "git/ref/{ref}", "contents: read")
def reference(github: FakeGitHub, call: Call) -> Reply:
    head = github.git.head(call.params["ref"].removeprefix("heads/"))
    if head is None:
        return failed(404, "Not Found")
    return Reply(200, _reference("GET", "git/ref/{ref}", 200, call.params["ref"], head))


@route("POST", "git/refs", "contents: write")
def new_reference(github: FakeGitHub, call: Call) -> Reply:
    branch = call.body["ref"].removeprefix("refs/heads/")
    if github.git.head(branch) is not None:
        return failed(422, "Reference already exists")
    if github.git.kind(call.body["sha"]) != "commit":
        return failed(422, "Object does not exist")
    github.git.point(branch, call.body["sha"])
    made = _reference("POST", "git/refs", 201, f"heads/{branch}", call.body["sha"])
    return Reply(201, made)


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
    made = github.git.commit(call.body["tree"], parents, call.body["message"])
    return Reply(201, _commit(github, made))


@route("POST", "git/trees", "contents: write")
def new_tree(github: FakeGitHub, call: Call) -> Reply:
    base = call.body.get("base_tree")
    if base is not None and github.git.kind(base) != "tree":
        return failed(404, "Not Found")
    entries = [(e["path"], e["mode"], e["content"].encode()) for e in call.body["tree"]]
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


@route("GET", "pulls", "pull_requests: read")
def pulls(github: FakeGitHub, call: Call) -> Reply:
    state, head = call.query.get("state", "open"), call.query.get("head", "")
    owner, colon, branch = head.partition(":")
    found = [
        pull
        for pull in github.pulls[::-1]
        if state in ("all", pull["state"])
        # GitHub leaves out a filter of another form.
        and (not colon or (owner, branch) == (pull.get("owner", "acme"), pull["head"]))
        and call.query.get("base", pull["base"]) == pull["base"]
    ]
    size = min(int(call.query.get("per_page", 30)), github.page_limit)
    page = int(call.query.get("page", 1))
    some = found[size * (page - 1) : size * page]
    query = {**call.query, "page": str(page + 1)}
    further = f"{call.url}?{'&'.join(f'{k}={v}' for k, v in query.items())}"
    link = {"Link": f'<{further}>; rel="next"'} if size * page < len(found) else {}
    return Reply(200, [_pull("GET", "pulls", 200, github, pull) for pull in some], link)


@route("POST", "pulls", "pull_requests: write")
def new_pull(github: FakeGitHub, call: Call) -> Reply:
    head, base = call.body["head"], call.body["base"]
    if not github.actions_may_open_pull_requests:
        return failed(403, "GitHub Actions is not permitted to create or approve pull requests.")
    for name, branch in (("base", base), ("head", head)):
        if github.git.head(branch) is None:
            problem = {"resource": "PullRequest", "field": name, "code": "invalid"}
            return failed(422, "Validation Failed", problem)
    says = None
    if any((p["state"], p["head"], p["base"]) == ("open", head, base) for p in github.pulls):
        says = f"A pull request already exists for acme:{head}."
    elif not github.git.new_commits(base, head):
        says = f"No commits between {base} and {head}"
    if says:
        problem = {"resource": "PullRequest", "code": "custom", "message": says}
        return failed(422, "Validation Failed", problem)
    text = {"title": call.body["title"], "body": call.body.get("body")}
    number = len(github.pulls) + 1
    pull = {"number": number, "state": "open", "merged": False, "head": head, "base": base, **text}
    github.pulls.append({**pull, "sha": github.git.head(head)})
    return Reply(201, _pull("POST", "pulls", 201, github, github.pulls[-1]))


@route("GET", "pulls/{pull_number}", "pull_requests: read")
def pull(github: FakeGitHub, call: Call) -> Reply:
    number = int(call.params["pull_number"])
    if number > len(github.pulls):
        return failed(404, "Not Found")
    found = github.pulls[number - 1]
    return Reply(200, _pull("GET", "pulls/{pull_number}", 200, github, found))


@route("POST", "dispatches", "contents: write")
def dispatches(github: FakeGitHub, call: Call) -> Reply:
    github.events.append(call.body)
    return Reply(204)


def _reference(method: str, rest: str, status: int, ref: str, sha: str) -> Any:
    return said(
        method, rest, status, {"ref": f"refs/{ref}", "object": {"sha": sha, "type": "commit"}}
    )


def _commit(github: FakeGitHub, sha: str) -> Any:
    facts = {
        "sha": sha,
        "tree": {"sha": github.git.tree_of(sha)},
        "message": github.git.message(sha),
        "parents": [
            {"sha": parent, "url": "-", "html_url": "-"} for parent in github.git.parents(sha)
        ],
    }
    return said("POST", "git/commits", 201, facts)


def _pull(method: str, rest: str, status: int, github: FakeGitHub, pull: dict[str, Any]) -> Any:
    repository = said("GET", "", 200, {"full_name": f"{pull.get('owner', 'acme')}/site"})
    # A branch that is gone leaves its last commit behind; one that moved on takes us along.
    head = github.git.head(pull["head"]) or pull["sha"]
    facts = {
        "number": pull["number"],
        "html_url": f"https://github.com/{REPOSITORY}/pull/{pull['number']}",
        "state": pull["state"],
        "merged_at": "2024-03-02T00:00:00Z" if pull["merged"] else None,
        "title": pull["title"],
        "body": pull["body"],
        "head": {"ref": pull["head"], "sha": head, "repo": repository},
        "base": {"ref": pull["base"], "sha": github.git.head(pull["base"])},
    }
    return said(method, rest, status, facts)
