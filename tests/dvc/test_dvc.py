"""DVC's command line, as far as the flows do not show it."""

from __future__ import annotations

import shutil

import pytest
import yaml

from retouch.dvc import dvc
from retouch.dvc.remote import missing_outputs
from retouch.errors import CheckFailed, InputError
from retouch.git import git
from retouch.lockfile.entries import lock_file_of, outputs_in
from retouch.pipeline.model import Stage
from tests.toy_project import Toy


def test_a_project_without_a_default_remote_has_none(toy: Toy):
    assert dvc.has_remote(toy.root)
    toy.dvc("remote", "default", "--unset")
    assert not dvc.has_remote(toy.root)


def test_a_run_without_a_remote_does_not_push_and_one_with_a_lost_remote_says_so(toy: Toy):
    shutil.rmtree(toy.root.parent / "store")
    (toy.root.parent / "store").write_text("in the way")
    with pytest.raises(
        CheckFailed, match=r"were not pushed to the remote: .*Run `dvc push` before you merge"
    ):
        dvc.push(["fit@eu"], root=toy.root)


def test_an_output_the_cache_lost_cannot_be_put_back(toy: Toy):
    shutil.rmtree(toy.root / ".dvc/cache")
    (toy.root / "models/eu.json").unlink()
    with pytest.raises(
        CheckFailed, match=r"DVC could not restore models/eu.json: .* Run `dvc pull`."
    ):
        dvc.checkout(["models/eu.json"], root=toy.root)


def test_asking_for_nothing_starts_no_process(toy: Toy):
    nowhere = toy.root / "nowhere"  # a process could not start there
    dvc.pull([], root=nowhere)
    dvc.checkout([], root=nowhere)
    dvc.push([], root=nowhere)


LOCK = """\
schema: '2.0'
stages:
  fit@eu:
    cmd: x
    outs:
    - path: ../models/eu.json
      hash: md5
      md5: abc
    - path: part
      etag: def
  other:
    cmd: x
"""


@pytest.mark.parametrize(
    ("name", "folder", "found"),
    [
        ("fit@eu", ".", {"../models/eu.json": "abc", "part": "def"}),
        ("sub/dvc.yaml:fit@eu", "sub", {"models/eu.json": "abc", "sub/part": "def"}),
        ("other", ".", {}),
        ("unknown", ".", {}),
    ],
)
def test_recorded_outputs_are_read_from_the_lock_of_the_stages_folder(name, folder, found):
    stage = Stage(name=name, cmd="x", folder=folder)
    assert outputs_in(LOCK, stage) == found
    assert outputs_in("", stage) == {}


def test_the_lock_file_of_a_stage_lies_beside_its_dvc_yaml():
    assert lock_file_of("fit@eu") == "dvc.lock"
    assert lock_file_of("regions/eu/dvc.yaml:fit") == "regions/eu/dvc.lock"


def test_git_tells_what_is_changed_committed_and_tracked(toy: Toy):
    assert git.top_level(toy.root / "models") == toy.root
    (toy.root / "new file.txt").write_text("")
    toy.replace("params.yaml", "1000", "900")
    assert git.modified_files(toy.root) == ("params.yaml",)
    assert "1000" in git.committed_text(toy.root, "params.yaml")
    assert git.committed_text(toy.root, "no such file") == ""
    assert "new file.txt" in git.tracked_files(toy.root)
    assert "models/eu.json" not in git.tracked_files(toy.root)
    with pytest.raises(InputError, match="is not in a git repository"):
        git.top_level(toy.root.parent)


def test_an_output_is_looked_for_in_the_remote_it_names(toy: Toy):
    toy.dvc("remote", "add", "--quiet", "other", "../other")
    toy.replace("dvc.yaml", "[models/bundle]\n", "[{models/bundle: {remote: other}}]\n")
    toy.commit()
    shutil.rmtree(toy.root.parent / "store")
    toy.dvc("push", "--quiet")
    (recorded,) = (out["md5"] for out in yaml.safe_load(toy.lock())["stages"]["assemble"]["outs"])
    bundle = [("models/bundle", recorded)]

    assert missing_outputs(toy.clone("fresh").root, bundle) == ()

    shutil.rmtree(toy.root.parent / "other")
    assert missing_outputs(toy.clone("late").root, bundle) == ("models/bundle",)
