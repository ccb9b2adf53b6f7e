"""Two models of equal quality, fitted on alternate days of one winter and scored on the spring."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

from retouch.git import git
from retouch.policy.promotion import Promotion
from retouch.storage.score_tables import read_table
from retouch.system import files

FIRST, LAST = "2013-04-01", "2013-07-01"
"""The days both are scored on; the last is the day after."""


def two_models(root: Path, policy: Promotion) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit the two models in a clone, each on every other day of the winter; score the spring."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        git.clone(root, copy)
        _run_in(copy, "dvc", "config", "--local", "cache.dir", str(root / ".dvc/cache"))
        return _fitted(copy, policy, 0), _fitted(copy, policy, 1)


def _fitted(copy: Path, policy: Promotion, parity: int) -> pd.DataFrame:
    params = yaml.safe_load(files.read_text(copy / "params.yaml"))
    winter = pd.date_range("2013-01-01", "2013-03-15").strftime("%Y-%m-%d")
    for part in params["parts"].values():
        part["train"] |= {"from": "2013-01-01", "until": "2013-03-16", "exclude": []}
        part["calibrate"] |= {"from": "2013-03-16", "until": "2013-04-01", "exclude": []}
        for first, then in zip(winter[parity:-1:2], winter[parity + 1 :: 2], strict=True):
            part["train"]["exclude"].append({"from": first, "until": then})
    files.write_text(copy / "params.yaml", yaml.safe_dump(params, sort_keys=False))
    _run_in(copy, "dvc", "repro", "--quiet", "assemble")
    command = policy.score.cmd.format_map(
        {"model": "models/bundle", "from": FIRST, "until": LAST, "out": "scores.parquet"}
    )
    _run_in(copy, *command.split())
    return read_table(copy / "scores.parquet")


def _run_in(copy: Path, *command: str) -> None:
    program = Path(sys.executable).parent / command[0]
    subprocess.run([str(program), *command[1:]], cwd=copy, check=True, capture_output=True)
