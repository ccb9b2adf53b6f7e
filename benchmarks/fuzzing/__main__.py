"""Run it: `python -m benchmarks.fuzzing [HOW-MANY]`."""

from __future__ import annotations

import json
import os
import platform
import random
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.fuzzing.inputs import damaged_bytes, damaged_value, free_text, giants
from benchmarks.fuzzing.targets import Target, targets
from retouch.errors import InputError
from retouch.system import files

RESULT = Path("reports/benchmarks/fuzz.json")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
SEED = 20261123
SLOW = 1.0
"""Seconds of CPU no input may take."""


@dataclass
class Found:
    """What became of one target's inputs."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    slowest: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    """Tracebacks, slow inputs and odd sentences, by what they are."""


class Writes:
    """Notices every file that is opened for writing, by whatever code."""

    def __init__(self) -> None:
        self.watching = False
        self.paths: list[str] = []
        sys.addaudithook(self._heard)

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if self.watching and event == "open" and isinstance(args[2], int) and args[2] & _WRITING:
            self.paths.append(str(args[0]))


def fuzz(target: Target, count: int, writes: Writes) -> Found:
    """Try a target with the giants, and then with this many inputs."""
    found = Found()
    for giant in giants():
        _try(target, giant, found, writes)

    noise = count // 5
    chance = random.Random(f"{SEED} {target.name}")
    for _ in range(count - noise):
        _try(target, _damaged(target, chance), found, writes)

    @seed(SEED)
    @settings(
        max_examples=noise,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(free_text)
    def tried(text: str) -> None:
        _try(target, text.encode(errors="surrogatepass"), found, writes)

    tried()
    return found


def _damaged(target: Target, chance: random.Random) -> bytes:
    good = chance.choice(target.good)
    if chance.random() < 0.5 or not target.values:
        return damaged_bytes(good, chance)
    value = damaged_value(chance.choice(target.values), chance)
    try:
        return target.dump(value)
    except (ValueError, RecursionError, OverflowError):  # nothing that could be sent
        return damaged_bytes(good, chance)


def _try(target: Target, raw: bytes, found: Found, writes: Writes) -> None:
    found.inputs += 1
    writes.watching, began = True, time.process_time()
    try:
        target.read(raw)
        found.read += 1
    except InputError as error:
        found.refused += 1
        if "\n" in error.message.strip() or len(error.message) > 1_000:
            found.faults[f"not one sentence: {error.message[:200]!r}"] += 1
    except Exception:
        where = traceback.format_exc().strip().splitlines()
        found.faults[" | ".join([*where[-3:-1], where[-1][:200]])] += 1
    finally:
        writes.watching = False
    took = time.process_time() - began
    found.slowest = max(found.slowest, took)
    if took > SLOW:
        found.faults[f"{took:.1f} s for {len(raw):,} bytes: {raw[:60]!r}"] += 1


def main() -> int:
    """Fuzz everything, print and write the figures; return 1 when a fault was found."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    writes, all_targets = Writes(), targets()
    told: dict[str, Any] = {}
    for target in all_targets:
        found = fuzz(target, -(-wanted // len(all_targets)), writes)
        told[target.name] = {
            "inputs": found.inputs,
            "read": found.read,
            "refused": found.refused,
            "slowest_seconds": round(found.slowest, 3),
            "faults": dict(found.faults.most_common(20)),
        }
        print(f"{target.name}: {json.dumps(told[target.name])}", flush=True)  # noqa: T201
    faults = sum(sum(one["faults"].values()) for one in told.values())
    summary = {
        "inputs": sum(one["inputs"] for one in told.values()),
        "faults": faults,
        "files_opened_for_writing": sorted(set(writes.paths)),
        "seed": SEED,
        "python": platform.python_version(),
        "targets": told,
    }
    files.write_text(RESULT, json.dumps(summary, indent=2) + "\n")
    print(f"{summary['inputs']:,} inputs, {faults} faults")  # noqa: T201
    return 1 if faults or writes.paths else 0


if __name__ == "__main__":
    sys.exit(main())
