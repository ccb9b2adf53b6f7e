"""The losses, row by row."""

from __future__ import annotations

from typing import get_args

import numpy as np

from retouch.policy.promotion import Limits
from retouch.validation.losses import LOSSES, loss_of


def test_every_loss_the_policy_may_name_is_there_and_no_other():
    assert set(LOSSES) == set(get_args(Limits.model_fields["loss"].annotation))


def test_absolute_error_is_in_the_unit_of_the_label(policy):
    loss = loss_of(policy(loss="absolute_error").limits)
    assert loss.per_row(np.array([1.0, 5.0]), np.array([3.0, 2.0])).tolist() == [2.0, 3.0]


def test_squared_error_weighs_the_large_misses(policy):
    loss = loss_of(policy(loss="squared_error").limits)
    assert loss.per_row(np.array([1.0, 5.0]), np.array([3.0, 2.0])).tolist() == [4.0, 9.0]
