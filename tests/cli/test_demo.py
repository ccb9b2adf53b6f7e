"""After `retouch demo` the checkout has what the replay made, and is ready for an alert."""

from __future__ import annotations

import shutil

import yaml

from retouch.cli.run import hand_over
from retouch.engine.project import Project
from tests.toy_project import Toy


def test_a_checkout_without_data_gets_what_a_copy_of_the_same_records_and_can_run(toy: Toy):
    empty = toy.clone("empty")
    shutil.rmtree(toy.root.parent / "store")
    assert "data/rows.csv" not in empty.tree()
    brought = hand_over(Project(toy.root), Project(empty.root))
    assert empty.tree() == toy.tree()
    assert {"data/rows.csv", "models/bundle"} <= set(brought)
    assert not empty.git("status", "--porcelain")
    told = empty.retouch("build")
    assert told.code == 0, told


def test_what_lies_in_the_checkout_and_what_the_copy_made_otherwise_is_left_alone(toy: Toy):
    other = toy.clone("other")
    locked = yaml.safe_load(toy.lock())["stages"]["fit@us"]["outs"][0]["md5"]
    other.replace("dvc.lock", locked, "ab" * 16)
    (other.root / "models/bundle").write_text("mine")
    brought = hand_over(Project(toy.root), Project(other.root))
    assert set(brought) == {"data/rows.csv", "data/clean.csv", "models/eu.json"}
    assert (other.root / "models/bundle").read_text() == "mine"
    assert not (other.root / "models/us.json").exists()
