"""DVC's default remote: which it is, and whether it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retouch.errors import CheckFailed


@dataclass(frozen=True)
class Remote:
    """A remote as the project's configuration names it."""

    name: str
    url: str

    @property
    def is_folder(self) -> bool:
        """It is a folder of this machine."""
        return "://" not in self.url


def default_remote(root: Path) -> Remote | None:
    """Return the default remote; None without one. Raises CheckFailed when DVC cannot open the
    project."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        repo = Repo(str(root))
    except DvcException as error:
        raise CheckFailed(_line(error)) from None
    with repo:
        name = repo.config["core"].get("remote")
        if not name:
            return None
        return Remote(str(name), str(repo.config["remote"].get(name, {}).get("url", "")))


def remote_exists(root: Path, name: str) -> bool:
    """Tell whether there is anything at a remote's address. Raises CheckFailed when it does not
    answer."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            odb = repo.cloud.get_remote_odb(name=name)
            return bool(odb.fs.exists(odb.path))
    except (DvcException, OSError, ValueError, ImportError) as error:
        raise CheckFailed(_line(error)) from None


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
