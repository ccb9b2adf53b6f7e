"""Score a model with the promotion policy's command, and read the rows it was trained on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.errors import CheckFailed, InputError
from retouch.policy.promotion import LearnedFrom, Scoring
from retouch.storage.score_tables import read_table
from retouch.system import files
from retouch.system.processes import Processes

if TYPE_CHECKING:
    import pandas as pd

_TABLE_SUFFIXES = (".parquet", ".csv")


def score_model(
    model: str,
    label: str,
    days: tuple[str, str],
    scoring: Scoring,
    *,
    root: Path,
    processes: Processes,
) -> pd.DataFrame:
    """Run the scoring command on `model` (a path from the root) and return the table it wrote.

    `days`: first day and day after the last, `YYYY-MM-DD`. `label` names the output and the log.
    No shell is involved: the command is split into words first, then the placeholders are filled.
    Raises CheckFailed when the command fails.
    """
    out = Path(".retouch/scores") / f"{label}.parquet"
    filled = {"{model}": model, "{from}": days[0], "{until}": days[1], "{out}": out.as_posix()}
    what = f"Scoring the {label} model"
    run_command(
        scoring.cmd, filled, what=what, log=f"score-{label}", root=root, processes=processes
    )
    return read_table(root / out)


def run_command(
    cmd: str,
    filled: Mapping[str, str],
    *,
    what: str,
    log: str,
    root: Path,
    processes: Processes,
) -> str:
    """Run a command of the policy with its placeholders filled, and return it as shell text.

    What an earlier run left at `{out}` is removed first. Raises CheckFailed, which begins with
    `what`, when the command fails or writes nothing there.
    """
    out = root / filled["{out}"]
    files.remove(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    words = shlex.split(cmd)
    for placeholder, value in filled.items():
        words = [word.replace(placeholder, value) for word in words]
    done = processes.run(words, cwd=root, log=root / ".retouch/logs" / f"{log}.log")
    if done.exit_code or not out.exists():
        raise CheckFailed(
            f"{what} failed (exit code {done.exit_code}): {done.last_lines(2)}",
            hint=f"Try it by hand: `{shlex.join(words)}`.",
        )
    return shlex.join(words)


def training_rows(learned_from: LearnedFrom, *, root: Path) -> pd.DataFrame:
    """Return the columns `id` and `day` (text; None where there is none) of all tables.

    The tables are at the policy's paths below `root`; only these columns are read. Raises
    InputError when a path has no table, or a table lacks a column.
    """
    import pandas as pd

    columns = {"id": learned_from.id, "day": learned_from.day}
    tables = []
    for path in learned_from.paths:
        for table in _training_tables(root / path, path):
            read = _read_columns(table, [name for name in columns.values() if name is not None])
            tables.append(
                pd.DataFrame(
                    {key: _as_text(read[name]) if name else None for key, name in columns.items()},
                    index=read.index,
                )
            )
    return pd.concat(tables, ignore_index=True)


def _training_tables(place: Path, path: str) -> Iterator[Path]:
    inside = sorted(place.rglob("*")) if place.is_dir() else [place]
    tables = [each for each in inside if each.suffix in _TABLE_SUFFIXES and each.is_file()]
    if not tables:
        raise InputError(
            f"{path}: has no Parquet or CSV file, but the promotion policy's"
            " holdout.learned_from names it.",
            hint="Correct its paths.",
        )
    yield from tables


def _read_columns(table: Path, columns: list[str]) -> pd.DataFrame:
    """Read these columns of one table. Raises InputError when it is no table, or lacks one."""
    import pandas as pd

    try:
        if table.suffix == ".parquet":
            return pd.read_parquet(table, columns=columns)
        return pd.read_csv(table, usecols=columns, dtype=str)
    except (OSError, ValueError, KeyError) as error:
        first = " ".join(str(error).split())[:200]
        raise InputError(
            f"{table}: the training rows cannot be read: {first}",
            hint="Correct holdout.learned_from in the promotion policy.",
        ) from None


def _as_text(column: pd.Series) -> pd.Series:
    """Return values as text, days and times as `YYYY-MM-DD`; None for what is missing."""
    from pandas.api.types import is_datetime64_any_dtype

    text = column.dt.strftime("%Y-%m-%d") if is_datetime64_any_dtype(column) else column.astype(str)
    return text.astype(object).where(column.notna(), None)
