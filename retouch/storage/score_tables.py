"""Tables of a checkout: scores as the scoring command wrote them, and single columns of data
files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from retouch.errors import CheckFailed

if TYPE_CHECKING:
    import pandas as pd
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any


def read_table(path: Path) -> pd.DataFrame:
    """Return the rows of a Parquet or CSV file, by its ending.

    Raises CheckFailed when it is neither.
    """
    import pandas as pd

    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        # A carrier or an id may well be called NA or None.
        return pd.read_csv(path, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise CheckFailed(f"{path}: is no table the gate can read: {error}") from None


MOST_FILES = 400
MOST_BYTES = 2_000_000_000
"""On disk, of all files together; beyond it nothing is read: a look is not worth the memory."""


@dataclass(frozen=True)
class Columns:
    """What was read."""

    frame: pd.DataFrame
    day: str
    """The column of days, or of moments."""


def read_columns(
    paths: Sequence[Path], column: str, day: str, others: Collection[str] = ()
) -> Columns | None:
    """Return a column, its days, and those of the other columns there are, of all these tables.

    The days are the column `day`, or where the first table lacks it its first column of moments.
    Tables without both are passed over. None when nothing is left, or when what is there cannot be
    read, whatever the reason: it is evidence to look at, and never a reason to fail.
    """
    import pandas as pd
    import pyarrow as pa

    tables: list[pd.DataFrame] = []
    found: str | None = None
    try:
        for path in _files(paths):
            schema = _schema(path)
            found = found or _day_column(schema, day)
            if column in schema.names and found in schema.names:
                wanted = [n for n in schema.names if n in {column, found, *others}]
                tables.append(_read(path, wanted))
        if not tables or found is None:
            return None
        return Columns(pd.concat(tables, ignore_index=True), found)
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError):
        return None


def _files(paths: Sequence[Path]) -> list[Path]:
    """Return the table files among them and below them, by name; none when they are too large."""
    files: list[Path] = []
    for path in paths:
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        files += [f for f in below if f.suffix in (".parquet", ".csv") and f.is_file()]
    too_large = len(files) > MOST_FILES or sum(f.stat().st_size for f in files) > MOST_BYTES
    return [] if too_large else files


def _schema(path: Path) -> Any:
    """Return the file's Arrow schema, read without its rows."""
    if path.suffix == ".parquet":
        from pyarrow import parquet

        return parquet.read_schema(path)
    from pyarrow import csv

    with csv.open_csv(path) as reader:
        return reader.schema


def _day_column(schema: Any, day: str) -> str | None:
    import pyarrow as pa

    if day in schema.names:
        return day
    moments = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    return moments[0] if moments else None


def _read(path: Path, wanted: list[str]) -> pd.DataFrame:
    if len(set(wanted)) < len(wanted):
        raise ValueError("two columns have the same name")
    if path.suffix == ".parquet":
        from pyarrow import parquet

        table = parquet.ParquetFile(path).read(columns=wanted)
    else:
        from pyarrow import csv

        table = csv.read_csv(path, convert_options=csv.ConvertOptions(include_columns=wanted))
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame
