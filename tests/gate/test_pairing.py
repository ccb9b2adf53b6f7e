"""Two score tables make one paired table, or a reason why not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from retouch.gate.losses import Loss, loss_of
from retouch.gate.pairing import Incomparable, Paired, pair


@pytest.fixture(scope="module")
def paired(policy, holdout):
    """Pair two tables under the example policy."""

    def paired(production, candidate, **given):
        promotion = policy()
        given = {
            "scoring": promotion.score,
            "holdout": holdout,
            "loss": loss_of(promotion.limits),
            "required": promotion.required_slices,
        } | given
        return pair(production, candidate, **given)

    return paired


@pytest.fixture
def tables(scores, noise):
    """Two sound tables of two days with three rows each: ids 00-000 to 01-002."""
    shape = {"days": 2, "rows": 3}
    return scores(noise(1, **shape), **shape), scores(noise(2, **shape), **shape)


def test_rows_are_matched_by_id_whatever_their_order(paired, tables):
    production, candidate = tables
    straight = paired(production, candidate)
    shuffled = paired(production.iloc[[3, 1, 5, 0, 2, 4]], candidate[::-1])
    assert isinstance(straight, Paired)
    pd.testing.assert_frame_equal(shuffled.rows, straight.rows)
    pd.testing.assert_frame_equal(shuffled.slices, straight.slices)


def test_the_paired_table_holds_both_scores_and_their_losses(paired, tables):
    production, candidate = tables
    rows = paired(production, candidate).rows
    assert rows["production_score"].tolist() == production["score"].tolist()
    assert rows["candidate_score"].tolist() == candidate["score"].tolist()
    expected = (production["score"] - production["label"]).abs()
    assert rows["production_loss"].tolist() == pytest.approx(expected.tolist())
    expected = (candidate["score"] - candidate["label"]).abs()
    assert rows["candidate_loss"].tolist() == pytest.approx(expected.tolist())


def test_slice_columns_asked_for_are_carried_and_an_optional_one_may_be_missing(paired, tables):
    found = paired(*tables, optional=("region", "altitude", "origin"))
    assert [*found.slices] == ["origin", "region"]
    production, candidate = tables
    found = paired(production, candidate.drop(columns="region"), optional=("region",))
    assert [*found.slices] == ["origin"]


def test_the_policy_names_the_columns(paired, policy, tables):
    names = {"id": "flight", "time": "at", "day": "date", "label": "actual", "score": "forecast"}
    renamed = [table.rename(columns=names) for table in tables]
    found = paired(*renamed, scoring=policy(score=names).score)
    pd.testing.assert_frame_equal(found.rows, paired(*tables).rows)


@pytest.mark.parametrize("kind", [str, dt.date.fromisoformat, pd.Timestamp])
def test_a_day_may_be_text_a_date_or_a_timestamp(paired, tables, kind):
    typed = [table.assign(day=table["day"].map(kind)) for table in tables]
    pd.testing.assert_frame_equal(paired(*typed).rows, paired(*tables).rows)


def test_missing_slice_values_agree_with_one_another(paired, tables):
    without = [table.assign(origin=[None, *table["origin"][1:]]) for table in tables]
    assert isinstance(paired(*without), Paired)


def change(table, column, row, value):
    """Return a copy with one value changed; `row` counts in id order."""
    changed = table.copy()
    changed[column] = changed[column].astype(object)
    changed.iloc[row, changed.columns.get_loc(column)] = value
    return changed


OF = {0: "the model in production", 1: "the candidate"}


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns="time"), "has no column 'time'."),
        (lambda t: t.drop(columns="label"), "has no column 'label'."),
        (lambda t: t.drop(columns="origin"), "has no column 'origin'."),
        (lambda t: t.iloc[:0], "has no rows."),
        (lambda t: change(t, "id", 2, None), "has 1 row without an id."),
        (
            lambda t: pd.concat([t, t.iloc[[4]]]),
            "has 2 rows whose id occurs more than once; the first has the id '01-001'.",
        ),
        *(
            (
                lambda t, column=column, value=value: change(t, column, 3, value),
                f"has 1 row whose {column} is not a finite number; the first has the id '01-000'.",
            )
            for column in ("label", "score")
            for value in (
                None,
                np.nan,
                np.inf,
                -np.inf,
                "n/a",
                pd.NaT,
                dt.timedelta(minutes=5),
                10**400,
            )
        ),
        (
            lambda t: t.assign(score=pd.to_timedelta(t["score"], unit="min")),
            "has 6 rows whose score is not a finite number; the first has the id '00-000'.",
        ),
        (
            lambda t: t.assign(label=t["time"]),
            "has 6 rows whose label is not a finite number; the first has the id '00-000'.",
        ),
        (
            lambda t: change(t, "day", 1, "yesterday"),
            "has 1 row whose day cannot be read; the first has the id '00-001'.",
        ),
        (
            lambda t: change(t, "day", 1, None),
            "has 1 row whose day cannot be read; the first has the id '00-001'.",
        ),
        (
            lambda t: change(t, "day", 0, "2013-10-31"),
            "has 1 row outside the hold-out, 2013-11-01 to 2013-11-15 (exclusive);"
            " the first has the id '00-000'.",
        ),
        (
            lambda t: change(t, "day", 5, "2013-12-01"),
            "has 1 row outside the hold-out, 2013-11-01 to 2013-11-15 (exclusive);"
            " the first has the id '01-002'.",
        ),
        (lambda t: t.assign(score=42.0), "has the same score, 42, in all of its 6 rows."),
    ],
)
def test_a_spoilt_table_is_refused_with_its_reason(paired, tables, side, spoil, message):
    spoilt = [*tables]
    spoilt[side] = spoil(spoilt[side])
    assert paired(*spoilt) == Incomparable(f"The score table of {OF[side]} {message}")


def test_rows_the_candidate_left_out_are_missed(paired, tables):
    production, candidate = tables
    assert paired(production, candidate.iloc[:4]) == Incomparable(
        "The score table of the candidate lacks 2 rows of the other's 6;"
        " the first has the id '01-001'."
    )


def test_rows_the_candidate_made_up_are_noticed(paired, tables):
    production, candidate = tables
    assert paired(production.iloc[1:], candidate) == Incomparable(
        "The score table of the model in production lacks 1 row of the other's 6;"
        " the first has the id '00-000'."
    )


@pytest.mark.parametrize(
    ("column", "value"), [("label", 7.0), ("day", "2013-11-09"), ("origin", "BOS")]
)
def test_the_tables_must_agree_on_what_is_not_the_models(paired, tables, column, value):
    production, candidate = tables
    assert paired(production, change(candidate, column, 4, value)) == Incomparable(
        f"The two score tables disagree on the {column} of 1 row; the first has the id '01-001'."
    )


def test_a_slice_column_called_label_does_not_stand_in_for_the_label(paired, policy, tables):
    production, candidate = (table.assign(actual=table["label"], label="x") for table in tables)
    given = {"scoring": policy(score={"label": "actual"}).score, "required": ("label",)}
    assert isinstance(paired(production, candidate, **given), Paired)
    found = paired(production, change(candidate, "actual", 0, 1.0), **given)
    assert found.message.startswith("The two score tables disagree on the label of 1 row")


def test_the_same_scores_in_another_order_are_permuted_rows(paired, tables):
    production, _ = tables
    mixed_up = production.assign(score=np.roll(production["score"], 1))
    assert paired(production, mixed_up) == Incomparable(
        "Both score tables hold the same scores in a different order: one has permuted rows."
    )


def test_models_that_know_few_scores_may_share_them_in_another_order(paired, tables):
    production, _ = tables
    coarse = [
        production.assign(score=values) for values in ([1, 1, 1, 2, 2, 2], [2, 1, 1, 1, 2, 2])
    ]
    assert isinstance(paired(*coarse), Paired)


@pytest.mark.parametrize("worthless", [np.nan, np.inf, 1e200])
def test_a_loss_that_cannot_be_worked_out_is_refused(paired, tables, worthless):
    def fails_above_150(labels, scores):
        return np.where(scores > scores.min(), abs(labels - scores), worthless)

    found = paired(*tables, loss=Loss("Mean test loss", fails_above_150))
    assert found.message.startswith(
        "The mean test loss of the model in production cannot be computed for 1 row;"
    )


def test_models_are_the_same_only_when_every_score_is(paired, tables):
    production, _ = tables
    assert paired(production, production).same_scores
    assert not paired(production, change(production, "score", 0, 1.0)).same_scores


# --- intervals -----------------------------------------------------------------------------------


@pytest.fixture
def with_intervals(paired, policy, tables):
    """Pair the two tables with an interval of 9 about each score, one of them changed."""

    def with_intervals(side=0, **changes):
        wide = [t.assign(low=t["score"] - 9, high=t["score"] + 9) for t in tables]
        wide[side] = wide[side].assign(**changes)
        return paired(*wide, scoring=policy(score={"lower": "low", "upper": "high"}).score)

    return with_intervals


def test_the_ends_of_both_intervals_are_carried(with_intervals):
    rows = with_intervals().rows
    for whose in ("production", "candidate"):
        assert (rows[f"{whose}_upper"] - rows[f"{whose}_score"]).tolist() == pytest.approx([9] * 6)
        assert (rows[f"{whose}_score"] - rows[f"{whose}_lower"]).tolist() == pytest.approx([9] * 6)


def test_without_an_interval_in_the_policy_none_is_carried(paired, tables):
    rows = paired(*[t.assign(lower=1.0, upper=2.0) for t in tables]).rows
    assert not [name for name in rows if "lower" in name or "upper" in name]


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": np.nan}, "has 6 rows whose lower is not a finite number; the first"),
        ({"high": np.inf}, "has 6 rows whose upper is not a finite number; the first"),
        ({"low": 9e9}, "has 6 rows whose interval has its upper end below its lower; the first"),
    ],
)
def test_an_interval_must_be_one(with_intervals, side, changes, message):
    assert with_intervals(side, **changes).message.startswith(
        f"The score table of {OF[side]} {message}"
    )


def test_an_interval_of_no_width_is_one(with_intervals):
    assert isinstance(with_intervals(low=lambda t: t["score"], high=lambda t: t["score"]), Paired)


def test_the_policys_interval_must_be_there(paired, policy, tables):
    found = paired(*tables, scoring=policy(score={"lower": "low"}).score)
    assert found == Incomparable("The score table of the model in production has no column 'low'.")


# --- what a table may look like ------------------------------------------------------------------


def test_ids_read_as_floats_on_one_side_are_the_same_ids(paired, tables):
    production, candidate = tables
    found = paired(production.assign(id=range(6)), candidate.assign(id=np.arange(6.0)))
    assert found.rows["id"].tolist() == ["0", "1", "2", "3", "4", "5"]


def test_two_columns_of_one_name_are_refused(paired, tables):
    production, candidate = tables
    twice = pd.concat([candidate, candidate[["score"]]], axis=1)
    assert paired(production, twice) == Incomparable(
        "The score table of the candidate has more than one column 'score'."
    )


def test_lists_in_a_slice_column_are_compared_as_text(paired, tables):
    lists = [t.assign(origin=[["EWR"], ["JFK"]] * 3) for t in tables]
    assert paired(*lists).slices["origin"].tolist() == ["['EWR']", "['JFK']"] * 3


@pytest.mark.parametrize("index", [[9, 8, 7, 6, 5, 4], ["x"] * 6])
def test_the_index_of_a_table_means_nothing(paired, tables, index):
    named = [t.set_axis(index) for t in tables]
    pd.testing.assert_frame_equal(paired(*named).rows, paired(*tables).rows)
