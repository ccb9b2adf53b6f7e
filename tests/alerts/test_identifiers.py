"""The one rule for repository names, and the one for alert ids."""

from __future__ import annotations

import re

import pytest

from retouch.alerts.identifiers import ULID, is_repository_name
from retouch.engine.provenance import TrustSettings
from retouch.engine.submit_alerts import checked_repository
from retouch.errors import InputError


@pytest.mark.parametrize("name", ["acme/flights", "a-b/c.d_e", "acme/.github", "a/..."])
def test_a_repository_name_is_an_owner_and_a_name(name: str):
    assert is_repository_name(name)
    assert checked_repository(name) == name
    assert TrustSettings(repository=name).repository == name


@pytest.mark.parametrize("name", ["../..", "./x", "x/.", "x/..", "x", "x/y/z", "x/ y", "x/y\n"])
def test_what_could_lead_elsewhere_is_refused_wherever_a_name_is_read(name: str):
    assert not is_repository_name(name)
    with pytest.raises(InputError):
        checked_repository(name)
    with pytest.raises(InputError):
        TrustSettings(repository=name)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("01J1Q5T7M0A1B2C3D4E5F6G7H8", True),
        ("81J1Q5T7M0A1B2C3D4E5F6G7H8", False),
        ("01J1Q5T7M0A1B2C3D4E5F6G7HU", False),
        ("01j1q5t7m0a1b2c3d4e5f6g7h8", False),
        ("01J1Q5T7M0A1B2C3D4E5F6G7H", False),
    ],
)
def test_an_alert_id_is_a_ulid(text: str, fits: bool):
    assert bool(re.fullmatch(ULID, text)) == fits
