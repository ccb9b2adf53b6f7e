"""Pushes of git into the repository of the fake GitHub: it is asked before and after each.

A hook of the bare repository tells the fake who pushes, by the GITHUB_TOKEN of the process, and
what. Whoever has none is a person who may do everything. So a push can be refused as GitHub refuses
it, and go wrong as a call of the API can.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.github.bare import Bare
from tests.github.protection import Move, Refusal

PATH = "/pushed"
_NONE = "0" * 40
_HOOK = """#!{python} -IS
import http.client, json, os, sys
env = {{k: v for k, v in os.environ.items() if k.startswith(("GIT_OBJ", "GIT_ALT", "GIT_QUAR"))}}
asked = {{"when": "{when}", "env": env, "token": os.environ.get("GITHUB_TOKEN", "")}}
asked["moves"] = [line.split() for line in sys.stdin]
try:
    line = http.client.HTTPConnection("127.0.0.1", {port}, timeout=60)
    line.request("POST", "{path}", json.dumps(asked), {{"Content-Type": "application/json"}})
    told = json.loads(line.getresponse().read())
except (OSError, http.client.HTTPException):
    told = {{"refused": "the connection is gone"}}
if told["refused"]:
    sys.exit(told["refused"])
"""


@dataclass(frozen=True)
class Push:
    """What a hook tells."""

    after: bool
    token: str
    moves: tuple[Move, ...]
    env: Mapping[str, str]
    """By which git sees the objects that come along."""

    @classmethod
    def read(cls, body: Any) -> Push:
        """Read what the hook sent."""
        moves = tuple(
            Move(ref, None if old == _NONE else old, None if new == _NONE else new)
            for old, new, ref in body["moves"]
        )
        return cls(body["when"] == "after", body["token"], moves, body["env"])

    @property
    def name(self) -> str:
        """By which tests name it."""
        return f"PUSH {' '.join(move.ref for move in self.moves)}"


def install(git: Bare, port: int) -> None:
    """Let every push ask the fake that listens at a port."""
    folder = git.folder / "hooks"
    folder.mkdir(exist_ok=True)
    for name, when in (("pre-receive", "before"), ("post-receive", "after")):
        hook = folder / name
        text = _HOOK.format(python=sys.executable, when=when, port=port, path=PATH)
        hook.write_text(text)
        hook.chmod(0o755)


def remove(git: Bare) -> None:
    """Ask nobody any more."""
    for name in ("pre-receive", "post-receive"):
        (git.folder / "hooks" / name).unlink(missing_ok=True)


def words(move: Move, refusal: Refusal, name: str) -> str:
    """Return what git shows of a push that GitHub refuses, to whoever pushed."""
    if not refusal.is_ruleset:
        short = move.ref.split("/", 2)[2]
        return f" ! [remote rejected] {short} -> {short} ({refusal.message})"
    return (
        f"error: GH013: Repository rule violations found for {move.ref}.\n"
        f"Review all repository rules at https://github.com/{name}/rules?ref={move.ref}\n\n"
        f"- {refusal.message}\n"
    )
