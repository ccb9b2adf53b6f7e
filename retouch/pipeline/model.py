"""The stage graph as values: what each stage declares, what it was recorded with, what it has now.

Nothing here has read a file: `tools.dvc_project` fills it in from DVC's own index.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, JsonValue, StringConstraints

from retouch.documents import Document, Value

LABEL = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
RunnerLabel = Annotated[str, StringConstraints(pattern=f"^{LABEL}$")]
"""A label of a GitHub runner: `ubuntu-latest`, `gpu`."""


class StageMeta(Value):
    """What a stage declares under `meta.retouch`; free-form for DVC, never hashed."""

    module: str | None = None
    """The kind of component; tiers speak of modules."""
    datasets: tuple[str, ...] = ()
    """What its result depends on directly."""
    partition: dict[str, str] = {}
    """The part of the data it works on: column -> value."""
    columns: tuple[str, ...] = ()
    """The columns it reads or learns from; empty: not declared."""
    runs_on: tuple[RunnerLabel, ...] = ()
    """Labels of the runner it needs; empty: any will do."""


class FileInput(Value):
    """A file or directory a stage depends on."""

    path: str
    recorded: str | None
    """Hash in `dvc.lock`; None when the lock does not have it."""
    current: str | None
    """Hash now; of another stage's output, the hash its producer recorded. None: not known."""
    producer: str | None = None
    """The stage whose output this is."""

    @property
    def changed(self) -> bool:
        """It is not what `dvc.lock` recorded."""
        if self.recorded is None:
            return True
        if self.producer is not None and self.current is None:
            return False  # part of a directory that is not here; its producer has not changed
        return self.recorded != self.current


class ParamInput(Value):
    """A params key a stage declares."""

    file: str
    key: str
    """Dotted; of a file declared as a whole, each of its top-level keys."""
    recorded: JsonValue = None
    current: JsonValue = None
    was_recorded: bool = True
    exists: bool = True


class Output(Value):
    """A file or directory a stage makes."""

    path: str
    recorded: str | None
    """Hash in `dvc.lock`."""
    workspace: str | None = None
    """Hash of what is in the workspace; None when nothing does."""
    cached: bool = True
    """DVC keeps it in its cache; otherwise git does, or neither."""
    legacy: bool = Field(default=False, exclude=True)
    """A DVC before version 3 recorded it, with line ends left out of account; no plan needs it."""


class Stage(Value):
    """One stage of the pipeline, or one data file tracked by a `.dvc` file (no command)."""

    name: str
    """DVC's address: `train@eu`, `regions/eu/dvc.yaml:train`."""
    cmd: str | None
    cmd_changed: bool = False
    desc: str | None = None
    frozen: bool = False
    always_changed: bool = False
    recorded: bool = True
    """`dvc.lock` has an entry for it."""
    inputs: tuple[FileInput, ...] = ()
    params: tuple[ParamInput, ...] = ()
    outputs: tuple[Output, ...] = ()
    upstream: tuple[str, ...] = ()
    """Names of the stages it depends on, sorted."""
    folder: str = "."
    """Where its command runs; paths in its lock entry are relative to it."""
    meta: StageMeta | None = None
    """None when the stage declares nothing under `meta.retouch`."""


class Pipeline(Document):
    """All stages, in DVC's own order of evaluation (dependencies first)."""

    stages: tuple[Stage, ...]
    params: dict[str, Any] = {}
    """The parsed params files: path -> content."""
    artifacts: dict[str, str] = {}
    """`artifacts:` of `dvc.yaml`: name -> path."""
