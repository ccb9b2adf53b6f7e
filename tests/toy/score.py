"""Score a bundle on the rows of some days: the project's contract with the gate."""

import csv
import json
import pathlib
import sys

import pyarrow
from pyarrow import parquet

bundle, start, until, out = sys.argv[1:]
models = {r: json.loads((pathlib.Path(bundle) / f"{r}.json").read_text()) for r in ("eu", "us")}
with pathlib.Path("data/clean.csv").open() as file:
    rows = [row for row in csv.DictReader(file) if start <= row["day"] < until]
scores = [
    {
        "id": row["id"],
        "time": f"{row['day']}T12:00:00Z",
        "day": row["day"],
        "label": float(row["label"]),
        "score": models[row["region"]]["mean"],
        "region": row["region"],
    }
    for row in rows
]
parquet.write_table(pyarrow.Table.from_pylist(scores), out)
