"""Run a short command that is told bytes and answers with bytes; it can ask nobody anything."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retouch.errors import InputError

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """A command that has ended."""

    exit_code: int
    output: bytes
    """What it wrote to standard output."""
    errors: str
    """What it wrote to standard error."""


def exchange(
    command: Sequence[str], told: bytes, *, cwd: Path, env: Mapping[str, str] | None = None
) -> Answer:
    """Run a command with `told` on its standard input. Never raises on its exit code.

    It has no terminal, so it cannot wait for a person. `env` is added to ours. Raises InputError
    when there is no such command, or when it has not ended after TIMEOUT_SECONDS.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            input=told,
            capture_output=True,
            check=False,
            env={**os.environ, **(env or {})},
            # A passphrase is asked for on the terminal itself, not on standard input.
            start_new_session=True,
            timeout=TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise InputError(f"{command[0]} is not installed.") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"{command[0]} has not ended after {TIMEOUT_SECONDS:.0f} s.") from None
    return Answer(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
