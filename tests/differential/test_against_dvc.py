"""What we plan against what `dvc repro` then does, on many small projects and changes.

Never too little is the rule: whatever DVC runs, the plan has named.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter

import pytest

from retouch.dvc.params import apply_edits
from retouch.dvc.project import DvcProject
from retouch.execution.runner import new_inputs
from retouch.planning.changes import changes_of
from retouch.planning.plan import plan_stages
from retouch.system import files
from tests.differential.edits import MAKERS
from tests.differential.projects import SHAPES, random_project

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

PROJECTS = 18
EDITS_EACH = 4


def _cases():
    """Choose, for each project, the edits that have been had least so far."""
    had = Counter(dict.fromkeys(MAKERS, 0))
    for seed in range(PROJECTS):
        project = random_project(seed)
        rng = random.Random(f"order {seed}")
        names = sorted(MAKERS, key=lambda name: (had[name], rng.random()))
        possible = [name for name in names if _edit(project, name) is not None]
        for name in possible[:EDITS_EACH]:
            had[name] += 1
            yield seed, name


def _edit(project, name):
    return MAKERS[name](project, random.Random(f"{name} {project.seed}"))


CASES = list(_cases())


def _read(root):
    reader = DvcProject(root)
    try:
        return reader.pipeline()
    finally:
        reader.close()


def _decisions(plan):
    return {stage.stage: stage.decision for stage in plan}


def _write_edits(root, edits):
    for path, text in apply_edits(root, edits).items():
        files.write_text(root / path, text)


def test_there_are_enough_cases_of_every_kind():
    had = Counter(name for _, name in CASES)

    assert len(CASES) >= 60
    assert set(had) == set(MAKERS)
    assert min(had.values()) >= 3
    assert {SHAPES[seed % len(SHAPES)] for seed, _ in CASES} == set(SHAPES)


@pytest.mark.parametrize(("seed", "name"), CASES)
def test_dvc_runs_what_was_planned_and_nothing_else(seed, name, workshop, tmp_path):
    project = random_project(seed)
    edit = _edit(project, name)
    by_hand = f"\n{project.script()}\n# and then: {edit.message}"
    root = workshop.copy(project, tmp_path / "project")
    edit.apply(root)
    for stage in edit.afterwards:
        workshop.reproduce(root, stage)
    foretold = _foretold(root, edit.params)
    _write_edits(root, edit.params)
    pipeline = _read(root)
    plan = plan_stages(pipeline, complete=True)
    decided = _decisions(plan)
    planned = [stage.stage for stage in plan if stage.decision != "reuse"]

    ran, reproduced = workshop.reproduce(root)
    after = {stage.name: stage for stage in _read(root).stages}

    for by in foretold:
        assert plan_stages(by, complete=True) == plan, by_hand
        assert by.params == pipeline.params, by_hand
    assert reproduced <= set(planned), by_hand
    assert ran <= {_bare(stage) for stage in planned}, by_hand
    certain = {stage for stage, decision in decided.items() if decision == "run"}
    assert certain <= reproduced, by_hand
    for stage in set(planned) - reproduced:
        assert not changes_of(after[stage]), by_hand
    for stage in _cut_off(pipeline, decided, after):
        assert stage not in reproduced, f"{stage} is cut off wrongly{by_hand}"
    assert not _unsettled(after.values()), by_hand


def _foretold(root, edits):
    """Read the pipeline as the edits would make it: the way it is done, and the thorough way."""
    if not edits:
        return []
    reader = DvcProject(root)
    try:
        return [reader.with_edits(edits), reader.resolved_anew(edits)]
    finally:
        reader.close()


def _cut_off(pipeline, decided, after):
    """Return the stages our runner would not even hand to DVC, if DVC's results were its own."""
    made = {}
    for stage in pipeline.stages:
        if decided[stage.name] == "reuse":
            continue
        if decided[stage.name] == "may_run" and not new_inputs(stage, made):
            yield stage.name
        else:
            made |= {output.path: output.recorded for output in after[stage.name].outputs}


def _unsettled(stages):
    """Return what a plan made after the run would still be sure of."""
    return [
        (stage.name, reason)
        for stage in stages
        for reason in changes_of(stage)
        if not (stage.always_changed and reason.reason in ("always_changed", "file"))
    ]


def _bare(address):
    return address.rpartition(":")[2]


@pytest.mark.parametrize("seed", range(0, PROJECTS, 5))
def test_a_deleted_output_is_a_reason_only_where_all_data_has_to_be_there(seed, workshop, tmp_path):
    project = random_project(seed)
    root = workshop.copy(project, tmp_path / "project")
    _edit(project, "deleted_output").apply(root)
    pipeline = _read(root)
    restored = {
        s for s, d in _decisions(plan_stages(pipeline, complete=True)).items() if d == "run"
    }

    assert set(_decisions(plan_stages(pipeline)).values()) == {"reuse"}
    assert workshop.reproduce(root, allow_missing=True) == (set(), set())
    assert workshop.reproduce(root)[1] == restored
    assert len(restored) == 1


@pytest.mark.parametrize("name", ["several_params", "stale_lock"])
@pytest.mark.parametrize("seed", range(1, PROJECTS, 4))
def test_planning_needs_no_data(seed, name, workshop, tmp_path):
    project = random_project(seed)
    edit = _edit(project, name)
    if edit is None:
        pytest.skip("this project has no stage for it")
    root = workshop.copy(project, tmp_path / "project")
    edit.apply(root)
    for stage in edit.afterwards:
        workshop.reproduce(root, stage)
    _write_edits(root, edit.params)
    with_data = plan_stages(_read(root))

    _lose_all_data(project, root)

    assert {stage.decision for stage in with_data} != {"reuse"}
    assert plan_stages(_read(root)) == with_data


def test_a_tracked_file_that_came_in_another_version_is_seen_without_its_data(workshop, tmp_path):
    project = next(p for p in map(random_project, range(PROJECTS)) if p.tracked)
    root = workshop.copy(project, tmp_path / "project")
    (root / project.tracked[0]).write_text("another version\n")
    workshop.add(root, *project.tracked)
    with_data = plan_stages(_read(root))

    _lose_all_data(project, root)

    assert "run" in _decisions(with_data).values()
    assert plan_stages(_read(root)) == with_data


def _lose_all_data(project, root):
    """Leave what a fresh clone has."""
    for path in {*project.tracked, *(p for step in project.steps for p in step.outputs)}:
        files.remove(root / path)
    shutil.rmtree(root / ".dvc" / "cache")
