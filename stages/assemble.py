"""Assemble the parts into one self-contained model bundle.

Reads   --parts     the directory of <part>/model.skops and <part>/calibrator.json
Writes  --bundle    a directory: models, calibrators, manifest.json
Params  parts       the windows each part has seen, for the manifest
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from stages.common.command import StageError, parse_options, run
from stages.common.outputs import new_directory, write_json
from stages.common.params import Key, read_params
from stages.manifest import FILE, calibrator_file, make_manifest, model_file
from stages.parts import PARTS


@dataclass(frozen=True)
class Params:
    """The windows of all parts."""

    parts: Annotated[dict[str, Any], Key("parts")]


def assemble(parts: Path, bundle: Path, windows: Mapping[str, Any]) -> None:
    """Copy every part into the directory `bundle` and write the manifest beside them."""
    if set(windows) != set(PARTS):
        raise StageError(f"params.yaml: parts must be exactly {', '.join(PARTS)}")
    for name in PARTS:
        shutil.copyfile(parts / name / "model.skops", bundle / model_file(name))
        shutil.copyfile(parts / name / "calibrator.json", bundle / calibrator_file(name))
    write_json(bundle / FILE, make_manifest(bundle, PARTS, windows))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("parts", "bundle"))
    params = read_params(options.params, Params)
    with new_directory(options.bundle) as partial:
        assemble(options.parts, partial, params.parts)
    return 0


if __name__ == "__main__":
    run(main)
