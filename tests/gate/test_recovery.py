"""Whether the alerted slice comes back to what it was before the alert."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def before(scores):
    """Production's scores of a week in October: in the central region it was off by so much."""

    def before(central, *, east=50.0, days=7):
        table = scores(0.0, days=days)
        off = np.where(table["region"] == "central", central, east)
        day = pd.to_datetime(table["day"]) - pd.Timedelta(days=30)
        return table.assign(score=table["label"] + off, day=day.dt.strftime("%Y-%m-%d"))

    return before


def restored(judgement):
    return next((check for check in judgement.checks if check.name == "restored"), None)


@pytest.fixture
def asked(judged, central):
    """Judge a candidate with an error of `new` where production's has become 27.31."""

    def asked(new, reference, factor=1.15, **given):
        given = {"alerted": central} | given
        return judged(27.31, new, restores=factor, reference=reference, **given)

    return asked


def test_a_candidate_that_brings_the_slice_back_is_promoted(asked, before):
    judgement = asked(12.5, before(10.90))
    check = restored(judgement)
    assert judgement.outcome == "promote"
    assert (check.criterion, check.family, check.required, check.result) == (
        "restored",
        "gate",
        True,
        "pass",
    )
    assert check.reference == pytest.approx(10.90)
    assert check.limit == pytest.approx(27.31 - 1.15 * 10.90)
    assert check.gain >= check.limit
    assert check.message == (
        "Mean absolute error on region = central falls to 12.50 minutes, 14.68 % above the"
        " 10.90 of the alert's reference window, where 15 % is allowed."
    )


def test_a_candidate_that_goes_half_way_is_rejected(asked, before):
    judgement = asked(16.14, before(10.90))
    assert judgement.outcome == "reject"
    assert [c.name for c in judgement.checks if c.result == "fail"] == ["restored"]
    assert judgement.message == (
        "Mean absolute error on region = central falls to 16.14 minutes, 48 % above the 10.90"
        " of the alert's reference window, where 15 % is allowed: not restored."
    )


def test_a_loss_below_that_before_the_alert_is_restored(asked, before):
    message = restored(asked(9.0, before(10.90), factor=1.0)).message
    assert message.endswith(
        "falls to 9.00 minutes, not above the 10.90 of the alert's reference window."
    )


def test_the_limit_itself_is_restored(asked, before):
    assert restored(asked(15.0, before(10.0), factor=1.5)).result == "pass"
    assert restored(asked(15.01, before(10.0), factor=1.5)).result == "fail"


@pytest.mark.parametrize(("new", "moves"), [(27.31, "stays at 27.31"), (30.0, "rises to 30.00")])
def test_a_loss_that_does_not_fall_is_not_said_to(asked, before, new, moves):
    assert f"region = central {moves} minutes, " in restored(asked(new, before(10.9))).message


def test_a_reference_without_loss_is_named(asked, before):
    check = restored(asked(5.0, before(0.0)))
    assert check.result == "fail"
    assert "and is 0.00 in the alert's reference window: not restored." in check.message


def test_only_the_alerted_slice_counts(asked, before):
    assert restored(asked(11.0, before(10.9, east=1.0))).result == "pass"
    assert restored(asked(40.0, before(10.9, east=90.0))).result == "fail"


def test_an_alert_on_all_rows_compares_all_rows(asked, before):
    check = restored(asked(11.0, before(10.0, east=12.0), alerted=None))
    assert check.reference == pytest.approx(11.0)
    assert check.rows == 420


def test_without_a_factor_or_a_reference_nothing_is_asked(judged, central, before):
    assert restored(judged(27.0, 12.0, alerted=central, restores=1.15)) is None
    assert restored(judged(27.0, 12.0, alerted=central, reference=before(10.0))) is None


def test_a_slice_without_rows_is_not_asked_about(asked, before, alerted):
    moon = alerted("region = moon", ("region", "eq", "moon"))
    judgement = asked(12.0, before(10.9), alerted=moon)
    assert restored(judgement) is None
    assert judgement.outcome == "not_enough_data"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns="score"), "has no column 'score'."),
        (lambda t: t.iloc[:0], "has no rows."),
        (lambda t: t.assign(score=np.nan), "whose score is not a finite number"),
        (lambda t: pd.concat([t, t]), "whose id occurs more than once"),
        (lambda t: t.drop(columns="region"), "no usable column for region = central."),
        (lambda t: t.iloc[:150], "75 rows of the alerted slice, where 100"),
        (lambda t: t.assign(region="east"), "0 rows of the alerted slice"),
        (lambda t: t.assign(score=t["score"].where(t.index != 3, 1e300)), "cannot be computed"),
    ],
)
def test_a_reference_that_cannot_be_read_is_never_a_pass(asked, before, spoil, message):
    judgement = asked(12.0, spoil(before(10.9)))
    check = restored(judgement)
    assert (check.result, check.reference) == ("not_enough_data", None)
    assert message in check.message
    assert judgement.outcome == "not_enough_data"
    assert judgement.message == check.message


def test_the_reference_may_be_of_any_days_and_few(asked, before):
    assert restored(asked(12.0, before(10.9, days=8))).result == "pass"


def test_too_small_a_slice_in_the_holdout_is_not_restored(asked, before, policy):
    strict = policy(required_slices=(), min_rows=211)  # The slice has 210 rows.
    check = restored(asked(12.0, before(10.9, days=20), policy=strict))
    assert check.result == "not_enough_data"
    assert check.message.startswith("Not enough data on region = central: 210 rows")
