"""On which runner a target is retrained: what its tiers and the stages they run ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from retouch.jobs.retrain.targets import RetrainTarget
from tests.jobs.retrain.conftest import Loop
from tests.jobs.retrain.test_receive import sent


def targets(loop: Loop, alert: str) -> list[dict[str, Any]]:
    event = loop.event(sent(loop, alert), "repository_dispatch")
    (loop.toy.root / alert).unlink()
    told = loop.ci("receive", *event)
    assert told.code == 0, told
    return json.loads(told.out)["targets"]


def test_a_target_runs_where_its_tiers_and_stages_ask_and_others_where_the_repository_does(
    loop: Loop,
):
    path = loop.toy.root / "policies/retraining.yaml"
    policy = yaml.safe_load(path.read_text())
    policy["tiers"]["refit"]["runs-on"] = ["self-hosted", "gpu"]
    path.write_text(yaml.safe_dump(policy, sort_keys=False))
    loop.push("Fit on a machine of our own")
    alert = loop.toy.alert("performance", severity="critical", where={"region": "eu"})
    [target] = targets(loop, alert)
    assert target == {"pull": 1, "runs_on": ["self-hosted", "gpu"], "minutes": None}
    [target] = targets(loop, loop.toy.alert("data_quality", 2))
    assert target == {"pull": 2, "runs_on": None, "minutes": None}


@pytest.mark.parametrize(
    "label", ["a b", "", "-x", "${{ secrets.X }}", 'a","b', "a\n", "a" * 101, ["gpu"], {"group": 1}]
)
def test_a_runner_is_named_by_labels_and_nothing_else(label):
    with pytest.raises(ValidationError):
        RetrainTarget(pull=1, runs_on=(label,))
