"""Synthetic cases: the rows made for them, and what both models' scores of these say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.gate.comparison import Measured, ProbeScores
from retouch.gate.guardrails.synthetic import MOST_ROWS, VARIANT, cases_of, synthetic_rows
from tests.gate.guardrail_tables import ask, make_paired, make_policy

ROWS = make_paired(range(300), 1, 2)


def probe_rows(count=60):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "row": np.arange(count),
            "miles": rng.uniform(100, 2000, count),
            "hour": rng.integers(5, 24, count),
            "origin": rng.choice(["EWR", "JFK", "LGA"], count),
            "wet": rng.uniform(size=count) < 0.5,
        }
    )


def minutes(rows):
    """Score rows as a sound model does: longer flights take longer; the origin is no matter."""
    return 20 + 0.12 * rows["miles"].fillna(0.0)


def synthetic(*cases):
    return {
        "kind": "synthetic",
        "cases": [{"name": f"case {n}"} | case for n, case in enumerate(cases)],
    }


def make(rows, *cases):
    return synthetic_rows(rows, cases_of(make_policy(synthetic(*cases)).guardrails))


def judge(*cases, candidate=minutes, production=minutes, rows=None):
    """Make rows, score them with two functions of them, and ask."""
    made = make(probe_rows() if rows is None else rows, *cases)
    tables = [
        model(made)
        if isinstance(model(made), pd.DataFrame)
        else pd.DataFrame({"row": made["row"], "score": model(made)})
        for model in (production, candidate)
    ]
    return ask(ROWS, synthetic(*cases), Measured(probed=ProbeScores(made, *tables)))


# --- made rows -----------------------------------------------------------------------------------


def test_rows_are_copied_with_the_named_columns_changed():
    rows = probe_rows(3)
    made = make(rows, {"invariant_to": {"origin": "SFO"}}, {"noise": {"hour": 1, "miles": 0.5}})

    assert made["row"].tolist() == [
        *(0, 1, 2),
        *(VARIANT, VARIANT + 1, VARIANT + 2),
        *(2 * VARIANT, 2 * VARIANT + 1, 2 * VARIANT + 2),
        *(3 * VARIANT, 3 * VARIANT + 1, 3 * VARIANT + 2),
    ]
    base, changed, up, down = (made.iloc[n : n + 3].reset_index(drop=True) for n in (0, 3, 6, 9))
    pd.testing.assert_frame_equal(base.drop(columns="row"), rows.drop(columns="row"))
    assert changed["origin"].tolist() == ["SFO"] * 3
    pd.testing.assert_series_equal(changed["miles"], base["miles"])
    assert (up["hour"] - base["hour"]).tolist() == [1, 1, 1]
    assert (down["hour"] - base["hour"]).tolist() == [-1, -1, -1]
    assert (down["miles"] - base["miles"]).tolist() == pytest.approx([-0.5] * 3)
    assert made["hour"].dtype == rows["hour"].dtype


def test_rows_that_a_change_leaves_as_they_are_ask_nothing():
    rows = probe_rows()
    made = make(rows, {"invariant_to": {"origin": "EWR"}})
    assert (made["row"] >= VARIANT).sum() == (rows["origin"] != "EWR").sum()
    boundary = make(rows, {"rows": [{"origin": "EWR"}], "score_at_least": 0})
    assert (boundary["row"] >= VARIANT).sum() == len(rows)


def test_at_most_so_many_rows_of_those_a_case_is_about_evenly_spaced():
    rows = probe_rows(4000)
    made = make(rows, {"rises_with": {"miles": 1}, "where": {"origin": "EWR", "wet": True}})
    copies = made[made["row"] >= VARIANT]
    assert len(copies) == MOST_ROWS
    assert set(copies["origin"]) == {"EWR"} and set(copies["wet"]) == {True}
    about = np.flatnonzero((rows["origin"] == "EWR") & rows["wet"])
    places = np.searchsorted(about, copies["row"] - VARIANT)
    assert set(np.diff(places)) <= {1, 2}
    assert (places[0], places[-1]) == (0, len(about) - 1)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint64", "Int8", "UInt8", "uint8[pyarrow]"])
@pytest.mark.parametrize("step", [200, -50, 0.5])
def test_a_step_beyond_what_a_narrow_column_holds_is_made_all_the_same(dtype, step):
    rows = pd.DataFrame({"seats": pd.Series([7, 100, 120], dtype=dtype)})
    made = make(rows, {"rises_with": {"seats": step}})
    assert made["seats"].astype(float).tolist() == [7, 100, 120, 7 + step, 100 + step, 120 + step]


def test_whole_numbers_next_to_the_largest_do_not_wrap_round():
    for dtype, largest in (("int64", 2**63 - 1), ("uint64", 2**64 - 1), ("Int64", 2**63 - 1)):
        rows = pd.DataFrame({"seats": pd.Series([largest], dtype=dtype)})
        made = make(rows, {"rises_with": {"seats": 2.0**60}})
        assert made["seats"].iloc[1] > largest


def test_a_case_of_a_column_that_is_not_there_makes_no_rows():
    assert make(probe_rows(), {"rises_with": {"weight": 1}}).empty


def test_no_rows_make_none():
    made = make(probe_rows(0), {"rises_with": {"miles": 1}})
    assert made.empty and "row" in made


def test_categories_and_missing_values_can_be_changed():
    rows = probe_rows(4).astype({"origin": "category"})
    rows.loc[0, "miles"] = None
    made = make(rows, {"invariant_to": {"origin": None}}, {"rises_with": {"miles": 5}})
    assert made["origin"].isna().sum() == 4
    assert (made["row"] >= 2 * VARIANT).sum() == 3  # the missing one cannot rise


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 30),
    st.lists(
        st.sampled_from(
            [
                {"invariant_to": {"hour": 7}},
                {"rises_with": {"miles": 100}, "where": {"origin": "JFK"}},
                {"falls_with": {"hour": 0.5}},
                {"noise": {"miles": 1, "hour": 2}},
                {"rows": [{"miles": None}, {"hour": 0, "origin": "XXX"}], "score_at_least": 0},
            ]
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_every_made_row_has_its_own_number_and_a_base_row(count, cases):
    made = make(probe_rows(count), *cases)
    assert made["row"].is_unique and made["row"].dtype == np.int64
    assert set(made["row"] % VARIANT) == set(made.loc[made["row"] < VARIANT, "row"])


# --- judged --------------------------------------------------------------------------------------

ALL = [
    {"invariant_to": {"origin": "LGA"}},
    {"rises_with": {"miles": 100}},
    {"falls_with": {"miles": -100}},
    {"noise": {"miles": 1}, "tolerance": 0.2},
    {"rows": [{"miles": 0}, {"miles": None}], "score_at_least": 10, "score_at_most": 300},
]


def test_a_sound_model_passes_every_kind_of_case():
    found = judge(*ALL)
    assert (found.result, found.candidate, found.production) == ("pass", 1, 1)
    assert "5 of 5 cases hold" in found.message
    assert found.evidence == ()


UNSOUND = [
    lambda rows: minutes(rows) + 5 * (rows["origin"] == "LGA"),
    lambda rows: 1000 - minutes(rows),
    lambda rows: 1000 - minutes(rows),
    lambda rows: minutes(rows) + 50 * np.sin(rows["miles"].fillna(0)),
    lambda rows: minutes(rows).where(rows["miles"] > 0, -1),
]


@pytest.mark.parametrize("place", range(5))
def test_an_unsound_model_breaks_the_case_that_is_about_it(place):
    found = judge(ALL[place], candidate=UNSOUND[place])
    assert found.result == "fail"
    assert found.candidate < found.limit == 1
    assert found.production == 1
    assert 0 < len(found.evidence) <= 50
    assert {"case", "row", "score before", "score"} < set(found.evidence[0])
    assert "'case 0' holds for" in found.message


def test_the_share_is_of_the_rows_asked_and_the_limit_is_within():
    def wrong_for_some(rows):
        moved = (rows["row"] >= VARIANT) & (rows["row"] % VARIANT < 6)
        return minutes(rows) - 1000 * moved

    case = {"rises_with": {"miles": 1}}
    for share, result in ((0.9, "pass"), (0.91, "fail")):
        found = judge(case | {"share_at_least": share}, candidate=wrong_for_some)
        assert (found.result, found.candidate) == (result, pytest.approx(0.9))


def test_the_tolerance_is_within():
    def moved(rows):
        return 100.0 + 0.5 * (rows["row"] >= VARIANT)

    case = {"invariant_to": {"origin": "SFO"}}
    assert judge(case | {"tolerance": 0.5}, candidate=moved).result == "pass"
    assert judge(case | {"tolerance": 0.49}, candidate=moved).result == "fail"
    assert judge({"rises_with": {"miles": 1}}, candidate=moved).result == "pass"
    assert judge({"falls_with": {"miles": 1}}, candidate=moved).result == "fail"
    assert judge({"falls_with": {"miles": 1}, "tolerance": 0.5}, candidate=moved).result == "pass"


def test_a_case_that_fails_comes_before_one_that_could_not_be_asked():
    found = judge({"rises_with": {"weight": 1}}, ALL[1], candidate=UNSOUND[1])
    assert found.result == "fail"
    assert "have no column 'weight'" in found.message


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"rises_with": {"weight": 1}}, "have no column 'weight'"),
        ({"invariant_to": {"miles": 1}, "where": {"weight": 1}}, "have no column 'weight'"),
        ({"rows": [{"miles": 1}, {"weight": 1}], "score_at_least": 0}, "no column 'weight'"),
        ({"noise": {"origin": 1}}, "'origin' of the synthetic rows is not numeric"),
        ({"rises_with": {"wet": 1}}, "'wet' of the synthetic rows is not numeric"),
        ({"invariant_to": {"miles": "far"}}, "'miles' of the synthetic rows cannot hold 'far'"),
        ({"invariant_to": {"origin": 3}}, "'origin' of the synthetic rows cannot hold 3"),
        ({"invariant_to": {"miles": 1}, "where": {"origin": "SFO"}}, "no synthetic row matches"),
        ({"invariant_to": {"miles": 1}, "where": {"miles": "far"}}, "no synthetic row matches"),
        (
            {"invariant_to": {"origin": "EWR"}, "where": {"origin": "EWR"}},
            "it changes no",
        ),
    ],
)
def test_a_case_that_these_rows_cannot_be_asked_is_not_passed(case, message):
    found = judge(ALL[1], case)
    assert found.result == "not_enough_data"
    assert message in found.message
    assert "'case 1'" in found.message


ANSWERS = {
    "no row column": (lambda rows: pd.DataFrame({"score": [1.0]}), "no column 'row'"),
    "no score column": (lambda rows: rows[["row"]], "no column 'score'"),
    "no rows": (lambda rows: rows[["row"]].assign(score=1.0).head(0), "no finite score for 60"),
    "a row lacking": (lambda rows: rows[["row"]].assign(score=1.0).iloc[:-1], "1 row of it"),
    "a base row lacking": (lambda rows: rows[["row"]].assign(score=1.0).iloc[1:], "1 row of it"),
    "twice": (lambda rows: pd.concat([rows[["row"]].assign(score=1.0)] * 2), "more than once"),
    "NaN": (lambda rows: rows[["row"]].assign(score=np.nan), "no finite score for 60 rows"),
    "infinite": (lambda rows: rows[["row"]].assign(score=np.inf), "no finite score"),
    "words": (lambda rows: rows[["row"]].assign(score="long"), "no finite score"),
    "rows in words": (lambda rows: rows[["row"]].astype(str).assign(score=1.0), None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_lacks_scores_is_not_passed(name):
    answer, message = ANSWERS[name]
    found = judge({"rises_with": {"miles": 100}}, candidate=answer)
    if message is None:
        assert found.result == "pass"
        return
    assert found.result == "not_enough_data"
    assert message in found.message
    beside = judge({"rises_with": {"miles": 100}}, production=answer)
    assert (beside.result, beside.production) == ("pass", None)


def test_the_order_of_the_answer_is_of_no_account():
    def mixed(rows):
        return pd.DataFrame({"row": rows["row"], "score": minutes(rows)}).sample(
            frac=1, random_state=1
        )

    assert judge(*ALL, candidate=mixed).result == "pass"


@pytest.mark.parametrize("value", [pd.Timestamp("2013-11-01"), 10**400])
def test_an_answer_that_is_no_number_is_not_passed(value):
    def answer(rows):
        return pd.DataFrame({"row": rows["row"], "score": [value] * len(rows)})

    found = judge({"rises_with": {"miles": 100}}, candidate=answer)
    assert (found.result, "no finite score" in found.message) == ("not_enough_data", True)


def test_no_rows_and_nothing_measured_are_not_passed():
    assert "no synthetic row matches" in judge(*ALL, rows=probe_rows(0)).message
    found = ask(ROWS, synthetic(*ALL))
    assert (found.result, "not measured" in found.message) == ("not_enough_data", True)


def test_two_guardrails_share_the_rows_and_answer_each_for_itself():
    guardrails = [synthetic(ALL[1], ALL[0]), synthetic(ALL[4])]
    policy = make_policy(*guardrails)
    made = synthetic_rows(probe_rows(), cases_of(policy.guardrails))
    good = pd.DataFrame({"row": made["row"], "score": minutes(made)})
    bad = good.assign(score=UNSOUND[4](made))
    from retouch.gate.guardrails import evaluate_guardrails

    found = evaluate_guardrails(ROWS, policy, Measured(probed=ProbeScores(made, good, bad)))
    assert [each.result for each in found] == ["pass", "fail"]
