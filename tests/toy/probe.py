"""Rows nobody observed: `rows FROM UNTIL OUT` writes some, `score BUNDLE ROWS OUT` scores such."""

import csv
import json
import pathlib
import sys

import pyarrow
from pyarrow import parquet

what, first, second, out = sys.argv[1:]
if what == "rows":
    with pathlib.Path("data/clean.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if first <= row["day"] < second]
    table = [
        {"row": n, "region": row["region"], "size": float(n % 7)} for n, row in enumerate(rows)
    ]
else:
    models = {r: json.loads((pathlib.Path(first) / f"{r}.json").read_text()) for r in ("eu", "us")}
    table = [
        {"row": row["row"], "score": models[row["region"]]["mean"]}
        for row in parquet.read_table(second).to_pylist()
    ]
parquet.write_table(pyarrow.Table.from_pylist(table), out)
