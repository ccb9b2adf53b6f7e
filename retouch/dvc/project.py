"""Read a DVC project into a `Pipeline`, through DVC's own index. Needs no data, changes nothing."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

from retouch.dvc.checked import Workspace, in_cache
from retouch.dvc.file_digests import KINDS, digests_of
from retouch.dvc.index import read_index
from retouch.dvc.params import apply_edits
from retouch.dvc.repository import open_repository
from retouch.errors import InputError
from retouch.git import git
from retouch.pipeline.keys import shapes_graph, with_files, with_values
from retouch.pipeline.model import Pipeline
from retouch.policy.edits import ParamEdit

_METADATA = (".yaml", ".yml", ".json", ".toml", ".py", ".dvc", ".lock", ".dvcignore")


def find_root(start: Path) -> Path:
    """Return the root of the DVC project that holds `start`. Raises InputError outside of one."""
    for folder in (start, *start.parents):
        if (folder / ".dvc").is_dir():
            return folder
    raise InputError(
        f"{start}: is not in a DVC repository.", hint="Run `dvc init`, or change into the project."
    )


class DvcProject:
    """One DVC project as it lies in the workspace: loaded once, queried several times."""

    def __init__(self, root: Path) -> None:
        """Open the project at `root`. Raises InputError when DVC cannot read it."""
        _quiet_dvc()
        self.root = root
        self._repo = open_repository(root)
        self._workspace = Workspace(root)
        self._hashes: dict[tuple[str, str], str | None] = {}
        self._pipeline: Pipeline | None = None

    def pipeline(self) -> Pipeline:
        """Return the pipeline as it was when the project was opened.

        Raises InputError for a broken dvc.yaml, lock, params file or meta.
        """
        if self._pipeline is None:
            self._pipeline = read_index(self._repo, self._hash)
        return self._pipeline

    def with_edits(self, edits: Sequence[ParamEdit]) -> Pipeline:
        """Return the pipeline as it would be with these edits. Raises InputError.

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

        `with_edits` is the way in; it comes here where values alone do not tell. Raises InputError.
        """
        with tempfile.TemporaryDirectory(prefix="retouch-plan-") as folder:
            overlay = Path(folder)
            self._mirror(overlay)
            for file, text in apply_edits(self.root, edits).items():
                (overlay / file).unlink(missing_ok=True)
                (overlay / file).write_text(text)
            repo = open_repository(overlay, no_scm=True)
            try:
                return read_index(repo, self._hash)
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
        """Return whether the local cache has the output, and sound: what it lacks of a directory
        is no matter."""
        for kind in KINDS:
            held = in_cache(self._repo, hash_value, kind, digests_of(self.root))
            if hash_value in held.objects:
                return not held.damaged
        return False

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
        for path in git.tracked_files(self.root):
            here = path.endswith(_METADATA) and (self.root / path).exists()
            if here and not path.startswith(".dvc/"):
                link = overlay / path
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(self.root / path)

    def _hash(self, path: str, hash_name: str | None) -> str | None:
        """Return the hash of what lies at a path of the real workspace, None when nothing does.

        What DVC itself remembers is not asked: a checkout writes down what it meant to bring.
        """
        name = hash_name or KINDS[0]
        if (path, name) not in self._hashes:
            self._hashes[path, name] = self._workspace.digest(path, name)
        return self._hashes[path, name]


def _quiet_dvc() -> None:
    """Keep DVC's own log lines off our output; what matters becomes our sentence."""
    logging.getLogger("dvc").setLevel(logging.ERROR)
