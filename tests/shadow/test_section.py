"""The Shadow part of a report: what it shows, and that no name of a slice can change its shape."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings

from retouch.gate.holdout import HoldoutDays
from retouch.gate.shadow_model import Shadow
from retouch.reporting.escape import Markdown
from retouch.reporting.evidence import DAYS_SHOWN, SLICES_SHOWN, shadow_about, shadow_blocks
from retouch.reporting.report import Section
from retouch.reporting.template import fill
from tests.reporting.hostile import flat, hostile, linked_by_github, parse
from tests.shadow.conftest import compare, make_policy, make_scores, where_central


def section(shadow: Shadow) -> str:
    part = Section("Shadow", shadow_about(shadow), shadow_blocks(shadow), ("shadow",))
    return fill(
        "report.md.j2",
        first_screen=Markdown(""),
        sections=(part,),
        shortened=False,
        written_at="now",
        base="abc",
        files=(),
        links={"shadow": Markdown("shadow.json")},
    )


def test_the_sentence_comes_first_then_slices_and_days(shadowed):
    text = section(shadowed(where_central(-9.2), seen=("2013-06-01", "2013-07-03")))
    assert "<b>Shadow</b> — 240 rows without labels, 2013-07-01 to 2013-07-08</summary>" in text
    said, slices, days = (
        text.index(part) for part in ("On 240 rows", "| `all rows` | 240 | 8 |", "| 2013-07-01 |")
    )
    assert said < slices < days
    assert "most where region = central (−9.20 minutes)." in text
    assert re.search(r"\| `region = central` \| 120 \| 8 \| .* \| −9.20 \| −9.20 \|", text)
    assert "at most 9.20" in text
    assert "share of rows that differ by more than 1.00 minutes" in text
    assert "production `md5old`, which has seen data until 2013-06-01" in text
    assert "The candidate has already seen some of these rows." in text
    assert "already seen" not in section(shadowed(2.0, seen=("2013-08-01", "2013-07-01")))
    assert "seen data until –" in section(shadowed(2.0))


def test_what_is_invalid_shows_the_reason_and_no_table():
    text = section(compare(make_scores(), make_scores(2.0).head(200)))
    assert "the score tables cannot be compared</summary>" in text
    assert "lacks 40 rows" in text
    assert "|" not in text.replace("\n", "").split("</summary>")[1]


def test_long_lists_end_and_say_what_is_left_out():
    tables = [make_scores(by, days=50, rows=40).assign(carrier="") for by in (0.0, 2.0)]
    for table in tables:
        table["carrier"] = [f"C{n % 20:02d}" for n in range(len(table))]
        table.loc[:2, "carrier"] = "tiny"
    found = compare(
        *tables,
        days=HoldoutDays("2013-07-01", "2013-08-20"),
        policy=make_policy(required=("dest",)),
    )
    assert len(found.slices) == 20
    text = section(found)
    rows = [line for line in text.splitlines() if line.startswith("| `carrier")]
    assert len(rows) == SLICES_SHOWN
    assert "Not shown: 8 more slices in shadow.json; 1 slice with fewer than 40 rows; " in text
    assert "no column `dest` in the score tables." in text
    assert len(re.findall(r"(?m)^\| 2013-", text)) == DAYS_SHOWN
    assert "| 2013-08-19 |" in text and "| 2013-07-01 |" not in text
    assert "19 earlier days in shadow.json." in text


def everywhere(text: str) -> Shadow:
    """The same text in every field that comes from outside."""
    tables = [make_scores(by, rows=6).assign(region=text) for by in (0.0, 2.0)]
    found = compare(*tables, policy=make_policy(min_rows=1), seen=(text, text))
    return found.model_copy(
        update={
            "unit": text,
            "production_model": text,
            "candidate_model": text,
            "not_in_table": (text,),
        }
    )


def shape(text: str) -> list[str]:
    tokens = flat(parse(text))
    links = [t.attrs["href"] for t in tokens if t.type == "link_open"]
    pictures = [t for t in tokens if t.type in ("image", "fence", "code_block")]
    assert not pictures
    tags = {
        tag
        for t in tokens
        if t.type in ("html_inline", "html_block")
        for tag in re.findall(r"<!?/?([a-z-]+)", t.content)
    }
    assert tags <= {"details", "summary", "b", "sub", "span", "code"}
    return [t.type for t in tokens if t.type.endswith("_open") and t.block] + links


CALM = shape(section(everywhere("calm")))


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_no_text_from_a_table_changes_the_shape_of_the_section_or_acts(text):
    wild = section(everywhere(text))
    assert shape(wild) == CALM
    for token in parse(wild):
        pieces = [
            t.content
            for t in token.children or ()
            if t.type != "html_inline" and not t.type.startswith("code")
        ]
        assert not linked_by_github("".join(pieces))


def test_a_section_stays_small():
    tables = [
        make_scores(by, days=60, rows=60).assign(carrier=np.tile(["x" * 500, "y" * 500], 1800))
        for by in (0.0, 2.0)
    ]
    found = compare(*tables, days=HoldoutDays("2013-07-01", "2013-08-30"))
    assert len(section(found)) < 6_000
