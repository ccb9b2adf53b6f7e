"""The seven parts of the model, each with its own slice of flights, label and windows.

block time = air time (by region of the destination) + taxi time (by origin)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stages.common.command import StageError
from stages.common.contracts import (
    FEATURES,
    FLIGHTS,
    ORIGINS,
    REGIONS,
    TEXT,
    Column,
    Contract,
    join,
)


@dataclass(frozen=True)
class Part:
    """One sub-model: it predicts `label` for the flights whose column `by` equals `value`."""

    component: Literal["air", "taxi"]
    by: Literal["region", "origin"]
    value: str

    @property
    def name(self) -> str:
        """The name used in params.yaml, file names and reports, such as air-north."""
        return f"{self.component}-{self.value}"

    @property
    def label(self) -> str:
        """The column of the flights table this part predicts."""
        return "air_time" if self.component == "air" else "taxi"

    @property
    def log(self) -> bool:
        """Whether the part is fitted on the logarithm of its label: taxi times have a long tail."""
        return self.component == "taxi"

    @property
    def groups(self) -> tuple[str, ...]:
        """The feature groups the part learns from.

        A region is reached from all three origins, so air parts see the weather of each.
        """
        origins = ORIGINS if self.component == "air" else (self.value,)
        return ("schedule", "plane", "history", *(f"weather-{origin}" for origin in origins))

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns the part learns from, in the order of its model's matrix."""
        return tuple(name for group in self.groups for name in FEATURES[group].features)

    @property
    def window(self) -> Contract:
        """The contract of the part's training and calibration tables: key, day, label, features."""
        label = FLIGHTS.columns[self.label]
        present = Column("double", low=label.low, high=label.high)
        base = {"id": TEXT, "day": TEXT, self.label: present}
        return join(f"window-{self.name}", 1, base, self.groups)


_ALL = (
    *(Part("air", "region", region) for region in REGIONS),
    *(Part("taxi", "origin", origin) for origin in ORIGINS),
)
PARTS: Mapping[str, Part] = {part.name: part for part in _ALL}


def find_part(name: str) -> Part:
    """Give the part called `name`."""
    try:
        return PARTS[name]
    except KeyError:
        raise StageError(f"there is no part {name!r}; the parts are {', '.join(PARTS)}") from None
