"""How many examples a property is tried on."""

from __future__ import annotations

import os

from hypothesis import settings

WILD = os.environ.get("HYPOTHESIS_PROFILE") == "wild"


def tried(number: int) -> settings:
    """Try a property on this many examples, and on ten times as many in the wild profile."""
    return settings(max_examples=number * 10 if WILD else number, deadline=None)
