"""A report is found again by its hidden first line, whatever stands in it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from retouch.reporting.marker import Marker, read_marker
from tests.reporting.cases import CASES, report_of
from tests.reporting.documents import ALERT_ID, BASE, PLAN_KEY
from tests.reporting.hostile import hostile, parse

MARKER = Marker(ALERT_ID, PLAN_KEY[:16], "promote", BASE[:12])


@given(hostile | st.text())
def test_no_value_breaks_the_marker(text):
    for field in ("alert", "plan", "verdict", "base"):
        marker = replace(MARKER, **{field: text})
        written = str(marker)
        assert read_marker(f"{written}\n## Heading\n") == marker
        assert written.count("-->") == 1
        assert "@" not in written
        assert [t.type for t in parse(written)] == ["html_block"]


def test_every_report_carries_its_marker():
    for name in CASES:
        marker = read_marker(report_of(name))
        assert marker is not None
        assert PLAN_KEY.startswith(marker.plan)
        assert BASE.startswith(marker.base)
    assert read_marker(report_of("promote")) == MARKER


def test_other_comments_have_no_marker():
    for text in (
        "",
        "## Heading",
        f"hello\n{MARKER}",
        "<!-- retouch:report v1 nonsense -->",
        "<!-- retouch:report v1 {} -->",
        '<!-- retouch:report v1 {"alert":1,"plan":"","verdict":"","base":""} -->',
        '<!-- retouch:report v1 {"alert":"","plan":"","verdict":"","base":"","x":""} -->',
        "<!-- retouch:report v1 {{}} -->",
        '<!-- retouch:report v1 {"alert":[]} -->',
    ):
        assert read_marker(text) is None
