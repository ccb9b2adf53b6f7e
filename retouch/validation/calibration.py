"""How scores lie about their labels: bias and interval coverage, or the reliability of odds."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.policy.promotion import Promotion
from retouch.validation.model import Calibration, ReliabilityBin
from retouch.validation.pairing import Paired
from retouch.validation.slices import Mask


def calibration_of(
    paired: Paired, slices: Sequence[tuple[str, Mask]], policy: Promotion
) -> tuple[Calibration, ...]:
    """Return both models' calibration on each of the slices, given by name and rows."""
    return ()


def reliability_of(paired: Paired, policy: Promotion) -> tuple[ReliabilityBin, ...]:
    """Return both models' reliability in bins of equal size; nothing unless labels are 0 and 1."""
    return ()
