"""Hold the rows of a table against its contract, with pandera, before they are written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
from pandera.errors import SchemaErrors

from stages.common.command import StageError
from stages.common.contracts import Column, Contract
from stages.common.tables import write_months, write_table


def write_checked_months(frame: pd.DataFrame, directory: Path, contract: Contract) -> None:
    """Check `frame` against `contract` and write it as one file per month."""
    check_rows(frame, contract)
    write_months(pa.Table.from_pandas(frame, preserve_index=False), directory, contract)


def write_checked(frame: pd.DataFrame, path: Path, contract: Contract) -> None:
    """Check `frame` against `contract` and write it as one file."""
    check_rows(frame, contract)
    write_table(pa.Table.from_pandas(frame, preserve_index=False), path, contract)


def check_rows(frame: pd.DataFrame, contract: Contract) -> None:
    """Raise a `StageError` that names every broken column of `frame` and counts its bad rows."""
    if frame.empty:
        raise StageError(f"contract {contract.tag} is broken: the table has no rows")
    try:
        frame_schema(contract).validate(frame, lazy=True)
    except SchemaErrors as errors:
        raise StageError(f"contract {contract.tag} is broken: {_summary(errors)}") from None


def frame_schema(contract: Contract) -> pandera.DataFrameSchema:
    """Translate `contract` for pandera; types are left to the Arrow schema of the written file."""
    columns = {name: _column(column) for name, column in contract.columns.items()}
    return pandera.DataFrameSchema(columns, unique=[contract.key], strict=True)


def _column(column: Column) -> pandera.Column:
    checks = []
    if column.low is not None:
        checks.append(pandera.Check.ge(column.low, error=f"below {column.low:g}"))
    if column.high is not None:
        checks.append(pandera.Check.le(column.high, error=f"above {column.high:g}"))
    if column.values:
        checks.append(
            pandera.Check.isin(column.values, error=f"not one of {', '.join(column.values)}")
        )
    return pandera.Column(checks=checks, nullable=column.nullable)


_FAULTS = {
    "not_nullable": "empty",
    "multiple_fields_uniqueness": "repeated",
    "column_in_schema": "not in the contract",
    "column_in_dataframe": "missing",
}


def _summary(errors: SchemaErrors) -> str:
    faults = []
    for (column, check), cases in errors.failure_cases.groupby(["column", "check"], dropna=False):
        fault = _FAULTS.get(str(check), str(check))
        if cases["index"].isna().all():
            faults.append(f"column {cases['failure_case'].iloc[0]} is {fault}")
        else:
            rows = cases["index"].nunique()
            faults.append(
                f"column {column} is {fault} in {rows} bad {'row' if rows == 1 else 'rows'}"
            )
    return "; ".join(faults)
