"""The registry of monitors is read strictly, and a mistake is named."""

from __future__ import annotations

import pytest

from retouch.errors import InputError
from retouch.policy.monitors import Monitors, parse_monitors

WHOLE = """\
version: 1
repository: acme/flights
monitors:
  daily-error:
    description: The error of each day, when its flights have landed.
    owner: the forecasting team
    kinds: [performance]
    datasets: [flights, weather]
    unsigned: hold
    senders: [ann, "relay[bot]"]
  weather/feed:
    description: Whether the weather of each hour is there.
    owner: ann@example.org
"""


def test_a_registry_says_what_each_monitor_may_speak_about():
    monitors = parse_monitors(WHOLE)

    daily = monitors.monitors["daily-error"]
    assert monitors.repository == "acme/flights"
    assert daily.kinds == ("performance",)
    assert daily.datasets == ("flights", "weather")
    assert daily.senders == ("ann", "relay[bot]")


def test_what_is_left_out_is_not_limited_but_unsigned_alerts_are_held():
    feed = parse_monitors(WHOLE).monitors["weather/feed"]

    assert (feed.kinds, feed.datasets, feed.senders) == (None, None, None)
    assert feed.unsigned == "hold"


def test_without_a_file_there_are_no_monitors():
    assert Monitors() == parse_monitors("version: 1\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1\n", "", "version: missing; write `version: 1`."),
        ("version: 1", "version: 2", "version: "),
        ("owner: the forecasting team", "onwer: x", "monitors.daily-error.onwer: unknown key"),
        ("unsigned: hold", "unsigned: maybe", "'maybe' is unknown; it must be 'hold' or"),
        ("[performance]", "[perfromance]", "did you mean 'performance'?"),
        ("[performance]", "[]", "monitors.daily-error.kinds: "),
        ("[ann, ", "['a n', ", "monitors.daily-error.senders[0]: 'a n' does not match"),
        ("acme/flights", "acme", "repository: 'acme' does not match"),
        ("  daily-error:", "  ../../etc:", "monitors"),
        ("  weather/feed:", "  daily-error:", "the key is given more than once"),
    ],
)
def test_a_mistake_is_named_with_its_place(old, new, message):
    with pytest.raises(InputError) as refusal:
        parse_monitors(WHOLE.replace(old, new, 1))

    assert refusal.value.message.startswith("policies/monitors.yaml: ")
    assert message in refusal.value.message


@pytest.mark.parametrize("text", ["", "[]", "hello"])
def test_what_is_no_mapping_is_refused(text):
    with pytest.raises(InputError, match="must be a mapping of keys to values"):
        parse_monitors(text)
