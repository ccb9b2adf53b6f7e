"""When a request is retried: a decision over values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.github.errors import (
    MAX_ATTEMPTS,
    MAX_TOTAL_WAIT_SECONDS,
    Failure,
    retry_delay,
)

NOW = 1_700_000_000.0
SPENT = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 90)}
DROPPED = Failure(None, "closed the connection")
UNREACHED = Failure(None, "could not be reached", sent=False)

failures = st.builds(
    Failure,
    st.none() | st.integers(300, 599),
    st.sampled_from(["", "You have exceeded a secondary rate limit.", "Not here"]),
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        st.sampled_from(["0", "7", "1700000090", "soon", "", "-5", "9" * 400, "٣"]),
    ),
    st.booleans(),
)


@pytest.mark.parametrize("failure", [DROPPED, UNREACHED, *map(Failure, (500, 502, 503, 504, 520))])
def test_a_transient_failure_is_retried_four_times_with_doubled_delays(failure):
    delays = [retry_delay(n, failure, now=NOW, jitter=1.0) for n in range(1, MAX_ATTEMPTS + 1)]

    assert delays == [1.0, 2.0, 4.0, 8.0, None]


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 409, 410, 422, 451])
def test_a_refusal_is_not_retried(status):
    assert retry_delay(1, Failure(status, "No"), now=NOW, jitter=0.0) is None


@pytest.mark.parametrize(
    ("failure", "attempt", "delay"),
    [
        (Failure(429, headers={"retry-after": "17"}), 1, 17.0),
        (Failure(403, headers={"retry-after": "17"}), 3, 17.0),
        (Failure(503, headers={"retry-after": "17"}), 1, 17.0),
        (Failure(403, headers=SPENT), 1, 91.0),
        (Failure(429, headers=SPENT), 1, 91.0),
        (Failure(403, headers=SPENT | {"retry-after": "5"}), 1, 5.0),
        (Failure(403, headers=SPENT | {"x-ratelimit-reset": "12"}), 1, 1.0),
        (Failure(403, "You have exceeded a secondary rate limit"), 1, 60.0),
        (Failure(403, "You have triggered an abuse detection mechanism"), 2, 120.0),
        (Failure(429), 1, 60.0),
        (Failure(429, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), 1, 60.0),
        # The budget of a request that failed for another reason says nothing.
        (Failure(502, headers=SPENT), 1, 0.5),
    ],
)
def test_the_delay_follows_githubs_headers(failure, attempt, delay):
    assert retry_delay(attempt, failure, now=NOW, jitter=0.0) == delay


def test_a_delay_beyond_the_total_is_not_begun():
    limited = Failure(429, headers={"retry-after": "200"})

    assert retry_delay(1, limited, now=NOW, jitter=0.0) == 200
    assert retry_delay(2, limited, now=NOW, jitter=0.0, waited=200.0) is None
    assert retry_delay(1, limited, now=NOW, jitter=0.0, max_total_wait=199.0) is None


@given(failures, st.floats(0, 1, exclude_max=True))
def test_all_waits_together_are_bounded(failure, jitter):
    waited, attempt = 0.0, 1
    while (
        delay := retry_delay(attempt, failure, now=NOW, jitter=jitter, waited=waited)
    ) is not None:
        assert delay >= 0
        waited, attempt = waited + delay, attempt + 1
    assert attempt <= MAX_ATTEMPTS
    assert waited <= MAX_TOTAL_WAIT_SECONDS


@given(failures)
def test_a_rate_limit_is_transient_and_has_no_effect(failure):
    if failure.is_rate_limit:
        assert failure.status in (403, 429)
        assert failure.is_transient
        assert not failure.may_have_taken_effect


@pytest.mark.parametrize(
    ("failure", "doubtful"),
    [
        (UNREACHED, False),
        (DROPPED, True),
        (Failure(429), False),
        (Failure(403, headers=SPENT), False),
        (Failure(422), False),
        (Failure(500), True),
        (Failure(502), True),
        (Failure(503), False),
        (Failure(504), True),
    ],
)
def test_a_request_that_was_never_sent_or_was_turned_away_took_no_effect(failure, doubtful):
    assert failure.may_have_taken_effect is doubtful
