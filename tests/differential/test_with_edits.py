"""What `DvcProject.with_edits` foretells, against the project after the edits were really made."""

from __future__ import annotations

import subprocess

import pytest

from retouch.dvc.params import apply_edits
from retouch.dvc.project import DvcProject, find_root
from retouch.errors import InputError
from retouch.planning.changes import changes_of
from retouch.policy.edits import ParamEdit
from retouch.system import files

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

DVC_YAML = """
stages:
  whole:
    cmd: cat settings.json
    params: [{settings.json: }]
    outs: [a]
  file:
    cmd: cat params.yaml
    deps: [params.yaml]
    outs: [b]
  folder:
    cmd: cat parts/*
    deps: [parts]
    outs: [c]
  one:
    cmd: cat parts/eu.yaml
    params: [{parts/eu.yaml: [until]}]
    outs: [d]
  place:
    cmd: cat params.yaml
    params: [days.1.from, "deep.*.x"]
    outs: [e]
  subtree:
    cmd: cat params.yaml
    params: [deep]
    outs: [f]
  here:
    wdir: no-metadata-in-it
    cmd: cat ../params.yaml ${word}
    params: [../params.yaml: [word]]
    outs: [g]
"""
GROWN = """
stages:
  each:
    foreach: ${regions}
    do: {cmd: x, outs: ["${item}"]}
"""
PARAMS = """
days: [{from: 1}, {from: 2}]
deep: {only: {x: 1}}
word: one
regions: []
other: 0
"""


@pytest.fixture
def root(tmp_path, sealed):
    from dvc.repo import Repo

    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    Repo.init(str(tmp_path)).close()
    for path, text in {
        "dvc.yaml": DVC_YAML,
        "params.yaml": PARAMS,
        "settings.json": '{"a": {"b": 1}, "c.d": 2}',
        "parts/eu.yaml": "until: '1'\n",
        "parts/us.yaml": "until: '1'\n",
        "no-metadata-in-it/data.csv": "x\n",
        "grown/dvc.yaml": GROWN,
        "grown/params.yaml": "regions: []\n",
    }.items():
        files.write_text(tmp_path / path, text)
    return tmp_path


def edit(key, before, after, file="params.yaml"):
    return ParamEdit(file=file, key=key, before=before, after=after)


def changed_by(root, *edits):
    """Return the stages the edits change; both ways to foretell them agree with the deed."""
    project = DvcProject(root)
    before = project.pipeline()
    foretold, anew = project.with_edits(edits), project.resolved_anew(edits)
    for path, text in apply_edits(root, edits).items():
        files.write_text(root / path, text)
    done = DvcProject(root).pipeline()
    assert foretold.params == anew.params == done.params
    assert [s.params for s in anew.stages] == [s.params for s in done.stages]
    assert [_inputs(s) for s in foretold.stages] == [_inputs(s) for s in done.stages]
    assert [s.model_copy(update={"inputs": ()}) for s in foretold.stages] == [
        s.model_copy(update={"inputs": ()}) for s in done.stages
    ]
    as_before = {stage.name: stage for stage in before.stages}
    return {s.name for s in foretold.stages if s != as_before.get(s.name)}


def _inputs(stage):
    """Of a directory around an edited file we only know that it is another one."""
    return [(i.path, i.changed, i.current) for i in stage.inputs if i.path != "parts"]


def test_a_key_that_only_one_stage_declares(root):
    assert changed_by(root, edit("until", "1", "2", file="parts/eu.yaml")) == {"one", "folder"}


def test_a_key_nobody_declares_changes_what_reads_the_file_as_a_file(root):
    assert changed_by(root, edit("other", 0, 1)) == {"file"}


def test_a_place_in_a_list(root):
    days = [{"from": 1}, {"from": 2}]

    assert changed_by(root, edit("days", days, [{"from": 1}, {"from": 3}])) == {"place", "file"}


def test_a_wildcard_and_a_subtree(root):
    assert changed_by(root, edit("deep.only.x", 1, 2)) == {"place", "subtree", "file"}


def test_a_file_that_is_declared_as_a_whole(root):
    assert changed_by(root, edit("a.b", 1, 2, file="settings.json")) == {"whole"}


def test_a_key_in_a_command_of_a_stage_whose_folder_holds_no_metadata(root):
    assert changed_by(root, edit("word", "one", "two")) == {"here", "file"}


def test_stages_that_a_params_key_brings_about(root):
    appeared = changed_by(root, edit("regions", [], ["eu"], file="grown/params.yaml"))

    assert appeared == {"grown/dvc.yaml:each@eu"}


def test_metadata_that_git_knows_and_the_workspace_lacks(root):
    files.write_text(
        root / "gone.dvc", "outs: [{path: gone, md5: 0cc175b9c0f1b6a831c399e269772661}]\n"
    )
    subprocess.run(["git", "add", "gone.dvc"], cwd=root, check=True)
    files.remove(root / "gone.dvc")

    assert changed_by(root, edit("word", "one", "two")) == {"here", "file"}


def test_a_config_of_ones_own_is_no_hindrance(root):
    files.write_text(root / ".dvc" / "config.local", "[core]\n    remote = mine\n")

    assert changed_by(root, edit("word", "one", "two")) == {"here", "file"}


def test_keys_that_are_numbers_are_text_to_us_whichever_way_they_are_read(root):
    """DVC writes them into the lock as numbers, and JSON has none."""
    files.write_text(root / "params.yaml", f"{PARAMS}\nyears: {{2013: {{x: 1}}, 2014: {{x: 1}}}}\n")
    files.write_text(root / "years.yaml", "2013: 1\nlast: 2\n")
    added = "  years: {cmd: x, params: [years, {years.yaml: }], outs: [h]}\n"
    files.write_text(root / "dvc.yaml", DVC_YAML + added)
    years = next(s for s in DvcProject(root).pipeline().stages if s.name == "years").params

    assert [p.key for p in years] == ["years", "2013", "last"]
    assert years[0].current == {"2013": {"x": 1}, "2014": {"x": 1}}
    assert changed_by(root, edit("other", 0, 1)) == {"file"}


def test_the_pipeline_is_read_once_and_nothing_is_written(root):
    project = DvcProject(root)
    lying_there = {path: path.stat().st_mtime_ns for path in root.rglob("*.yaml")}

    assert project.with_edits([]) == project.pipeline()
    assert project.pipeline() is project.pipeline()
    project.with_edits([edit("word", "one", "two")])

    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.yaml")} == lying_there


def test_a_declared_key_that_is_gone_is_refused(root):
    files.write_text(root / "parts/eu.yaml", "since: 1\n")

    with pytest.raises(
        InputError, match=r"^parts/eu.yaml: until: no such key, but stage one declares"
    ):
        DvcProject(root).pipeline()


def test_a_broken_pipeline_is_refused(root):
    files.write_text(root / "dvc.yaml", "stages: {a: {comand: x}}\n")

    with pytest.raises(InputError):
        DvcProject(root).pipeline()


def test_a_frozen_stage_has_nothing_upstream_as_dvc_sees_it(root):
    added = "  after: {cmd: cat a, deps: [a], outs: [h], frozen: true}\n"
    files.write_text(root / "dvc.yaml", DVC_YAML + added)

    after = next(s for s in DvcProject(root).pipeline().stages if s.name == "after")

    assert (after.frozen, after.upstream, after.inputs[0].producer) == (True, (), "whole")


def test_a_param_without_a_record_is_known_as_such(root):
    params = [p for s in DvcProject(root).pipeline().stages for p in s.params]

    assert {(p.was_recorded, p.exists) for p in params} == {(False, True)}


def test_a_new_stage_has_not_run(root):
    assert {b.reason for s in DvcProject(root).pipeline().stages for b in changes_of(s)} == {
        "never_run"
    }


def test_the_root_is_found_from_any_folder_below_it(root, tmp_path_factory):
    assert find_root(root / "parts") == root
    with pytest.raises(InputError, match="is not in a DVC repository"):
        find_root(tmp_path_factory.mktemp("elsewhere"))
