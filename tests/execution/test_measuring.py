"""What guardrails ask besides scores is measured by real commands, and read strictly."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from retouch.errors import CheckFailed
from retouch.execution.scoring import Models, measure, needs_measuring
from retouch.gate.comparison import PairedTimes
from retouch.gate.guardrails.synthetic import cases_of, synthetic_rows
from retouch.system.processes import Processes
from tests.gate.guardrail_tables import make_policy

LATENCY = {"kind": "latency", "cmd": "python told.py {production} {candidate} {from} {until} {out}"}
SYNTHETIC = {"kind": "synthetic", "cases": [{"name": "Farther", "rises_with": {"miles": 1}}]}
PROBE = {
    "rows_cmd": "python rows.py {from} {until} {out}",
    "score_cmd": "python score.py {model} {rows} {out}",
}
ROWS = """
import sys
import pandas as pd
first, until, out = sys.argv[1:]
pd.DataFrame({"miles": [1.0, 2.0], "day": first, "until": until}).to_parquet(out)
"""
SCORE = """
import sys
import pandas as pd
model, rows, out = sys.argv[1:]
rows = pd.read_parquet(rows)
factor = float(open(model + "/factor").read())
pd.DataFrame({"row": rows["row"], "score": rows["miles"] * factor}).to_parquet(out)
"""


def project(root: Path, told: str = "{}", exit_code: int = 0) -> None:
    for folder, factor in (("old", "1"), ("models/new", "-1")):
        (root / folder).mkdir(parents=True)
        (root / folder / "factor").write_text(factor)
    (root / "models/new/inner").mkdir()
    (root / "models/new/inner/weights").write_bytes(b"12345")
    (root / "rows.py").write_text(ROWS)
    (root / "score.py").write_text(SCORE)
    (root / "told.py").write_text(
        f"import sys; open(sys.argv[5], 'w').write({told!r}); open('args', 'w').write(repr("
        f"sys.argv[1:5])); print('the clock stopped'); sys.exit({exit_code})"
    )


def measured(root: Path, *guardrails, **probe):
    policy = make_policy(*guardrails)
    policy = policy.model_copy(
        update={"probe": policy.probe.model_copy(update=PROBE | probe) if policy.probe else None}
    )
    models = Models("old", "models/new", ("2024-02-16", "2024-03-01"))
    make = partial(synthetic_rows, cases=cases_of(policy.guardrails))
    return measure(policy, models, make, root=root, processes=Processes())


def times(**change):
    return json.dumps({"rows": 100, "production": [1, 2.5], "candidate": [3, 4]} | change)


def test_bytes_are_those_of_all_files_of_an_artifact(tmp_path):
    project(tmp_path)
    found = measured(tmp_path, {"kind": "size", "bytes_at_most": 1})
    assert (found.production_bytes, found.candidate_bytes) == (1, 2 + 5)
    assert (found.latency, found.probed, found.failed) == ({}, None, {})


def test_times_are_read_as_the_command_wrote_them(tmp_path):
    project(tmp_path, times())
    found = measured(tmp_path, LATENCY | {"p50_at_most": 2})
    assert found.latency == {"No. 0": PairedTimes(100, (1.0, 2.5), (3.0, 4.0))}
    args = (tmp_path / "args").read_text()
    assert args == "['old', 'models/new', '2024-02-16', '2024-03-01']"
    assert "the clock stopped" in (tmp_path / ".retouch/logs/latency-1.log").read_text()


def test_made_rows_are_scored_by_both_models(tmp_path):
    project(tmp_path)
    found = measured(tmp_path, SYNTHETIC, {"kind": "size", "bytes_at_most": 1})
    probed = found.probed
    made, production, candidate = probed.rows, probed.production, probed.candidate
    assert made["miles"].tolist() == [1, 2, 2, 3]
    assert set(made["day"]) == {"2024-02-16"}
    assert production["score"].tolist() == [1, 2, 2, 3]
    assert candidate["score"].tolist() == [-1, -2, -2, -3]


def test_what_an_earlier_run_left_is_not_read_again(tmp_path):
    project(tmp_path, times())
    measured(tmp_path, LATENCY | {"p50_at_most": 2}, SYNTHETIC)
    (tmp_path / "told.py").write_text("pass")
    with pytest.raises(CheckFailed, match=r"'No. 0' ended without its file: it wrote noth"):
        measured(tmp_path, LATENCY | {"p50_at_most": 2})


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("", "Expecting value"),
        ("[]", "it must hold 'rows', 'production', 'candidate'"),
        ("{}", "it must hold"),
        (times(extra=1), "it must hold"),
        (times(rows=0), "'rows' is 0"),
        (times(rows=True), "'rows' is True"),
        (times(rows=1.5), "'rows' is 1.5"),
        (times(rows="1000"), "'rows' is '1000'"),
        (times(candidate=[1]), "'production' has 2 turns and 'candidate' 1"),
        (times(candidate=3), "'candidate' is not a list"),
        (times(candidate=[1, None]), "'candidate' has 'None'"),
        (times(candidate=[1, "2"]), "'candidate' has '2'"),
        (times(candidate=[1, True]), "'candidate' has 'True'"),
        (times(candidate=[1, float("nan")]), "NaN is no number"),
        (times(production=[1, float("inf")]), "Infinity is no number"),
        (times().replace("2.5", "1e999"), "'production' has 'inf'"),
        (times().replace("2.5", "9" * 400), "no number of seconds"),
        ("[" * 100000, "cannot be read"),
    ],
)
def test_times_that_are_none_are_refused_with_the_command(tmp_path, told, message):
    project(tmp_path, told)
    with pytest.raises(CheckFailed) as error:
        measured(tmp_path, LATENCY | {"p50_at_most": 2})
    assert message in str(error.value)
    assert "Try it by hand: `python told.py old models/new 2024-02-16" in str(error.value)


def test_a_command_that_fails_says_no(tmp_path):
    project(tmp_path, times(), exit_code=3)
    with pytest.raises(CheckFailed, match=r"'No. 0' failed \(exit code 3\): the clock stopped"):
        measured(tmp_path, LATENCY | {"p50_at_most": 2})


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ({"rows_cmd": "no-such-program {out}"}, "Getting rows for the synthetic guardrails failed"),
        ({"rows_cmd": "cp rows.py {out}"}, "is no table"),
        ({"score_cmd": "false {model} {rows} {out}"}, "Scoring synthetic rows with the production"),
        ({"score_cmd": "cp rows.py {out} # {model} {rows}"}, "production model failed"),
    ],
)
def test_a_probe_that_fails_says_no(tmp_path, probe, message):
    project(tmp_path)
    with pytest.raises(CheckFailed, match=message):
        measured(tmp_path, SYNTHETIC, **probe)


def test_what_only_observes_stops_nothing_when_it_cannot_be_measured(tmp_path):
    project(tmp_path, times(), exit_code=3)
    watching = {"mode": "observe"}
    found = measured(
        tmp_path,
        LATENCY | {"p50_at_most": 2} | watching,
        SYNTHETIC | watching,
        rows_cmd="false {out}",
    )
    assert (found.latency, found.probed) == ({}, None)
    assert "failed (exit code 3)" in found.failed["No. 0"]
    assert "Getting rows" in found.failed["No. 1"]
    with pytest.raises(CheckFailed, match="Getting rows"):
        measured(tmp_path, SYNTHETIC | watching, SYNTHETIC, rows_cmd="false {out}")


def test_a_probe_without_rows_is_scored_as_such(tmp_path):
    project(tmp_path)
    (tmp_path / "rows.py").write_text(ROWS.replace("to_parquet", "head(0).to_parquet"))
    found = measured(tmp_path, SYNTHETIC)
    assert [len(table) for table in vars(found.probed).values()] == [0, 0, 0]


def test_only_some_kinds_need_measuring():
    fairness = {"kind": "fairness", "by": "a", "metric": "bias", "gap_at_most": 1}
    flips = {"kind": "negative_flips", "tolerance": 1, "share_at_most": 0.1}
    assert not needs_measuring(make_policy(fairness, flips).guardrails)
    for each in (LATENCY | {"p50_at_most": 1}, SYNTHETIC, {"kind": "size", "bytes_at_most": 1}):
        assert needs_measuring(make_policy(fairness, each).guardrails)


def test_the_rows_to_score_are_written_as_the_model_may_read_them(tmp_path):
    project(tmp_path)
    measured(tmp_path, SYNTHETIC)
    made = pd.read_parquet(tmp_path / ".retouch/measured/probe-made.parquet")
    assert made.dtypes.astype(str).to_dict()["row"] == "int64"
    assert made["row"].is_unique
