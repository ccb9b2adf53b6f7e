"""What is told of the store in this clone alone: to DVC in `.dvc/config.local`, and to git."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retouch.errors import InputError
from retouch.system import files
from retouch.system.processes import run

FOLDER = Path(".retouch/store")
_NAMES = ("store", "retouch-store")
"""What DVC knows the folder by; the second where a remote of the project has the first."""


def keep_out_of_git(root: Path) -> None:
    """See to it that nobody commits the folder by mistake; git is told in this clone alone."""
    if run(["git", "check-ignore", "--quiet", f"{FOLDER}/x"], cwd=root).exit_code == 0:
        return
    told = run(["git", "rev-parse", "--git-path", "info/exclude"], cwd=root).output.strip()
    exclude = root / told
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


def known_as(root: Path) -> str | None:
    """Return the name of the remote that is the store's folder, if there is one."""
    return _known_as(_config(root), root)


def _known_as(config: Any, root: Path) -> str | None:
    ours = (root / FOLDER).resolve()
    for name, remote in config["remote"].items():
        url = remote.get("url", "")
        if "://" not in url and url and (root / ".dvc" / url).resolve() == ours:
            return str(name)
    return None


def tell_dvc(root: Path) -> tuple[str, bool]:
    """Name the folder in `.dvc/config.local`; return the name, and whether it is the default."""
    from dvc.config_schema import RelPath

    config = _config(root)
    name = _known_as(config, root) or next(n for n in _NAMES if n not in config["remote"])
    with config.edit("local") as local:
        local["remote"][name] = {**local["remote"].get(name, {}), "url": RelPath(root / FOLDER)}
        default = local["core"].setdefault("remote", name)
    return name, default == name
