"""Tables the scoring command wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from retouch.errors import CheckFailed

if TYPE_CHECKING:
    import pandas as pd


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
