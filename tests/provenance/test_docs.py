"""docs/provenance.md tells the truth: its examples are read, and every key is told."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from retouch.policy.monitors import Monitors, RegisteredMonitor, parse_monitors
from retouch.provenance.signers import parse_signers

PAGE = (Path(__file__).parents[2] / "docs/provenance.md").read_text()


def test_the_example_of_a_registry_is_one():
    (registry,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    monitors = parse_monitors(textwrap.dedent(registry))

    assert monitors.monitors["daily-error"].kinds == ("performance", "concept_drift")


def test_the_example_of_a_signer_is_one():
    (line,) = re.findall(r"^ *(daily-error namespaces.*)$", PAGE, re.MULTILINE)

    (signer,) = parse_signers(line).values()

    assert signer.principal == "daily-error"
    assert signer.namespaces == ("retouch-alert",)


@pytest.mark.parametrize("key", [*Monitors.model_fields, *RegisteredMonitor.model_fields])
def test_every_key_is_told(key):
    assert re.search(rf"^ *{key}:", PAGE, re.MULTILINE)
