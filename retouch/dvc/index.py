"""DVC's index as values: the only module that knows the inside of DVC's stages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.dvc.file_digests import KINDS
from retouch.dvc.params import load_params
from retouch.dvc.repository import read_by_dvc
from retouch.errors import InputError
from retouch.lockfile.entries import entry_names
from retouch.pipeline.keys import differs, holds_nan, plain, value_at
from retouch.pipeline.lineage import parse_meta
from retouch.pipeline.model import FileInput, Output, ParamInput, Pipeline, Stage
from retouch.system import files
from retouch.system.processes import without_garbage_collection

if TYPE_CHECKING:
    from dvc.repo import Repo

HashOf = Callable[[str, str | None], str | None]
"""Path from the root and DVC's name of the hash -> hash of what lies there, None when nothing."""


def read_index(repo: Repo, hash_of: HashOf) -> Pipeline:
    """Return the pipeline as DVC's index has it. Raises InputError for what DVC cannot read."""
    with without_garbage_collection():
        return _Reader(repo, hash_of).pipeline()


class _Reader:
    """One reading of one index."""

    def __init__(self, repo: Repo, hash_of: HashOf) -> None:
        from dvc.repo.reproduce import get_active_graph

        self._repo = repo
        self._hash_of = hash_of
        with read_by_dvc("DVC cannot read the pipeline", Path(repo.root_dir)):
            self._graph = get_active_graph(repo.index.graph)
            self._artifacts = repo.artifacts.read()
        self._stages = _in_order(self._graph)
        self._made = {out.fs_path: out for item in self._stages for out in item.outs}
        self._params: dict[str, Any] = {}

    def pipeline(self) -> Pipeline:
        """Return all of it as values."""
        locked = _locked_addresses(self._repo, self._stages)
        return Pipeline(
            stages=tuple(
                self._stage(item).model_copy(
                    update={
                        "upstream": tuple(sorted(map(self._address, self._graph.succ[item]))),
                        "recorded": item.cmd is None or self._address(item) in locked,
                    }
                )
                for item in self._stages
            ),
            params=self._params,
            artifacts={
                name: str(Path(file).parent / artifact.path)
                for file, found in self._artifacts.items()
                for name, artifact in found.items()
            },
        )

    def _stage(self, item: Any) -> Stage:
        from dvc.dependency import ParamsDependency

        files = [d for d in item.deps if not isinstance(d, ParamsDependency)]
        declared = [d for d in item.deps if isinstance(d, ParamsDependency)]
        return Stage(
            name=self._address(item),
            cmd="\n".join(item.cmd) if isinstance(item.cmd, list) else item.cmd,
            cmd_changed=bool(getattr(item, "cmd_changed", False)),
            desc=item.desc,
            frozen=bool(item.frozen),
            always_changed=bool(item.always_changed),
            inputs=tuple(self._input(dep) for dep in files),
            params=tuple(p for dep in declared for p in self._params_of(item, dep)),
            outputs=tuple(
                Output(
                    path=self._relative(out.fs_path),
                    recorded=_hash_value(out),
                    workspace=self._hash_of(self._relative(out.fs_path), out.hash_name),
                    cached=bool(out.use_cache),
                    legacy=out.hash_name == KINDS[1],
                )
                for out in item.outs
            ),
            folder=self._relative(item.wdir),
            meta=parse_meta(item.meta, f"dvc.yaml: stages.{self._address(item)}.meta"),
        )

    def _input(self, dep: Any) -> FileInput:
        path = self._relative(dep.fs_path)
        maker = self._made.get(dep.fs_path) or _made_around(dep.fs_path, self._made)
        if maker is not None and maker.fs_path == dep.fs_path and maker.stage.cmd is not None:
            current = _hash_value(maker)
        else:
            current = self._hash_of(path, dep.hash_name)
            if current is None and maker is not None and maker.fs_path == dep.fs_path:
                current = _hash_value(maker)  # a data file that is not here
        if current not in (None, _hash_value(dep)):
            _refuse_lfs_pointers(Path(dep.fs_path), path)
        return FileInput(
            path=path,
            recorded=_hash_value(dep),
            current=current,
            producer=self._address(maker.stage) if maker is not None else None,
        )

    def _params_of(self, item: Any, dep: Any) -> list[ParamInput]:
        file = self._relative(dep.fs_path)
        if file not in self._params:
            self._params[file] = load_params(Path(dep.fs_path), file)
        content = self._params[file]
        was = _hash_value(dep) or {}
        found = []
        for key in dep.params or sorted({*was, *content}, key=str):
            exists, value = _look_up(content, key if dep.params else None, key)
            if dep.params and not exists:
                raise InputError(
                    f"{file}: {key}: no such key, but stage {self._address(item)} declares it.",
                    hint=f"Restore the key in {file}, or remove it from dvc.yaml.",
                )
            recorded, current = _as_json(file, str(key), was.get(key), value, self._address(item))
            found.append(
                ParamInput(
                    file=file,
                    key=str(key),
                    recorded=recorded,
                    current=current,
                    was_recorded=key in was,
                    exists=exists,
                )
            )
        return found

    def _address(self, item: Any) -> str:
        return _address(self._repo, item)

    def _relative(self, path: str) -> str:
        return _relative(self._repo, path)


def _in_order(graph: Any) -> list[Any]:
    """Return the stages in the order `dvc repro` evaluates them."""
    import networkx as nx

    return list(nx.dfs_postorder_nodes(graph))


def _address(repo: Repo, item: Any) -> str:
    """Return the stage's address as DVC gives it at the project's root, wherever we are."""
    path = _relative(repo, item.path)
    if item.cmd is None:
        return path
    return item.name if path == "dvc.yaml" else f"{path}:{item.name}"


def _locked_addresses(repo: Repo, stages: Sequence[Any]) -> set[str]:
    """Return the addresses of the stages that `dvc.lock` has an entry for."""
    locks = {item.path: Path(item.path).with_suffix(".lock") for item in stages if item.cmd}
    names = {
        path: entry_names(lock.read_text()) if lock.exists() else frozenset()
        for path, lock in locks.items()
    }
    return {_address(repo, item) for item in stages if item.cmd and item.name in names[item.path]}


def _made_around(path: str, made: Mapping[str, Any]) -> Any | None:
    """Return the output whose directory holds this path, or that lies within this path."""
    for parent in Path(path).parents:
        if str(parent) in made:
            return made[str(parent)]
    return next((out for out_path, out in made.items() if out_path.startswith(f"{path}/")), None)


_LFS_POINTER, _LFS_POINTER_BYTES = b"version https://git-lfs.github.com/spec/", 1024
"""How the small file begins that git has where Git LFS has not brought the real one."""


def _refuse_lfs_pointers(place: Path, path: str) -> None:
    """Raise InputError where a changed input is no data: a stage would learn from the pointer."""
    for name, file in files.files_below(place).items():
        if file.stat().st_size <= _LFS_POINTER_BYTES and file.read_bytes().startswith(_LFS_POINTER):
            raise InputError(
                f"{path}{'/' * bool(name)}{name}: is a pointer of Git LFS; the file is not here.",
                hint="Bring it: `git lfs pull`; in a workflow, `lfs: true` of actions/checkout.",
            )


def _hash_value(item: Any) -> Any:
    return item.hash_info.value if item.hash_info else None


def _look_up(content: Mapping[str, Any], dotted: str | None, key: str) -> tuple[bool, Any]:
    """Find a dotted key as DVC does, or a top-level key as it stands."""
    try:
        return True, value_at(content, dotted) if dotted else content[key]
    except KeyError:
        return False, None


def _as_json(file: str, key: str, was: Any, now: Any, stage: str) -> tuple[Any, Any]:
    """Return two values as JSON can hold them; they are equal where DVC finds no change.

    Raises InputError for `.nan`, and for text that no file can hold.
    """
    if holds_nan(now):
        raise InputError(
            f"{file}: {key}: holds .nan, which is equal to nothing, itself included, so DVC would "
            f"find stage {stage} changed every time.",
            hint="Write null, or a text that the stage understands.",
        )
    try:
        json.dumps(plain(now), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{file}: {key}: holds half of a surrogate pair, which is no text.",
            hint="Write the character itself.",
        ) from None
    if not differs(now, was):
        return plain(now), plain(now)
    if plain(now) == plain(was):  # the text "1" and the number 1 as keys, a date and its text
        return plain(was, typed=True), plain(now, typed=True)
    return plain(was), plain(now)


def _relative(repo: Repo, path: str) -> str:
    inside = Path(path).is_relative_to(repo.root_dir)
    return Path(path).relative_to(repo.root_dir).as_posix() if inside else path
