"""The whole gate on labels of 0 and 1."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

LOSSES = pytest.mark.parametrize("loss", ["log_loss", "brier", "auc"])


@pytest.fixture(scope="module")
def classes(scores):
    """Score late flights with a model whose odds are off by `noise` and by a day's own luck."""

    def classes(seed, noise=1.0, *, rows=60, base=0.4):
        table = scores(0.0, rows=rows)
        truth = np.random.default_rng(1)
        signal = truth.normal(0, 1.5, len(table)) + np.log(base / (1 - base))
        label = (truth.random(len(table)) < 1 / (1 + np.exp(-signal))).astype(float)
        rng = np.random.default_rng(seed)
        day = rng.normal(0, 0.1, 14)[np.arange(len(table)) // rows]
        odds = signal + noise * rng.normal(0, 1, len(table)) + day
        return table.assign(label=label, score=1 / (1 + np.exp(-odds)))

    return classes


@pytest.fixture(scope="module")
def strict(policy):
    def strict(loss, **limits):
        return policy(
            loss=loss, **{"unit": "", "overall_margin": 0.01, "slice_margin": 0.03} | limits
        )

    return strict


@LOSSES
def test_a_better_classifier_is_promoted_and_a_worse_one_is_not(
    judged, classes, strict, central, loss
):
    good, bad = classes(1, 0.2), classes(2, 2.5)
    assert judged(bad, good, alerted=central, policy=strict(loss)).outcome == "promote"
    assert judged(good, bad, alerted=central, policy=strict(loss)).outcome == "reject"


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("log_loss", "Mean log loss on all rows falls from "),
        ("brier", "Brier score on all rows falls from "),
        ("auc", "One minus the AUC on all rows falls from "),
    ],
)
def test_the_sentence_names_the_loss_and_no_unit(judged, classes, strict, loss, message):
    unit = strict(loss, unit="minutes")
    judgement = judged(classes(1, 2.5), classes(2, 0.2), policy=unit)
    assert judgement.message.startswith(message)
    assert "minutes" not in judgement.message


def test_the_area_is_that_of_the_slice_asked_about(judged, classes, strict, central):
    old, new = classes(1), classes(2, 0.3)
    judgement = judged(old, new, alerted=central, policy=strict("auc"))
    for check, rows in zip(
        judgement.checks[:3],
        (old["label"] >= 0, old["region"] == "central", old["origin"] == "EWR"),
        strict=True,
    ):
        for found, table in ((check.production, old), (check.candidate, new)):
            expected = 1 - roc_auc_score(table["label"][rows], table["score"][rows])
            assert found == pytest.approx(expected)


def test_a_day_has_the_area_of_its_own_rows_and_none_with_one_class(judged, classes, strict):
    old, new = classes(1), classes(2, 0.3)
    quiet = old["day"] == "2013-11-03"
    tables = [t.assign(label=t["label"].mask(quiet, 0.0)) for t in (old, new)]
    days = judged(*tables, policy=strict("auc")).days
    assert [day.day for day in days[:3]] == ["2013-11-01", "2013-11-02", "2013-11-04"]
    first = tables[0][tables[0]["day"] == "2013-11-01"]
    assert days[0].production == pytest.approx(1 - roc_auc_score(first["label"], first["score"]))


@pytest.mark.parametrize(("ones", "message"), [(0, "0 rows"), (9, "9 rows")])
def test_a_slice_with_few_of_a_class_cannot_be_ranked(
    judged, classes, strict, central, ones, message
):
    old, new = classes(1), classes(2, 0.3)
    is_central = (old["region"] == "central").to_numpy()
    label = old["label"].mask(is_central, 0.0).to_numpy(copy=True)
    label[np.flatnonzero(is_central)[:: 420 // 9][:ones]] = 1.0
    tables = [t.assign(label=label) for t in (old, new)]
    judgement = judged(*tables, alerted=central, policy=strict("auc"))
    check = judgement.checks[1]
    assert (check.result, check.production) == ("not_enough_data", None)
    assert check.message == (
        f"Not enough data on region = central: {message} with the label 1, where 10 are needed."
    )
    assert judgement.outcome != "promote"


@LOSSES
def test_one_class_overall_is_never_a_promotion_by_rank(judged, classes, strict, loss):
    tables = [t.assign(label=1.0) for t in (classes(1), classes(2, 0.3))]
    outcome = judged(*tables, policy=strict(loss)).outcome
    assert outcome == "not_enough_data" if loss == "auc" else outcome != "invalid"


@LOSSES
@pytest.mark.parametrize("side", [0, 1])
def test_labels_other_than_0_and_1_are_invalid(judged, classes, strict, loss, side):
    tables = [classes(1), classes(2)]
    tables[side].loc[5, "label"] = 0.5
    judgement = judged(*tables, policy=strict(loss))
    assert judgement.outcome == "invalid"
    assert (
        "has 1 row whose label is neither 0 nor 1; the first has the id '00-005'"
        in judgement.message
    )


@pytest.mark.parametrize("score", [-0.01, 1.01])
def test_probabilities_lie_between_0_and_1_and_ranks_need_not(judged, classes, strict, score):
    tables = [classes(1), classes(2, 0.3)]
    tables[1].loc[5, "score"] = score
    for loss in ("log_loss", "brier"):
        judgement = judged(*tables, policy=strict(loss))
        assert judgement.outcome == "invalid"
        assert (
            "has 1 row whose score is not a probability from 0 to 1; the first" in judgement.message
        )
    assert judged(*tables, policy=strict("auc")).outcome != "invalid"


def test_labels_may_be_true_and_false(judged, classes, strict):
    tables = [classes(1, 2.5), classes(2, 0.2)]
    truth = [t.assign(label=t["label"] == 1) for t in tables]
    assert judged(*truth, policy=strict("auc")) == judged(*tables, policy=strict("auc"))


@LOSSES
def test_the_order_of_rows_changes_not_one_bit(judged, classes, strict, central, loss):
    old, new = classes(1), classes(2, 0.3)
    rng = np.random.default_rng(0)
    mixed = [t.iloc[rng.permutation(len(t))] for t in (old, new)]
    limits = strict(loss)
    straight = judged(old, new, alerted=central, policy=limits)
    assert judged(*mixed, alerted=central, policy=limits) == straight


@LOSSES
def test_swapping_the_models_negates_every_gain(judged, classes, strict, loss):
    old, new = classes(1), classes(2, 0.3)
    forth = judged(old, new, policy=strict(loss)).checks
    back = judged(new, old, policy=strict(loss)).checks
    for one, other in zip(forth, back, strict=True):
        assert (one.gain, one.gain_lower) == pytest.approx((-other.gain, -other.gain_upper))


@LOSSES
def test_an_equal_classifier_is_promoted_no_more_often_than_promised(judged, classes, policy, loss):
    limits = policy(loss=loss, unit="", overall_margin=0.01, slice_margin=0.03, required_slices=())
    runs = 100
    outcomes = [
        judged(classes(2 * run + 10), classes(2 * run + 11), policy=limits).outcome
        for run in range(runs)
    ]
    share = outcomes.count("promote") / runs
    assert share <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
