"""Commands in comments: the first line alone, and nothing but what we know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.jobs.packages.comment import Command, parse_comment, resolve_check
from tests.reporting.hostile import hostile

RETRAIN = Command("retrain")
HELP = Command("help")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("/retrain", RETRAIN),
        ("/retrain  \r\nplease", RETRAIN),
        ("/retrain --overwrite", Command("retrain", overwrite=True)),
        ("/retrain hold", Command("hold")),
        ("/retrain discard\n\nWrong data.", Command("discard")),
        (
            "/retrain override overall batch only",
            Command("override", check="overall", reason="batch only"),
        ),
        (
            '/retrain override "origin = EWR" closed for works',
            Command("override", check="origin = EWR", reason="closed for works"),
        ),
        ("/retrain override overall", HELP),
        ("/retrain override", HELP),
        ('/retrain override "" why', Command("override", check='""', reason="why")),
        ("/retrain everything", HELP),
        ("/retrain hold on", HELP),
        ("/retrain --overwrite --force", HELP),
        ("/retrain $(reboot)", HELP),
        ("/retrain hold\u202e", HELP),
        ("/retrain\x00hold", None),
    ],
)
def test_a_command_is_what_its_first_line_says(said, meant):
    assert parse_comment(said) == meant


@pytest.mark.parametrize(
    "said",
    ["", " /retrain", "> /retrain", "Please /retrain", "/retrained", "/Retrain", "x\n/retrain"],
)
def test_anything_else_is_no_command(said):
    assert parse_comment(said) is None


@given(hostile | st.text())
def test_no_text_breaks_it_and_what_it_names_is_a_part_of_the_first_line(text):
    found = parse_comment(f"/retrain {text}")
    assert found is None or found.kind in ("retrain", "hold", "discard", "override", "help")
    if found and found.kind == "override":
        first = " ".join(f"/retrain {text}".replace("\r", "\n").split("\n")[0].split())
        assert found.check in first
        assert "\n" not in found.reason


NAMES = ("overall", "alerted slice", "origin = EWR", "origin = EWR 2", "Fair by carrier")


@pytest.mark.parametrize(
    ("said", "check", "reason"),
    [
        ("overall it is fine", "overall", "it is fine"),
        ("alerted slice it is fine", "alerted slice", "it is fine"),
        ("origin = EWR 2 closed", "origin = EWR 2", "closed"),
        ("origin = EWR closed", "origin = EWR", "closed"),
        ('"Fair by carrier" a merger', "Fair by carrier", "a merger"),
        ("fair BY carrier a merger", "Fair by carrier", "a merger"),
    ],
)
def test_a_name_with_spaces_needs_no_quotes(said, check, reason):
    command = parse_comment(f"/retrain override {said}")
    assert resolve_check(command, NAMES) == Command("override", check=check, reason=reason)


@pytest.mark.parametrize("said", ["nothing known", "overall_ x", "alerted slice", "origin = JFK x"])
def test_a_name_nobody_knows_or_no_reason_is_none(said):
    assert resolve_check(parse_comment(f"/retrain override {said}"), NAMES) is None
