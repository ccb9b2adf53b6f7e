"""The stages that the other tests of the loop are played on."""

from __future__ import annotations

from tests.loop_retrain.conftest import eager, loop
from tests.publishing.conftest import answered, world

__all__ = ["answered", "eager", "loop", "world"]
