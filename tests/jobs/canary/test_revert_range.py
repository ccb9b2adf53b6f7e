"""What a version changed is found in the history, however its pull request was merged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from retouch.engine.project import open_project
from retouch.errors import InputError
from retouch.jobs.release.revert import VersionsBetween, reverse_patch
from retouch.policy.edits import ParamEdit
from retouch.registry.rollback_plan import (
    MergedVersion,
    RecordedChange,
    ReversePatch,
    changes_to_revert,
    with_earlier_edits,
)
from tests.jobs.canary.site import MOVED, Place, make_place
from tests.made_once import made_once
from tests.toy_project import Toy

OTHER = "f" * 32 + ".dir"
"""A model that another retraining, or a person, recorded in between."""


def _change(commit: str, before: str, after: str, *, retrained: bool = True) -> RecordedChange:
    return RecordedChange(commit=commit, before=before, after=after, retrained=retrained)


def test_a_rollback_reverts_the_newest_change_to_the_bad_model_and_no_older_one():
    changes = [
        _change("5", "good", "bad"),  # merged again
        _change("4", "bad", "good", retrained=False),  # reverted
        _change("3", "good", "bad"),
    ]
    found = changes_to_revert(changes, bad="bad", target="good", versions={"good", "bad"})
    assert [change.commit for change in found] == ["5"]


def test_changes_that_came_after_the_bad_one_are_not_its_own():
    changes = [_change("2", "bad", "newer"), _change("1", "good", "bad")]
    found = changes_to_revert(changes, bad="bad", target="good", versions={"good", "bad"})
    assert [change.commit for change in found] == ["1"]


@pytest.mark.parametrize(
    ("retrained", "versions", "commits"),
    [(True, {"bad"}, ["2", "1"]), (False, {"bad", "one"}, ["2", "1"]), (False, {"bad"}, ["2"])],
)
def test_what_lies_between_is_reverted_if_it_is_a_version_or_a_retraining(
    retrained: bool, versions: set[str], commits: list[str]
):
    changes = [_change("2", "one", "bad"), _change("1", "good", "one", retrained=retrained)]
    found = changes_to_revert(changes, bad="bad", target="good", versions=versions)
    assert [change.commit for change in found] == commits


def test_an_edit_that_an_earlier_commit_made_is_part_of_the_version():
    text = "a: 2 # two\nb: 5\n"
    merge = MergedVersion("v", before={"p.yaml": text}, after={"p.yaml": text})
    edits = [
        ParamEdit(file="p.yaml", key="a", before=1, after=2),
        ParamEdit(file="p.yaml", key="b", before=3, after=4),  # somebody has changed it since
        ParamEdit(file="gone.yaml", key="b", before=3, after=4),
    ]
    assert with_earlier_edits(merge, edits).before == {"p.yaml": "a: 1 # two\nb: 5\n"}


def test_an_edit_that_is_among_the_changes_is_undone_once():
    merge = MergedVersion("v", before={"p.yaml": "a: 1\n"}, after={"p.yaml": "a: 2\n"})
    edits = [ParamEdit(file="p.yaml", key="a", before=1, after=2)]
    assert with_earlier_edits(merge, edits) == merge


@pytest.fixture(scope="module")
def place_once(tmp_path_factory: pytest.TempPathFactory, built: Toy) -> Place:
    """Not to be changed."""

    def make(folder: Path) -> Path:
        make_place(folder, built)
        return folder

    return Place.at(made_once(tmp_path_factory, "place", make))


@pytest.fixture
def place(tmp_path: Path, place_once: Place) -> Place:
    """Main is at the first version, and `retrain` has the answer to an alert."""
    place = place_once.copy(tmp_path)
    place.toy.git("checkout", "--quiet", "--force", "-B", "main", "means@v1.0.0^{commit}")
    return place


def _take(toy: Toy, message: str, *paths: str) -> None:
    """Commit files as the answer has them."""
    toy.git("checkout", "--quiet", "retrain", "--", *paths)
    toy.git("commit", "--quiet", "-m", message)


def _squash(toy: Toy) -> None:
    toy.git("merge", "--quiet", "--squash", "retrain")
    toy.git("commit", "--quiet", "-m", "Retrain (#1)")


def _merge_commit(toy: Toy) -> None:
    toy.git("merge", "--quiet", "--no-ff", "-m", "Merge", "retrain")


def _rebase(toy: Toy) -> None:
    _take(toy, "Params", "params.yaml")
    _write(toy, "notes.md", "between")
    _take(toy, "Lock and report", "dvc.lock", "models", "reports", "alerts")


def _later_commits(toy: Toy) -> None:
    _squash(toy)
    _write(toy, "notes.md", "in the same push, by the merge queue")
    toy.replace("params.yaml", "until: '2024-02-22'      #", f"until: '{MOVED}'      #")
    toy.git("commit", "--quiet", "--all", "-m", "A week of data arrives")


def _rebase_and_later_commits(toy: Toy) -> None:
    _rebase(toy)
    _write(toy, "notes.md", "on top")


def _two_retrainings(toy: Toy) -> None:
    _record_other(toy)
    _write(toy, "reports/01OTHER/verdict.json", "{}")
    _squash_over(toy)


def _by_hand_in_between(toy: Toy) -> None:
    _record_other(toy)
    _squash_over(toy)


def _record_other(toy: Toy) -> None:
    lock = (toy.root / "dvc.lock").read_text()
    _write(toy, "dvc.lock", lock.replace(_model(toy, "means@v1.0.0"), OTHER))


def _squash_over(toy: Toy) -> None:
    _take(toy, "Retrain (#2)", "params.yaml", "dvc.lock", "models", "reports", "alerts")


def _write(toy: Toy, path: str, text: str) -> None:
    (toy.root / path).parent.mkdir(parents=True, exist_ok=True)
    (toy.root / path).write_text(text)
    toy.git("add", "--force", path)
    toy.git("commit", "--quiet", "-m", f"Change {path}")


def _model(toy: Toy, tag: str) -> str:
    """Return the hash in a version's tag."""
    text = toy.git("for-each-ref", "--format=%(contents)", f"refs/tags/{tag}")
    return str(json.loads(text)["model"])


def _reversed(place: Place, *, tagged: str = "HEAD") -> ReversePatch:
    """Return what reverts the second version, tagged on a commit, on main."""
    toy, registry = place.toy, place.registry()
    old, new = (registry.find(name) for name in ("v1.0.0", "v1.1.0"))
    assert old is not None and new is not None
    head, commit = (toy.git("rev-parse", name).strip() for name in ("main", tagged))
    bad = new.model_copy(update={"commit": commit})
    span = VersionsBetween(old, (bad,), frozenset({str(old.hash), str(new.hash)}))
    return reverse_patch(open_project(toy.root), head, span)


def _texts(toy: Toy, patch: ReversePatch) -> Mapping[str, object]:
    """Return params and lock as main has them with the patch."""
    paths = ("params.yaml", "dvc.lock")
    return {path: yaml.safe_load(patch.files.get(path) or _at(toy, "main", path)) for path in paths}


def _at(toy: Toy, commit: str, path: str) -> str:
    return toy.git("show", f"{commit}:{path}")


MERGES: list[Callable[[Toy], None]] = [
    _squash,
    _merge_commit,
    _rebase,
    _rebase_and_later_commits,
    _two_retrainings,
]


@pytest.mark.parametrize("merge", MERGES, ids=lambda merge: merge.__name__.strip("_"))
def test_however_it_was_merged_main_is_as_before(place: Place, merge: Callable[[Toy], None]):
    toy = place.toy
    merge(toy)
    assert _at(toy, "main", "params.yaml") == _at(toy, "retrain", "params.yaml")

    patch = _reversed(place)

    before = {path: yaml.safe_load(_at(toy, "means@v1.0.0", path)) for path in _texts(toy, patch)}
    assert _texts(toy, patch) == before
    metrics = "models/metrics.json"
    assert patch.files[metrics] == _at(toy, "means@v1.0.0", metrics)
    assert set(patch.files) == {"params.yaml", "dvc.lock", metrics}


def test_what_came_in_the_same_push_stays(place: Place):
    toy = place.toy
    _later_commits(toy)

    for tagged in ("main", "main~2"):
        patch = _reversed(place, tagged=tagged)
        params = _texts(toy, patch)["params.yaml"]
        before = yaml.safe_load(_at(toy, "means@v1.0.0", "params.yaml"))
        assert params != before
        assert patch.files["params.yaml"] is not None
        assert patch.files["params.yaml"].replace(MOVED, "2024-02-22") == _at(
            toy, "means@v1.0.0", "params.yaml"
        )
        assert "notes.md" not in dict(patch.left)


def test_a_model_that_a_person_built_in_between_stays(place: Place):
    toy = place.toy
    _by_hand_in_between(toy)
    lock = _reversed(place).files["dvc.lock"]
    assert lock is not None and OTHER in lock


def test_in_a_clone_without_the_commits_it_is_refused(place: Place):
    toy = place.toy
    _squash(toy)
    head = toy.git("rev-parse", "main").strip()
    toy.git("clone", "--quiet", "--depth=1", "--no-tags", f"file://{toy.root}", "../shallow")
    registry = place.registry()
    old, new = registry.find("v1.0.0"), registry.find("v1.1.0")
    assert old is not None and new is not None
    span = VersionsBetween(old, (new.model_copy(update={"commit": head}),), frozenset())
    with pytest.raises(InputError):
        reverse_patch(open_project(toy.root.parent / "shallow"), head, span)
