"""Every reason is said in words: the same in the report and on the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given

from retouch.planning.model import Because
from retouch.reporting.plan import (
    change_text,
    explain_plan,
    reason_markdown,
    reason_text,
)
from tests.reporting.cases import held, ladder, promote
from tests.reporting.hostile import flat, hostile, linked_by_github, parse, shown

REASONS = [
    (
        Because(
            reason="param",
            subject="parts.air-central.train.until",
            before="2013-03-16",
            after="2013-06-01",
        ),
        "parts.air-central.train.until 2013-03-16 → 2013-06-01",
    ),
    (
        Because(
            reason="file", subject="data/planes.csv", before="md5:3fa1c2b9aa", after="9c07d1e4"
        ),
        "data/planes.csv changed (3fa1c2b → 9c07d1e)",
    ),
    (
        Because(reason="file", subject="data/new.csv", after="9c07d1e4", by_alert=False),
        "data/new.csv changed (new: 9c07d1e) (already out of date before the alert)",
    ),
    (
        Because(reason="output", subject="models/air", before="3fa1c2b9"),
        "its output models/air differs from the recorded one (3fa1c2b → missing)",
    ),
    (
        Because(reason="output", subject="models/air"),
        "its output models/air differs from the recorded one",
    ),
    (Because(reason="command"), "its command changed"),
    (Because(reason="never_run"), "it has never run"),
    (
        Because(reason="always_changed"),
        "it always runs (always_changed)",
    ),
    (
        Because(reason="upstream", subject="ingest"),
        "downstream of ingest; cut off if its outputs do not change",
    ),
    (Because(reason="frozen"), "it is frozen, so DVC does not run it"),
    (Because(reason="unchanged"), "none of its inputs change"),
]


@pytest.mark.parametrize(("because", "words"), REASONS, ids=[b.reason for b, _ in REASONS])
def test_a_reason_reads_the_same_on_the_terminal_and_in_the_report(because, words):
    assert reason_text(because) == words
    assert shown(reason_markdown(because)).replace("\u200b", "") == words


def test_every_reason_of_the_plan_has_words():
    reasons = set(Because.model_fields["reason"].annotation.__args__)
    assert reasons == {because.reason for because, _ in REASONS}


def test_a_list_says_what_is_added():
    broken = {"origin": "EWR", "from": "2013-02-12"}
    assert change_text([], [broken]) == "adds origin: EWR, from: 2013-02-12"
    assert change_text([1], [2]) == "[1] → [2]"
    assert change_text(None, 3) == "set to 3"
    assert change_text(False, True) == "false → true"


@given(hostile)
def test_no_name_and_no_value_of_a_reason_does_anything(text):
    because = Because(reason="param", subject=text, before=text, after=text)
    normal_spaces = reason_markdown(because)
    assert "\n" not in normal_spaces
    types = {token.type for token in flat(parse(f"x {normal_spaces}"))}
    assert not types & {
        "link_open",
        "image",
        "heading_open",
        "fence",
        "html_block",
        "list_item_open",
    }
    outside_code = "".join(t.content for t in flat(parse(f"x {normal_spaces}")) if t.type == "text")
    assert linked_by_github(outside_code) == []


def test_the_plan_alone_says_the_same_reasons_as_the_report():
    plan, _, _ = ladder()
    text = explain_plan(plan)
    for tier in plan.tiers:
        for stage in tier.stages:
            if stage.decision != "reuse":
                assert f"`{stage.stage}`" in text
                assert reason_markdown(stage.because[0]) in text


def test_a_held_plan_says_what_a_person_has_to_do():
    text = explain_plan(held()[0])
    assert "held for review" in text
    assert "Look at the serving host first" in text


def test_a_plan_of_one_tier_says_so():
    assert "1 tier\n" in explain_plan(promote()[0])
