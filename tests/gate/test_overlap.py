"""No row of the hold-out may be among a model's training rows."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from retouch.gate.validity import training_overlap


@pytest.fixture
def found(holdout):
    """What is said of a candidate that learned from these rows; the hold-out has ids a, b, 3."""

    def found(ids, days=None, holdout_ids=("a", "b", "3")):
        learned = pd.DataFrame({"id": ids, "day": days if days is not None else [None] * len(ids)})
        return training_overlap(
            "the candidate", learned, pd.Series(holdout_ids, dtype=str), holdout
        )

    return found


def test_other_rows_of_earlier_days_are_no_overlap(found):
    assert found(["x", "y"], ["2013-10-30", "2013-10-31"]) is None


def test_rows_of_the_holdout_are_counted_and_the_first_is_named(found):
    assert found(["b", "x", "a", "a"]) == (
        "The candidate was trained on 2 rows of the hold-out's 3; the first has the id 'a'."
    )


@pytest.mark.parametrize("ids", [[3], [3.0], [3.0, np.nan], ["3"], [np.int64(3)]])
def test_ids_are_compared_as_text_whatever_their_type(found, ids):
    assert "1 row of the hold-out's 3; the first has the id '3'" in found(ids)


def test_a_missing_id_is_no_id(found):
    assert found(["x", None, np.nan], holdout_ids=("None", "nan")) is None


@pytest.mark.parametrize("id_", ["3.0", "003", "03.00"])
def test_whole_numbers_are_the_same_however_a_table_writes_them(found, id_):
    assert "1 row of the hold-out's 3; the first has the id '3'" in found([id_, None])
    assert "1 row of the hold-out's 1" in found([id_], holdout_ids=(id_,))


@pytest.mark.parametrize("id_", ["3.5", "30", "-3", "3.0a", ""])
def test_other_numbers_are_other_ids(found, id_):
    assert found([id_]) is None


@pytest.mark.parametrize(
    "day", ["2013-11-01", "2013-12-31", dt.date(2013, 11, 1), pd.Timestamp("2013-11-14 03:00")]
)
def test_a_day_from_the_holdouts_first_on_is_an_overlap_in_time(found, day):
    message = found(["x", "y"], ["2013-10-31", day])
    assert message.startswith("The candidate was trained on 1 row of ")
    assert message.endswith("and the hold-out starts on 2013-11-01; the first has the id 'y'.")


def test_the_day_before_the_holdout_may_be_learned_from(found):
    assert found(["x", "y"], ["2013-10-31", None]) is None


def test_a_day_that_cannot_be_read_is_not_trusted(found):
    assert found(["x", "y"], ["2013-10-31", "yesterday"]) == (
        "The training rows of the candidate include 1 row whose day cannot be read;"
        " the first has the id 'y'."
    )


def test_rows_without_a_column_of_days_are_compared_by_id_alone(holdout):
    learned = pd.DataFrame({"id": ["x"]})
    assert training_overlap("the candidate", learned, pd.Series(["a"]), holdout) is None


@pytest.mark.parametrize(
    ("learned", "message"),
    [
        (
            pd.DataFrame({"id": [], "day": []}),
            "The table of training rows of the candidate",
        ),
        (pd.DataFrame({"key": ["x"]}), "The training rows of the candidate have no column 'id'."),
        (pd.DataFrame({"id": [None, None]}), "The training rows of the candidate have no ids,"),
    ],
)
def test_a_table_that_proves_nothing_is_not_trusted(holdout, learned, message):
    found = training_overlap("the candidate", learned, pd.Series(["a"]), holdout)
    assert found.startswith(message)


@pytest.mark.parametrize("side", [0, 1])
def test_overlap_of_either_model_is_invalid(judged, side):
    clean = pd.DataFrame({"id": ["old-1"], "day": ["2013-10-01"]})
    learned = [clean, clean]
    assert judged(5.0, 3.0, learned=learned).outcome == "promote"
    learned[side] = pd.DataFrame({"id": ["old-1", "03-007"], "day": ["2013-10-01", None]})
    judgement = judged(5.0, 3.0, learned=learned)
    assert judgement.outcome == "invalid"
    assert judgement.message.endswith(
        "was trained on 1 row of the hold-out's 420; the first has the id '03-007'."
    )


def test_the_holdout_says_how_many_rows_it_was_compared_with(judged):
    rows = [pd.DataFrame({"id": [f"old-{n}" for n in range(count)]}) for count in (7, 5)]
    assert judged(5.0, 3.0, learned=rows).holdout.learned_rows_compared == 12
    assert judged(5.0, 3.0).holdout.learned_rows_compared is None
    assert judged(5.0, 3.0, learned=(rows[0], None)).holdout.learned_rows_compared is None
