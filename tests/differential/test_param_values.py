"""Whatever value a params file holds, we find it changed exactly where DVC does, or refuse it."""

from __future__ import annotations

import contextlib
import math
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.dvc.project import DvcProject
from retouch.errors import InputError
from retouch.pipeline.model import Stage
from retouch.planning.changes import changes_of
from tests.differential.conftest import _git
from tests.properties import tried


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, sealed: None) -> Path:
    """A project of one stage, which reads key `k` of a params file and nothing else."""
    from dvc.repo import Repo

    root = tmp_path_factory.mktemp("values")
    _git(root, "init", "--quiet")
    Repo.init(str(root)).close()
    (root / "out").write_text("x\n")
    return root


def compare(root: Path, file: str, text: str, recorded: object) -> bool:
    """Return whether the value has changed: what DVC says, and the same in our reading of it."""
    from dvc.repo import Repo

    write(root, file, text, recorded)
    with Repo(str(root)) as repo:
        (dep,) = repo.index.stages[0].deps
        by_dvc = dep.workspace_status() != {}
    assert bool(changes_of(our_reading(root))) == by_dvc
    return by_dvc


def our_reading(root: Path) -> Stage:
    with contextlib.closing(DvcProject(root)) as reader:
        (stage,) = reader.pipeline().stages
        return stage


def write(root: Path, file: str, text: str, recorded: object, key: str = "k") -> None:
    from dvc.utils.serialize import dumps_yaml

    stage = {"cmd": "echo x > out", "params": [{file: [key]}], "outs": ["out"]}
    (root / "dvc.yaml").write_text(dumps_yaml({"stages": {"s": stage}}))
    out = {"path": "out", "hash": "md5", "md5": "401b30e3b8b5d629635a5c613cdb7919", "size": 2}
    entry = {"cmd": stage["cmd"], "params": {file: {key: recorded}}, "outs": [out]}
    (root / "dvc.lock").write_text(dumps_yaml({"schema": "2.0", "stages": {"s": entry}}))
    (root / file).write_text(text)


DAY, MOMENT = date(2024, 2, 29), datetime(2024, 2, 29, 23, 59, tzinfo=UTC)
SCALARS = [
    *(None, True, False, 0, 1, 10**30, -7, 0.0, 1.0, 1e-7, math.inf, -math.inf),
    *("", "1", "1.0", "true", "True", "null", "None", ".inf", "inf", "2024-02-29", "é😀", "a\nb"),
    *(DAY, MOMENT, MOMENT.replace(tzinfo=None), b"1", b"\xff", "b'1'", f"{MOMENT}", f"{DAY}"),
]
scalars = st.sampled_from(SCALARS)
keys = st.sampled_from(["a", "1", 1, "2024-02-29", DAY, "None", None, "true", True])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)


@tried(60)
@given(values, values, st.booleans(), st.booleans())
def test_a_value_has_changed_where_dvc_says_so(root, before, other, same, as_text):
    from dvc.utils.serialize import dumps_yaml

    now = before if same else str(before) if as_text else other
    changed = compare(root, "p.yaml", dumps_yaml({"k": now}), before)

    assert changed == (now != before)


@pytest.mark.parametrize(
    ("file", "text", "recorded", "changed"),
    [
        ("p.yaml", "k: 0o17", 15, False),
        ("p.yaml", "k: 017", 17, False),
        ("p.yaml", "k: 0xff", 255, False),
        ("p.yaml", "k: 190:20:30", "190:20:30", False),
        ("p.yaml", "k: !!set {a, b}", {"b", "a"}, False),
        ("p.yaml", "k: !!set {a, b}", "{a, b}", True),
        ("p.yaml", "k: !!omap [a: 1]", {"a": 1}, False),
        ("p.yaml", "k: !!binary aGk=", b"hi", False),
        ("p.yaml", "a: &a {x: .inf}\nk: {<<: *a, y: 1}", {"x": math.inf, "y": 1}, False),
        ("p.yaml", "\ufeffk: 1", 1, False),
        ("p.yaml", "k: 1\r\n", 1, False),
        ("p.yaml", "k: 1", math.nan, True),
        ("p.json", '{"k": Infinity}', math.inf, False),
        ("p.json", '{"k": 1, "k": 2}', 2, False),
        ("p.json", '{"k": {"1": 2}}', {1: 2}, True),
        ("p.toml", "k = 2024-02-29", DAY, False),
        ("p.toml", "k = 2024-02-29T23:59:00Z", MOMENT, False),
        ("p.toml", "k = -inf", -math.inf, False),
        ("p.toml", "k = [1, [2]]", [1, [2]], False),
        ("p.py", "k = (1, 2)", [1, 2], False),
        ("p.py", "k = (1, (2,))", [1, [2]], True),
        ("p.py", "k = {1, 2}", {1, 2}, False),
        ("p.py", "k = -1e400", -math.inf, False),
        ("p.py", "k: int = 3", 3, False),
    ],
)
def test_each_way_to_write_a_value_is_read_as_dvc_reads_it(root, file, text, recorded, changed):
    assert compare(root, file, text, recorded) is changed


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("p.yaml", "k: .nan", "p.yaml: k: holds .nan, which is equal to nothing"),
        ("p.json", '{"k": [NaN]}', "p.json: k: holds .nan, which is equal to nothing"),
        ("p.toml", "k = nan", "p.toml: k: holds .nan, which is equal to nothing"),
        ("p.json", '{"k": "\\ud83d"}', "p.json: k: holds half of a surrogate pair"),
        ("p.json", "\ufeff{}", "p.json: cannot be parsed: unable to read: 'p.json', JSON file "),
        ("p.yaml", "k: 1\n---\nk: 2", "p.yaml: cannot be parsed: unable to read: 'p.yaml', YAML"),
        ("p.yaml", "k: &k [*k]", "p.yaml: is nested too deeply, or an anchor holds itself"),
        ("p.py", "k = \x00", "p.py: cannot be parsed: "),
        ("p.yaml", "j: &j [*j]\nk: 1", "p.yaml: is nested too deeply, or an anchor holds itself"),
        ("p.yaml", "j: 1", "p.yaml: k: no such key, but stage s declares it."),
    ],
)
def test_what_we_refuse_is_named(root, file, text, message):
    write(root, file, text, 1)

    with pytest.raises(InputError) as caught:
        our_reading(root)

    assert str(caught.value).startswith(message)
    assert caught.value.hint
