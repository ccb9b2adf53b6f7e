"""One hold-out judges several candidates: they share the chance of a wrong promotion."""

from __future__ import annotations

import pytest

from retouch.gate.messages import percent


def test_a_later_candidate_is_judged_with_more_confidence(judged, noise, holdout_use):
    first, second = (judged(noise(1), noise(2) - 1, holdout_use=holdout_use(n, 10)) for n in (1, 2))
    for one, other in zip(first.checks, second.checks, strict=True):
        assert other.gain_lower < one.gain_lower < one.gain_upper < other.gain_upper
        assert other.detectable > one.detectable
        assert (one.gain, one.p_value) == (other.gain, other.p_value)


def test_the_holdout_says_which_candidate_it_judged_and_how_surely(judged, holdout_use):
    used = judged(5.0, 3.0, holdout_use=holdout_use(2, 10)).holdout
    assert (used.candidate_number, used.candidates_allowed) == (2, 10)
    assert used.confidence == pytest.approx(1 - 0.05 / (2 * 2.928968), abs=1e-7)
    used = judged(5.0, 3.0).holdout
    assert (used.candidate_number, used.candidates_allowed) == (1, 1)
    assert used.confidence == pytest.approx(0.95)


def test_a_sentence_names_the_confidence_that_was_used(judged, holdout_use):
    assert judged(5.0, 3.0, holdout_use=holdout_use(1, 10)).message.endswith(
        "at least 2.00 with 98.3 % confidence)."
    )
    assert judged(5.0, 3.0, holdout_use=holdout_use(10, 10)).message.endswith(
        "with 99.83 % confidence)."
    )


@pytest.mark.parametrize(
    ("confidence", "text"),
    [(0.95, "95 %"), (0.975, "97.5 %"), (0.99, "99 %"), (0.999987, "99.9987 %"), (0.6, "60 %")],
)
def test_confidence_shows_the_chance_of_being_wrong_to_two_digits(confidence, text):
    assert percent(confidence) == text


def test_a_holdout_that_has_judged_its_candidates_judges_no_more(judged, holdout_use):
    judgement = judged(5.0, 3.0, holdout_use=holdout_use(11, 10))
    assert judgement.outcome == "not_enough_data"
    assert (
        judgement.message
        == "This hold-out is used up: it has judged its 10 candidates for this slice."
        " Wait for new days."
    )
    assert judgement.checks == ()
    assert judgement.holdout.confidence is None
    assert judgement.holdout.candidate_number == 11


def test_what_is_invalid_or_the_same_model_comes_first(judged, holdout_use):
    spent = holdout_use(2, 1)
    assert judged(5.0, None, holdout_use=spent).outcome == "invalid"
    assert judged(5.0, 5.0, hashes=("a", "a"), holdout_use=spent).outcome == "equivalent"
    assert judged(5.0, 3.0, holdout_use=spent).message == (
        "This hold-out is used up: it has judged its one candidate for this slice."
        " Wait for new days."
    )


def test_ten_worthless_candidates_are_rarely_promoted_even_once(judged, noise, policy, holdout_use):
    promotion = policy(required_slices=())
    runs, wrong = 25, 0
    for run in range(runs):
        production = noise(1000 * run)
        wrong += any(
            judged(
                production, noise(1000 * run + k), policy=promotion, holdout_use=holdout_use(k, 10)
            ).outcome
            == "promote"
            for k in range(1, 11)
        )
    assert wrong / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
