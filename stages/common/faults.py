"""What breaks a contract, in words, and the check of Arrow tables that finds it.

`checks` holds pandas frames against the same contracts with pandera; both give the same faults (a
test compares them on tables made at random). This one imports neither, so every table is checked
on writing, and the cheap stages stay cheap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as types

from stages.common.arrays import marked, missing, one_of
from stages.common.command import StageError
from stages.common.contracts import Column, Contract

_ACCEPTED = {
    "string": (types.is_string, types.is_large_string),
    "double": (types.is_floating, types.is_integer),
    "int64": (types.is_integer,),
    "timestamp": (lambda each: types.is_timestamp(each) and each.tz is not None,),
}
"""Types that turn into the contract's without a guess: text is no number, a naive time no moment.
An empty column has no type yet."""


@dataclass(frozen=True, order=True)
class Fault:
    """One way in which one column breaks its contract."""

    column: str
    what: str
    rows: int | None = None
    """The number of bad rows; None when it is the column as a whole."""

    def __str__(self) -> str:
        if self.rows is None:
            return f"column {self.column} is {self.what}"
        noun = "row" if self.rows == 1 else "rows"
        return f"column {self.column} is {self.what} in {self.rows} bad {noun}"


def refuse(contract: Contract, faults: Iterable[Fault]) -> None:
    """Raise a `StageError` that names every broken column and counts its bad rows, if any is."""
    if sentence := "; ".join(str(fault) for fault in sorted(faults)):
        raise StageError(f"contract {contract.tag} is broken: {sentence}")


def check_table(table: pa.Table, contract: Contract) -> None:
    """Raise a `StageError` unless `table` keeps `contract`."""
    if not table.num_rows:
        raise StageError(f"contract {contract.tag} is broken: the table has no rows")
    refuse(contract, type_faults(table, contract))
    refuse(contract, value_faults(table, contract))


def type_faults(table: pa.Table, contract: Contract) -> list[Fault]:
    """Find the columns whose type is not that of `contract`, nor one that turns into it."""
    return [
        Fault(name, f"of type {table[name].type}, not {column.type}")
        for name, column in contract.columns.items()
        if name in table.column_names
        and not types.is_null(table[name].type)
        and not any(accepts(table[name].type) for accepts in _ACCEPTED[column.type])
    ]


def value_faults(table: pa.Table, contract: Contract) -> list[Fault]:
    """Find columns missing or unknown, and values empty, repeated or out of range."""
    names, columns = table.column_names, contract.columns
    faults = [Fault(name, "not in the contract") for name in names if name not in columns]
    faults += [Fault(name, "missing") for name in columns if name not in names]
    for name, column in columns.items():
        if name in names:
            faults += [Fault(name, what, rows) for what, rows in _bad_rows(table[name], column)]
    if contract.key in names and (repeated := _repeated(table[contract.key])):
        faults.append(Fault(contract.key, "repeated", repeated))
    return faults


def _bad_rows(values: pa.ChunkedArray, column: Column) -> Iterator[tuple[str, int]]:
    empty = missing(values)
    if empty and not column.nullable:
        yield "empty", empty
    if empty == len(values):
        return
    if column.type in ("double", "int64"):
        yield from _out_of_range(values, column)
    if column.values:
        known = marked(one_of(values, column.values))
        if unknown := len(values) - empty - known:
            yield f"not one of {', '.join(column.values)}", unknown


def _out_of_range(values: pa.ChunkedArray, column: Column) -> Iterator[tuple[str, int]]:
    """Look at the extremes first: rows are counted, which costs more, only when one is bad."""
    extremes = pc.min_max(values).as_py()
    low, high = extremes["min"], extremes["max"]
    if column.low is not None and low < column.low:
        yield f"below {column.low:g}", marked(pc.less(values, column.low))
    if column.high is not None and high > column.high:
        yield f"above {column.high:g}", marked(pc.greater(values, column.high))
    if math.isinf(low) or math.isinf(high):
        yield "infinite", marked(pc.is_inf(values))


def _repeated(key: pa.ChunkedArray) -> int:
    """Count the rows whose key another row has too; an empty key is a fault of its own."""
    key = key.drop_null()
    if pc.count_distinct(key, mode="all").as_py() == len(key):
        return 0
    counts = pc.value_counts(key).field("counts").to_pylist()
    return sum(count for count in counts if count > 1)
