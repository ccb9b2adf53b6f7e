"""Score a model with the promotion policy's one command."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.errors import SaidNo
from retouch.policy.promotion import Scoring
from retouch.tools import files
from retouch.tools.process import Processes
from retouch.tools.tables import read_table

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
    Raises SaidNo when the command fails.
    """
    out = Path(".retouch/scores") / f"{label}.parquet"
    files.remove(root / out)
    (root / out).parent.mkdir(parents=True, exist_ok=True)
    filled = {"{model}": model, "{from}": days[0], "{until}": days[1], "{out}": out.as_posix()}
    words = shlex.split(scoring.cmd)
    for placeholder, value in filled.items():
        words = [word.replace(placeholder, value) for word in words]
    log = root / ".retouch/logs" / f"score-{label}.log"
    done = processes.run(words, cwd=root, log=log)
    if done.exit_code or not (root / out).exists():
        raise SaidNo(
            f"Scoring the {label} model failed (exit code {done.exit_code}): {done.last_lines(2)}",
            mend=f"Try it by hand: `{shlex.join(words)}`.",
        )
    return read_table(root / out)
