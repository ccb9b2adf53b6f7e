"""Read and write Parquet under a contract, with the same bytes for the same rows.

pyarrow only: the cheap stages read tables without paying for the import of pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.common.command import StageError
from stages.common.contracts import Contract
from stages.common.faults import check_table
from stages.common.outputs import new_directory, new_file
from stages.common.periods import Period

_ARROW_TYPES = {
    "string": pa.string(),
    "double": pa.float64(),
    "int64": pa.int64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_TAG = b"contract"


def arrow_schema(contract: Contract) -> pa.Schema:
    """Give the Arrow schema of `contract`, with its tag as the only metadata."""
    columns = contract.columns.items()
    fields = [pa.field(name, _ARROW_TYPES[column.type]) for name, column in columns]
    return pa.schema(fields, metadata={_TAG: contract.tag.encode()})


def write_table(table: pa.Table, path: Path, contract: Contract) -> None:
    """Check `table` against `contract` and write it to `path` with its columns, types and tag."""
    check_table(table, contract)
    with new_file(path) as partial:
        _write(table, partial, contract)


def write_months(table: pa.Table, directory: Path, contract: Contract) -> None:
    """Check `table` and write it as one file per month of its `day` column, rows sorted by key.

    When the clock moves on, only the newest files change, and storage keeps the others as they are.
    """
    check_table(table, contract)
    table = table.sort_by(contract.key)
    months = pc.utf8_slice_codeunits(table["day"], 0, 7)
    with new_directory(directory) as partial:
        for month in sorted(months.unique().to_pylist()):
            rows = table.filter(pc.equal(months, month))
            _write(rows, partial / f"{month}.parquet", contract)


def read_table(path: Path, contract: Contract, columns: Sequence[str] | None = None) -> pa.Table:
    """Read `columns` (default: all) of the file at `path`, which must follow `contract`."""
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError:
        raise StageError(f"{path} does not exist; `dvc repro` makes it") from None
    except pa.ArrowInvalid:
        raise StageError(f"{path} is not a readable Parquet file") from None
    with file:
        tag = (file.schema_arrow.metadata or {}).get(_TAG, b"none").decode()
        if tag != contract.tag:
            raise StageError(
                f"{path} follows contract {tag}, this code reads {contract.tag}; run `dvc repro`"
            )
        if not file.schema_arrow.equals(arrow_schema(contract)):
            raise StageError(f"{path}: columns or types are not those of contract {contract.tag}")
        table = file.read(columns=list(contract.columns if columns is None else columns))
    _check_present(table, path, contract)
    return table


def read_months(
    directory: Path, contract: Contract, period: Period, columns: Sequence[str] | None = None
) -> pa.Table:
    """Read the monthly files of `directory` that overlap `period`, in order."""
    files = [
        each
        for each in sorted(directory.glob("????-??.parquet"))
        if period.overlaps_month(each.stem)
    ]
    if not files:
        raise StageError(f"{directory} holds no month between {period.start} and {period.until}")
    return pa.concat_tables([read_table(file, contract, columns) for file in files])


def read_all_months(
    directory: Path, contract: Contract, columns: Sequence[str] | None = None
) -> pa.Table:
    """Read all monthly files of `directory`, in order."""
    return read_months(directory, contract, Period("0000-01-01", "9999-12-31"), columns)


def _check_present(table: pa.Table, path: Path, contract: Contract) -> None:
    """Refuse missing values where the contract allows none; ranges were checked before writing."""
    for name in table.column_names:
        missing = table[name].null_count
        if missing and not contract.columns[name].nullable:
            raise StageError(f"{path}: column {name} is empty in {missing} bad rows")


def _write(table: pa.Table, path: Path, contract: Contract) -> None:
    try:
        table = table.select(list(contract.columns)).cast(arrow_schema(contract))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as fault:
        raise StageError(
            f"contract {contract.tag} is broken: {' '.join(str(fault).split())}"
        ) from None
    # Fixed options, because the defaults may change with pyarrow and then every hash would.
    pq.write_table(table, path, compression="zstd", compression_level=3, version="2.6")
