"""The stages that the other tests of the loop are played on."""

from __future__ import annotations

from tests.e2e.conftest import ground, scene, shared
from tests.jobs.publish.conftest import answered, world
from tests.jobs.retrain.conftest import answered as answered_loop
from tests.jobs.retrain.conftest import answered_once, eager, loop

__all__ = [
    "answered",
    "answered_loop",
    "answered_once",
    "eager",
    "ground",
    "loop",
    "scene",
    "shared",
    "world",
]
