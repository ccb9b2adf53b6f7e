"""Histories of alerts: made by hand from a few words, and random ones for the properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from retouch.alerts.new import new_alert, ulid
from retouch.policy.silences import Silence
from retouch.policy.suppression import Suppression
from retouch.suppression.records import Answered, ReceivedAlert
from retouch.suppression.state import alert_states
from tests.properties import tried

FEW = tried(50)
START = datetime(2013, 7, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(hours=0.0):
    """Return a moment, counted in hours from the start."""
    return START + hours * HOUR


def alert_id(number):
    """Return the id of alert `number`."""
    return ulid(START, number.to_bytes(10))


def day(number):
    """Return the window of day `number`, as an alert in a few words has it."""
    first = START.date() + timedelta(days=number)
    return [str(first), str(first + timedelta(days=1))]


def taken(number, hours=0.0, *, trusted=True, **said):
    """Return an alert taken in so many hours after the start, emitted that very moment."""
    words = {"model": "m", "kind": "data_drift", "monitor": "daily", "dataset": "rows"}
    alert = new_alert(words | said, now=at(hours), randomness=number.to_bytes(10))
    return ReceivedAlert(
        alert=alert.model_copy(update={"alert_id": alert_id(number)}),
        received_at=at(hours),
        trusted=trusted,
    )


def daily(pattern, **said):
    """Return one alert a day: `F` fires, `q` is quiet, `.` says nothing."""
    return [
        taken(i, 24 * i, window=day(i), status="firing" if sign == "F" else "resolved", **said)
        for i, sign in enumerate(pattern)
        if sign != "."
    ]


def answer(*numbers, hours=0.0, kept=False, action="retrain", stages=(), window=None):
    """Return the answer to some alerts, given so many hours after the start."""
    return Answered(
        report_id=alert_id(numbers[0]),
        alert_ids=tuple(map(alert_id, numbers)),
        at=at(hours),
        action=action,
        kept=kept,
        stages=stages,
        window=window,
    )


def silence(name="Known", starts=0.0, ends=1000.0, **match):
    """Return a silence between two moments in hours from the start."""
    return Silence(
        name=name, why="We know.", author="Ann", match=match, starts=at(starts), ends=at(ends)
    )


def columns_as_stages(alert):
    """Return stages as a pipeline would have them that has one for each column."""
    return frozenset(alert.slice.columns) or frozenset({"all"})


def outcome(alerts, hours=10_000.0, *, answers=(), silences=(), production=None, **said):
    """Return where the alerts stand so many hours after the start, by settings in a few words."""
    return alert_states(
        alerts,
        answers,
        silences,
        Suppression.model_validate(said),
        columns_as_stages,
        at(hours),
        production,
    )


def states(told):
    """Return the states of all alerts, in the order they came."""
    return [one.standing.state for one in told.alerts]


def acting(told):
    """Return the ids of all alerts that are to be planned now."""
    return {alert_id for group in told.groups for alert_id in group.alert_ids}


SETTINGS = st.fixed_dictionaries(
    {
        "group_wait": st.sampled_from(["0 minutes", "1 hour"]),
        "otherwise": st.fixed_dictionaries(
            {"for": st.integers(1, 2), "keep_firing": st.integers(1, 2)}
        ),
        "cooldown": st.sampled_from(["3 hours", "2 days"]),
        "repeat_after": st.sampled_from(["4 hours", "3 days"]),
        "forget_after": st.sampled_from(["5 hours", "4 days"]),
        "flapping": st.just({"windows": 4, "above": 0.5, "below": 0.4}),
        "inhibit": st.sampled_from(
            [
                [],
                [
                    {
                        "name": "Broken data mutes drift",
                        "why": "So.",
                        "when": {"family": "data quality"},
                        "mutes": {"family": "distribution shift"},
                    }
                ],
                [
                    {
                        "name": "Severe drift mutes performance",
                        "why": "So.",
                        "when": {"kind": "data_drift", "severity": {"at_least": "warning"}},
                        "mutes": {"family": "performance"},
                        "equal": ["model"],
                    },
                    {
                        "name": "Performance mutes broken data",
                        "why": "So.",
                        "when": {"family": "performance"},
                        "mutes": {"family": "data quality"},
                        "equal": ["model", "where"],
                    },
                ],
            ]
        ),
    }
).map(Suppression.model_validate)


@st.composite
def histories(draw, max_size=14):
    """Alerts over a few hours and windows, few enough signals that they meet."""
    return [
        taken(
            number,
            draw(st.integers(0, 12)),
            trusted=draw(st.sampled_from([True, True, True, False])),
            kind=draw(st.sampled_from(["data_drift", "data_quality", "performance"])),
            dataset=draw(st.sampled_from(["rows", "weather"])),
            columns=draw(st.lists(st.sampled_from("ab"), min_size=1, max_size=2, unique=True)),
            severity=draw(st.sampled_from(["info", "warning", "critical"])),
            window=day(draw(st.integers(0, 3))),
            status=draw(st.sampled_from(["firing", "firing", "firing", "resolved", "no_data"])),
        )
        for number in range(draw(st.integers(1, max_size)))
    ]


@st.composite
def answers_to(draw, alerts):
    """Answers to some of the alerts, after they came."""
    chosen = draw(
        st.lists(st.sampled_from(alerts), max_size=3, unique_by=lambda t: t.alert.alert_id)
    )
    return [
        Answered(
            report_id=one.alert.alert_id,
            alert_ids=(one.alert.alert_id,),
            at=one.received_at + draw(st.integers(0, 3)) * HOUR,
            action="retrain",
            kept=draw(st.booleans()),
            stages=tuple(draw(st.lists(st.sampled_from("ab"), max_size=2, unique=True))),
            window=one.alert.slice.current.window,
        )
        for one in chosen
    ]


SILENCES = st.lists(
    st.builds(
        silence,
        st.uuids().map(str),
        st.integers(0, 8),
        st.integers(9, 30),
        kind=st.sampled_from(["data_drift", "data_quality", "performance"]),
    ),
    max_size=2,
)
