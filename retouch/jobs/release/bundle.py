"""`retouch bundle`: everything a version consists of, in one reproducible file."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

from retouch.documents import Document
from retouch.dvc import objects
from retouch.engine.project import Project
from retouch.engine.status import read_registry
from retouch.errors import CheckFailed, InputError
from retouch.jobs.release.committed import CommittedModel
from retouch.registry import bundle_manifest as contents
from retouch.registry.bundle_manifest import FileDigest, Manifest
from retouch.registry.recorded_model import locked_entries
from retouch.registry.registry import ModelRegistry, Version
from retouch.system import files
from retouch.system.files import write_archive


class WrittenBundle(Document):
    """A bundle that was written."""

    version: str
    file: str
    sha256: str
    size: int
    manifest: Manifest


def bundle(project: Project, name: str, out: Path | None, *, here: Path) -> WrittenBundle:
    """Write the bundle of a version, or of a stage's, to `out` or to a file in `here`.

    Everything is read from git at the version's commit and from DVC by hash, so the checkout does
    not matter. Raises InputError, and CheckFailed for a model too large.
    """
    found = version_named(read_registry(project), name)
    target = out or here / f"{contents.bundle_name(project.policy.model, found.name)}.tar.gz"
    return write_bundle(project, found, target)


def version_named(registry: ModelRegistry, name: str) -> Version:
    """Return the version named by `v1.2.0`, `churn@v1.2.0`, `prod` or `canary`.

    Raises InputError.
    """
    name = name.removeprefix(f"{registry.model}@")
    found = registry.find(name) or registry.in_stage(name)
    if found is None or found.name == found.commit:
        known = ", ".join(version.name for version in registry.versions[-5:]) or "none yet"
        raise InputError(
            f"{name!r} is not a version of {registry.model}; the newest: {known}.",
            hint="Fetch the tags: `git fetch --tags`.",
        )
    return found


def write_bundle(project: Project, version: Version, target: Path) -> WrittenBundle:
    """Write the bundle of a version to a file. Raises InputError and CheckFailed."""
    commit = CommittedModel(project.root, version.commit)
    if version.hash is not None and version.hash != commit.model.hash:
        raise InputError(
            f"{version.name}: its tag names the model {version.hash}, but the lock of its commit "
            f"{version.commit[:10]} records {commit.model.hash}."
        )
    if (commit.model.size or 0) > contents.LARGEST_MODEL:
        raise CheckFailed(
            f"{commit.model.path}: has {commit.model.size} bytes; a bundle holds at most"
            f" {contents.LARGEST_MODEL}, GitHub's limit.",
            hint="`dvc pull` at the version's tag gets it from the DVC remote.",
        )
    with files.temporary_folder("bundle") as folder:
        model = _model_files(commit, folder)
        manifest, packed = _packed(project.policy.model, version, commit, model)
        write_archive(target, packed)
    digest, size = files.digest_of(target)
    return WrittenBundle(
        version=version.name, file=str(target), sha256=digest, size=size, manifest=manifest
    )


def _model_files(commit: CommittedModel, folder: Path) -> dict[str, bytes | Path]:
    """Return the model's files by their path in the bundle, from git or from DVC."""
    path, name = commit.model.path, Path(commit.model.path).name
    inside = [p for p in commit.snapshot.paths if p == path or p.startswith(f"{path}/")]
    if inside:
        read = commit.snapshot.read(inside)
        return {f"model/{name}{p.removeprefix(path)}": raw for p, raw in read.items()}
    target = folder / name
    objects.write_output(commit.model.hash, target, root=commit.root)
    found = files.files_below(target)
    return {f"model/{name}/{inside}".rstrip("/"): path for inside, path in found.items()}


def _packed(
    model: str, version: Version, commit: CommittedModel, model_files: Mapping[str, bytes | Path]
) -> tuple[Manifest, dict[str, bytes | Path]]:
    """Return the manifest, and every file of the archive."""
    entries = locked_entries(commit.pipeline_files)
    tracked = set(commit.snapshot.paths)
    inputs, outputs = contents.data_of(entries, tracked)
    kept = commit.kept(commit.model.hash)
    wanted = {
        "pipeline": [*_used(commit.pipeline_files), *contents.params_files_of(entries)],
        "environment": contents.ENVIRONMENT_FILES,
        "outputs": [output.path for output in outputs if output.path != commit.model.path],
        "report": [p for p in tracked if kept and p.startswith(f"reports/{kept[-1].report_id}/")],
    }
    packed = dict(model_files)
    for folder, paths in wanted.items():
        for path, raw in commit.snapshot.read(paths).items():
            packed[f"{folder}/{path}"] = raw
    digests = tuple(_digest(name, packed[name]) for name in sorted(packed))
    manifest = Manifest(
        model=model,
        version=version.name,
        commit=version.commit,
        registered_at=version.at,
        path=commit.model.path,
        hash=commit.model.hash,
        kept_by=kept[-1] if kept else None,
        inputs=inputs,
        outputs=outputs,
        stages=contents.stages_of(entries),
        files=digests,
    )
    packed["manifest.json"] = manifest.to_json().encode()
    everything = (*digests, _digest("manifest.json", packed["manifest.json"]))
    packed["SHA256SUMS"] = contents.checksums(everything).encode()
    top = contents.bundle_name(model, version.name)
    return manifest, {f"{top}/{name}": content for name, content in packed.items()}


def _used(paths: Collection[str]) -> list[str]:
    """Return the `dvc.lock` files and the `dvc.yaml` beside each; others made nothing here."""
    locks = [path for path in paths if path.endswith("dvc.lock")]
    beside = [lock.removesuffix("dvc.lock") + "dvc.yaml" for lock in locks]
    return [*locks, *(path for path in beside if path in paths)]


def _digest(name: str, content: bytes | Path) -> FileDigest:
    if isinstance(content, bytes):
        return FileDigest(path=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    digest, size = files.digest_of(content)
    return FileDigest(path=name, sha256=digest, size=size)
