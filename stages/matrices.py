"""Numbers for scikit-learn out of tables: a missing value becomes NaN, which the models handle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats: TypeAlias = npt.NDArray[np.float64]


def vector(table: pa.Table, column: str) -> Floats:
    """Give one numeric column of `table`."""
    return np.asarray(table[column].to_numpy(), dtype=np.float64)


def matrix(table: pa.Table, columns: Sequence[str]) -> Floats:
    """Give numeric columns of `table` as a matrix, one row per row of the table."""
    return np.column_stack([vector(table, column) for column in columns])


def learnable(features: Floats) -> Floats:
    """Fill the columns that are missing in every row with zeros: a constant is never split on.

    scikit-learn's gradient boosting cannot bin a column without a value, and would fail.
    """
    return np.where(np.isnan(features).all(axis=0), 0.0, features)


def rounded(value: Any, digits: int = 4) -> float:
    """Give a plain float for JSON, without digits that nobody could act on."""
    return round(float(value), digits)
