"""Text from an alert shows as it reads, and does nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retouch.reporting.escape import Markdown, code, inline, join, plain, write
from retouch.reporting.template import fill_text
from tests.reporting.hostile import ATTACKS, flat, hostile, linked_by_github, parse, shown

ROOMY = 4_000
KINDS: dict[str, Callable[[str], str]] = {
    "inline": lambda text: inline(text, ROOMY),
    "write": lambda text: write("{}", text),
    "join": lambda text: join(", ", [text]),
    "template": lambda text: fill_text("{{ x }}", x=text),
    "filtered in a template": lambda text: fill_text("{{ x | safe | trim }}", x=text),
}
"""Every way in which text from outside becomes prose."""
AROUND = ("{}", "a {} b", "a{}7", "({})")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_acts_in_prose_however_it_gets_there(attack, kind):
    for around in AROUND:
        text = around.format(attack)
        escaped = KINDS[kind](text)
        prose_is_harmless(escaped, text)
        in_html_only_the_tags_of_the_summary_act(escaped)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_leaves_its_inline_code(attack):
    for around in AROUND:
        code_is_harmless(around.format(attack))


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_leaves_its_cell_of_a_table(attack):
    for around in AROUND:
        the_table_keeps_its_shape(around.format(attack))


def prose_is_harmless(escaped: str, text: str) -> None:
    """One paragraph of text that reads as written, and in which GitHub links nothing."""
    if not plain(text, ROOMY):
        assert escaped == ""
        return
    tokens = parse(escaped)
    assert [t.type for t in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {t.type for t in flat(tokens)[2:-1]} <= {"text", "text_special", "html_inline"}
    assert {t.content for t in flat(tokens) if t.type == "html_inline"} <= {"<span>", "</span>"}
    assert shown(escaped).replace("\u200b", "") == plain(text, ROOMY)
    assert linked_by_github(shown(escaped)) == []
    assert "$" not in escaped.replace("<span>$</span>", ""), "GitHub reads mathematics"
    assert "-->" not in escaped
    assert escaped.encode(), "a lone surrogate cannot be written"


def in_html_only_the_tags_of_the_summary_act(escaped: str) -> None:
    """In raw HTML, where Markdown is not read, the same text opens and closes nothing."""
    tags = re.findall(r"<[^<>]*>?", f"<summary>{escaped}</summary>")
    assert set(tags) <= {"<summary>", "</summary>", "<span>", "</span>"}


def code_is_harmless(text: str) -> None:
    """One piece of inline code that reads as written."""
    written = f"before {code(text, ROOMY)} after"
    tokens = flat(parse(written))
    assert {t.type for t in tokens} <= {
        "paragraph_open", "inline", "paragraph_close", "text", "text_special", "code_inline",
        "html_inline",
    }  # fmt: skip
    raw = {t.content for t in tokens if t.type == "html_inline"}
    assert raw <= {"<code>", "</code>", "<span>", "</span>"}
    expected = plain(text, ROOMY) or "(empty)"
    assert shown(written).replace("\u200b", "") == f"before {expected} after"
    assert "${{" not in written and "-->" not in written
    # A summary is HTML: there, backticks hold nothing together.
    tags = set(re.findall(r"<[^<>]*>?", written))
    assert tags <= {"<code>", "</code>", "<span>", "</span>"}


def the_table_keeps_its_shape(text: str) -> None:
    """Two cells with the same text stay two cells, and no row is added."""
    rows = (
        f"| a | b |\n|--|--|\n| {inline(text, ROOMY)} | {code(text, ROOMY)} |\n| c | d |\n\nend\n"
    )
    types = [token.type for token in parse(rows)]
    assert types.count("tr_open") == 3
    assert types.count("td_open") == 4
    assert types.count("table_open") == 1


@given(hostile)
@example("1. item")
@example("-")
def test_prose_is_one_paragraph_that_reads_as_written_and_links_nothing(text):
    escaped = inline(text, ROOMY)
    prose_is_harmless(escaped, text)
    in_html_only_the_tags_of_the_summary_act(escaped)


@given(hostile)
def test_inline_code_is_one_piece_of_code_that_reads_as_written(text):
    code_is_harmless(text)


@given(hostile)
def test_a_table_keeps_its_rows_and_its_cells(text):
    the_table_keeps_its_shape(text)


@given(hostile, st.integers(min_value=8, max_value=60))
def test_shortened_text_is_as_harmless_as_the_whole(text, limit):
    escaped = inline(text, limit)
    assert linked_by_github(shown(escaped)) == []
    in_html_only_the_tags_of_the_summary_act(escaped)


@given(
    st.from_regex(r"(GHSA(-[23456789cfghjmpqrvwx]{4}){3}|[A-Z]{2,10}-[0-9]{1,6})", fullmatch=True),
    st.sampled_from(AROUND),
)
def test_no_advisory_and_no_ticket_is_linked(reference, around):
    text = around.format(reference)
    prose_is_harmless(inline(text, ROOMY), text)


@given(hostile)
def test_no_expression_of_a_workflow_comes_through(text):
    assert "${{" not in inline(text) + code(text)


@given(st.text(max_size=400), st.integers(min_value=6, max_value=200))
def test_what_is_written_is_bounded_in_length(text, limit):
    assert len(plain(text, limit)) <= limit
    assert len(inline(text, limit)) <= 3 * limit + 12
    assert len(code(text, limit)) <= 3 * limit + 30


@given(hostile)
def test_nothing_invisible_and_no_bidirectional_control_stays(text):
    assert not [
        c for c in plain(text, ROOMY) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")
    ]


@pytest.mark.parametrize("char", ["\u034f", "\u115f", "\u3164", "\u2800", "\ufe0f", "\u180b"])
def test_letters_and_marks_that_show_nothing_go(char):
    assert plain(f"a{char}b") == "ab"


def test_a_pile_of_marks_on_one_letter_is_cut():
    assert plain("e" + "\u0301" * 50) == "e\u0301\u0301"


def test_ordinary_findings_stay_readable_in_the_source():
    assert inline("day_mean_absolute_error of air_time 27.3 > 12 (p = 9e-06)") == (
        "day_mean_absolute_error of air_time 27.3 > 12 (p = 9e-06)"
    )
    assert code("train-air@central") == "`train-air@central`"


def test_a_long_name_keeps_its_head_and_its_tail():
    assert code("parts.air-central.train.until", 16) == "`parts.ai…n.until`"


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_template_cannot_forget_to_escape(attack):
    for source in ("{{ x }}", "{{ x | safe }}", "{{ x | upper | lower }}", "{{ [x, y] | join }}"):
        out = fill_text(source, x=attack + "@octocat <b>", y=Markdown("**ours**"))
        assert "@octocat" not in out
        assert "<b>" not in out
        assert "@&#8203;octocat &lt;b&gt;" in out


def test_only_our_own_markdown_comes_through_a_template():
    assert fill_text("{{ x }} {{ y }}", x=Markdown("**ours**"), y="**theirs**") == (
        "**ours** &#42;&#42;theirs&#42;&#42;"
    )


def test_parts_of_our_markdown_are_escaped_again():
    ours = Markdown("**ours**")
    assert type(ours + "x") is str
    assert type(ours[2:]) is str
    assert inline(ours + "") == "&#42;&#42;ours&#42;&#42;"


def test_writing_and_joining_escape_everything_but_markdown():
    assert write("**{}** {}", "a|b", Markdown("`c`")) == "**a&#124;b** `c`"
    assert join(", ", ["<a>", Markdown("`b`")]) == "&lt;a&gt;, `b`"


def test_an_undefined_name_in_a_template_is_an_error():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        fill_text("{{ missing }}")
