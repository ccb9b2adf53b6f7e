"""What a guardrail of `policies/promotion.yaml` may say, and what it may not."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from retouch.errors import InputError
from retouch.policy.guardrails import (
    CalibrationLimit,
    Fairness,
    Guardrail,
    Latency,
    NegativeFlips,
    Probe,
    Size,
    Synthetic,
    SyntheticCase,
)
from retouch.policy.load import parse_promotion
from retouch.policy.metrics import METRICS, OWN_METRICS

WHY = {"name": "Nobody pays for it", "why": "It would be unfair."}
FAIRNESS = WHY | {"kind": "fairness", "by": "carrier", "metric": "mean_absolute_error"}
LATENCY = WHY | {"kind": "latency", "cmd": "time {production} {candidate} {out}"}
SIZE = WHY | {"kind": "size"}
CALIBRATION = WHY | {"kind": "calibration"}
FLIPS = WHY | {"kind": "negative_flips", "share_at_most": 0.01}
PROBE = {"rows_cmd": "rows {from} {until} {out}", "score_cmd": "score {model} {rows} {out}"}


def read(said):
    return TypeAdapter(Guardrail).validate_python(said)


def case(**said):
    return WHY | {"kind": "synthetic", "cases": [{"name": "A case"} | said]}


GOOD = [
    FAIRNESS | {"gap_at_most": 0},
    FAIRNESS | {"gap_grows_at_most": 1.5, "mode": "observe"},
    FAIRNESS | {"metric": "selection_rate", "threshold": 0.5, "gap_at_most": 0.1},
    LATENCY | {"p50_at_most": 1.5, "then": "next_tier"},
    SIZE | {"bytes_at_most": 1},
    CALIBRATION | {"coverage": 0.9, "coverage_off_by_at_most": 0.05, "by": "origin"},
    CALIBRATION | {"coverage": 0.9, "worsens_at_most": 0},
    CALIBRATION | {"reliability_error_at_most": 0.05, "bins": 15},
    FLIPS | {"tolerance": 0},
    FLIPS | {"threshold": 0.5},
    case(invariant_to={"tail": None}),
    case(rises_with={"miles": 100}, where={"origin": "EWR"}, share_at_least=0.95),
    case(falls_with={"age": 1}, tolerance=0.5),
    case(noise={"miles": 5, "hour": 0}),
    case(rows=[{"miles": 0}, {"miles": None}], score_at_least=0, score_at_most=1000),
]


@pytest.mark.parametrize("said", GOOD)
def test_what_is_complete_is_read(said):
    assert read(said).mode in ("block", "observe")


BAD = [
    (FAIRNESS, "give 'gap_at_most', 'gap_grows_at_most' or both"),
    (FAIRNESS | {"gap_at_most": -1}, "greater than or equal to 0"),
    (FAIRNESS | {"gap_at_most": float("nan")}, "finite number"),
    (
        FAIRNESS | {"metric": "mean_absolut_error", "gap_at_most": 1},
        "did you mean mean_abs",
    ),
    (FAIRNESS | {"metric": "os.system", "gap_at_most": 1}, "is not a known metric"),
    (FAIRNESS | {"metric": "", "gap_at_most": 1}, "is not a known metric"),
    (FAIRNESS | {"gap_at_most": 1, "threshold": 0.5}, "'threshold' is for metrics of decisions"),
    (LATENCY, "give 'p50_at_most', 'p95_at_most' or both"),
    (LATENCY | {"cmd": "time {candidate} {out}", "p50_at_most": 1}, "placeholder {production}"),
    (LATENCY | {"cmd": "'time {production} {candidate} {out}", "p50_at_most": 1}, "split"),
    (LATENCY | {"p95_at_most": 0}, "greater than 0"),
    (SIZE, "give 'bytes_at_most', 'ratio_at_most' or both"),
    (CALIBRATION, "give exactly one of 'coverage' and"),
    (CALIBRATION | {"coverage": 0.9}, "give 'coverage_off_by_at_most' or 'worsens_at_most'"),
    (CALIBRATION | {"coverage": 1, "worsens_at_most": 0}, "less than 1"),
    (
        CALIBRATION | {"reliability_error_at_most": 0.1, "coverage_off_by_at_most": 0.1},
        "belongs to 'coverage'",
    ),
    (CALIBRATION | {"reliability_error_at_most": 0.1, "bins": 1}, "greater than or equal to 2"),
    (FLIPS, "give exactly one of 'tolerance' and 'threshold'"),
    (FLIPS | {"tolerance": 1, "threshold": 1}, "give exactly one of"),
    (FLIPS | {"tolerance": 1, "share_at_most": 2}, "less than or equal to 1"),
    (WHY | {"kind": "synthetic", "cases": []}, "at least 1 item"),
    (case(), "give exactly one of 'invariant_to'"),
    (case(invariant_to={"a": 1}, noise={"a": 1}), "give exactly one of 'invariant_to'"),
    (case(invariant_to={}), "names no column"),
    (case(rises_with={}), "changes nothing"),
    (case(noise={"miles": 0}), "changes nothing"),
    (case(noise={"miles": -1}), "greater than or equal to 0"),
    (case(rows=[{"miles": 0}]), "go with 'rows', and only there"),
    (case(noise={"miles": 1}, score_at_most=5), "go with 'rows', and only there"),
    (case(rows=[{}], score_at_least=5, score_at_most=1), "must not be above"),
    (WHY | {"kind": "beauty"}, "does not match any of the expected tags"),
    (SIZE | {"bytes_at_most": 1, "colour": "red"}, "Extra inputs"),
    (SIZE | {"bytes_at_most": 1, "mode": "warn"}, "'observe' or 'block'"),
]


@pytest.mark.parametrize(("said", "message"), BAD)
def test_what_is_amiss_is_said(said, message):
    with pytest.raises(ValidationError) as error:
        read(said)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows_cmd": "rows {from}"}, "rows_cmd lacks the placeholder {out}"),
        ({"score_cmd": "score {model} {out}"}, "score_cmd lacks the placeholder {rows}"),
        ({"rows_cmd": 'rows "{out}'}, "cannot be split into words"),
    ],
)
def test_a_probe_without_its_placeholders_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        Probe.model_validate(PROBE | change)


@pytest.mark.parametrize("name", sorted(METRICS - OWN_METRICS))
def test_every_metric_is_a_function_of_labels_and_scores_there_is(name):
    import fairlearn.metrics
    import sklearn.metrics

    function = getattr(sklearn.metrics, name, None) or getattr(fairlearn.metrics, name)
    first, second, *others = inspect.signature(function).parameters.values()
    assert first.name == "y_true" and second.name in ("y_pred", "y_score", "y_proba")
    assert all(p.default is not p.empty or p.kind is p.VAR_KEYWORD for p in others)


# --- docs/guardrails.md --------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs/guardrails.md").read_text()
KINDS = (Fairness, Latency, Size, CalibrationLimit, NegativeFlips, Synthetic)


def test_the_example_of_the_docs_can_be_read_and_has_every_kind():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    policy = (Path(__file__).parents[1] / "toy/policies/promotion.yaml").read_text()
    policy = policy.replace("  needs:", "  lower: low\n  upper: high\n  needs:")
    read = parse_promotion(policy + example, "docs/guardrails.md")
    assert tuple(map(type, read.guardrails)) == KINDS


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("    kind: siz\n", "guardrails[0]: kind: 'siz' is unknown; did you mean 'size'?"),
        ("", "guardrails[0]: the key 'kind' is missing, which determines its type."),
    ],
)
def test_a_kind_that_is_unknown_or_left_out_is_told_in_words(kind, message):
    policy = (Path(__file__).parents[1] / "toy/policies/promotion.yaml").read_text()
    policy += f"guardrails:\n  - name: It stays small\n    why: It is copied.\n{kind}"
    with pytest.raises(InputError, match=re.escape(message)):
        parse_promotion(policy + "    ratio_at_most: 2\n", "promotion.yaml")


@pytest.mark.parametrize("part", [*KINDS, SyntheticCase, Probe], ids=lambda part: part.__name__)
def test_every_key_is_documented(part):
    for name in part.model_fields:
        assert f"`{name}`" in PAGE, name


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_is_documented(metric):
    assert f"`{metric}`" in PAGE
