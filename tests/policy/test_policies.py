"""The policies of this repository do what they say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from retouch.alerts.model import FAMILY_OF
from retouch.pipeline.model import Stage, StageMeta
from retouch.policy.check import check_policy, lint_policy
from retouch.policy.edits import expand_edits
from retouch.policy.load import parse_policy, parse_promotion

ROOT = Path(__file__).parents[2]
POLICY = parse_policy((ROOT / "policies/retraining.yaml").read_text(), "policies/retraining.yaml")
PROMOTION = parse_promotion(
    (ROOT / "policies/promotion.yaml").read_text(), "policies/promotion.yaml"
)
PARAMS = {"params.yaml": yaml.safe_load((ROOT / "params.yaml").read_text())}
for source in PARAMS["params.yaml"]["sources"].values():
    source["range_check"] = (
        False  # accepted repairs switch it on; here every tier has its work to do
    )
for part in PARAMS["params.yaml"]["parts"].values():
    part["train"]["exclude"] = part["calibrate"]["exclude"] = []
    part["train"]["increments"] = [{"from": "2013-05-01", "until": "2013-05-16"}]
ANCHORS = {
    "window.start": date(2013, 6, 16),
    "window.end": date(2013, 7, 1),
    "data.until": date(2013, 7, 16),
    "holdout.from": date(2013, 7, 1),
    "holdout.until": date(2013, 7, 16),
}


def stage(module, **partition):
    return Stage(name=module, cmd="x", meta=StageMeta(module=module, partition=partition))


TOUCHED = [
    stage("features"),
    stage("features", source="weather-EWR", origin="EWR"),
    stage("train", part="air-central", region="central"),
    stage("calibrate", part="air-central", region="central"),
]


@pytest.mark.parametrize("result", check_policy(POLICY), ids=lambda r: f"{r.rule} #{r.number}")
def test_every_example_gets_its_decision(result):
    assert result.got == result.expected


def test_nothing_is_said_in_vain():
    assert lint_policy(POLICY) == ()


def test_every_family_of_alerts_has_an_example():
    kinds = {example.given["kind"] for rule in POLICY.rules for example in rule.examples}

    assert {FAMILY_OF[kind] for kind in kinds} == set(FAMILY_OF.values())


def test_both_policies_answer_for_the_same_model():
    assert POLICY.model == PROMOTION.model


@pytest.mark.parametrize(
    ("tier", "after"),
    [
        ("repair", {"sources.weather-EWR.range_check": True}),
        (
            "quarantine",
            {
                "parts.air-central.calibrate.exclude": [
                    {"from": "2013-06-16", "until": "2013-07-01"}
                ],
                "parts.air-central.train.exclude": [{"from": "2013-06-16", "until": "2013-07-01"}],
            },
        ),
        (
            "recalibrate",
            {
                "evaluate.from": "2013-07-01",
                "evaluate.until": "2013-07-16",
                "parts.air-central.calibrate.from": "2013-06-16",
                "parts.air-central.calibrate.until": "2013-07-01",
            },
        ),
        (
            "refit",
            {
                "evaluate.from": "2013-07-01",
                "evaluate.until": "2013-07-16",
                "parts.air-central.calibrate.from": "2013-06-16",
                "parts.air-central.calibrate.until": "2013-07-01",
                "parts.air-central.train.increments": [],
                "parts.air-central.train.until": "2013-06-16",
            },
        ),
    ],
)
def test_a_tier_changes_these_declared_inputs(tier, after):
    edits = expand_edits(tier, POLICY.tiers[tier], TOUCHED, ANCHORS, PARAMS)

    assert {edit.key: edit.after for edit in edits} == after


def test_the_full_tier_is_a_refit_of_every_part():
    assert POLICY.tiers["full"].whole_model
    assert POLICY.tiers["full"].edits == POLICY.tiers["refit"].edits
