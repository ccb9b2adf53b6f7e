"""Measure what guardrails need besides scores: size, latency, scores of synthetic rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.errors import CheckFailed
from retouch.execution.scoring import run_command
from retouch.gate.comparison import Measured, PairedTimes, ProbeScores
from retouch.policy.guardrails import Guardrail, Latency, Probe, Size, Synthetic
from retouch.policy.promotion import Promotion
from retouch.storage.score_tables import read_table
from retouch.system import files
from retouch.system.processes import Processes

if TYPE_CHECKING:
    import pandas as pd

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
