"""Read a DVC project into a `Pipeline`, through DVC's own index. Needs no data, changes nothing."""

from __future__ import annotations

import gc
import hashlib
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.errors import BadInput
from retouch.pipeline.edited import shapes_graph, with_files, with_values
from retouch.pipeline.keys import value_at
from retouch.pipeline.meta import parse_meta
from retouch.pipeline.model import FileInput, Output, ParamInput, Pipeline, Stage
from retouch.policy.edits import ParamEdit
from retouch.tools import git
from retouch.tools.lock_text import entry_names
from retouch.tools.params import apply_edits, load_params

if TYPE_CHECKING:
    from dvc.repo import Repo

_METADATA = (".yaml", ".yml", ".json", ".toml", ".py", ".dvc", ".lock", ".dvcignore")


def find_root(start: Path) -> Path:
    """Return the root of the DVC project that holds `start`. Raises BadInput outside of one."""
    for folder in (start, *start.parents):
        if (folder / ".dvc").is_dir():
            return folder
    raise BadInput(
        f"{start}: is not in a DVC repository.", mend="Run `dvc init`, or change into the project."
    )


class Project:
    """One DVC project as it lies in the workspace: loaded once, asked several times."""

    def __init__(self, root: Path) -> None:
        """Open the project at `root`. Raises BadInput when DVC cannot read it."""
        _quiet_dvc()
        self.root = root
        self._repo = _open(root)
        self._hashes: dict[tuple[str, str], str | None] = {}
        self._pipeline: Pipeline | None = None

    def pipeline(self) -> Pipeline:
        """Return the pipeline as it was when the project was opened.

        Raises BadInput for a broken dvc.yaml, lock, params file or meta.
        """
        if self._pipeline is None:
            self._pipeline = self._read(self._repo)
        return self._pipeline

    def with_edits(self, edits: Sequence[ParamEdit]) -> Pipeline:
        """Return the pipeline as it would be with these edits. Raises BadInput.

        Where an edited key stands in a `${...}` of dvc.yaml it may shape the graph itself: then DVC
        resolves it anew, over a copy of the project's metadata files. Hashes are always those of
        the real workspace, but for the edited files.
        """
        texts = [path.read_text() for path in self._pipeline_files()]
        if shapes_graph([edit.key for edit in edits], texts):
            edited = self.resolved_anew(edits)
        else:
            values = {(edit.file, edit.key): edit.after for edit in edits}
            edited = with_values(self.pipeline(), values)
        return with_files(edited, self._new_hashes(edits))

    def resolved_anew(self, edits: Sequence[ParamEdit]) -> Pipeline:
        """Return the pipeline with these edits as DVC reads it from copies of the metadata files.

        `with_edits` is the way in; it comes here where values alone do not tell. Raises BadInput.
        """
        with tempfile.TemporaryDirectory(prefix="retouch-plan-") as folder:
            overlay = Path(folder)
            self._mirror(overlay)
            for file, text in apply_edits(self.root, edits).items():
                (overlay / file).unlink(missing_ok=True)
                (overlay / file).write_text(text)
            repo = _open(overlay)
            try:
                return self._read(repo)
            finally:
                repo.close()

    def _new_hashes(self, edits: Sequence[ParamEdit]) -> dict[str, str]:
        """Return the hashes that edited params files will have, where a stage reads one as a file.

        It does when the file, or a directory that holds it, is among its `deps`.
        """
        read = {item.path for stage in self.pipeline().stages for item in stage.inputs}
        around = {edit.file: {edit.file, *map(str, Path(edit.file).parents)} for edit in edits}
        mine = [edit for edit in edits if not read.isdisjoint(around[edit.file])]
        return {
            file: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
            for file, text in apply_edits(self.root, mine).items()
        }

    def cache_holds(self, hash_value: str) -> bool:
        """Say whether the local cache has the object (of a directory: its list of files)."""
        return bool(self._repo.cache.local.exists(hash_value))

    def close(self) -> None:
        """Let go of DVC's files."""
        self._repo.close()

    def _pipeline_files(self) -> list[Path]:
        """Return every dvc.yaml; one whose `foreach` has no item yet declares no stage."""
        declaring = {Path(item.path) for item in self._repo.index.stages if item.cmd is not None}
        tracked = {self.root / path for path in git.tracked_files(self.root)}
        empty = {path for path in tracked if path.name == "dvc.yaml" and path.exists()}
        return sorted(declaring | empty)

    def _mirror(self, overlay: Path) -> None:
        (overlay / ".dvc").mkdir()
        for name in ("config", "config.local"):
            if (self.root / ".dvc" / name).exists():
                text = (self.root / ".dvc" / name).read_text()
                (overlay / ".dvc" / name).write_text(text)
        local = overlay / ".dvc" / "config.local"
        before = local.read_text() if local.exists() else ""
        local.write_text(f"{before}\n[core]\n    no_scm = true\n")
        for path in git.tracked_files(self.root):
            here = path.endswith(_METADATA) and (self.root / path).exists()
            if here and not path.startswith(".dvc/"):
                link = overlay / path
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(self.root / path)

    def _read(self, repo: Repo) -> Pipeline:
        from dvc.exceptions import DvcException
        from dvc.repo.reproduce import get_active_graph

        try:
            with _without_garbage_collection():
                graph = get_active_graph(repo.index.graph)
                artifacts = repo.artifacts.read()
        except DvcException as error:
            raise BadInput(f"DVC cannot read the pipeline: {_first_line(error)}") from None
        stages = _in_order(graph)
        made = {out.fs_path: out for item in stages for out in item.outs}
        locked = _locked_addresses(repo, stages)
        params: dict[str, Any] = {}
        return Pipeline(
            stages=tuple(
                self._stage(repo, item, made, params).model_copy(
                    update={
                        "upstream": tuple(sorted(_address(repo, s) for s in graph.succ[item])),
                        "recorded": item.cmd is None or _address(repo, item) in locked,
                    }
                )
                for item in stages
            ),
            params=params,
            artifacts={
                name: str(Path(file).parent / artifact.path)
                for file, found in artifacts.items()
                for name, artifact in found.items()
            },
        )

    def _stage(
        self, repo: Repo, item: Any, made: Mapping[str, Any], params: dict[str, Any]
    ) -> Stage:
        from dvc.dependency import ParamsDependency

        files = [d for d in item.deps if not isinstance(d, ParamsDependency)]
        declared = [d for d in item.deps if isinstance(d, ParamsDependency)]
        return Stage(
            name=_address(repo, item),
            cmd="\n".join(item.cmd) if isinstance(item.cmd, list) else item.cmd,
            cmd_changed=bool(getattr(item, "cmd_changed", False)),
            desc=item.desc,
            frozen=bool(item.frozen),
            always_changed=bool(item.always_changed),
            inputs=tuple(self._input(repo, dep, made) for dep in files),
            params=tuple(p for dep in declared for p in self._params_of(repo, item, dep, params)),
            outputs=tuple(
                Output(
                    path=_relative(repo, out.fs_path),
                    recorded=_hash_value(out),
                    workspace=self._hash(_relative(repo, out.fs_path), out.hash_name),
                    cached=bool(out.use_cache),
                )
                for out in item.outs
            ),
            folder=_relative(repo, item.wdir),
            meta=parse_meta(item.meta, f"dvc.yaml: stages.{_address(repo, item)}.meta"),
        )

    def _input(self, repo: Repo, dep: Any, made: Mapping[str, Any]) -> FileInput:
        path = _relative(repo, dep.fs_path)
        maker = made.get(dep.fs_path) or _made_around(dep.fs_path, made)
        if maker is not None and maker.fs_path == dep.fs_path and maker.stage.cmd is not None:
            current = _hash_value(maker)
        else:
            current = self._hash(path, dep.hash_name)
            if current is None and maker is not None and maker.fs_path == dep.fs_path:
                current = _hash_value(maker)  # a data file that is not here
        return FileInput(
            path=path,
            recorded=_hash_value(dep),
            current=current,
            producer=_address(repo, maker.stage) if maker is not None else None,
        )

    def _params_of(
        self, repo: Repo, item: Any, dep: Any, params: dict[str, Any]
    ) -> list[ParamInput]:
        file = _relative(repo, dep.fs_path)
        if file not in params:
            params[file] = load_params(Path(dep.fs_path), file)
        was = _hash_value(dep) or {}
        found = []
        for key in dep.params or sorted({*was, *params[file]}):
            exists, value = _look_up(params[file], key if dep.params else None, key)
            if dep.params and not exists:
                raise BadInput(
                    f"{file}: {key}: no such key, but stage {_address(repo, item)} declares it.",
                    mend=f"Put the key back into {file}, or take it out of dvc.yaml.",
                )
            found.append(
                ParamInput(
                    file=file,
                    key=key,
                    recorded=_plain(was.get(key)),
                    current=_plain(value),
                    was_recorded=key in was,
                    exists=exists,
                )
            )
        return found

    def _hash(self, path: str, hash_name: str | None) -> str | None:
        """Return the hash of what lies at a path of the real workspace, None when nothing does."""
        from dvc.fs import localfs
        from dvc_data.hashfile.build import build

        name = hash_name or "md5"
        if (path, name) not in self._hashes:
            here = str(self.root / path)
            if not (self.root / path).exists() or self._repo.dvcignore.is_ignored(localfs, here):
                self._hashes[path, name] = None
            else:
                odb = self._repo.cache.legacy if name == "md5-dos2unix" else self._repo.cache.local
                _, _, built = build(
                    odb, here, localfs, name, ignore=self._repo.dvcignore, dry_run=True
                )
                self._hashes[path, name] = built.hash_info.value
        return self._hashes[path, name]


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Parsing big YAML makes many objects and no garbage: collecting doubles its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _open(root: Path) -> Repo:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        return Repo(str(root))
    except DvcException as error:
        raise BadInput(f"{root}: DVC cannot open the project: {_first_line(error)}") from None


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


def _hash_value(item: Any) -> Any:
    return item.hash_info.value if item.hash_info else None


def _look_up(content: Mapping[str, Any], dotted: str | None, key: str) -> tuple[bool, Any]:
    """Find a dotted key as DVC does, or a top-level key as it stands."""
    try:
        return True, value_at(content, dotted) if dotted else content[key]
    except KeyError:
        return False, None


def _relative(repo: Repo, path: str) -> str:
    inside = Path(path).is_relative_to(repo.root_dir)
    return Path(path).relative_to(repo.root_dir).as_posix() if inside else path


def _plain(value: Any) -> Any:
    """Return the value as JSON can hold it (YAML dates, sets and numpy scalars become text)."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _first_line(error: Exception) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), "no reason given")


def _quiet_dvc() -> None:
    """Keep DVC's own log lines off our output; what matters becomes our sentence."""
    logging.getLogger("dvc").setLevel(logging.ERROR)
