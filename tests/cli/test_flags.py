"""An alert in the flags of `retouch alert new`."""

from __future__ import annotations

import pytest

from retouch.cli.alert import condition, finding
from retouch.errors import InputError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("origin=JFK", {"column": "origin", "value": "JFK"}),
        ("origin = JFK", {"column": "origin", "value": "JFK"}),
        ("origin=JFK, LGA", {"column": "origin", "op": "in", "value": ["JFK", "LGA"]}),
        ("month=6,7", {"column": "month", "op": "in", "value": [6, 7]}),
        ("month>=6", {"column": "month", "op": "ge", "value": 6}),
        ("delay<-1.5", {"column": "delay", "op": "lt", "value": -1.5}),
        ("origin!=JFK", {"column": "origin", "op": "ne", "value": "JFK"}),
        ("late=true", {"column": "late", "value": True}),
        ('code="7"', {"column": "code", "value": "7"}),
        ("code=007", {"column": "code", "value": "007"}),
        ("carrier=9E", {"column": "carrier", "value": "9E"}),
    ],
)
def test_a_condition_is_read(text, said):
    read = condition(text)
    assert read == said
    assert type(read["value"]) is type(said["value"])


@pytest.mark.parametrize("text", ["origin", "=JFK", "origin=", "origin=JFK,", "month>=6,7", ""])
def test_what_is_no_condition_is_one_sentence(text):
    with pytest.raises(InputError, match=r"--where .* must be COLUMN=VALUE"):
        condition(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("psi=0.3", {"metric": "psi", "value": 0.3}),
        (
            "psi:air time = 0.3 > 0.2",
            {
                "metric": "psi",
                "column": "air time",
                "value": 0.3,
                "breach_when": "gt",
                "upper": 0.2,
            },
        ),
        ("auc=0.7<=0.8", {"metric": "auc", "value": 0.7, "breach_when": "le", "lower": 0.8}),
    ],
)
def test_a_finding_is_read(text, said):
    assert finding(text) == said


@pytest.mark.parametrize("text", ["psi", "psi=", "psi=nan", "PSI=0.3", "psi=0.3>", "psi=1e", "=1"])
def test_what_is_no_finding_is_one_sentence(text):
    with pytest.raises(InputError, match="--finding"):
        finding(text)
