"""The scoring command: one command of the policy's, without a shell, whose table is its own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from retouch.errors import CheckFailed
from retouch.execution.scoring import score_model
from retouch.policy.promotion import Scoring
from retouch.system.processes import Processes

SCRIPT = """
import sys
import pandas as pd
model, start, until, out = sys.argv[1:]
pd.DataFrame({"model": [model], "from": [start], "until": [until]}).to_parquet(out)
"""


def score(root: Path, cmd: str, model: str = "models/bundle") -> pd.DataFrame:
    (root / "score.py").write_text(SCRIPT)
    scoring = Scoring(cmd=cmd)
    days = ("2024-02-16", "2024-03-01")
    return score_model(model, "candidate", days, scoring, root=root, processes=Processes())


def test_the_placeholders_are_filled_and_the_table_is_read(tmp_path: Path):
    table = score(tmp_path, "python score.py {model} {from} {until} {out}")
    assert table.to_dict("records") == [
        {"model": "models/bundle", "from": "2024-02-16", "until": "2024-03-01"}
    ]


def test_no_shell_reads_the_command(tmp_path: Path):
    model = "models/a b; touch made $(touch made)"
    table = score(tmp_path, "python score.py {model} {from} {until} {out}", model)
    assert table["model"].tolist() == [model]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("cmd", "message"),
    [
        ("python -c pass {model} {from} {until} {out}", "ended without its file: it wrote nothing"),
        (
            "sh -c 'python score.py $0 $1 $2 $3; echo no memory left; exit 9'"
            " {model} {from} {until} {out}",
            r"failed \(exit code 9\): no memory left",
        ),
        ("no-such-program {model} {from} {until} {out}", "no-such-program"),
        ("cp score.py {out} # {model} {from} {until}", r"failed \(exit code"),
        ("sh -c 'cp score.py $0' {out} {model} {from} {until}", "no table the gate can read"),
    ],
)
def test_a_command_that_fails_or_writes_no_table_says_no(tmp_path: Path, cmd, message):
    left = tmp_path / ".retouch/scores/candidate.parquet"  # by an earlier run
    left.parent.mkdir(parents=True)
    pd.DataFrame({"model": ["another"]}).to_parquet(left)
    with pytest.raises(CheckFailed, match=message):
        score(tmp_path, cmd)
