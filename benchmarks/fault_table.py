"""The faults to plant, and what is right to do about each: written down before anything was run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from benchmarks import planted
from benchmarks.worlds import days_after

Right = Literal["leave the model", "quarantine"]
"""`leave the model`: whatever is done, the model in production stays as it is, byte for byte.
`quarantine`: what the model has learned wrong is forgotten, and nothing else is fitted."""


@dataclass(frozen=True)
class Fault:
    """One fault, the alert it raises, and what is right to do."""

    name: str
    message: str
    right: Right
    because: str
    clock: str
    starts: tuple[str, int]
    """The first day it can start on, and how many days a seed may put it off."""
    days: int
    alert: Mapping[str, Any]
    """But for its days and its slice."""
    slices: tuple[tuple[str, str], ...]
    """Column and value, one of them for each seed."""
    table: str = planted.FLIGHTS
    change: planted.Change | None = None
    policy: Callable[[str], str] | None = None
    """What it does to the retraining policy."""
    seeds: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Planted:
    """A fault as one seed made it."""

    fault: Fault
    seed: int
    days: tuple[str, str] = field(init=False)
    column: str = field(init=False)
    value: str = field(init=False)

    def __post_init__(self) -> None:
        """Draw the days and the slice."""
        first, spare = self.fault.starts
        put_off = int(np.random.default_rng(self.seed).integers(0, spare + 1))
        start = days_after(first, put_off)
        column, value = self.fault.slices[(self.seed - 1) % len(self.fault.slices)]
        object.__setattr__(self, "days", (start, days_after(start, self.fault.days)))
        object.__setattr__(self, "column", column)
        object.__setattr__(self, "value", value)

    @property
    def name(self) -> str:
        """A name for its copy."""
        return f"{self.fault.name}-{self.seed}"


def more_trees(policy: str) -> str:
    """Have the tiers that refit ask for five times the trees, as a careless change would."""
    edit = "      - set: model.air.max_iter\n        to: 400\n"
    for tier in ("refit", "full"):
        head, _, tail = policy.partition(f"\n  {tier}:\n")
        tail = tail.replace("    edits:\n", f"    edits:\n{edit}", 1)
        policy = f"{head}\n  {tier}:\n{tail}"
    return policy


_NEWEST = ("2013-06-01", 8)
"""Days after those the model in production has learned from, and before the hold-out of 1 July."""
_SERIOUS = {"severity": "critical", "dataset": "flights"}
FAULTS = (
    Fault(
        name="weather-kelvin",
        message="A week of temperatures in kelvin",
        right="leave the model",
        because="Readings no instrument can give are blanked; the model has learned none of them.",
        clock="2013-07-01",
        starts=_NEWEST,
        days=7,
        table=planted.WEATHER,
        change=planted.kelvin,
        alert={"kind": "data_quality", "dataset": "weather", "columns": ["temp"]},
        slices=(("origin", "EWR"),),
        seeds=(1,),
    ),
    Fault(
        name="weather-celsius",
        message="A week of temperatures in Celsius, each of them possible",
        right="leave the model",
        because="Who fits now learns that June was cold; no rule can mend it, its owner has to.",
        clock="2013-07-01",
        starts=_NEWEST,
        days=7,
        table=planted.WEATHER,
        change=planted.celsius,
        alert={"kind": "data_quality", "dataset": "weather", "columns": ["temp"]},
        slices=(("origin", "EWR"), ("origin", "JFK")),
    ),
    Fault(
        name="schedule-four-hours",
        message="A week of the schedule four hours late, in UTC",
        right="leave the model",
        because="The feed is wrong, not the model, and the model has learned none of it.",
        clock="2013-07-01",
        starts=_NEWEST,
        days=7,
        change=planted.four_hours_late,
        alert={"kind": "data_quality", "columns": ["sched_dep_time"], **_SERIOUS},
        slices=(("origin", "EWR"), ("origin", "JFK")),
    ),
    Fault(
        name="labels-scrambled",
        message="A week in which 30 % of the arrivals are written down up to 80 minutes late",
        right="quarantine",
        because="The week was calibrated on: forgotten labels do less harm than wrong ones.",
        clock="2013-04-16",
        starts=("2013-03-17", 7),
        days=7,
        change=planted.scrambled_labels,
        alert={"kind": "label_quality", "columns": ["taxi"], **_SERIOUS},
        # Not LaGuardia: what follows there is a week without controllers, which hides the rest.
        slices=(("origin", "EWR"), ("origin", "JFK")),
    ),
    Fault(
        name="carrier-degraded",
        message="One carrier is 20 minutes longer in the air for two weeks",
        right="leave the model",
        because="It is one carrier's trouble, and over when the two weeks are.",
        clock="2013-05-01",
        starts=("2013-04-17", 0),
        days=14,
        change=planted.slower(20),
        alert={"kind": "performance", "columns": ["air_time"], **_SERIOUS},
        slices=(("carrier", "UA"), ("carrier", "B6")),
    ),
    Fault(
        name="slow-predict",
        message="The policy's refit asks for five times the trees",
        right="leave the model",
        because="A model several times slower breaks what its users were promised.",
        clock="2013-07-01",
        starts=("2013-06-16", 0),
        days=15,
        policy=more_trees,
        alert={"kind": "manual", "columns": ["air_time"], **_SERIOUS},
        slices=(("region", "central"),),
        seeds=(1,),
    ),
    Fault(
        name="nothing-wrong",
        message="Nothing: a false alarm",
        right="leave the model",
        because="There is nothing to gain, and each change is a risk.",
        clock="2013-04-16",
        starts=("2013-04-01", 0),
        days=15,
        alert={"kind": "performance", "columns": ["air_time"], **_SERIOUS},
        slices=(("region", "north"), ("region", "west")),
    ),
)
