"""The committed JSON Schemas are those of the models, and what is committed fits them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_committed_schemas_are_those_of_the_models(tmp_path):
    # A process of its own: descriptions are read only when switched on before the models load.
    subprocess.run([sys.executable, "-m", "retouch.schemas", str(tmp_path)], cwd=ROOT, check=True)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text() for path in (ROOT / "schemas").iterdir()}
    assert made == committed, "run `make schemas`"


def test_every_field_of_every_schema_of_ours_says_what_it_is_or_has_a_telling_name():
    for path in (ROOT / "schemas").iterdir():
        assert '"description"' in path.read_text(), path.name
