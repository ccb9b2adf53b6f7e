"""No promotion on bad predictions: every kind of damage, of either model and of both."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)


def within(column):
    """Shuffle scores among the rows with the same value of a column."""

    def shuffle(table, rng):
        by_value = table.groupby(column)["score"]
        return table.assign(score=by_value.transform(lambda s: rng.permutation(s.to_numpy())))

    return shuffle


def within_one(column, value):
    def shuffle(table, rng):
        score, rows = table["score"].to_numpy().copy(), (table[column] == value).to_numpy()
        score[rows] = rng.permutation(score[rows])
        return table.assign(score=score)

    return shuffle


def stuck(column, value):
    """Give one score to all rows with a value."""

    def fill(table, rng):
        return table.assign(score=table["score"].mask(table[column] == value, 120.0))

    return fill


def some(value):
    def fill(table, rng):
        return table.assign(score=table["score"].mask(rng.random(len(table)) < 0.01, value))

    return fill


DAMAGE = {
    "rows are missing": (lambda t, rng: t.drop(index=rng.integers(len(t), size=3)), "lacks"),
    "cut off within a day": (lambda t, rng: t.iloc[:-5], "lacks"),
    "cut off by days": (lambda t, rng: t[t["day"] < "2013-11-12"], "lacks"),
    "not a number": (some(np.nan), "not a finite number"),
    "infinite": (some(np.inf), "not a finite number"),
    "one score": (lambda t, rng: t.assign(score=42.0), "the same score, 42, in all of its"),
    "one score for a slice": (stuck("origin", "JFK"), "120, in all 280 rows with origin = JFK"),
    "one score on a day": (stuck("day", "2013-11-05"), "120, in all 60 rows with day = 2013-11-05"),
    "rows twice": (lambda t, rng: pd.concat([t, t.sample(5, random_state=rng)]), "more than once"),
    "all rows twice": (lambda t, rng: pd.concat([t, t]), "more than once"),
    "shuffled": (lambda t, rng: t.assign(score=rng.permutation(t["score"])), "uncorrelated"),
    "shuffled within days": (within("day"), "uncorrelated"),
    "shuffled within origins": (within("origin"), "uncorrelated"),
    "shuffled within one origin": (within_one("origin", "LGA"), "uncorrelated"),
    "slipped by a row": (
        lambda t, rng: t.assign(score=np.roll(t["score"], 1)),
        "uncorrelated",
    ),
    "sorted": (lambda t, rng: t.assign(score=np.sort(t["score"])), "uncorrelated"),
    "upside down": (
        lambda t, rng: t.assign(score=t["score"].to_numpy()[::-1]),
        "uncorrelated",
    ),
}
HARMLESS_IN_BOTH = {"rows are missing", "cut off within a day", "one score for a slice"}
"""Rows that no table has ever had cannot be missed; a fallback both models share harms nobody."""


@pytest.fixture(scope="module")
def sound(scores):
    """A model in production and a candidate that would be promoted, with luck of their own."""

    def sound(seed):
        rng = np.random.default_rng(seed)
        old, new = scores(0.0, rows=60), scores(0.0, rows=60)
        old["score"] += rng.normal(0, 12, len(old))
        new["score"] += rng.normal(0, 6, len(new))
        return old, new

    return sound


def spoil(tables, kind, of, seed):
    """Damage the candidate, production, or both in the same way."""
    damage, message = DAMAGE[kind]
    sides = {"production": [0], "candidate": [1], "both": [0, 1]}[of]
    spoilt = [*tables]
    for side in sides:
        spoilt[side] = damage(tables[side], np.random.default_rng(seed))
    return spoilt, message


def test_without_damage_the_candidate_is_promoted(judged, sound):
    for seed in range(5):
        assert judged(*sound(seed)).outcome == "promote"


CASES = [
    (kind, of)
    for kind in DAMAGE
    for of in ("production", "candidate", "both")
    if of != "both" or kind not in HARMLESS_IN_BOTH
]


@pytest.mark.parametrize(("kind", "of"), CASES)
def test_damaged_predictions_are_invalid_with_their_reason(judged, sound, holdout, kind, of):
    tables, message = spoil(sound(7), kind, of, seed=11)
    judgement = judged(*tables, holdout=holdout)
    assert judgement.outcome == "invalid"
    expected = "lacks" if message == "lacks" and of != "both" else message
    if kind == "cut off by days" and of == "both":
        expected = "Neither score table has rows of 3 days of the hold-out, the first 2013-11-12"
    assert expected in judgement.message
    assert judgement.checks == ()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CASES), SEEDS)
def test_damage_never_promotes(judged, sound, holdout, case, seed):
    kind, of = case
    tables, _ = spoil(sound(seed), kind, of, seed=seed + 1)
    if not all(len(t) for t in tables):
        return
    assert judged(*tables, holdout=holdout).outcome != "promote"


def test_a_day_without_rows_may_be_allowed(judged, sound, policy, holdout):
    tables = [t[t["day"] != "2013-11-03"] for t in sound(1)]
    assert judged(*tables, holdout=holdout).outcome == "invalid"
    relaxed = policy(holdout={"every_day": False})
    assert judged(*tables, holdout=holdout, policy=relaxed).outcome == "promote"


# --- of probabilities ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound_classes(sound):
    """The same two models, telling flights above 130 minutes from those below."""

    def sound_classes(seed):
        tables = []
        for table in sound(seed):
            odds = 1 / (1 + np.exp(-(table["score"] - 130) / 8))
            label = (table["label"] > 130).astype(float)
            tables.append(table.assign(label=label, score=odds))
        return tables

    return sound_classes


@pytest.mark.parametrize("loss", ["log_loss", "brier", "auc"])
@pytest.mark.parametrize("of", ["production", "candidate", "both"])
@pytest.mark.parametrize(
    "kind", [k for k, (_, message) in DAMAGE.items() if message.startswith("uncorrelated")]
)
def test_probabilities_of_other_rows_are_invalid(judged, sound_classes, policy, loss, of, kind):
    strict = policy(loss=loss, overall_margin=0.01, slice_margin=0.03)
    assert judged(*sound_classes(3), policy=strict).outcome == "promote"
    tables, message = spoil(sound_classes(3), kind, of, seed=5)
    judgement = judged(*tables, policy=strict)
    assert judgement.outcome == "invalid"
    assert message in judgement.message


# --- honest models are not refused ---------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(0.4, 0.95), st.booleans(), st.sampled_from(["production", "candidate"]))
def test_a_weak_model_is_judged(judged, sound, seed, correlation, calibrated, of):
    old, new = sound(seed)
    rng = np.random.default_rng(seed)
    label = old["label"]
    weak = label + label.std() * (1 / correlation**2 - 1) ** 0.5 * rng.standard_normal(len(old))
    if calibrated:
        weak = label.mean() + correlation**2 * (weak - label.mean())
    tables = (old.assign(score=weak), new) if of == "production" else (old, new.assign(score=weak))
    assert judged(*tables).outcome != "invalid"


def test_a_model_of_means_is_judged_though_they_say_nothing_of_the_labels(judged, sound):
    old, new = sound(1)
    means = old["origin"].map({"EWR": 130.0, "JFK": 129.9, "LGA": 130.1})
    assert judged(old.assign(score=means), new).outcome == "promote"


def test_two_models_of_means_are_judged(judged, sound):
    old, new = sound(1)
    tables = [
        old.assign(score=new["region"].map(m)) for m in ({"central": 99.0, "east": 98.0},) * 2
    ]
    tables[1] = tables[1].assign(score=tables[1]["score"] + 30)
    assert judged(*tables).outcome == "promote"


def test_labels_that_are_all_alike_tell_nothing(judged, sound):
    tables = [t.assign(label=130.0) for t in sound(1)]
    assert judged(*tables).outcome == "promote"


def test_below_the_fewest_rows_nothing_is_said_of_the_scores(judged, scores, policy):
    tables = [scores(0.0, days=10, rows=9) for _ in range(2)]
    rng = np.random.default_rng(0)
    tables = [t.assign(score=rng.permutation(t["score"]) + i) for i, t in enumerate(tables)]
    assert judged(*tables, policy=policy(min_rows=91)).outcome == "not_enough_data"
    assert judged(*tables, policy=policy(min_rows=90)).outcome == "invalid"


def test_a_slice_both_models_answer_alike_is_judged(judged, sound, holdout):
    tables, _ = spoil(sound(7), "one score for a slice", "both", seed=0)
    assert judged(*tables, holdout=holdout).outcome == "promote"


def test_scores_of_any_size_can_be_told_from_one_another(judged, sound):
    for scale in (1e-30, 1e30):
        tables = [t.assign(label=t["label"] * scale, score=t["score"] * scale) for t in sound(2)]
        assert judged(*tables).outcome in ("promote", "not_enough_data")
        rng = np.random.default_rng(1)
        tables[0] = tables[0].assign(score=rng.permutation(tables[0]["score"]))
        assert judged(*tables).outcome == "invalid"
