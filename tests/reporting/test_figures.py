"""The figures: small, the same bytes each time, and only what the documents hold."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from retouch.gate.model import (
    Calibration,
    DayLoss,
    Drift,
    DriftDay,
    ModelCalibration,
)
from retouch.reporting.figures import FIGURES, available_figures, draw_figures, figure_title
from retouch.reporting.figures.canvas import one_line
from tests.reporting.cases import CASES, promote, repaired
from tests.reporting.documents import DAYS, alert, check, good_checks, judgement, plan, refit
from tests.reporting.documents import verdict as verdict_of
from tests.reporting.verdict_cases import alarms, drift, intervals, weak_checks

PLAN = promote()[0]
LONG = "a-very-long-winded-partition-that-somebody-thought-was-a-good-idea-" * 3
WILD = "</text><script>x</script> $\\frac{1}{2}$ \x00\u202e]]> 日本語" + LONG


def judged(**changed):
    loss = {"loss": changed.pop("loss", "absolute_error"), "unit": changed.pop("unit", "minutes")}
    moved = changed.pop("drift", None)
    judgement_ = judgement("refit", "promote", "Better.", **changed)
    return verdict_of(judgement_).model_copy(update={"drift": moved, **loss})


def drawn(plan_=PLAN, promised=None, **changed):
    verdict = judged(**changed).model_copy(update={"promised_coverage": promised})
    return draw_figures(plan_, verdict)


def all_of_it(**changed):
    return drawn(**{"calibration": intervals(), "drift": drift(), **changed})


def texts(svg):
    return [e.text for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def days_of(count, production=20.0, candidate=11.0):
    return tuple(
        DayLoss(day=f"{2013 + i // 336}-{i // 28 % 12 + 1:02d}-{i % 28 + 1:02d}", rows=10,
                production=production + i % 7, candidate=candidate + i % 5)
        for i in range(count)
    )  # fmt: skip


def test_the_same_documents_give_the_same_bytes_without_a_date():
    first = all_of_it()
    assert tuple(first) == FIGURES
    assert first == all_of_it()
    for svg in first.values():
        assert b"<dc:date" not in svg
        assert len(svg) < 40_000


@pytest.mark.parametrize("name", CASES)
def test_what_is_drawn_is_what_there_is_data_for(name):
    plan_, _, verdict_ = CASES[name]()
    assert tuple(draw_figures(plan_, verdict_)) == available_figures(verdict_)


def test_without_a_verdict_without_days_and_with_one_slice_there_is_no_figure():
    assert draw_figures(PLAN, None) == {}
    assert draw_figures(PLAN, repaired()[2]) == {}
    assert drawn(days=(), checks=good_checks()[:1]) == {}


def test_every_figure_brings_its_own_light_card_and_readable_fonts():
    for svg in all_of_it().values():
        assert b"fill: #ffffff" in svg
        assert b"sans-serif" in svg
        assert b"DejaVu" not in svg


def test_the_losses_by_day_name_both_models_the_unit_the_slice_and_the_days():
    shown = texts(drawn(days=DAYS)["loss-by-day.svg"])
    for text in ("production", "candidate", "minutes", "region = central", "0"):
        assert text in shown
    assert "Mean absolute error, both models on the same rows, 2013-06-01 to 2013-06-30" in shown


def test_the_mean_change_with_its_interval_is_beside_the_days():
    shown = texts(drawn()["loss-by-day.svg"])
    assert {"mean change", "−16.4", "−12.1", "−20.8", "no change"} <= set(shown)
    bare = tuple(c.model_copy(update={"gain_upper": None}) for c in good_checks())
    assert "mean change" not in texts(drawn(checks=bare)["loss-by-day.svg"])


def test_a_forest_has_a_row_for_every_check_and_the_failing_ones_are_red():
    svg = drawn(checks=(*weak_checks(), *alarms()))["slices.svg"]
    shown = texts(svg)
    for name in ("alerted slice", "overall", "origin = EWR", "carrier = UA", "+3.10", "2,911"):
        assert name in shown
    red = [e.text for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
           if "#cf222e" in e.attrib.get("style", "")]  # fmt: skip
    assert red == ["−1.41", "+3.10"]
    assert [text for text in shown if text and "hollow: harm alarm" in text]


def test_of_many_slices_thirty_are_drawn_and_the_rest_is_counted():
    many = tuple(check(f"o = {i}", 9, 9.1, -0.3, 0.1) for i in range(60))
    failing = tuple(check(f"bad = {i}", 9, 12, -4, -2, result="fail") for i in range(33))
    shown = texts(drawn(checks=(*good_checks()[:2], *many, *failing))["slices.svg"])
    assert len([text for text in shown if text and text.startswith("bad")]) == 28
    assert any("and 65 more, 5 of them failing" in (text or "") for text in shown)


def test_the_calibration_shows_bias_coverage_and_the_nominal_level():
    shown = texts(drawn(calibration=intervals(), promised=0.9)["calibration.svg"])
    for text in ("all rows", "region = central", "mean of score − label, minutes"):
        assert text in shown
    assert "interval coverage (dashed: nominal)" in shown
    without = texts(drawn(calibration=intervals())["calibration.svg"])
    assert "interval coverage" in without
    bare = tuple(
        of.model_copy(update={"production": ModelCalibration(bias=1), "candidate": of.candidate})
        for of in intervals()
    )
    assert "interval coverage" in texts(drawn(calibration=bare)["calibration.svg"])


def test_probabilities_get_a_reliability_diagram():
    shown = texts(draw_figures(*CASES["classification"]()[::2])["calibration.svg"])
    assert any("Observed frequency" in (text or "") for text in shown)
    losses = texts(draw_figures(*CASES["classification"]()[::2])["loss-by-day.svg"])
    assert any((text or "").startswith("1 − AUC") for text in losses)


def test_the_drift_shows_both_windows_or_the_alerts_own():
    shown = texts(drawn(drift=drift())["drift.svg"])
    assert "air_time where region = central" in shown
    assert {"reference window", "alert window"} <= set(shown)
    alone = drift().model_copy(update={"reference": (), "where": "all rows"})
    shown = texts(drawn(drift=alone)["drift.svg"])
    assert "air_time, all rows" in shown
    assert "reference window" not in shown
    assert "drift.svg" not in drawn(drift=drift().model_copy(update={"current": ()}))


@pytest.mark.parametrize("count", [1, 60, 400])
def test_few_and_many_days_fit(count):
    moved = Drift(column="x", where="", current=tuple(
        DriftDay(day=day.day, rows=3, median=day.production, low=1, high=30)
        for day in days_of(count)
    ))  # fmt: skip
    for name, svg in drawn(days=days_of(count), drift=moved).items():
        assert len(svg) < 40_000
        if name != "slices.svg":
            assert len([t for t in texts(svg) if re.match(r"[A-Z][a-z]{2} \d", t or "")]) <= 9


def test_a_report_full_of_everything_stays_small_enough_for_git():
    slices = tuple(
        of.model_copy(update={"where": f"{LONG} = {i}"})
        for i in range(20)
        for of in intervals()[:2]
    )
    checks = tuple(check(f"{LONG} = {i}", 9, 9.1, -0.3, 0.1, rows=10**9) for i in range(90))
    made = all_of_it(days=days_of(400), checks=checks, calibration=slices)
    assert all(len(svg) < 40_000 for svg in made.values())
    assert sum(map(len, made.values())) < 150_000


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [0.0, 1e-300, -5.0, 1.7e308])
def test_numbers_of_any_size_are_drawn(size):
    """All equal, negative, tiny, huge."""
    checks = tuple(
        c.model_copy(update=dict.fromkeys(("gain", "gain_lower", "gain_upper", "limit"), size))
        for c in good_checks()
    )
    of = ModelCalibration(bias=size, coverage=0.0, coverage_lower=0.0, coverage_upper=1.0)
    moved = Drift(column="x", where="", reference=(), current=tuple(
        DriftDay(day=f"2013-06-0{i}", rows=3, median=size, low=size, high=size)
        for i in range(1, 4)
    ))  # fmt: skip
    made = drawn(
        checks=checks,
        days=tuple(
            day.model_copy(update={"production": size, "candidate": size}) for day in DAYS[:4]
        ),
        calibration=(Calibration(where="x", rows=1, days=1, production=of, candidate=of),),
        drift=moved,
    )
    assert tuple(made) == FIGURES
    assert {"production", "candidate"} <= set(texts(made["loss-by-day.svg"]))
    assert b"nan" not in b"".join(made.values()).lower()


def test_what_is_no_day_is_left_out():
    days = (DayLoss(day="someday", rows=3, production=1.0, candidate=1.0),)
    moved = Drift(column="x", where="", current=(
        DriftDay(day="2013-02-30", rows=1, median=1, low=1, high=2),))  # fmt: skip
    assert drawn(days=days, checks=(), drift=moved) == {}


@pytest.mark.filterwarnings("error")
def test_hostile_and_endless_names_are_only_text_within_their_place():
    bad = plan(refit(), alerts=(alert(where=(WILD, WILD)),))
    made = drawn(
        bad,
        unit=WILD,
        checks=(*good_checks(), check(WILD, 9, 8, 0.2, 2), check("日本" * 100, 9, 8, 0.2, 2)),
        calibration=tuple(of.model_copy(update={"where": WILD}) for of in intervals()),
        drift=drift().model_copy(update={"column": WILD, "where": WILD}),
    )
    for svg in made.values():
        assert b"<script" not in svg
        assert any("<script>" in (text or "") for text in texts(svg))
        assert max(len(text or "") for text in texts(svg)) <= 131
    assert len(figure_title(bad)) <= 90


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("region = central", 30, "region = central"),
        ("abcdefghijklmnop", 9, "abcdef…op"),
        ("日本語日本語", 6, "日本…"),
        ("", 5, ""),
    ],
)
def test_a_name_keeps_its_ends_in_the_room_it_has(text, columns, shown):
    assert one_line(text, columns) == shown
