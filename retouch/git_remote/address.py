"""Where others read the store: the address of the branch's files, for DVC's http remote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from retouch.errors import InputError
from retouch.git_remote.branch import REMOTE
from retouch.system.processes import run

READER = "github"
"""What the read-only remote is called."""
_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_GITHUB = re.compile(
    r"(?:https?://(?:[^/@]*@)?|ssh://(?:[^/@]*@)?|(?:[^/@:]*@)?)github\.com(?::\d+)?[:/]+"
    r"(?P<name>[^/]+/[^/]+?)(?:\.git)?/*"
)


def address(root: Path, branch: str, *, repository: str | None = None) -> str:
    """Return where the files of the branch can be read. Raises InputError outside of github.com."""
    name = repository or _of_remote(root)
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is not OWNER/NAME.", hint="Say it: `--repository OWNER/NAME`.")
    return f"https://raw.githubusercontent.com/{name}/{branch}"


def _of_remote(root: Path) -> str:
    done = run(["git", "remote", "get-url", REMOTE], cwd=root)
    found = _GITHUB.fullmatch(done.output.strip())
    if done.exit_code or found is None:
        raise InputError(
            f"The remote {REMOTE!r} is not at github.com, so the address is not known.",
            hint="Say which repository it is: `--repository OWNER/NAME`.",
        )
    return found["name"]


def name_reader(root: Path, url: str) -> Mapping[str, bool]:
    """Name the address in the committed `.dvc/config`, as a remote to read from.

    It becomes the default where there is none. Returns whether it is `new` and `default`. Raises
    InputError when another remote has the name.
    """
    from dvc.config import Config, ConfigError

    try:
        with Config(str(root / ".dvc")).edit("repo") as config:
            known = config["remote"].get(READER)
            if known is not None and known.get("url") != url:
                raise InputError(
                    f".dvc/config: has another remote named {READER!r}: {known.get('url')}.",
                    hint=f"Rename it: `dvc remote rename {READER} NAME`.",
                )
            config["remote"].setdefault(READER, {"url": url})
            default = config["core"].setdefault("remote", READER) == READER
    except ConfigError as error:
        raise InputError(f"DVC's configuration cannot be read: {error}") from None
    return {"new": known is None, "default": default}
