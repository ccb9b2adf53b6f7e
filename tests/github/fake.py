"""A GitHub of our own on 127.0.0.1, small and strict, over a real bare git repository.

    git = Bare.create(tmp_path / "site.git", {"README.md": b"A site."})
    with FakeGitHub(git) as github:
        github.fails("POST git/trees", Status(502), Drop(after=True))
        client = Client(github.token, github.url, waiting)

Every request and every answer is held against GitHub's own description of its API
(`contract.py`); what does not fit is kept in `violations`, which tests expect to be empty. The
token and its permissions are checked. `fails` makes the next requests of a route go wrong; a route
is named by its method and its path within the repository, and `GET repo` is the repository itself.

`routes.py` holds the operations: to add one, write a function there.
"""

from __future__ import annotations

import contextlib
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

from tests.github.bare import Bare
from tests.github.contract import problems_of_answer, problems_of_request

REPOSITORY = "acme/site"
TOKEN = "ghs_0123456789secret"


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


HTML = Status(200, b"<html><h1>Please log in</h1></html>", {"Content-Type": "text/html"})
Fault = Status | Drop | Hang


@dataclass(frozen=True)
class Call:
    """A request as a route sees it."""

    params: Mapping[str, str]
    """What stands for the braces of the path."""
    query: Mapping[str, str]
    body: Any
    url: str
    """Of the request, without its query."""


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
        rest = self.template.removeprefix("/repos/{owner}/{repo}").strip("/")
        return f"{self.method} {rest or 'repo'}"

    def params(self, path: str) -> dict[str, str] | None:
        pattern = re.sub(r"\{(ref|path)\}", r"(?P<\1>.+)", self.template)
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        found = re.fullmatch(pattern, path)
        return None if found is None else {k: unquote(v) for k, v in found.groupdict().items()}


class FakeGitHub:
    """The server and its state; a context manager that serves while it is open."""

    def __init__(self, git: Bare) -> None:
        """`git` is the repository that it serves, and changes."""
        self.git = git
        self.token = TOKEN
        self.permissions = {"metadata": "read", "contents": "write", "pull_requests": "write"}
        self.default_branch = "main"
        self.actions_may_open_pull_requests = True
        self.moved: dict[str, str] = {}
        """Old names of the repository, and its new one."""
        self.page_limit = 100
        self.pulls: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        """Bodies of `repository_dispatch`."""
        self.calls: list[str] = []
        """Names of the routes asked, in order; also of those that failed."""
        self.violations: list[str] = []
        self.stopping = threading.Event()
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fails(self, route: str, *faults: Fault) -> None:
        """Let the next requests of a route go wrong, in this order."""
        from tests.github.routes import ROUTES

        assert route in {known.name for known in ROUTES}, f"no route {route}"
        self._faults[route].extend(faults)

    def merge(self, number: int, *, delete_branch: bool = True) -> None:
        """Merge a pull request, as a person would."""
        pull = self.pulls[number - 1]
        base, head = pull["base"], pull["head"]
        self.git.point(base, self.git.head(head) or "")
        pull |= {"state": "closed", "merged": True}
        if delete_branch:
            self.git.delete(head)

    def close(self, number: int, *, delete_branch: bool = False) -> None:
        """Close a pull request without merging it."""
        self.pulls[number - 1]["state"] = "closed"
        if delete_branch:
            self.git.delete(self.pulls[number - 1]["head"])

    def answer(self, method: str, target: str, token: str, body: Any) -> Reply | Fault:
        """Answer one request; a fault stands for what is to go wrong instead."""
        from tests.github.routes import ROUTES

        parts = urlsplit(target)
        for route in ROUTES:
            params = route.params(parts.path) if route.method == method else None
            if params is not None:
                break
        else:
            self.violations.append(f"no route for {method} {parts.path}")
            return _error(404, "Not Found")
        call = Call(params, dict(parse_qsl(parts.query)), body, f"{self.url}{parts.path}")
        with self._lock:
            self.calls.append(route.name)
            fault = self._faults[route.name].popleft() if self._faults[route.name] else None
            if fault is not None and fault != Drop(after=True):
                return fault
            reply = self._refusal(route, call, token) or self._work(route, call)
            return fault or reply

    def _refusal(self, route: Route, call: Call, token: str) -> Reply | None:
        if token != f"token {self.token}":
            return _error(401, "Bad credentials")
        name = f"{call.params['owner']}/{call.params['repo']}"
        if name in self.moved:
            location = call.url.replace(f"/repos/{name}", f"/repos/{self.moved[name]}")
            moved = _error(301 if route.method == "GET" else 307, "Moved Permanently")
            return Reply(moved.status, moved.body, {"Location": location})
        if name.lower() != REPOSITORY:
            return _error(404, "Not Found")
        area, _, level = route.permission.partition(": ")
        held = self.permissions.get(area)
        if held != "write" and held != level:
            return _error(403, "Resource not accessible by integration")
        return None

    def _work(self, route: Route, call: Call) -> Reply:
        wrong = problems_of_request(route.method, route.template, call.query, call.body)
        if wrong:
            self.violations += [f"{route.name}: {problem}" for problem in wrong]
            return _error(422, "Invalid request.")
        reply = route.answer(self, call)
        wrong = problems_of_answer(route.method, route.template, reply.status, reply.body)
        self.violations += [f"{route.name}: answer: {problem}" for problem in wrong]
        return reply

    def __enter__(self) -> FakeGitHub:
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.002}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


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
            body = json.loads(raw) if raw else None
            reply = github.answer(self.command, self.path, token, body)
            match reply:
                case Hang():
                    github.stopping.wait(30)
                    self._hang_up()
                case Drop():
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
