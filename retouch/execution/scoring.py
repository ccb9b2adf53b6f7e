"""Run the promotion policy's commands on a model, and read what they and its training leave.

Scores of rows, the rows a model was trained on, and what guardrails need besides: size, latency,
scores of synthetic rows.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.errors import CheckFailed, InputError
from retouch.gate.comparison import Measured, PairedTimes, ProbeScores
from retouch.policy.guardrails import Guardrail, Latency, Probe, Size, Synthetic
from retouch.policy.promotion import LearnedFrom, Promotion, Scoring
from retouch.storage.score_tables import read_table
from retouch.system import files
from retouch.system.processes import Processes

if TYPE_CHECKING:
    import pandas as pd

_TABLE_SUFFIXES = (".parquet", ".csv")


def score_model(
    model: str,
    label: str,
    days: tuple[str, str],
    scoring: Scoring,
    *,
    root: Path,
    processes: Processes,
) -> pd.DataFrame:
    """Run the scoring command on `model` (a path from the root) and return the table it wrote.

    `days`: first day and day after the last, `YYYY-MM-DD`. `label` names the output and the log.
    No shell is involved: the command is split into words first, then the placeholders are filled.
    Raises CheckFailed when the command fails.
    """
    out = Path(".retouch/scores") / f"{label}.parquet"
    filled = {"{model}": model, "{from}": days[0], "{until}": days[1], "{out}": out.as_posix()}
    what = f"Scoring the {label} model"
    run_command(
        scoring.cmd, filled, what=what, log=f"score-{label}", root=root, processes=processes
    )
    return read_table(root / out)


def run_command(
    cmd: str,
    filled: Mapping[str, str],
    *,
    what: str,
    log: str,
    root: Path,
    processes: Processes,
) -> str:
    """Run a command of the policy with its placeholders filled, and return it as shell text.

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
        wrong = f"failed ({done.ending})" if done.exit_code else "ended without its file"
        raise CheckFailed(
            f"{what} {wrong}: {done.last_lines(2)}.",
            hint=f"Try it by hand: `{shlex.join(words)}`.",
        )
    return shlex.join(words)


def training_rows(learned_from: LearnedFrom, *, root: Path) -> pd.DataFrame:
    """Return the columns `id` and `day` (text; None where there is none) of all tables.

    The tables are at the policy's paths below `root`; only these columns are read. Raises
    InputError when a path has no table, or a table lacks a column.
    """
    import pandas as pd

    columns = {"id": learned_from.id, "day": learned_from.day}
    tables = []
    for path in learned_from.paths:
        for table in _training_tables(root / path, path):
            read = _read_columns(table, [name for name in columns.values() if name is not None])
            tables.append(
                pd.DataFrame(
                    {key: _as_text(read[name]) if name else None for key, name in columns.items()},
                    index=read.index,
                )
            )
    return pd.concat(tables, ignore_index=True)


def _training_tables(place: Path, path: str) -> Iterator[Path]:
    inside = sorted(place.rglob("*")) if place.is_dir() else [place]
    tables = [each for each in inside if each.suffix in _TABLE_SUFFIXES and each.is_file()]
    if not tables:
        raise InputError(
            f"{path}: has no Parquet or CSV file, but the promotion policy's"
            " holdout.learned_from names it.",
            hint="Correct its paths.",
        )
    yield from tables


def _read_columns(table: Path, columns: list[str]) -> pd.DataFrame:
    """Read these columns of one table. Raises InputError when it is no table, or lacks one."""
    import pandas as pd

    try:
        if table.suffix == ".parquet":
            return pd.read_parquet(table, columns=columns)
        return pd.read_csv(table, usecols=columns, dtype=str)
    except (OSError, ValueError, KeyError) as error:
        first = " ".join(str(error).split())[:200]
        raise InputError(
            f"{table}: the training rows cannot be read: {first}",
            hint="Correct holdout.learned_from in the promotion policy.",
        ) from None


def _as_text(column: pd.Series) -> pd.Series:
    """Return values as text, days and times as `YYYY-MM-DD`; None for what is missing."""
    from pandas.api.types import is_datetime64_any_dtype

    text = column.dt.strftime("%Y-%m-%d") if is_datetime64_any_dtype(column) else column.astype(str)
    return text.astype(object).where(column.notna(), None)


_FOLDER = ".retouch/measured"
_LONGEST = 1e100
"""Seconds; no time is longer, and NaN is not below it either."""
_KEYS = ("rows", "production", "candidate")


@dataclass(frozen=True)
class Models:
    """Where both models lie, from the root, and the days they are measured on."""

    production: str
    candidate: str
    days: tuple[str, str]
    """First day and day after the last, `YYYY-MM-DD`."""


def needs_measuring(guardrails: Sequence[Guardrail]) -> bool:
    """Tell whether any of them needs more than scores."""
    return any(isinstance(each, Latency | Size | Synthetic) for each in guardrails)


MakeRows = Callable[["pd.DataFrame"], "pd.DataFrame"]
"""From the probe's rows to those that are to be scored, with their column `row`."""


def measure(
    policy: Promotion, models: Models, make_rows: MakeRows, *, root: Path, processes: Processes
) -> Measured:
    """Measure everything the policy's guardrails need, one after the other.

    Raises CheckFailed when a command fails or what it wrote cannot be read, unless only guardrails
    in mode `observe` need it: then the reason is in `Measured.failed`.
    """
    failed: dict[str, str] = {}
    latency: dict[str, PairedTimes] = {}
    for number, guardrail in enumerate(policy.guardrails, start=1):
        if isinstance(guardrail, Latency):
            with _tolerated([guardrail], failed):
                times = _times(guardrail, number, models, root=root, processes=processes)
                latency[guardrail.name] = times
    probed = None
    synthetic = [each for each in policy.guardrails if isinstance(each, Synthetic)]
    if policy.probe is not None and synthetic:
        with _tolerated(synthetic, failed):
            probed = _probed(policy.probe, make_rows, models, root=root, processes=processes)
    return Measured(
        latency=latency,
        production_bytes=files.size_of(root / models.production),
        candidate_bytes=files.size_of(root / models.candidate),
        probed=probed,
        failed=failed,
    )


@contextmanager
def _tolerated(guardrails: Sequence[Guardrail], failed: dict[str, str]) -> Iterator[None]:
    """Record a failure, instead of raising it, for guardrails that only observe."""
    try:
        yield
    except CheckFailed as error:
        if any(guardrail.mode == "block" for guardrail in guardrails):
            raise
        message = " ".join(str(error).split())
        failed.update({guardrail.name: message for guardrail in guardrails})


def _times(
    guardrail: Latency, number: int, models: Models, *, root: Path, processes: Processes
) -> PairedTimes:
    """Run the command of a latency guardrail and read the times it wrote."""
    out = f"{_FOLDER}/latency-{number}.json"
    filled = {
        "{production}": models.production,
        "{candidate}": models.candidate,
        "{from}": models.days[0],
        "{until}": models.days[1],
        "{out}": out,
    }
    command = run_command(
        guardrail.cmd,
        filled,
        what=f"Measuring for the guardrail {guardrail.name!r}",
        log=f"latency-{number}",
        root=root,
        processes=processes,
    )
    try:
        return _read_times(root / out)
    except (OSError, ValueError, RecursionError) as error:
        raise CheckFailed(
            f"The times measured for the guardrail {guardrail.name!r} cannot be read: {error}.",
            hint=f"Try it by hand: `{command}`.",
        ) from None


def _read_times(path: Path) -> PairedTimes:
    """Read `{"rows": 1000, "production": [seconds, ...], "candidate": [...]}`, strictly.

    Raises ValueError.
    """
    data = json.loads(path.read_bytes(), parse_constant=_refuse)
    if not isinstance(data, dict) or set(data) != set(_KEYS):
        raise ValueError(f"it must hold {', '.join(map(repr, _KEYS))} and nothing else")
    rows = data["rows"]
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        raise ValueError(f"'rows' is {rows!r}, not a whole number above 0")
    production, candidate = (_seconds(key, data[key]) for key in ("production", "candidate"))
    if len(production) != len(candidate):
        raise ValueError(
            f"'production' has {len(production)} turns and 'candidate' {len(candidate)}"
        )
    return PairedTimes(rows, production, candidate)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _seconds(key: str, values: Any) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise ValueError(f"{key!r} is not a list of seconds")
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not -_LONGEST < value < _LONGEST:
            raise ValueError(f"{key!r} has {str(value)[:40]!r}, which is no number of seconds")
    return tuple(map(float, values))


def _probed(
    probe: Probe,
    make_rows: MakeRows,
    models: Models,
    *,
    root: Path,
    processes: Processes,
) -> ProbeScores:
    """Get rows, make the synthetic ones from them, and have both models score these."""
    found = f"{_FOLDER}/probe-rows.parquet"
    days = {"{from}": models.days[0], "{until}": models.days[1]}
    run_command(
        probe.rows_cmd,
        {**days, "{out}": found},
        what="Getting rows for the synthetic guardrails",
        log="probe-rows",
        root=root,
        processes=processes,
    )
    made = make_rows(read_table(root / found))
    rows = f"{_FOLDER}/probe-made.parquet"
    try:
        made.to_parquet(root / rows, index=False)
    except (ValueError, TypeError) as error:
        why = " ".join(str(error).split())
        raise CheckFailed(f"The synthetic rows cannot be written: {why}") from None
    scores: list[pd.DataFrame] = []
    for label, model in (("production", models.production), ("candidate", models.candidate)):
        out = f"{_FOLDER}/probe-{label}.parquet"
        run_command(
            probe.score_cmd,
            {**days, "{model}": model, "{rows}": rows, "{out}": out},
            what=f"Scoring synthetic rows with the {label} model",
            log=f"probe-{label}",
            root=root,
            processes=processes,
        )
        scores.append(read_table(root / out))
    return ProbeScores(made, scores[0], scores[1])
