"""The settings of suppression: what they are when nothing is said, and what is refused."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from retouch.errors import InputError
from retouch.policy import suppression as settings
from retouch.policy.check import lint_policy
from retouch.policy.model import Policy
from retouch.policy.suppression import Duration, Suppression, duration_text
from retouch.schema_errors import validated

PAGE = (Path(__file__).parents[2] / "docs/suppression.md").read_text()
SECTION = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])["suppression"]
TIER = {
    "description": "Do.",
    "module": "train",
    "must": "improve",
    "edits": [{"set": "k", "to": 1}],
}
DURATION = TypeAdapter(Duration)
DRIFT, BROKEN = {"kind": "data_drift"}, {"kind": "data_quality"}


def read(section):
    return validated(Suppression, section, "p.yaml", hint="Mend it.")


def inhibition(name, when, mutes):
    return {"name": name, "why": "So.", "when": when, "mutes": mutes}


def lint(**section):
    rule = {
        "name": "fit",
        "why": "So.",
        "when": {},
        "try": ["refit"],
        "examples": [{"given": {}, "expect": {"hold": "x"}}],
    }
    return lint_policy(
        Policy.model_validate(
            {
                "version": 1,
                "model": "m",
                "tiers": {"refit": TIER},
                "rules": [rule],
                "suppression": section,
            }
        )
    )


def test_the_defaults_are_those_the_page_shows():
    assert read(SECTION) == Suppression()


@pytest.mark.parametrize(
    "part",
    [
        Suppression,
        settings.Inhibition,
        settings.Persistence,
        settings.FlappingLimits,
    ],
    ids=lambda part: part.__name__,
)
def test_every_key_is_documented(part):
    for name, field in part.model_fields.items():
        assert re.search(rf"\b{field.alias or name}\b", PAGE), name


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("0 minutes", 0), ("1 minute", 1), ("15 minutes", 15), ("12 hours", 720), ("7 days", 10080)],
)
def test_a_duration_is_written_in_words(text, minutes):
    assert DURATION.validate_python(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    ["15", "15m", "PT15M", "1 days", "2 day", "-1 days", "1.5 hours", "7 days\n", "٣ days", 7],
)
def test_any_other_duration_is_refused(text):
    with pytest.raises(InputError, match=r"p\.yaml: cooldown: must be a duration"):
        read({"cooldown": text})


@given(st.integers(0, 9999), st.sampled_from(["minutes", "hours", "days"]))
def test_a_duration_is_written_as_it_can_be_read(number, unit):
    duration = timedelta(**{unit: number})

    assert DURATION.validate_python(duration_text(duration)) == duration or duration > timedelta(
        9999
    )


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"cooldwn": "7 days"}, "cooldwn: unknown key; did you mean 'cooldown'?"),
        ({"otherwise": {"for": 0, "keep_firing": 1}}, "otherwise.for: should be greater"),
        ({"otherwise": {"for": 1}}, "otherwise.keep_firing: missing."),
        ({"flapping": {"below": 0.6}}, "flapping: 'below' must not be higher than 'above'."),
        (
            {"inhibit": [inhibition("a", {}, DRIFT)]},
            "inhibit[0].when: must name at least one condition",
        ),
        (
            {"inhibit": [inhibition("a", BROKEN, {})]},
            "inhibit[0].mutes: must name at least one condition",
        ),
        (
            {"inhibit": [inhibition("a", BROKEN, DRIFT) | {"equal": ["datset"]}]},
            "inhibit[0].equal[0]: 'datset' is unknown; did you mean 'dataset'?",
        ),
        (
            {"inhibit": [inhibition("a", BROKEN, DRIFT)] * 2},
            "two rules are named 'a'; receipts refer to them by name.",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(section, message):
    with pytest.raises(InputError) as caught:
        read(section)

    assert caught.value.message.startswith(f"p.yaml: {message}")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({}, None),
        (
            {
                "persistence": [
                    {"name": "a", "when": {"family": "data quality"}, "for": 1, "keep_firing": 1},
                    {"name": "b", "when": BROKEN, "for": 1, "keep_firing": 1},
                ]
            },
            "suppression.persistence[1] ('b') is unreachable: an earlier rule matches every",
        ),
        (
            {"inhibit": [inhibition("a", {"family": "data quality"}, BROKEN)]},
            "suppression.inhibit[0] ('a') mutes nothing: every alert it would mute meets",
        ),
        (
            {
                "inhibit": [
                    inhibition("a", DRIFT, {"family": "performance"}),
                    inhibition("b", BROKEN, DRIFT),
                ]
            },
            "suppression.inhibit[1] ('b') may mute an alert by which inhibit[0] ('a')",
        ),
        (
            {"group_wait": "2 days"},
            "suppression.group_wait is 2 days: even the most urgent",
        ),
    ],
)
def test_odd_settings_are_reported(section, message):
    sentences = lint(**section)

    assert len(sentences) == (message is not None)
    assert message is None or sentences[0].startswith(message)
