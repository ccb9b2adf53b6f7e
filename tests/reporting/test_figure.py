"""The figure: small, the same bytes each time, and only what the verdict holds."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from retouch.reporting.figure import figure_title, loss_by_day_svg
from retouch.validation.model import DayLoss
from tests.reporting.cases import promote, repaired
from tests.reporting.documents import DAYS, judgement, verdict

PLAN, _, VERDICT = promote()


def drawn(days, title="region = central"):
    return loss_by_day_svg(verdict(judgement("refit", "promote", "Better.", days=days)), title)


def texts(svg):
    return [e.text for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_the_same_verdict_gives_the_same_bytes_without_a_date():
    first = loss_by_day_svg(VERDICT, figure_title(PLAN))
    assert first == loss_by_day_svg(VERDICT, figure_title(PLAN))
    assert b"<dc:date" not in first
    assert len(first) < 40_000


def test_it_names_both_models_the_unit_the_slice_and_the_days():
    shown = texts(drawn(DAYS))
    for text in ("production", "candidate", "minutes", "region = central", "0"):
        assert text in shown
    assert "Mean absolute error, both models on the same rows, 2013-06-01 to 2013-06-30" in shown


def test_it_brings_its_own_light_card_and_readable_fonts():
    svg = drawn(DAYS).decode()
    assert "fill: #ffffff" in svg
    assert "sans-serif" in svg
    assert "DejaVu" not in svg


def test_without_days_there_is_no_figure():
    assert loss_by_day_svg(repaired()[2], "x") is None


@pytest.mark.parametrize("count", [1, 2, 400])
def test_few_and_many_days_fit(count):
    days = tuple(
        DayLoss(day=f"{2013 + i // 336}-{i // 28 % 12 + 1:02d}-{i % 28 + 1:02d}", rows=10,
                production=20 + i % 7, candidate=11 + i % 5)
        for i in range(count)
    )  # fmt: skip
    assert len(drawn(days)) < 40_000
    assert len([t for t in texts(drawn(days)) if re.match(r"[A-Z][a-z]{2} \d", t)]) <= 9


def test_equal_losses_of_nothing_do_not_hide_a_name():
    days = (DayLoss(day="2013-06-01", rows=3, production=0, candidate=0),)
    assert {"production", "candidate"} <= set(texts(drawn(days)))


def test_a_hostile_title_is_only_text():
    svg = drawn(DAYS, title="</text><script>x</script> $\\frac{1}{2}$ \x00\u202e]]>")
    assert b"<script" not in svg
    assert any("<script>" in (text or "") for text in texts(svg))
