"""Every reason is said in words: the same in the report and on the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given

from retouch.planning.model import Because
from retouch.reporting.explain import because_in_words, explain_plan
from retouch.reporting.status_labels import because_in_markdown, change_in_words
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
        "data/new.csv changed (new: 9c07d1e) (out of date before the alert)",
    ),
    (
        Because(reason="output", subject="models/air", before="3fa1c2b9"),
        "its output models/air is not as recorded (3fa1c2b → missing)",
    ),
    (Because(reason="output", subject="models/air"), "its output models/air is not as recorded"),
    (Because(reason="command"), "its command changed"),
    (Because(reason="never_run"), "it has never been run"),
    (
        Because(reason="always_changed"),
        "it is declared to run every time (always_changed)",
    ),
    (
        Because(reason="upstream", subject="ingest"),
        "downstream of ingest, unless that comes out identical",
    ),
    (Because(reason="frozen"), "it is frozen: DVC leaves it as it is"),
    (Because(reason="unchanged"), "nothing it reads changes"),
]


@pytest.mark.parametrize(("because", "words"), REASONS, ids=[b.reason for b, _ in REASONS])
def test_a_reason_reads_the_same_on_the_terminal_and_in_the_report(because, words):
    assert because_in_words(because) == words
    assert shown(because_in_markdown(because)).replace("\u200b", "") == words


def test_every_reason_of_the_plan_has_words():
    reasons = set(Because.model_fields["reason"].annotation.__args__)
    assert reasons == {because.reason for because, _ in REASONS}


def test_a_list_says_what_it_gains():
    broken = {"origin": "EWR", "from": "2013-02-12"}
    assert change_in_words([], [broken]) == "gains origin: EWR, from: 2013-02-12"
    assert change_in_words([1], [2]) == "[1] → [2]"
    assert change_in_words(None, 3) == "set to 3"
    assert change_in_words(False, True) == "false → true"


@given(hostile)
def test_no_name_and_no_value_of_a_reason_does_anything(text):
    because = Because(reason="param", subject=text, before=text, after=text)
    said = because_in_markdown(because)
    assert "\n" not in said
    types = {token.type for token in flat(parse(f"x {said}"))}
    assert not types & {
        "link_open",
        "image",
        "heading_open",
        "fence",
        "html_block",
        "list_item_open",
    }
    outside_code = "".join(t.content for t in flat(parse(f"x {said}")) if t.type == "text")
    assert linked_by_github(outside_code) == []


def test_the_plan_alone_says_the_same_reasons_as_the_report():
    plan, _, _ = ladder()
    text = explain_plan(plan)
    for tier in plan.tiers:
        for stage in tier.stages:
            if stage.decision != "reuse":
                assert f"`{stage.stage}`" in text
                assert because_in_markdown(stage.because[0]) in text


def test_a_held_plan_says_what_a_person_is_asked_to_do():
    text = explain_plan(held()[0])
    assert "held for a person" in text
    assert "Look at the serving host first" in text


def test_a_plan_of_one_tier_says_so():
    assert "1 tier to try\n" in explain_plan(promote()[0])
