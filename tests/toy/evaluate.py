"""Mean absolute error of the bundle over all rows."""

import csv
import json
import pathlib
import sys

bundle, source, target = sys.argv[1:]
means = {
    r: json.loads((pathlib.Path(bundle) / f"{r}.json").read_text())["mean"] for r in ("eu", "us")
}
with pathlib.Path(source).open() as file:
    errors = [abs(float(r["label"]) - means[r["region"]]) for r in csv.DictReader(file)]
with pathlib.Path(target).open("w") as file:
    json.dump({"mae": round(sum(errors) / len(errors), 6), "rows": len(errors)}, file)
