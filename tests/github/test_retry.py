"""When a request is sent again: a decision over values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.github.retry import (
    MAX_ATTEMPTS,
    PATIENCE_SECONDS,
    Failed,
    is_limit,
    may_pass,
    retry_after,
    surely_not_done,
)

NOW = 1_700_000_000.0
SPENT = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 90)}
DROPPED = Failed(None, "broke off the connection")
UNREACHED = Failed(None, "cannot be reached", arrived=False)

failures = st.builds(
    Failed,
    st.none() | st.integers(300, 599),
    st.sampled_from(["", "You have exceeded a secondary rate limit.", "Not here"]),
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        st.sampled_from(["0", "7", "1700000090", "soon", "", "-5", "9" * 400, "٣"]),
    ),
    st.booleans(),
)


@pytest.mark.parametrize("failed", [DROPPED, UNREACHED, *map(Failed, (500, 502, 503, 504, 520))])
def test_what_may_pass_is_tried_four_times_more_and_twice_as_late_each_time(failed):
    pauses = [retry_after(n, failed, now=NOW, jitter=1.0) for n in range(1, MAX_ATTEMPTS + 1)]

    assert pauses == [1.0, 2.0, 4.0, 8.0, None]


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 409, 410, 422, 451])
def test_a_clear_no_is_not_asked_again(status):
    assert retry_after(1, Failed(status, "No"), now=NOW, jitter=0.0) is None


@pytest.mark.parametrize(
    ("failed", "attempt", "pause"),
    [
        (Failed(429, headers={"retry-after": "17"}), 1, 17.0),
        (Failed(403, headers={"retry-after": "17"}), 3, 17.0),
        (Failed(503, headers={"retry-after": "17"}), 1, 17.0),
        (Failed(403, headers=SPENT), 1, 91.0),
        (Failed(429, headers=SPENT), 1, 91.0),
        (Failed(403, headers=SPENT | {"retry-after": "5"}), 1, 5.0),
        (Failed(403, headers=SPENT | {"x-ratelimit-reset": "12"}), 1, 1.0),
        (Failed(403, "You have exceeded a secondary rate limit"), 1, 60.0),
        (Failed(403, "You have triggered an abuse detection mechanism"), 2, 120.0),
        (Failed(429), 1, 60.0),
        (Failed(429, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), 1, 60.0),
        # The budget of a request that failed for another reason says nothing.
        (Failed(502, headers=SPENT), 1, 0.5),
    ],
)
def test_github_says_how_long_to_wait(failed, attempt, pause):
    assert retry_after(attempt, failed, now=NOW, jitter=0.0) == pause


def test_a_wait_that_is_too_long_is_not_begun():
    asked = Failed(429, headers={"retry-after": "200"})

    assert retry_after(1, asked, now=NOW, jitter=0.0) == 200
    assert retry_after(2, asked, now=NOW, jitter=0.0, waited=200.0) is None
    assert retry_after(1, asked, now=NOW, jitter=0.0, patience=199.0) is None


@given(failures, st.floats(0, 1, exclude_max=True))
def test_all_waits_together_are_bounded(failed, jitter):
    waited, attempt = 0.0, 1
    while (
        pause := retry_after(attempt, failed, now=NOW, jitter=jitter, waited=waited)
    ) is not None:
        assert pause >= 0
        waited, attempt = waited + pause, attempt + 1
    assert attempt <= MAX_ATTEMPTS
    assert waited <= PATIENCE_SECONDS


@given(failures)
def test_a_limit_turns_the_request_away_and_may_pass(failed):
    if is_limit(failed):
        assert failed.status in (403, 429)
        assert may_pass(failed)
        assert surely_not_done(failed)


@pytest.mark.parametrize(
    ("failed", "sure"),
    [
        (UNREACHED, True),
        (DROPPED, False),
        (Failed(429), True),
        (Failed(403, headers=SPENT), True),
        (Failed(500), False),
        (Failed(502), False),
        (Failed(503), True),
        (Failed(504), False),
    ],
)
def test_only_what_never_arrived_or_was_turned_away_is_surely_not_done(failed, sure):
    assert surely_not_done(failed) is sure
