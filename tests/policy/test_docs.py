"""docs/policy.md tells the truth about every key of both files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retouch.policy import model, promotion
from retouch.policy.check import check_policy, lint_policy
from retouch.policy.load import parse_policy, parse_promotion

PAGE = (Path(__file__).parents[2] / "docs/policy.md").read_text()
RETRAINING, PROMOTION = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
PARTS = [
    model.Rule,
    model.When,
    model.Tier,
    model.Edit,
    model.Budget,
    model.ValueRule,
    promotion.Scoring,
    promotion.Holdout,
    promotion.LearnedFrom,
    promotion.Limits,
]


def test_the_example_of_a_policy_is_one_and_keeps_its_promises():
    policy = parse_policy(RETRAINING, "docs/policy.md")

    assert all(result.passed for result in check_policy(policy))
    assert lint_policy(policy) == ()


def test_the_example_of_a_promotion_policy_is_one():
    assert parse_promotion(PROMOTION, "docs/policy.md").required_slices == ("origin", "region")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_is_documented(part):
    for name, field in part.model_fields.items():
        assert re.search(rf"`([a-z]+\.)?{field.alias or name}[`:]", PAGE), name


@pytest.mark.parametrize("anchor", model.ANCHORS)
def test_every_anchor_is_documented(anchor):
    assert f"`{{{anchor}}}`" in PAGE
