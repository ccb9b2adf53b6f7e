"""Hold a pandas frame against its contract, with pandera, before it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
from pandera.errors import SchemaErrors

from stages.common.contracts import Column, Contract
from stages.common.faults import Fault, check_table, refuse, type_faults
from stages.common.tables import write_months, write_table


def write_checked_months(frame: pd.DataFrame, directory: Path, contract: Contract) -> None:
    """Check `frame` against `contract` and write it as one file per month."""
    write_months(check_rows(frame, contract), directory, contract)


def write_checked(frame: pd.DataFrame, path: Path, contract: Contract) -> None:
    """Check `frame` against `contract` and write it as one file."""
    write_table(check_rows(frame, contract), path, contract)


def check_rows(frame: pd.DataFrame, contract: Contract) -> pa.Table:
    """Give `frame` as an Arrow table.

    Raises `StageError`, which names every broken column of `frame` and counts its bad rows.
    """
    table = _arrow_table(frame, contract)
    if not table.num_rows:
        check_table(table, contract)
    refuse(contract, type_faults(table, contract))
    refuse(contract, frame_faults(frame, contract))
    return table


def frame_faults(frame: pd.DataFrame, contract: Contract) -> list[Fault]:
    """Find columns missing or unknown, and values empty, repeated or out of range."""
    try:
        frame_schema(contract).validate(frame, lazy=True)
    except SchemaErrors as errors:
        return _faults(errors, contract)
    return []


def frame_schema(contract: Contract) -> pandera.DataFrameSchema:
    """Translate `contract` for pandera; types are left to the Arrow schema of the written file."""
    columns = {name: _column(column) for name, column in contract.columns.items()}
    return pandera.DataFrameSchema(
        columns,
        unique=[contract.key],
        strict=True,
        name=contract.tag,
        metadata={"version": contract.version},
    )


def _arrow_table(frame: pd.DataFrame, contract: Contract) -> pa.Table:
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException:
        refuse(contract, (Fault(str(name), "of mixed types") for name in _mixed(frame)))
        raise


def _mixed(frame: pd.DataFrame) -> list[str]:
    names = []
    for name in frame.columns:
        try:
            pa.Array.from_pandas(frame[name])
        except pa.ArrowException:
            names.append(name)
    return names


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
    if column.type == "double":
        checks.append(pandera.Check(_finite, error="infinite"))
    return pandera.Column(checks=checks, nullable=column.nullable)


def _finite(values: pd.Series[float]) -> pd.Series[bool]:
    return values.astype(float).abs() != np.inf


_FAULTS = {
    "not_nullable": "empty",
    "multiple_fields_uniqueness": "repeated",
    "column_in_schema": "not in the contract",
    "column_in_dataframe": "missing",
}


def _faults(errors: SchemaErrors, contract: Contract) -> list[Fault]:
    faults = []
    for (column, check), cases in errors.failure_cases.groupby(["column", "check"], dropna=False):
        what = _FAULTS.get(str(check), str(check))
        if cases["index"].isna().all():
            faults += [Fault(str(name), what) for name in cases["failure_case"]]
        else:
            faults.append(Fault(str(column), what, int(cases["index"].nunique())))
    return faults
