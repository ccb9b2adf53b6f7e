"""What a merged version changed is taken back where nothing has come since."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.registry.rollback_plan import MergedVersion, RevertibleFiles, reverse_versions

KINDS = RevertibleFiles(
    params_files=frozenset({"params.yaml", "more.toml"}),
    tracked_outputs=frozenset({"metrics.json", "plots"}),
)
STAGES = ("clean", "fit@eu", "fit@us", "assemble")


def lock(**hashes):
    changed = {name.replace("_", "@"): md5 for name, md5 in hashes.items()}
    entries = [
        f"  {name}:\n    cmd: do {name}\n    outs:\n    - path: out/{name}\n      md5: '{md5}'\n"
        for name, md5 in (dict.fromkeys(STAGES, "1") | changed).items()
    ]
    return "schema: '2.0'\nstages:\n" + "".join(entries)


PARAMS = "# Days are half-open.\nparts:\n  eu: {{until: '{}'}}   # a day\n  us: {{until: '{}'}}\n"


def params(eu, us):
    return PARAMS.format(eu, us)


MERGE = MergedVersion(
    "v1.1.0",
    before={
        "dvc.lock": lock(),
        "params.yaml": params("01-17", "01-17"),
        "metrics.json": "1",
        "reports/A/report.md": None,
        "alerts/A.json": None,
    },
    after={
        "dvc.lock": lock(fit_eu="2", assemble="2"),
        "params.yaml": params("02-08", "01-17"),
        "metrics.json": "2",
        "reports/A/report.md": "# Report",
        "alerts/A.json": "{}",
    },
)


def test_nothing_came_since_so_all_of_it_is_taken_back_but_the_record():
    found = reverse_versions(MERGE.after, [MERGE], KINDS)
    kept = ("dvc.lock", "params.yaml", "metrics.json")
    assert found.files == {path: MERGE.before[path] for path in kept}
    assert found.left == []


def test_what_came_since_is_left_and_the_rest_is_taken_back():
    now = {
        **MERGE.after,
        "dvc.lock": lock(fit_eu="2", fit_us="3", assemble="3"),
        "params.yaml": params("02-08", "02-20"),
        "metrics.json": "3",
    }
    found = reverse_versions(now, [MERGE], KINDS)
    assert found.files == {
        "dvc.lock": lock(fit_us="3", assemble="3"),
        "params.yaml": params("01-17", "02-20"),
    }
    assert found.done == [("dvc.lock", "fit@eu"), ("params.yaml", "parts.eu.until")]
    assert found.left == [("dvc.lock", "assemble"), ("metrics.json", "")]


def test_what_was_taken_back_already_is_not_told_again():
    now = {**MERGE.after, **{p: t for p, t in MERGE.before.items() if p[0] not in "ar"}}
    found = reverse_versions(now, [MERGE], KINDS)
    assert (found.files, found.done, found.left) == ({}, [], [])


def test_two_versions_are_taken_back_the_newest_first():
    newer = MergedVersion(
        "v1.2.0",
        before=MERGE.after,
        after={**MERGE.after, "dvc.lock": lock(fit_eu="5", fit_us="4", assemble="5")},
    )
    found = reverse_versions(newer.after, [newer, MERGE], KINDS)
    assert found.files["dvc.lock"] == lock()
    assert found.left == []


@pytest.mark.parametrize(
    "path", ["policies/promotion.yaml", "stages/fit.py", "dvc.yaml", ".github/workflows/x.yml"]
)
def test_a_file_that_no_retraining_writes_is_left_and_named(path):
    merge = MergedVersion("v1.1.0", before={path: "old"}, after={path: "new"})
    found = reverse_versions({path: "new"}, [merge], KINDS)
    assert (found.files, found.left) == ({}, [(path, "")])


@pytest.mark.parametrize(
    ("before", "after", "now", "files"),
    [
        (None, "new", "new", {"plots/a.json": None}),
        ("old", None, None, {"plots/a.json": "old"}),
        ("old", "new", None, {}),
        ("old", "new", "newer", {}),
    ],
)
def test_a_whole_file_comes_back_goes_or_is_left(before, after, now, files):
    merge = MergedVersion("v", before={"plots/a.json": before}, after={"plots/a.json": after})
    found = reverse_versions({"plots/a.json": now}, [merge], KINDS)
    assert found.files == files
    assert bool(found.left) != bool(files)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("params.yaml", "{{{ no yaml"),
        ("params.yaml", "- a list"),
        ("more.toml", "a = 3"),
        ("dvc.lock", "<<<<<<< HEAD\nstages:\n"),
    ],
)
def test_a_file_that_cannot_be_read_piece_by_piece_is_left(path, text):
    merge = MergedVersion(
        "v",
        before={path: MERGE.before.get(path, "a = 1")},
        after={path: MERGE.after.get(path, "a = 2")},
    )
    found = reverse_versions({path: text}, [merge], KINDS)
    assert found.files == {} and found.left


MD5S = st.sampled_from("123")
LOCKS = st.fixed_dictionaries({name.replace("@", "_"): MD5S for name in STAGES})


@given(LOCKS, LOCKS, LOCKS)
def test_each_entry_is_the_old_one_or_the_one_there_now(before, after, now):
    merge = MergedVersion(
        "v", before={"dvc.lock": lock(**before)}, after={"dvc.lock": lock(**after)}
    )
    found = reverse_versions({"dvc.lock": lock(**now)}, [merge], KINDS)
    wanted = {stage: before[stage] if now[stage] == after[stage] else now[stage] for stage in now}
    assert found.files.get("dvc.lock", lock(**now)) == lock(**wanted)
    left = {stage for _, stage in found.left}
    assert left == {
        stage.replace("_", "@")
        for stage in now
        if before[stage] != after[stage] and now[stage] not in (before[stage], after[stage])
    }
