"""Fit one sub-model: the mean label of its region before its day."""

import csv
import json
import os
import pathlib
import sys
import time

import settings

region, source, target = sys.argv[1:]
params = settings.read(f"parts.{region}")
time.sleep(float(os.environ.get("TOY_SLOW", params["slow"])))  # TOY_SLOW: for tests that kill it
if params["until"] == "2024-02-30":
    sys.exit(f"no such day: {params['until']}")
with pathlib.Path(source).open() as file:
    rows = list(csv.DictReader(file))
labels = [float(r["label"]) for r in rows if r["region"] == region and r["day"] < params["until"]]
pathlib.Path(target).parent.mkdir(exist_ok=True)
with pathlib.Path(target).open("w") as file:
    json.dump({"mean": round(sum(labels) / len(labels), 6), "until": params["until"]}, file)
