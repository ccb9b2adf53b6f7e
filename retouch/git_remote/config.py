"""The store in DVC's configuration: its folder in this clone, and the address others read from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retouch.alerts.identifiers import is_repository_name
from retouch.errors import InputError
from retouch.git_remote.branch import REMOTE
from retouch.system import files
from retouch.system.processes import run

FOLDER = Path(".retouch/store")
_NAMES = ("store", "retouch-store")
"""What DVC knows the folder by; the second where a remote of the project has the first."""


def keep_out_of_git(root: Path) -> None:
    """Keep the folder from being committed by mistake, by an exclude rule of this clone alone."""
    if run(["git", "check-ignore", "--quiet", f"{FOLDER}/x"], cwd=root).exit_code == 0:
        return
    result = run(["git", "rev-parse", "--git-path", "info/exclude"], cwd=root).output.strip()
    exclude = root / result
    before = files.read_text(exclude) if exclude.exists() else ""
    lines = [*before.splitlines(), f"{FOLDER.parts[0]}/"]
    files.write_text(exclude, "".join(f"{line}\n" for line in lines))


def _config(root: Path) -> Any:
    from dvc.config import Config, ConfigError

    try:
        return Config(str(root / ".dvc"))
    except ConfigError as error:
        raise InputError(f"DVC's configuration cannot be read: {error}") from None


def default_remote(root: Path) -> str | None:
    """Return the name of DVC's default remote here, if there is one. Raises InputError."""
    name = _config(root)["core"].get("remote")
    return None if name is None else str(name)


def remote_name(root: Path) -> str | None:
    """Return the name of the remote that is the store's folder, if there is one."""
    return _remote_name(_config(root), root)


def _remote_name(config: Any, root: Path) -> str | None:
    ours = (root / FOLDER).resolve()
    for name, remote in config["remote"].items():
        url = remote.get("url", "")
        if "://" not in url and url and (root / ".dvc" / url).resolve() == ours:
            return str(name)
    return None


def configure_dvc(root: Path) -> tuple[str, bool]:
    """Name the folder in `.dvc/config.local`; return the name, and whether it is the default."""
    from dvc.config_schema import RelPath

    config = _config(root)
    name = _remote_name(config, root) or next(n for n in _NAMES if n not in config["remote"])
    with config.edit("local") as local:
        local["remote"][name] = {**local["remote"].get(name, {}), "url": RelPath(root / FOLDER)}
        default = local["core"].setdefault("remote", name)
    return name, default == name


READER = "github"
"""What the read-only remote is called."""
_GITHUB = re.compile(
    r"(?:https?://(?:[^/@]*@)?|ssh://(?:[^/@]*@)?|(?:[^/@:]*@)?)github\.com(?::\d+)?[:/]+"
    r"(?P<name>[^/]+/[^/]+?)(?:\.git)?/*"
)


def reader_address(root: Path, branch: str, *, repository: str | None = None) -> str:
    """Return where the files of the branch can be read. Raises InputError outside of github.com."""
    name = repository or _of_remote(root)
    if not is_repository_name(name):
        raise InputError(f"{name!r} is not OWNER/NAME.", hint="Give it: `--repository OWNER/NAME`.")
    return f"https://raw.githubusercontent.com/{name}/{branch}"


def _of_remote(root: Path) -> str:
    done = run(["git", "remote", "get-url", REMOTE], cwd=root)
    found = _GITHUB.fullmatch(done.output.strip())
    if done.exit_code or found is None:
        raise InputError(
            f"The remote {REMOTE!r} is not at github.com, so the address is unknown.",
            hint="Name the repository: `--repository OWNER/NAME`.",
        )
    return found["name"]


def add_reader(root: Path, url: str) -> Mapping[str, bool]:
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
