"""The stages that the other tests of the loop are played on."""

from __future__ import annotations

from tests.jobs.publish.conftest import answered, world
from tests.jobs.retrain.conftest import eager, loop

__all__ = ["answered", "eager", "loop", "world"]
