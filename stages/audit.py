"""Audit the model bundle: whom it serves badly, what it relies on, what it may have seen.

Reads   --bundle    a directory made by assemble
        --holdout   one table (contract scores)
        --flights   monthly files (contract flights)
        --features  the directories of all feature groups
Writes  --audit     one JSON file
Params  audit.{seed,repeats}, evaluate.{from,until}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from stages.accuracy import block_errors
from stages.bundle import Bundle, load_bundle, predict_component
from stages.common.command import parse_options, run
from stages.common.contracts import FEATURES, LABELS, SCORES
from stages.common.outputs import write_json
from stages.common.params import Key, read_params
from stages.common.periods import parse_period
from stages.common.tables import read_table
from stages.matrices import rounded, vector
from stages.score import labelled, read_flights

# Below this size a subgroup's error is mostly the weather of a few days.
MIN_FLIGHTS, MIN_DAYS = 200, 10
# The label itself correlates 1; the best honest feature, the distance, stays below.
MAX_CORRELATION = 0.999


@dataclass(frozen=True)
class Params:
    """The seed and number of permutations, and the hold-out period."""

    seed: Annotated[int, Key("audit.seed")]
    repeats: Annotated[int, Key("audit.repeats")]
    start: Annotated[str, Key("evaluate.from")]
    until: Annotated[str, Key("evaluate.until")]


def subgroups(scores: pd.DataFrame, flights: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the errors of every subgroup, the worst first; small ones are marked as not reliable."""
    known = flights["plane_seats"].notna()
    groupings = {
        "region": scores["region"],
        "origin": scores["origin"],
        "carrier": scores["carrier"],
        "area": scores["area"],
        "departure": scores["departure"],
        "plane": known.map({True: "in the register", False: "not in the register"}),
    }
    rows = []
    for name, values in groupings.items():
        for value, members in scores.groupby(values.to_numpy()):
            summary = block_errors(members)
            enough = summary["flights"] >= MIN_FLIGHTS and summary["days"] >= MIN_DAYS
            rows.append({"grouping": name, "value": str(value), **summary, "enough": bool(enough)})
    return sorted(rows, key=lambda row: (-row["mae"], row["grouping"], row["value"]))


def importance(
    bundle: Bundle, flights: pa.Table, rng: np.random.Generator, repeats: int
) -> dict[str, float]:
    """Give the minutes of error added when the features of one group are shuffled between flights.

    A whole group is shuffled at once: its columns stand in for one another, so that shuffling them
    one by one would call each of them unimportant.
    """
    label = vector(flights, "block")
    base = block_error(bundle, flights, label)
    groups = {"schedule": ["schedule"], "plane": ["plane"], "history": ["history"]}
    groups["weather"] = [group for group in FEATURES if group.startswith("weather-")]
    added = {}
    for name, members in groups.items():
        columns = [column for group in members for column in FEATURES[group].features]
        errors = []
        for _ in range(repeats):
            order = pa.array(rng.permutation(flights.num_rows))
            errors.append(block_error(bundle, shuffled(flights, columns, order), label))
        added[name] = rounded(np.mean(errors) - base)
    return added


def block_error(bundle: Bundle, flights: pa.Table, label: Any) -> float:
    """Give the mean absolute error of the block time."""
    parts = [predict_component(bundle, flights, name).score for name in ("air", "taxi")]
    return float(np.abs(sum(parts) - label).mean())


def shuffled(flights: pa.Table, columns: Sequence[str], order: pa.Array) -> pa.Table:
    """Take `columns` in another `order` and leave the other columns as they are."""
    for name in columns:
        place = flights.schema.get_field_index(name)
        flights = flights.set_column(place, name, flights[name].take(order))
    return flights


def leak_checks(
    manifest: Mapping[str, Any], flights: pd.DataFrame, start: str
) -> list[dict[str, Any]]:
    """Check that the hold-out can judge the bundle: nothing in it was known before."""
    seen = manifest["seen_until"]
    features = sorted({name for part in manifest["parts"].values() for name in part["features"]})
    labels = sorted(set(features) & set(LABELS))
    correlation = flights[features].corrwith(flights["block"]).abs()
    strongest = str(correlation.idxmax())
    return [
        {
            "check": "The hold-out starts when every part has stopped learning.",
            "passed": seen <= start,
            "evidence": f"hold-out from {start}, parts have seen days before {seen}",
        },
        {
            "check": "No label is among the features.",
            "passed": not labels,
            "evidence": ", ".join(labels) or f"{len(features)} features, none is a label",
        },
        {
            "check": "No feature gives the label away.",
            "passed": bool(correlation.max() < MAX_CORRELATION),
            "evidence": f"strongest is {strongest}, correlation {correlation.max():.3f}",
        },
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(
        argv, __doc__, paths=("bundle", "holdout", "flights", "audit"), path_lists=("features",)
    )
    params = read_params(options.params, Params)
    period = parse_period("evaluate", params.start, params.until)
    bundle = load_bundle(options.bundle)
    flights = labelled(read_flights(options.flights, options.features, period))
    scores, frame = read_table(options.holdout, SCORES).to_pandas(), flights.to_pandas()
    audit = {
        "subgroups": subgroups(scores, frame),
        "importance": importance(
            bundle, flights, np.random.default_rng(params.seed), params.repeats
        ),
        "leaks": leak_checks(bundle.manifest, frame, params.start),
    }
    write_json(options.audit, audit)
    return 0


if __name__ == "__main__":
    run(main)
