"""The command line every stage shares: named paths in, one sentence out on a broken input."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn


class StageError(Exception):
    """A broken input. The message is one sentence for whoever runs the stage."""


def parse_options(
    argv: Sequence[str] | None,
    purpose: str | None,
    *,
    paths: Sequence[str] = (),
    path_lists: Sequence[str] = (),
    names: Sequence[str] = (),
) -> argparse.Namespace:
    """Parse the required options of a stage, and `--params`, which DVC always calls params.yaml.

    The first line of `purpose`, the docstring of the stage, is its help text.
    """
    parser = argparse.ArgumentParser(description=(purpose or "").partition("\n")[0])
    for name in paths:
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in path_lists:
        parser.add_argument(f"--{name}", type=Path, required=True, nargs="+")
    for name in names:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    return parser.parse_args(argv)


def run(main: Callable[[], int]) -> NoReturn:
    """Run `main` and leave the process; a broken input costs one sentence, exit code 1."""
    try:
        raise SystemExit(main())
    except StageError as error:
        fault = str(error)
    except FileNotFoundError as error:
        fault = f"{error.filename} does not exist; `dvc repro` makes it"
    raise SystemExit(f"error: {fault}")  # printed to stderr, with exit code 1
