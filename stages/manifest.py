"""The manifest of a model bundle: what it holds, what it has seen, the digest of every file.

Nothing heavy is imported, so that `assemble` stays cheap and anybody can verify a bundle without
loading a model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.common.command import StageError
from stages.common.contracts import FEATURES
from stages.common.periods import parse_increments, parse_period
from stages.parts import Part

FORMAT = 1
"""The version of the layout of a bundle."""
FILE = "manifest.json"


def model_file(part: str) -> str:
    """Give the name of the model of `part` inside a bundle."""
    return f"{part}.skops"


def calibrator_file(part: str) -> str:
    """Give the name of the calibrator of `part` inside a bundle."""
    return f"{part}.json"


def make_manifest(
    bundle: Path, parts: Mapping[str, Part], windows: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe the files in `bundle`; `windows` is the section `parts` of params.yaml."""
    groups = sorted({group for part in parts.values() for group in part.groups})
    files = sorted(each for each in bundle.iterdir() if each.name != FILE)
    described = {name: _describe(part, windows[name]) for name, part in parts.items()}
    return {
        "format": FORMAT,
        "contracts": {group: FEATURES[group].tag for group in groups},
        "files": {each.name: digest(each) for each in files},
        "parts": described,
        "seen_until": max(_last_day(each) for each in described.values()),
    }


def verified_manifest(bundle: Path) -> dict[str, Any]:
    """Read the manifest of `bundle` after comparing every file with its digest."""
    try:
        manifest = json.loads((bundle / FILE).read_text())
    except (OSError, ValueError):
        raise StageError(f"{bundle} is not a model bundle: it has no readable {FILE}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise StageError(f"{bundle}: this code reads bundles of format {FORMAT} only")
    present = {each.name for each in bundle.iterdir()} - {FILE}
    unexpected = present ^ set(manifest["files"])
    if unexpected:
        raise StageError(
            f"{bundle}: {', '.join(sorted(unexpected))} missing or not in the manifest"
        )
    for name, sha256 in manifest["files"].items():
        if digest(bundle / name) != sha256:
            raise StageError(
                f"{bundle / name} differs from the digest in the manifest; do not use it"
            )
    _check_contracts(bundle, manifest["contracts"])
    return manifest


def digest(path: Path) -> str:
    """Give the SHA-256 digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _describe(part: Part, windows: Any) -> dict[str, Any]:
    keys = {
        "train": ("from", "until", "exclude", "increments"),
        "calibrate": ("from", "until", "exclude"),
    }
    uses = {use: _window(f"parts.{part.name}.{use}", windows, use, keys[use]) for use in keys}
    return {
        "component": part.component,
        "by": part.by,
        "value": part.value,
        "log": part.log,
        "features": list(part.features),
        **uses,
    }


def _window(name: str, windows: Any, use: str, keys: Sequence[str]) -> dict[str, Any]:
    """Give the declared window `name`, checked: what stands here is believed by every gate."""
    declared = windows.get(use) if isinstance(windows, Mapping) else None
    if not isinstance(declared, Mapping) or any(key not in declared for key in keys):
        raise StageError(f"params.yaml: {name} must give {', '.join(keys)}")
    base = parse_period(name, declared["from"], declared["until"], declared["exclude"])
    parse_increments(name, base, declared.get("increments", ()))
    return {key: declared[key] for key in keys}


def _last_day(part: Mapping[str, Any]) -> str:
    train, calibrate = part["train"], part["calibrate"]
    return str(max(each["until"] for each in (train, *train["increments"], calibrate)))


def _check_contracts(bundle: Path, contracts: Mapping[str, str]) -> None:
    for group, tag in contracts.items():
        current = FEATURES[group].tag if group in FEATURES else "absent"
        if tag != current:
            raise StageError(f"{bundle} was trained on features {tag}, but this code has {current}")
