"""Score a model with the promotion policy's one command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.errors import CheckFailed
from retouch.policy.promotion import Scoring
from retouch.storage.score_tables import read_table
from retouch.system import files
from retouch.system.processes import Processes

if TYPE_CHECKING:
    import pandas as pd


def score_model(
    model: str,
    label: str,
    days: tuple[str, str],
    scoring: Scoring,
    *,
    root: Path,
    processes: Processes,
) -> pd.DataFrame:
    """Run the scoring command on `model` (a path from the root) and return what it wrote.

    `days`: first day and day after the last, `YYYY-MM-DD`. `label` names the output and the log.
    No shell is involved: the command is split into words first, then the placeholders are filled.
    Raises CheckFailed when the command fails.
    """
    out = Path(".retouch/scores") / f"{label}.parquet"
    filled = {"{model}": model, "{from}": days[0], "{until}": days[1], "{out}": out.as_posix()}
    what = f"Scoring the {label} model"
    run_filled(scoring.cmd, filled, what=what, log=f"score-{label}", root=root, processes=processes)
    return read_table(root / out)


def run_filled(
    cmd: str,
    filled: Mapping[str, str],
    *,
    what: str,
    log: str,
    root: Path,
    processes: Processes,
) -> str:
    """Run a command of the policy's with its placeholders filled, and return it as typed by hand.

    What an earlier run left at `{out}` is removed first. Raises CheckFailed, which begins with
    `what`, when the command fails or writes nothing there.
    """
    out = root / filled["{out}"]
    files.remove(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    words = shlex.split(cmd)
    for placeholder, value in filled.items():
        words = [word.replace(placeholder, value) for word in words]
    done = processes.run(words, cwd=root, log=root / ".retouch/logs" / f"{log}.log")
    if done.exit_code or not out.exists():
        raise CheckFailed(
            f"{what} failed (exit code {done.exit_code}): {done.last_lines(2)}",
            hint=f"Try it by hand: `{shlex.join(words)}`.",
        )
    return shlex.join(words)
