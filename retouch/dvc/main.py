"""`python -m retouch.dvc.main ...` is `dvc ...`, with a quicker way to write `dvc.lock`, and an
environment for stages that holds no credentials.

DVC reads and writes the whole lock through a YAML parser that keeps comments, once per stage: more
than a second for 40 stages, more than running most of them. Here only the text of the stage's own
entry is exchanged. The result is the same, byte for byte (a test compares), and where it might not
be, DVC's own way is taken.

DVC itself may need credentials for its remotes; commands of stages get none.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dvc.cli import main
from dvc.dvcfile import Lockfile
from dvc.stage import run as stage_run
from dvc.stage import serialize
from dvc.utils.serialize import dumps_yaml

from retouch.lockfile.entries import with_entry
from retouch.system import files
from retouch.system.stage_environment import stage_environment

_by_dvc = Lockfile.dump_stages


def dump_stages(self: Any, stages: Sequence[Any], **options: Any) -> None:
    """Write the stages' entries into the lock: what `Lockfile.dump_stages` does."""
    path = Path(self.path)
    try:
        before = path.read_text(encoding="utf-8")
        after = before
        for stage in stages:
            entry = dumps_yaml({"stages": serialize.to_lockfile(stage, **options)})
            after = with_entry(after, stage.name, entry.removeprefix("stages:\n"))
    except (OSError, ValueError):  # no lock yet, or one without entries
        _by_dvc(self, stages, **options)
        return
    if after != before:
        files.write_text(path, after)
        self.repo.scm_context.track_file(self.relpath)


_prepared_by_dvc = stage_run.prepare_kwargs


def prepare_kwargs(stage: Any, run_env: dict[str, str] | None = None) -> dict[str, Any]:
    """Return how to start a stage's command: what DVC's own function does, without credentials."""
    kwargs = _prepared_by_dvc(stage, run_env=run_env)
    return {**kwargs, "env": stage_environment(kwargs["env"])}


Lockfile.dump_stages = dump_stages
stage_run.prepare_kwargs = prepare_kwargs

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
