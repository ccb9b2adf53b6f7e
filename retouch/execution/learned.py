"""The rows a model has learned from, read from its tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.errors import InputError
from retouch.policy.promotion import LearnedFrom

if TYPE_CHECKING:
    import pandas as pd

_ENDINGS = (".parquet", ".csv")


def learned_rows(learned_from: LearnedFrom, *, root: Path) -> pd.DataFrame:
    """Return the columns `id` and `day` (text; None where there is none) of all tables.

    The tables lie at the policy's paths below `root`; only these columns are read. Raises
    InputError when a path holds no table, or a table lacks a column.
    """
    import pandas as pd

    columns = {"id": learned_from.id, "day": learned_from.day}
    tables = []
    for path in learned_from.paths:
        for table in _tables(root / path, path):
            read = _read(table, [name for name in columns.values() if name is not None])
            tables.append(
                pd.DataFrame(
                    {key: _text(read[name]) if name else None for key, name in columns.items()},
                    index=read.index,
                )
            )
    return pd.concat(tables, ignore_index=True)


def _tables(place: Path, path: str) -> Iterator[Path]:
    inside = sorted(place.rglob("*")) if place.is_dir() else [place]
    tables = [each for each in inside if each.suffix in _ENDINGS and each.is_file()]
    if not tables:
        raise InputError(
            f"{path}: holds no Parquet or CSV file, but the promotion policy's"
            " holdout.learned_from names it.",
            hint="Correct its paths.",
        )
    yield from tables


def _read(table: Path, columns: list[str]) -> pd.DataFrame:
    """Read these columns of one table. Raises InputError when it is none, or lacks one."""
    import pandas as pd

    try:
        if table.suffix == ".parquet":
            return pd.read_parquet(table, columns=columns)
        return pd.read_csv(table, usecols=columns, dtype=str)
    except (OSError, ValueError, KeyError) as error:
        first = " ".join(str(error).split())[:200]
        raise InputError(
            f"{table}: the rows a model has learned from cannot be read: {first}",
            hint="Correct holdout.learned_from in the promotion policy.",
        ) from None


def _text(column: pd.Series) -> pd.Series:
    """Return values as text, days and times as `YYYY-MM-DD`; None for what is missing."""
    from pandas.api.types import is_datetime64_any_dtype

    text = column.dt.strftime("%Y-%m-%d") if is_datetime64_any_dtype(column) else column.astype(str)
    return text.astype(object).where(column.notna(), None)
