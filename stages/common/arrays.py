"""Small questions to Arrow columns that do not import pandas.

`pa.scalar` and `pa.array` import it, and so does comparing a column with a Python value: 0.4 s, as
much as a window takes altogether.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc


def one_of(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    """Mark the rows of a text column that hold one of `values`."""
    wanted = pa.lib.StringBuilder()
    wanted.append_values(list(values))
    return pc.is_in(column.cast(pa.string()), value_set=wanted.finish())


def chosen(places: pa.ChunkedArray, names: Iterable[str]) -> pa.ChunkedArray:
    """Give the name at each place, counted from 0."""
    listed = pa.lib.StringBuilder()
    listed.append_values(list(names))
    return pc.take(listed.finish(), places)


def marked(rows: pa.ChunkedArray) -> int:
    """Count the rows that are marked true."""
    return int(pc.sum(rows).as_py() or 0)


def missing(column: pa.ChunkedArray) -> int:
    """Count the rows that are empty; NaN stands for empty in a column of numbers."""
    nan = marked(pc.is_nan(column)) if pa.types.is_floating(column.type) else 0
    return int(column.null_count) + nan
