"""A GitHub of our own on 127.0.0.1, small and strict, over a real bare git repository.

    git = Bare.create(tmp_path / "site.git", {"README.md": b"A site."})
    with FakeGitHub(git) as github:
        github.fails("POST git/trees", Status(502), Drop(after=True))
        client = Client(github.token, github.url, waiting)

Every request and every answer is held against GitHub's own description of its API
(`contract.py`); what does not fit is kept in `violations`, which tests expect to be empty. The
token and its permissions are checked. `fails` makes the next requests of a route go wrong; a route
is named by its method and its path within the repository, and `GET repo` is the repository itself.
`fails_at` does so for a request by its number, whatever its route; `outgoing_fails_at` counts the
pushes of git as well. A `Kill` ends who asks.

`site.py` holds what is remembered, and what people do (`open_pull`, `comment`, `merge`, `close`);
`routes*.py` hold the operations, `pushes.py` and `protection.py` what git may push. `serve.py` runs
it all as a process.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import re
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.github import pushes
from tests.github.bare import Bare
from tests.github.contract import problems_of_answer, problems_of_request
from tests.github.protection import Actor, Move, Refusal, Ruleset, refusal
from tests.github.pushes import Push
from tests.github.site import REPOSITORY, Site

__all__ = ["REPOSITORY", "TOKEN"]

TOKEN = "ghs_0123456789secret"
LOGS = "/logs-of-jobs/"
"""Where the logs of jobs lie, on a server of its own."""
_AREAS = "contents pull_requests issues statuses deployments actions"


@dataclass(frozen=True)
class Status:
    """Answer with this, and do no work."""

    code: int
    body: Any = None
    """JSON, or bytes as they are."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer, before the work or after it."""

    after: bool = False


@dataclass(frozen=True)
class Hang:
    """Say nothing until the fake is stopped."""


@dataclass(frozen=True)
class Kill:
    """End who asks, before the work or after it: `FakeGitHub.on_kill` says how."""

    after: bool = False


class Killed(BaseException):
    """What a `Kill` raises in the thread of the test, unless `on_kill` does something else."""


def rate_limited(reset: float) -> Status:
    """Return the answer of a token whose hour is used up ("Rate limits for the REST API")."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(reset))}
    return Status(403, {"message": "API rate limit exceeded for installation."}, headers)


def slowed_down(seconds: int | None = None) -> Status:
    """Return the answer to too many requests at once: a secondary limit, which may name no time."""
    message = "You have exceeded a secondary rate limit. Please wait before you try again."
    return Status(
        403, {"message": message}, {} if seconds is None else {"Retry-After": str(seconds)}
    )


HTML = Status(200, b"<html><h1>Please log in</h1></html>", {"Content-Type": "text/html"})
Fault = Status | Drop | Hang | Kill


@dataclass(frozen=True)
class Call:
    """A request as a route sees it."""

    params: Mapping[str, str]
    """What stands for the braces of the path."""
    query: Mapping[str, str]
    body: Any
    url: str
    """Of the request, without its query."""
    content_type: str = ""


@dataclass(frozen=True)
class Reply:
    """What a route answers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """One operation: its path as the description writes it, and what it takes."""

    method: str
    template: str
    permission: str
    """`contents: write`."""
    answer: Callable[[FakeGitHub, Call], Reply]

    @property
    def name(self) -> str:
        """By which tests name it."""
        rest = self.template.removeprefix("/repos/{owner}/{repo}").strip("/")
        return f"{self.method} {rest or 'repo'}"

    def params(self, path: str) -> dict[str, str] | None:
        """Return what stands for the braces in a path; None when it is another one."""
        pattern = re.sub(r"\{(ref|path|tag)\}", r"(?P<\1>.+)", self.template)
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        found = re.fullmatch(pattern, path)
        return None if found is None else {k: unquote(v) for k, v in found.groupdict().items()}


class FakeGitHub(Site):
    """The server and its state; a context manager that serves while it is open."""

    def __init__(self, git: Bare, name: str = REPOSITORY, port: int = 0) -> None:
        """`git` is the repository that it serves, and changes; port 0 is any free one."""
        super().__init__(git, name)
        self.token = TOKEN
        self.permissions = {"metadata": "read", **dict.fromkeys(_AREAS.split(), "write")}
        self.actions_may_open_pull_requests = True
        self.actors: dict[str, Actor] = {}
        """Whom other tokens belong to."""
        self.protected_branches: set[str] = set()
        self.rulesets: list[Ruleset] = []
        self.takes_workflows_of_any_branch = False
        """See `protection.py`."""
        self.moved: dict[str, str] = {}
        """Old names of the repository, and its new one."""
        self.page_limit = 100
        self.calls: list[str] = []
        """Names of the routes asked, in order; also of those that failed."""
        self.outgoing: list[str] = []
        """`calls`, and between them the pushes of git: `PUSH refs/tags/means@v1.1.0`."""
        self.violations: list[str] = []
        self.on_kill: Callable[[], None] = self._kill_the_test
        self.after_call: Callable[[], None] = lambda: None
        self.stopping = threading.Event()
        self._home = threading.get_ident()
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._faults_at: dict[int, Fault] = {}
        self._outgoing_faults: dict[int, Fault] = {}
        self._outage: tuple[int, Fault] | None = None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_of(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False

    @property
    def url(self) -> str:
        """Its address, for GITHUB_API_URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def writes(self) -> list[str]:
        """Those of `calls` that were to change something."""
        return [call for call in self.calls if not call.startswith("GET ")]

    def fails(self, route: str, *faults: Fault) -> None:
        """Let the next requests of a route go wrong, in this order."""
        from tests.github.routes import ROUTES

        assert route in {known.name for known in ROUTES}, f"no route {route}"
        self._faults[route].extend(faults)

    def fails_at(self, number: int, fault: Fault) -> None:
        """Let one request go wrong: the one that `calls[number]` will name."""
        self._faults_at[number] = fault

    def outgoing_fails_at(self, number: int, fault: Fault) -> None:
        """Let one request or push go wrong: the one that `outgoing[number]` will name."""
        self._outgoing_faults[number] = fault

    def outgoing_fails_from(self, number: int, fault: Fault) -> None:
        """Let every request and push go wrong from one on, until `heal`."""
        self._outage = number, fault

    def heal(self) -> None:
        """Let nothing more go wrong."""
        self._outage = None
        self._outgoing_faults.clear()

    def who(self, token: str) -> Actor | None:
        """Return whom a token belongs to; None when there is no such token."""
        if token == self.token:
            return Actor(self.login, self.permissions)
        return self.actors.get(token)

    def refusal_of(self, move: Move, actor: Actor, env: Mapping[str, str] = {}) -> Refusal | None:
        """Return why an actor may not move a reference."""
        return refusal(
            self.git,
            move,
            actor,
            default_branch=self.default_branch,
            rulesets=self.rulesets,
            role=self.collaborators.get(actor.login),
            like_a_branch=self.takes_workflows_of_any_branch,
            env=env,
        )

    def state(self) -> dict[str, Any]:
        """Return all of it as JSON can hold it."""
        return super().state() | {"calls": self.calls, "violations": self.violations}

    def answer(
        self, method: str, target: str, token: str, body: Any, content_type: str = ""
    ) -> Reply | Fault:
        """Answer one request; a fault stands for what is to go wrong instead."""
        parts = urlsplit(target)
        if (method, parts.path) == ("POST", pushes.PATH):
            return self._pushed(Push.read(body))
        if parts.path.startswith(LOGS):
            return self._log(parts.path, token)
        found = _route_of(method, parts.path)
        if found is None:
            self.violations.append(f"no route for {method} {parts.path}")
            return _error(404, "Not Found")
        route, params = found
        url = f"{self.url}{parts.path}"
        call = Call(params, dict(parse_qsl(parts.query)), body, url, content_type)
        with self._lock:
            self.calls.append(route.name)
            self.outgoing.append(route.name)
            known = self.login, self.permissions
            try:
                actor = self.who(token.removeprefix("token "))
                if actor is not None:
                    self.login, self.permissions = actor.login, dict(actor.permissions)
                return self._answer(route, call, token)
            finally:
                self.login, self.permissions = known
                self.after_call()

    def _pushed(self, push: Push) -> Reply | Fault:
        """Answer a hook: `refused` is what whoever pushes is shown, or null."""
        with self._lock:
            if not push.after:
                self.outgoing.append(push.name)
            number = len(self.outgoing) - 1
            fault = self._outgoing_faults.get(number)
            if fault is None and self._outage is not None and number >= self._outage[0]:
                fault = self._outage[1]
            if isinstance(fault, Kill | Drop) and fault.after == push.after:
                self.on_kill() if isinstance(fault, Kill) else None
                return Drop()  # of a push that was taken nobody is told otherwise
            if push.after:
                return Reply(200, {"refused": None})
            if isinstance(fault, Status):
                return Reply(200, {"refused": f"The requested URL returned error: {fault.code}"})
            return Reply(200, {"refused": self._refused_push(push)})

    def _refused_push(self, push: Push) -> str | None:
        if not push.token:
            return None
        actor = self.who(push.token)
        if actor is None:
            return "Invalid username or token."
        if actor.permissions.get("contents") != "write":
            self.violations.append(f"{push.token}: may not {push.name}")
            return "Write access to repository not granted."
        for move in push.moves:
            refused = self.refusal_of(move, actor, push.env)
            if refused is not None:
                return pushes.words(move, refused, self.name)
        return None

    def _log(self, path: str, token: str) -> Reply | Fault:
        """Answer as the other server does that keeps logs, which knows no token of GitHub."""
        if token:
            self.violations.append("the token was sent to the server of the logs")
            return _error(401, "Unauthorized")
        log = next((j["log"] for j in self.jobs if str(j["id"]) == path.removeprefix(LOGS)), None)
        if log is None:
            return _error(404, "Not Found")
        return Status(200, log.encode(), {"Content-Type": "text/plain"})

    def _answer(self, route: Route, call: Call, token: str) -> Reply | Fault:
        waiting = self._faults[route.name]
        fault = self._faults_at.pop(len(self.calls) - 1, None)
        number = len(self.outgoing) - 1
        fault = fault or self._outgoing_faults.get(number)
        if fault is None and self._outage is not None and number >= self._outage[0]:
            fault = self._outage[1]
        if fault is None and waiting:
            fault = waiting.popleft()
        reply: Reply | Fault | None = fault
        if fault in (None, Drop(after=True), Kill(after=True)):
            self.sync()
            reply = self._refusal(route, call, token) or self._work(route, call)
        if isinstance(fault, Kill):
            self.on_kill()
        assert reply is not None
        return fault or reply

    def _kill_the_test(self) -> None:
        # Delivered as soon as that thread, which waits for its answer, runs Python again.
        thread, error = ctypes.c_ulong(self._home), ctypes.py_object(Killed)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)

    def _refusal(self, route: Route, call: Call, token: str) -> Reply | None:
        if self.who(token.removeprefix("token ")) is None:
            return _error(401, "Bad credentials")
        name = f"{call.params['owner']}/{call.params['repo']}"
        if name in self.moved:
            location = call.url.replace(f"/repos/{name}", f"/repos/{self.moved[name]}")
            moved = _error(301 if route.method == "GET" else 307, "Moved Permanently")
            return Reply(moved.status, moved.body, {"Location": location})
        if name.lower() != self.name.lower():
            return _error(404, "Not Found")
        area, _, level = route.permission.partition(": ")
        areas = [area, "pull_requests"] if area == "issues" and self._is_of_pull(call) else [area]
        if not any(self.permissions.get(area) in ("write", level) for area in areas):
            return _error(403, "Resource not accessible by integration")
        return None

    def _is_of_pull(self, call: Call) -> bool:
        """Tell whether the issue that a request is about, or its comment, is a pull request."""
        number = call.params.get("issue_number")
        if comment := call.params.get("comment_id"):
            number = next((c["number"] for c in self.comments if str(c["id"]) == comment), None)
        return any(str(pull["number"]) == str(number) for pull in self.pulls)

    def _work(self, route: Route, call: Call) -> Reply:
        wrong = problems_of_request(route.method, route.template, call.query, call.body)
        if wrong:
            self.violations += [f"{route.name}: {problem}" for problem in wrong]
            return _error(422, "Invalid request.")
        try:
            reply = route.answer(self, call)
        except Exception as error:  # of ours, not of who asks
            self.violations.append(f"{route.name}: {type(error).__name__}: {error}")
            return _error(500, "Server Error")
        wrong = problems_of_answer(route.method, route.template, reply.status, reply.body)
        self.violations += [f"{route.name}: answer: {problem}" for problem in wrong]
        return reply

    def __enter__(self) -> FakeGitHub:
        self._home = threading.get_ident()
        pushes.install(self.git, self._server.server_address[1])
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.002}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stopping.set()
        pushes.remove(self.git)
        self._server.shutdown()
        self._server.server_close()


def _route_of(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    from tests.github.routes import ROUTES

    # Files go to a place of their own.
    within = path.removeprefix("/uploads")
    for route in ROUTES:
        params = route.params(within) if route.method == method else None
        is_upload = route.name == "POST releases/{release_id}/assets"
        if params is not None and is_upload == (within != path):
            return route, params
    return None


def _error(status: int, message: str) -> Reply:
    return Reply(status, {"message": message, "documentation_url": "https://docs.github.com/rest"})


def _handler_of(github: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            raw = self.rfile.read(length)
            token = self.headers.get("Authorization", "")
            kind = self.headers.get("Content-Type", "")
            is_json = kind.startswith("application/json") or "/uploads/" not in self.path
            body = (json.loads(raw) if raw else None) if is_json else raw
            reply = github.answer(self.command, self.path, token, body, kind)
            match reply:
                case Hang():
                    github.stopping.wait(30)
                    self._hang_up()
                case Drop() | Kill():
                    self._hang_up()
                case Status(code, answer, headers) | Reply(code, answer, headers):
                    self._say(code, answer, headers)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        def _say(self, code: int, answer: Any, headers: Mapping[str, str]) -> None:
            if not isinstance(answer, bytes):
                answer = b"" if answer is None else json.dumps(answer).encode()
            given = {
                "Content-Type": "application/json; charset=utf-8",
                "X-RateLimit-Limit": "5000",
                "X-RateLimit-Remaining": "4999",
                "X-RateLimit-Reset": "1",
                **headers,
            }
            lines = [f"{self.protocol_version} {code} -", *(f"{k}: {v}" for k, v in given.items())]
            if code != 204:
                lines.append(f"Content-Length: {len(answer)}")
            # In one piece, as two small ones would wait for each other.
            self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + answer)

        def _hang_up(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):  # the client went first
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
