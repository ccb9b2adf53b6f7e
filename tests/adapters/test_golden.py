"""Every recorded output makes exactly the alerts of its golden file (`GOLDEN` in each module)."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.adapters.support import golden_text, imported_sample, text_of

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
RECORDED = {
    name: recorded
    for module in MODULES
    if module != "test_golden"
    for name, recorded in getattr(
        importlib.import_module(f"{__package__}.{module}"), "GOLDEN", {}
    ).items()
}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_output_makes_exactly_these_alerts(name):
    assert text_of(imported_sample(*RECORDED[name])) == golden_text(name)
