"""Which model a commit records, by its `dvc.yaml` and `dvc.lock` files. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any, Literal

from retouch.documents import Value
from retouch.errors import InputError


class LockedOutput(Value):
    """An output that a lock records."""

    path: str
    """From the root."""
    hash: str
    size: int | None = None
    stage: str
    """DVC's address."""


def recorded_model(texts: Mapping[str, bytes], model: str) -> LockedOutput:
    """Return what a commit records for an artifact, from all its `dvc.yaml` and `dvc.lock` files.

    Raises InputError when it is not declared, or was never built.
    """
    declared = [path for path in texts if posixpath.basename(path) == "dvc.yaml"]
    # The root's first: one in a subfolder may be test data, and not even YAML.
    for file in sorted(declared, key=lambda path: (path.count("/"), path)):
        declares = _within(_parse(texts[file], file), "artifacts", model, "path")
        if not isinstance(declares, str):
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), declares))
        found = next((out for out in locked_outputs(texts) if out.path == path), None)
        if found is None:
            raise InputError(
                f"dvc.lock: has no entry that makes {path}, so there is no model to promote.",
                hint="Build the pipeline and commit it: `retouch build`.",
            )
        return found
    raise InputError(
        f"dvc.yaml: artifacts.{model}: no such model at this commit.",
        hint="Declare it under `artifacts:`, with its path.",
    )


class LockEntry(Value):
    """One stage as a lock records it."""

    stage: str
    """DVC's address."""
    folder: str
    """Where it ran: paths in the entry are relative to it."""
    module: str | None
    """`meta.retouch.module`; None where `dvc.yaml` has none, or a template."""
    content: dict[str, Any]
    """`cmd`, `deps`, `params`, `outs`."""

    def path(self, written: Any) -> str:
        """Return a path of the entry from the root."""
        return posixpath.normpath(posixpath.join(self.folder, str(written)))

    def items(self, kind: Literal["deps", "outs"]) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Return its inputs or its outputs: path from the root, and the item."""
        return tuple((self.path(item["path"]), item) for item in self.content.get(kind) or ())


def locked_outputs(texts: Mapping[str, bytes]) -> tuple[LockedOutput, ...]:
    """Return every output the locks record, sorted by path. Raises InputError for a broken one."""
    found = [
        LockedOutput(path=path, hash=hash_in(out), size=out.get("size"), stage=entry.stage)
        for entry in locked_entries(texts)
        for path, out in entry.items("outs")
    ]
    return tuple(sorted(found, key=lambda out: (out.path, out.stage)))


def locked_entries(texts: Mapping[str, bytes]) -> tuple[LockEntry, ...]:
    """Return every entry of the locks, sorted by address. Raises InputError for a broken lock."""
    found = []
    for file in sorted(path for path in texts if posixpath.basename(path) == "dvc.lock"):
        folder = posixpath.dirname(file)
        beside = posixpath.join(folder, "dvc.yaml")
        declared = _parse(texts[beside], beside).get("stages") or {} if beside in texts else {}
        for name, content in _stages(texts[file], file).items():
            stage = declared.get(name.partition("@")[0]) if isinstance(declared, dict) else None
            stage_of = stage if isinstance(stage, dict) else {}
            stage_of = stage_of["do"] if isinstance(stage_of.get("do"), dict) else stage_of
            found.append(
                LockEntry(
                    stage=f"{beside}:{name}" if folder else name,
                    folder=posixpath.join(folder, _literal(stage_of.get("wdir")) or ""),
                    module=_literal(_within(stage_of, "meta", "retouch", "module")),
                    content=content,
                )
            )
    return tuple(sorted(found, key=lambda entry: entry.stage))


def hash_in(item: Mapping[str, Any]) -> str:
    """Return the hash of an input or output of an entry; empty when it has none."""
    return str(next((item[key] for key in ("md5", "etag", "checksum") if key in item), ""))


def _stages(raw: bytes, file: str) -> dict[str, dict[str, Any]]:
    """Return the entries of a lock. Raises InputError for a layout DVC does not write."""
    stages = _parse(raw, file).get("stages") or {}
    if not isinstance(stages, dict) or not all(isinstance(e, dict) for e in stages.values()):
        raise InputError(f"{file}: stages: is not a mapping of entries.")
    for name, entry in stages.items():
        items = [*(entry.get("deps") or ()), *(entry.get("outs") or ())]
        if not all(isinstance(item, dict) and "path" in item for item in items):
            raise InputError(f"{file}: stages.{name}: an input or output has no path.")
    return {str(name): entry for name, entry in stages.items()}


def _within(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _literal(text: Any) -> str | None:
    """Return a text of `dvc.yaml` unless it is a template."""
    return text if isinstance(text, str) and "${" not in text else None


def _parse(raw: bytes, file: str) -> dict[str, Any]:
    import yaml

    try:
        value = yaml.load(raw, Loader=yaml.CSafeLoader) or {}
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise InputError(
            f"{file}: is not YAML that DVC can read.", hint="`dvc status` shows where."
        )
    return value
