"""What it costs to hash what decides: the toy's data, and a made-up directory of some size.

`python -m benchmarks bytes`. Each is measured several times; medians count. The checks of the toy's
outputs stand beside what any command does without them: reading the pipeline.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from unittest import mock

from retouch.dvc.checked import Workspace
from retouch.dvc.file_digests import FileDigests
from retouch.pipeline.model import Output
from retouch.system import files
from retouch.system.processes import run
from tests.toy_project import Toy, make_project, sealed_environment

RESULT = Path("reports/benchmarks/bytes.md")
TIMES = 5
FILES, FILE_BYTES = 200, 2_000_000


def main() -> None:
    """Measure, print and write the table."""
    with tempfile.TemporaryDirectory(prefix="retouch-bytes-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        with mock.patch.dict(os.environ, sealed_environment(home)):
            text = table(*_directory(Path(folder) / "large"), *_toy(Path(folder) / "toy"))
    print(text)  # noqa: T201 - printing is what it is for
    files.write_text(RESULT, text)


def table(first: float, again: float, checked: float, unchecked: float) -> str:
    """Return the page. In seconds: a directory read for the first time and again; the checks of a
    toy with and without hashing."""
    size = FILES * FILE_BYTES / 1e6
    return (
        "# What hashing costs\n\n"
        "Written by `python -m benchmarks bytes`: medians of "
        f"{TIMES} measurements on this machine.\n\n"
        "| | seconds | ratio |\n|---|---:|---:|\n"
        f"| a directory of {FILES} files, {size:.0f} MB, hashed for the first time |"
        f" {first:.3f} | {first / again:.1f} |\n"
        f"| the same again, unchanged | {again:.3f} | 1 |\n"
        f"| all outputs of the toy, unchanged, hashed | {checked:.3f} |"
        f" {checked / unchecked:.2f} |\n"
        f"| reading the toy's pipeline, which any command does | {unchecked:.3f} | 1 |\n\n"
        f"The first reading goes at {size / first:.0f} MB a second, on all cores.\n"
    )


def _directory(root: Path) -> tuple[float, float]:
    """Return the seconds for the first reading of a directory, and for one that nothing changed."""
    (root / "data").mkdir(parents=True)
    run(["git", "init", "--quiet"], cwd=root)
    for number in range(FILES):
        (root / "data" / f"{number}.bin").write_bytes(os.urandom(FILE_BYTES))
    digest = Workspace(root).digest("data")
    output = Output(path="data", recorded=digest)
    time.sleep(2.1)  # younger files are not remembered

    def forgotten() -> None:
        paths = sorted((root / "data").iterdir())
        FileDigests(None).of_all(paths)

    first = _seconds(forgotten)
    Workspace(root).damaged("data", output)
    return first, _seconds(lambda: Workspace(root).damaged("data", output))


def _toy(root: Path) -> tuple[float, float]:
    """Return the seconds for checking all of the toy's outputs, and for reading its pipeline."""
    from retouch.dvc.project import DvcProject

    toy: Toy = make_project(root)
    told = toy.retouch("build", "--jobs", "2")
    if told.code:
        raise SystemExit(str(told))
    time.sleep(2.1)
    outputs = [out for stage in DvcProject(root).pipeline().stages for out in stage.outputs]

    def check() -> None:
        workspace = Workspace(root)
        for output in outputs:
            if workspace.damaged(output.path, output):
                raise SystemExit(f"{output.path}: is damaged")

    check()
    return _seconds(check), _seconds(lambda: DvcProject(root).pipeline())


def _seconds(work: Callable[[], object]) -> float:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took)
