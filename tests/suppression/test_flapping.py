"""A signal flaps when most of its last windows changed; newer changes weigh more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.policy.suppression import FlappingLimits
from retouch.suppression.incidents import FlappingDetector, change_share


@pytest.mark.parametrize(
    ("firing", "windows", "share"),
    [
        ([], 5, 0),
        ([True] * 9, 5, 0),
        ([True, False] * 9, 5, 1),
        ([True, False, False, False, False], 5, 0.8 / 4),
        ([True, True, True, True, False], 5, 1.2 / 4),
        ([True, False], 5, 1.2 / 4),
    ],
)
def test_the_share_of_changes_is_weighted_by_age(firing, windows, share):
    assert change_share(firing, windows) == pytest.approx(share)


@given(st.lists(st.booleans(), max_size=40), st.integers(3, 30))
def test_the_share_is_between_none_and_all(firing, windows):
    assert 0 <= change_share(firing, windows) <= 1 + 1e-9


def test_flapping_ends_only_below_the_lower_limit():
    flaps = FlappingDetector(FlappingLimits(windows=5, above=0.5, below=0.25))

    told = []
    for day, firing in enumerate([True, False, True, False, False, False, False, False]):
        flaps.record((day, day + 1), firing=firing)
        told.append(flaps.flapping)

    assert told == [False, False, True, True, True, True, False, False]


def test_a_window_told_again_counts_as_what_was_last_said():
    flaps = FlappingDetector(FlappingLimits(windows=5))

    for day, firing in enumerate([True, False, True]):
        flaps.record((day, day + 1), firing=firing)
    flaps.record((1, 2), firing=True)

    assert flaps.share == 0
