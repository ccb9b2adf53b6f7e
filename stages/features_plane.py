"""Build the features of the plane that is scheduled to fly.

Reads   --flights   monthly files (contract flights)
        --planes    one file (contract planes)
Writes  --out       monthly files (contract plane-features), one row per flight
Params  none
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from stages.common.checks import write_checked_months
from stages.common.command import parse_options, run
from stages.common.contracts import FLIGHTS, PLANE_FEATURES, PLANES
from stages.common.tables import read_all_months, read_table

# The register spells one maker in several ways; the first word that matches decides. All others are
# rare here and share the last code.
MAKERS = ("AIRBUS", "BOEING", "BOMBARDIER", "CANADAIR", "EMBRAER", "MCDONNELL")


def plane_features(flights: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Give the plane features of every row of `flights`; a plane not in the register has none.

    The register lacks most planes of AA and MQ, which report fleet numbers instead of tail numbers.
    """
    plane = planes.set_index("tailnum").reindex(flights["tailnum"]).reset_index(drop=True)
    return pd.DataFrame(
        {
            "id": flights["id"],
            "day": flights["day"],
            "plane_age": flights["day"].str[:4].astype(float) - plane["year"],
            "plane_seats": plane["seats"],
            "plane_engines": plane["engines"],
            "plane_maker": plane["manufacturer"].map(maker_code, na_action="ignore").astype(float),
        }
    )


def maker_code(manufacturer: str) -> float:
    """Number the maker by the first word of its name."""
    word = manufacturer.split()[0]
    return float(MAKERS.index(word) if word in MAKERS else len(MAKERS))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("flights", "planes", "out"))
    flights = read_all_months(options.flights, FLIGHTS, ("id", "day", "tailnum")).to_pandas()
    table = plane_features(flights, read_table(options.planes, PLANES).to_pandas())
    write_checked_months(table, options.out, PLANE_FEATURES)
    return 0


if __name__ == "__main__":
    run(main)
