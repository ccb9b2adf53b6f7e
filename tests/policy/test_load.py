"""A policy file is read strictly; every fault is one sentence with the dotted key."""

from __future__ import annotations

import pytest

from retouch.errors import InputError
from retouch.policy.load import parse_policy, parse_promotion
from retouch.policy.model import DaysBefore

POLICY = """
version: 1
model: block-time
tiers:
  refit:
    description: Fit again.
    module: train
    must: improve
    edits:
      - {set: "parts.{part}.train.until", to: {days_before: 15, of: holdout.from}}
rules:
  - name: A part that got worse is fitted again
    why: New data helps.
    when: {family: performance, kind: [performance, concept_drift]}
    try: [refit]
    examples:
      - {given: {kind: performance}, expect: {try: [refit]}}
"""
PROMOTION = """
version: 1
model: block-time
score: {cmd: "score {model} {from} {until} {out}"}
holdout: {days: 15, clock: {key: data.until}, seen_until_file: m.json, seen_until_key: seen}
limits: {loss: absolute_error, overall_margin: 0.3, slice_margin: 1.0}
"""


def refusal(text, parse=parse_policy):
    with pytest.raises(InputError) as caught:
        parse(text, "p.yaml")
    assert caught.value.hint == "Correct it, then run `retouch policy check`."
    return caught.value.message


def test_a_policy_is_read():
    policy = parse_policy(POLICY, "p.yaml")

    assert policy.rules[0].attempt == ("refit",)
    assert policy.tiers["refit"].edits[0].to == DaysBefore(days_before=15, of="holdout.from")


def test_a_promotion_policy_is_read():
    promotion = parse_promotion(PROMOTION, "p.yaml")

    assert (promotion.holdout.clock.file, promotion.limits.confidence) == ("params.yaml", 0.95)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("family:", "famly:", "rules[0].when.famly: unknown key; did you mean 'family'?"),
        (
            "family: performance,",
            "family: perfomance,",
            "rules[0].when.family: 'perfomance' is unknown; did you mean 'performance'?",
        ),
        (
            "concept_drift]",
            "drift]",
            "rules[0].when.kind[1]: 'drift' is unknown; did you mean 'data_drift'?",
        ),
        (
            "kind: [performance, concept_drift]",
            "kind: drift",
            "rules[0].when.kind: 'drift' is unknown; did you mean 'data_drift'?",
        ),
        ("    try: [refit]", "    hold: 3", "rules[0].hold: must be text, not 3."),
        (
            "    try: [refit]\n",
            "",
            "rules[0]: give exactly one of 'try' and 'hold'.",
        ),
        (
            "    try: [refit]",
            "    try: [full]",
            "rule 'A part that got worse is fitted again' tries tier 'full', which is not defined.",
        ),
        ("    why: New data helps.\n", "", "rules[0].why: missing."),
        ("days_before: 15", "days_before: -1", "tiers.refit.edits[0].to.days_before: should be"),
        (
            "of: holdout.from",
            "of: holdout.form",
            "tiers.refit.edits[0].to.of: 'holdout.form' is unknown; did you mean 'holdout.from'?",
        ),
        (
            "days_before: 15",
            "day_before: 15",
            "tiers.refit.edits[0].to.day_before: unknown key; did you mean 'days_before'?",
        ),
        (
            "to: {days_before: 15, of: holdout.from}",
            "to: []",
            "tiers.refit.edits[0].to: must be text, a number, true or false or an object, not",
        ),
        (
            "to: {days_before: 15, of: holdout.from}",
            "to: 2013-07-01",
            'tiers.refit.edits[0].to: YAML reads a date; if text is meant, quote it: "2013-07-01".',
        ),
        (
            "to: {days_before: 15, of: holdout.from}",
            "to: 1, increase_by: 1",
            "tiers.refit.edits[0]: give exactly one of 'to', 'append', 'clear' and 'increase_by'.",
        ),
        ("must: improve", "must: yes", "tiers.refit.must: YAML reads true or false; if text"),
        ("version: 1", "version: 2", "version: 2 is unknown; it must be 1."),
        ("version: 1", "version: '1'", "version: '1' is unknown; it must be 1."),
        (
            "when: {family",
            "when: {confidence: {}, family",
            "rules[0].when.confidence: give 'at_least'",
        ),
        (
            "when: {family",
            "when: {confidence: {at_least: 2, at_most: 1}, family",
            "rules[0].when.confidence: 'at_least' must not be above 'at_most'.",
        ),
        (POLICY, "", "must be a mapping of keys to values."),
    ],
)
def test_a_fault_is_told_with_its_place(old, new, message):
    assert old in POLICY
    assert refusal(POLICY.replace(old, new)).startswith(f"p.yaml: {message}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{out}", "out", "score.cmd lacks the placeholder {out}."),
        ("days: 15", "days: 1.5", "holdout.days: must be a whole number, not 1.5."),
        ("slice_margin", "slice_margn", "limits.slice_margn: unknown key; did you mean"),
    ],
)
def test_a_fault_of_the_promotion_policy_is_told_with_its_place(old, new, message):
    refused = refusal(PROMOTION.replace(old, new), parse_promotion)

    assert refused.startswith(f"p.yaml: {message}")
