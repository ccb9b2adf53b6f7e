"""The fake GitHub as a process: `python -m tests.github.serve --git PATH --port-file F --state F`.

After every call it writes what it remembers to the state file, as JSON. It ends with the process
that started it. People's acts come in at `POST /control`, which takes no token:

    {"do": "merge", "number": 1, "method": "squash"}
    {"do": "set", "collaborators": {"alice": "write"}}
    {"do": "fails", "route": "POST pulls", "faults": ["502", "drop", "drop-after"]}

`do` is a method of `site.Site` that people act through, `set` or `fails`. `Served` starts it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from tests.github.bare import Bare
from tests.github.fake import REPOSITORY, TOKEN, Drop, FakeGitHub, Fault, Hang, Reply, Status

_ACTS = ("open_pull", "add_issue", "comment", "label", "merge", "close")
_SETTINGS = ("collaborators", "permissions", "login", "token", "default_branch", "page_limit")
_START_SECONDS = 20.0
_ROOT = Path(__file__).parents[2]


class Served(FakeGitHub):
    """A fake GitHub that writes its state down, and may be told what people do."""

    def __init__(self, git: Bare, state_file: Path, name: str, port: int = 0) -> None:
        super().__init__(git, name, port)
        self.state_file = state_file
        self.after_call = self.write_state

    def write_state(self) -> None:
        """Write the state, whole or not at all."""
        _write(self.state_file, json.dumps(self.state(), indent=1))

    def answer(
        self, method: str, target: str, token: str, body: Any, content_type: str = ""
    ) -> Reply | Fault:
        """Answer a request, or do what a person would do."""
        if (method, target) != ("POST", "/control"):
            return super().answer(method, target, token, body, content_type)
        with self._lock:
            try:
                done = self._control(dict(body))
            except (AssertionError, LookupError, TypeError, ValueError) as error:
                return Reply(422, {"message": f"{type(error).__name__}: {error}"})
            finally:
                self.write_state()
        return Reply(200, {"done": done})

    def _control(self, asked: dict[str, Any]) -> Any:
        do = asked.pop("do")
        if do == "fails":
            # `fails` takes no lock.
            return self.fails(asked["route"], *map(_fault, asked["faults"]))
        if do == "set":
            for name, value in asked.items():
                assert name in _SETTINGS, f"{name} cannot be set"
                setattr(self, name, value)
            return None
        assert do in _ACTS, f"nobody does {do}"
        if do == "label":
            return self.label(asked["number"], *asked["labels"])
        self.sync()
        return getattr(self, do)(**asked)


class Process:
    """A fake GitHub in a process of its own; a context manager."""

    def __init__(self, git: Path, folder: Path, name: str = REPOSITORY) -> None:
        """`git` is the bare repository, `folder` one for the files it writes."""
        self.url = ""
        self._state_file = folder / "github.json"
        self._port_file = folder / "github.port"
        self._args = ["--git", str(git), "--port-file", str(self._port_file)]
        self._args += ["--state", str(self._state_file), "--name", name]

    def state(self) -> Any:
        """Return what it wrote last."""
        return json.loads(self._state_file.read_text())

    def do(self, act: str, **facts: Any) -> Any:
        """Do what a person would do, and return what came of it."""
        body = json.dumps({"do": act, **facts}).encode()
        asked = Request(f"{self.url}/control", body, {"Content-Type": "application/json"})
        with build_opener(ProxyHandler({})).open(asked, timeout=30) as answer:
            return json.loads(answer.read())["done"]

    def __enter__(self) -> Process:
        self._port_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.github.serve", *self._args]
        self._process = subprocess.Popen(command, cwd=_ROOT)
        until = time.monotonic() + _START_SECONDS
        while not self._port_file.exists():
            assert self._process.poll() is None, "the fake GitHub did not start"
            assert time.monotonic() < until, "the fake GitHub does not start"
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{self._port_file.read_text()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)


def main(args: list[str] | None = None) -> None:
    """Serve until the process that started it is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("git", "port-file", "state"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--name", default=REPOSITORY)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--login")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args(args)
    parent = os.getppid()
    with Served(Bare(given.git.resolve()), given.state, given.name, given.port) as github:
        github.token = given.token
        github.login = given.login or github.login
        github.write_state()
        _write(given.port_file, github.url.rpartition(":")[2])
        while os.getppid() == parent:
            threading.Event().wait(0.2)


def _fault(word: str) -> Fault:
    if word.isdigit():
        return Status(int(word), {"message": "-"})
    return {"drop": Drop(), "drop-after": Drop(after=True), "hang": Hang()}[word]


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).replace(path)


if __name__ == "__main__":
    main()
