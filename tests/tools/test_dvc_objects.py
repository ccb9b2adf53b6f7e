"""An output by its hash: from the cache, or from the remote, and whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from retouch.errors import BadInput
from retouch.tools.dvc_objects import write_output
from tests.toy_project import Toy


def recorded(toy: Toy, stage: str) -> str:
    found: str = yaml.safe_load(toy.lock())["stages"][stage]["outs"][0]["md5"]
    return found


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_and_a_directory_come_from_the_cache_whatever_the_workspace_holds(toy: Toy):
    bundle = files_in(toy.root / "models/bundle")
    shutil.rmtree(toy.root / "models/bundle")
    shutil.rmtree(toy.root.parent / "store")
    target = toy.root / ".retouch/x"
    target.mkdir(parents=True)
    (target / "old").touch()
    write_output(recorded(toy, "assemble"), target, root=toy.root)
    assert files_in(target) == bundle
    write_output(recorded(toy, "fit@eu"), target, root=toy.root)
    assert target.read_bytes() == bundle["eu.json"]
    assert not (toy.root / "models/bundle").exists()


def test_what_the_cache_lacks_comes_from_the_remote_one_file_of_a_directory_too(toy: Toy):
    bundle = files_in(toy.root / "models/bundle")
    clone = toy.clone("clone")
    before = clone.tree()
    write_output(recorded(toy, "assemble"), clone.root / ".retouch/x", root=clone.root)
    assert files_in(clone.root / ".retouch/x") == bundle
    of_eu = recorded(toy, "fit@eu")
    (clone.root / f".dvc/cache/files/md5/{of_eu[:2]}/{of_eu[2:]}").unlink()
    write_output(recorded(toy, "assemble"), clone.root / ".retouch/x", root=clone.root)
    assert files_in(clone.root / ".retouch/x") == bundle
    assert clone.tree() == before


@pytest.mark.parametrize("stage", ["assemble", "fit@eu"])
def test_what_neither_has_is_bad_input(toy: Toy, stage):
    clone = toy.clone("clone")
    shutil.rmtree(toy.root.parent / "store")
    with pytest.raises(BadInput, match=r"not in DVC's cache, and the remote does not give it"):
        write_output(recorded(toy, stage), clone.root / ".retouch/x", root=clone.root)
    clone.dvc("remote", "default", "--unset")
    with pytest.raises(BadInput, match=r"does not give it: .*no remote specified"):
        write_output(recorded(toy, stage), clone.root / ".retouch/x", root=clone.root)
    assert not (clone.root / ".retouch/x").exists()


@pytest.mark.parametrize("stage", ["assemble", "fit@eu"])
def test_a_damaged_object_is_refused(toy: Toy, stage):
    of_it = recorded(toy, stage)
    damaged = toy.root / f".dvc/cache/files/md5/{of_it[:2]}/{of_it[2:]}"
    damaged.chmod(0o644)
    damaged.write_text(json.dumps([]) + " ")
    with pytest.raises(BadInput, match=r"DVC's cache is damaged: .* Remove it"):
        write_output(of_it, toy.root / ".retouch/x", root=toy.root)
    assert not (toy.root / ".retouch/x").exists()
