"""Drop rows whose label is above the highest plausible one."""

import csv
import pathlib
import sys

import settings

with pathlib.Path(sys.argv[1]).open() as file:
    rows = list(csv.DictReader(file))
highest = float(settings.read("clean.highest"))
with pathlib.Path(sys.argv[2]).open("w", newline="") as file:
    writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for row in rows if float(row["label"]) <= highest)
