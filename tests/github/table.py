"""How the operations of the fake GitHub are entered into their table, and what they answer with.

`said` overlays the least answer the description allows with what is really so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from tests.github.contract import example_of, example_of_schema, overlaid
from tests.github.fake import Call, FakeGitHub, Reply, Route
from tests.github.protection import Actor, Move

ROUTES: list[Route] = []
MAX_BODY = 65_536
"""Characters of the body of a pull request, an issue or a comment."""
_HERE = "/repos/{owner}/{repo}"
Answer = Callable[[FakeGitHub, Call], Reply]


def route(method: str, rest: str, permission: str) -> Callable[[Answer], Answer]:
    """Enter a function into the table; `rest` is the path within the repository."""

    def enter(answer: Answer) -> Answer:
        ROUTES.append(Route(method, _template(rest), permission, answer))
        return answer

    return enter


def said(method: str, rest: str, status: int, facts: Any) -> Any:
    """Return the least answer of an operation with facts put over it."""
    return overlaid(example_of(method, _template(rest), status), facts)


def user(login: str) -> Any:
    """Return a user as answers hold one."""
    kind = "Bot" if login.endswith("[bot]") else "User"
    return overlaid(example_of_schema("simple-user"), {"login": login, "type": kind})


def label(name: str) -> Any:
    """Return a label as answers hold one."""
    return overlaid(example_of_schema("label"), {"name": name, "description": ""})


def failed(status: int, message: str, *errors: dict[str, Any]) -> Reply:
    """Return a refusal as GitHub words it."""
    body = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return Reply(status, body | {"errors": list(errors)} if errors else body)


def invalid(resource: str, code: str, **facts: str) -> Reply:
    """Return the refusal of a request that makes no sense."""
    return failed(422, "Validation Failed", {"resource": resource, "code": code, **facts})


def not_moved(github: FakeGitHub, move: Move) -> Reply | None:
    """Refuse to move a reference that the token may not move."""
    refused = github.refusal_of(move, Actor(github.login, github.permissions))
    if refused is None:
        return None
    if refused.is_ruleset:
        return failed(422, f"Repository rule violations found\n\n{refused.message}\n\n")
    reply = failed(403, "Resource not accessible by integration")
    wanted = {"X-Accepted-GitHub-Permissions": "contents=write; contents=write,workflows=write"}
    return Reply(403, reply.body, wanted)


def too_long(resource: str, body: str | None) -> Reply | None:
    """Refuse a text that GitHub would not take."""
    if len(body or "") <= MAX_BODY:
        return None
    message = f"Body is too long (maximum is {MAX_BODY} characters)"
    return invalid(resource, "unprocessable", field="data", message=message)


def page(github: FakeGitHub, call: Call, found: Sequence[Any], show: Callable[[Any], Any]) -> Reply:
    """Answer with one page of a list, and where it goes on."""
    size = min(int(call.query.get("per_page", 30)), github.page_limit, 100)
    number = int(call.query.get("page", 1))
    query = urlencode({**call.query, "page": str(number + 1)})
    goes_on = size * number < len(found)
    link = {"Link": f'<{call.url}?{query}>; rel="next"'} if goes_on else {}
    return Reply(200, [show(item) for item in found[size * (number - 1) : size * number]], link)


def _template(rest: str) -> str:
    return f"{_HERE}/{rest}" if rest else _HERE
