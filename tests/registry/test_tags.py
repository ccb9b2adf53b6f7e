"""The names of tags are read and written as GTO reads and writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.errors import InputError
from retouch.registry.tags import Tag, parse_tag, tag_name
from tests.registry.histories import tag

WHOLE = ["v", "v1.2.3", "v0.0.1-rc.1+b", "v01.2.3", "deprecated", "created", "models=churn"]
PARTS = st.sampled_from(
    [*"abcZ09-/_.=:#@!+ \n\u00e9", *WHOLE, "churn", "prod", "#3", "@", "#", "!"]
)
NAMES = st.lists(PARTS, max_size=8).map("".join)


def _parsed(name: str) -> Tag | None:
    return parse_tag(name, commit="a" * 40, at=datetime(2024, 1, 1, tzinfo=UTC))


def _as_gto_has_it(name: str) -> tuple[object, ...] | None:
    from gto.constants import tag_re
    from gto.tag import parse_name

    if "\n" in name or not tag_re.search(name):
        return None
    said = parse_name(name)
    if "action" not in said:
        return None  # `@created`, which GTO itself stumbles over
    kinds = {"register": "version", "deregister": "deregister", "assign": "assign"}
    kinds |= {"unassign": "unassign", "deprecate": "deprecate"}
    kind = kinds[said["action"].value]
    return said["name"], kind, said.get("version"), said.get("stage"), said.get("counter")


@given(NAMES)
def test_a_name_says_what_it_says_to_gto_or_nothing(name: str):
    found = _parsed(name)
    ours = found and (found.model, found.kind, found.version, found.stage, found.counter)
    assert ours == _as_gto_has_it(name)


@pytest.mark.parametrize(
    "name",
    [
        "churn@v1.2.3",
        "churn@v1.2.3!",
        "churn@v1.2.3-rc.1+build.7#4",
        "models=churn#prod#7",
        "churn#prod!#8",
        "churn#prod",
        "team/churn#eu/canary#12",
        "churn@deprecated",
        "a@v1.0.0#5",
    ],
)
def test_a_tag_is_written_back_as_it_was_read(name: str):
    found = _parsed(name)
    assert found is not None
    said = {"version": found.version, "stage": found.stage, "counter": found.counter}
    assert tag_name(found.kind, found.model, **said) == name
    assert _as_gto_has_it(name) is not None


@pytest.mark.parametrize(
    ("model", "stage"),
    [
        ("churn", ""),
        ("churn", "prod!"),
        ("churn", "pr od"),
        ("chu#rn", "prod"),
        ("-churn", "prod"),
        ("churn_", "prod"),
        ("churn", "prod\n"),
        ("chürn", "prod"),
        ("a=b=c:d", "x" * 600),
    ],
)
def test_a_name_gto_cannot_read_is_refused(model: str, stage: str):
    with pytest.raises(InputError, match="is not a tag GTO can read"):
        tag_name("assign", model, stage=stage, counter=1)


def test_an_endless_name_says_nothing():
    assert _parsed(f"churn#prod#{'9' * 5000}") is None


@pytest.mark.parametrize("message", ["", "words", "[1]", "{", '"text"', "9" * 5000, "[" * 90_000])
def test_a_message_that_is_no_object_says_nothing(message: str):
    read = parse_tag(
        "churn@v1.0.0", commit="a", at=datetime(2024, 1, 1, tzinfo=UTC), message=message
    )
    assert read is not None
    assert read.details == {}


def test_a_message_of_ours_is_read_back():
    assert tag("churn@v1.0.0", "a", model="ab").details == {"model": "ab"}
