"""The manifest of a version's bundle: the digest of everything it was made from. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Literal

from pydantic import AwareDatetime, JsonValue

from retouch.documents import Document, Value
from retouch.pipeline.outputs import overlap
from retouch.registry.promotion_plan import AcceptingVerdict
from retouch.registry.recorded_model import LockEntry, hash_in

ENVIRONMENT_FILES = (
    *("requirements.lock", "requirements.txt", "uv.lock", "poetry.lock", "pdm.lock"),
    *("Pipfile.lock", "pixi.lock", "conda-lock.yml", "environment.yml", "environment.yaml"),
    *("pyproject.toml", ".python-version"),
)
"""Files that pin packages, in the root of the repository; those that exist are bundled."""
LARGEST_MODEL = 2 * 1024**3
"""In bytes: GitHub's limit for a file of a release."""
_ODD = re.compile(r"[^A-Za-z0-9._+-]+")


class FileDigest(Value):
    """A file of the bundle."""

    path: str
    sha256: str
    size: int


class DataDigest(Value):
    """An input or output of the pipeline, by its hash in `dvc.lock`."""

    path: str
    hash: str
    size: int | None = None
    made_by: str | None = None
    """The stage; None for an external input."""
    kept_by: Literal["git", "dvc"]
    """Where its bytes of this commit are."""


class StageDefinition(Value):
    """What one stage ran, on what; for a feature stage, the feature's definition."""

    stage: str
    module: str | None
    """`meta.retouch.module` of `dvc.yaml`; None where it is missing, or a template."""
    cmd: JsonValue
    deps: dict[str, str]
    """Path -> hash: data and code alike."""
    params: JsonValue
    outs: dict[str, str]


class Manifest(Document):
    """`manifest.json` of a bundle."""

    schema_version: Literal["1.0"] = "1.0"
    model: str
    version: str
    commit: str
    registered_at: AwareDatetime
    path: str
    """The model's, in the repository; in the bundle it is below `model/`."""
    hash: str
    """The model's, as `dvc.lock` records it."""
    kept_by: AcceptingVerdict | None
    """The verdict that accepted it; None for a baseline."""
    inputs: tuple[DataDigest, ...]
    outputs: tuple[DataDigest, ...]
    stages: tuple[StageDefinition, ...]
    files: tuple[FileDigest, ...]
    """All other files of the bundle."""


def bundle_name(model: str, version: str) -> str:
    """Return the name of a bundle's folder, and of its file before `.tar.gz`."""
    return _ODD.sub("-", f"{model}-{version}")


def data_of(
    entries: Sequence[LockEntry], tracked: Collection[str]
) -> tuple[tuple[DataDigest, ...], tuple[DataDigest, ...]]:
    """Return the pipeline's external inputs and its outputs, each sorted by path."""
    made = {path: (out, entry) for entry in entries for path, out in entry.items("outs")}
    read = {path: dep for entry in entries for path, dep in entry.items("deps")}
    in_git = {path[:end] for path in tracked for end in _ends(path)}

    def digest(path: str, item: dict[str, Any], stage: str | None) -> DataDigest:
        kept_by: Literal["git", "dvc"] = "git" if path in in_git else "dvc"
        value, size = hash_in(item), item.get("size")
        return DataDigest(path=path, hash=value, size=size, made_by=stage, kept_by=kept_by)

    inputs = (
        digest(path, read[path], None)
        for path in sorted(read)
        if not any(overlap(path, output) for output in made)
    )
    outputs = (digest(path, made[path][0], made[path][1].stage) for path in sorted(made))
    return tuple(inputs), tuple(outputs)


def stages_of(entries: Sequence[LockEntry]) -> tuple[StageDefinition, ...]:
    """Return what every recorded stage ran."""
    return tuple(
        StageDefinition(
            stage=entry.stage,
            module=entry.module,
            cmd=_plain(entry.content.get("cmd")),
            deps={path: hash_in(dep) for path, dep in sorted(entry.items("deps"), key=_path)},
            params=_plain(entry.content.get("params") or {}),
            outs={path: hash_in(out) for path, out in sorted(entry.items("outs"), key=_path)},
        )
        for entry in entries
    )


def params_files_of(entries: Sequence[LockEntry]) -> tuple[str, ...]:
    """Return the params files that the entries name, sorted."""
    named = {entry.path(file) for entry in entries for file in entry.content.get("params") or {}}
    return tuple(sorted(named))


def checksums(files: Collection[FileDigest]) -> str:
    """Return the text of `SHA256SUMS`, as `sha256sum --check` reads it."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in files)


def _ends(path: str) -> list[int]:
    """Return where a path and each of its folders end."""
    return [place for place, char in enumerate(path) if char == "/"] + [len(path)]


def _path(item: tuple[str, object]) -> str:
    return item[0]


def _plain(value: Any) -> JsonValue:
    """Return a value as JSON; dates and other types as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | bool):
        return value
    return value if isinstance(value, float) and value - value == 0 else str(value)
