"""Open a DVC project, and turn whatever DVC cannot read of it into one clear error."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.errors import InputError

if TYPE_CHECKING:
    from dvc.repo import Repo

_LONGEST = 400
_HINT = "`dvc status` shows where; `git checkout COMMIT -- FILE` restores another."
_HINT_TO_OPEN = "Correct .dvc/config, .dvc/config.local or .dvcignore."
_HINT_ON_TYPES = 'DVC knows texts, numbers, lists and mappings. Quote a date: "2024-01-31".'


def open_repository(root: Path, *, no_scm: bool = False) -> Repo:
    """Return DVC's view of the project at `root`.

    `no_scm`: as if there were no git. Raises InputError for a configuration that DVC refuses.
    """
    with read_by_dvc("DVC cannot open the project", root, hint=_HINT_TO_OPEN):
        from dvc.repo import Repo

        return Repo(str(root), config={"core": {"no_scm": True}} if no_scm else None)


@contextmanager
def read_by_dvc(failed: str, root: Path, *, hint: str = _HINT) -> Iterator[None]:
    """Let DVC read files of the project at `root`; whatever it raises becomes an InputError.

    `failed`: how the message begins. Besides its own exceptions DVC raises what its parsers and its
    checks happen to raise: TypeError for a date in params, RecursionError for an anchor within
    itself. Nothing of ours may run within, or its faults would be called the project's.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        if isinstance(error, TypeError) and "Unsupported value of type" in str(error):
            hint = _HINT_ON_TYPES
        raise InputError(f"{failed}: {_reason(error, root)}.", hint=hint) from None


def _reason(error: Exception, root: Path) -> str:
    """Return DVC's reason in one line, with the cause where it only says that a file is bad."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply, or an anchor holds itself"
    said = one_line(error)
    cause = error.__cause__
    if cause is not None and (why := one_line(cause)) not in said:
        said = f"{said}: {why}"
    for here in (f"{os.path.relpath(root)}{os.sep}", f"{root}{os.sep}"):
        said = re.sub(rf"(?<![\w./]){re.escape(here)}", "", said)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST].rpartition(' ')[0]} ..."


def one_line(error: BaseException) -> str:
    """Return an error's text in one line; without a text, what kind of error it is."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
