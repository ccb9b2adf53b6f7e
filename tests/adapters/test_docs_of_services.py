"""What the documentation shows of contexts and mappings can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retouch.adapters.base.context import parse_context
from retouch.adapters.base.mapping import parse_mapping
from retouch.policy.strict_yaml import read_yaml

DOCS = Path(__file__).parent.parent.parent / "docs"
MAPPINGS = Path(__file__).parent / "mappings"
SHOWN = "\n".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("monitors*.md")))


def blocks():
    return re.findall(r"```yaml\n(.*?)```", SHOWN, re.DOTALL)


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_documentation_shows_each_mapping_as_it_is_tested(path):
    text = path.read_text(encoding="utf-8")

    assert text in SHOWN
    assert parse_mapping(read_yaml(text, path.name, hint=""), path.name).version == 1


def test_each_context_that_is_shown_can_be_read():
    contexts = [text for text in blocks() if "\nmonitor: " in text]

    assert contexts
    for text in contexts:
        assert parse_context(read_yaml(text, "context.yaml", hint=""), "context.yaml").model
