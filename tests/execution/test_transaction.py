"""The journal: what was there before a run is restored, however often that is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from retouch.errors import InputError
from retouch.execution import transaction
from retouch.pipeline.model import Output


def output(path: str, *, recorded: str | None = "1", workspace: str | None = "1", cached=True):
    return Output(path=path, recorded=recorded, workspace=workspace, cached=cached)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose outputs DVC's cache does not hold, so that no DVC is needed."""
    (tmp_path / "params.yaml").write_text("a: 1\n")
    (tmp_path / "models").mkdir()
    (tmp_path / "models/one").write_text("old")
    (tmp_path / "models/folder").mkdir()
    (tmp_path / "models/folder/part").write_text("old")
    return tmp_path


def begin(root: Path, **how) -> None:
    transaction.begin(
        root,
        work="tier refit",
        small=["params.yaml", "dvc.lock", "models/.gitignore"],
        outputs=[output("models/one"), output("models/folder"), output("models/new")],
        cache_holds=lambda _hash: False,
        **how,
    )


def change_all(root: Path) -> None:
    (root / "params.yaml").write_text("a: 2\n")
    (root / "dvc.lock").write_text("new")
    (root / "models/.gitignore").write_text("/one")
    (root / "models/one").unlink()
    (root / "models/folder/part").write_text("new")
    (root / "models/folder/more").write_text("new")
    (root / "models/new").mkdir()
    (root / "models/new/part").write_text("new")


def content(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for path in root.rglob("*")
        if path.is_file() and ".retouch" not in path.parts
    }


def test_putting_back_restores_removes_and_forgets(root: Path):
    before = content(root)
    begin(root)
    change_all(root)
    assert transaction.interrupted_work(root) == "tier refit"
    transaction.roll_back(root)
    assert content(root) == before
    assert transaction.interrupted_work(root) is None
    assert not (root / ".retouch/run").exists()


def test_what_is_kept_cannot_be_put_back(root: Path):
    begin(root)
    change_all(root)
    after = content(root)
    transaction.keep(root)
    transaction.roll_back(root)
    assert transaction.recover(root) is None
    assert content(root) == after


def test_keeping_takes_effect_at_once_however_long_the_rest_takes(root: Path, monkeypatch):
    def cut_short(_path: Path) -> None:
        raise KeyboardInterrupt

    begin(root)
    with monkeypatch.context() as patch:
        patch.setattr(transaction.files, "remove", cut_short)
        with pytest.raises(KeyboardInterrupt):
            transaction.keep(root)
    assert transaction.interrupted_work(root) is None


def test_putting_back_can_be_cut_short_and_done_again(root: Path, monkeypatch):
    before = content(root)
    begin(root)
    change_all(root)
    copied = transaction.files.copy

    def cut_short(source: Path, target: Path) -> None:
        copied(source, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(transaction.files, "copy", cut_short)
        with pytest.raises(KeyboardInterrupt):
            transaction.roll_back(root)
    assert content(root) != before
    assert transaction.recover(root) == "tier refit"
    assert content(root) == before


def test_putting_back_removes_what_was_half_written_by_a_run_that_was_killed(root: Path):
    before = content(root)
    begin(root)
    for name in ["params.yaml", "dvc.lock", "models/.gitignore"]:
        code = (
            "import os, signal; from pathlib import Path; from retouch.system import files\n"
            "os.fsync = lambda _handle: os.kill(os.getpid(), signal.SIGKILL)\n"
            f"files.write_text(Path({name!r}), 'half')"
        )
        assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == -signal.SIGKILL
    assert content(root) != before
    assert transaction.recover(root) == "tier refit"
    assert content(root) == before


def test_nothing_is_journalled_until_all_of_it_is(root: Path, monkeypatch):
    def disk_full(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    before = content(root)
    monkeypatch.setattr(transaction.files, "copy", disk_full)
    with pytest.raises(OSError, match="No space left"):
        begin(root)
    assert transaction.interrupted_work(root) is None
    assert transaction.recover(root) is None
    assert content(root) == before


@pytest.mark.parametrize(
    ("made", "held", "copied"),
    [
        (output("models/one"), True, False),
        (output("models/one"), False, True),  # `dvc gc` has been at it
        (output("models/one", workspace="2"), True, True),  # edited by hand
        (output("models/one", recorded=None), True, True),  # never recorded
        (output("models/one", cached=False), True, True),  # a metric that git keeps
    ],
)
def test_only_what_the_cache_gives_back_is_not_copied(root: Path, made, held, copied):
    transaction.begin(root, work="", small=[], outputs=[made], cache_holds=lambda _hash: held)
    assert (root / ".retouch/run/before/models/one").exists() == copied


def test_recovering_kills_what_the_dead_run_left_running_and_its_children(root: Path):
    begin(root)
    child = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 60 & echo $!; wait"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    grandchild = psutil.Process(int(child.stdout.readline()))
    transaction.record_child(root, child.pid)

    transaction.recover(root)

    child.wait(timeout=10)
    grandchild.wait(timeout=10)
    child.stdout.close()


def test_recovering_leaves_a_stranger_alone_that_has_the_number_of_an_old_child(root: Path):
    begin(root)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    transaction.record_child(root, stranger.pid)
    note = root / ".retouch/run/children" / str(stranger.pid)
    note.write_text("1.0")  # when our child of that number was started

    transaction.recover(root)

    assert stranger.poll() is None
    os.killpg(stranger.pid, signal.SIGKILL)
    stranger.wait()


def test_a_child_that_ended_long_ago_is_no_trouble(root: Path):
    begin(root)
    child = subprocess.Popen(["sleep", "0.1"], start_new_session=True)
    transaction.record_child(root, child.pid)
    child.wait()
    transaction.record_child(root, child.pid)
    assert transaction.recover(root) == "tier refit"


def test_the_lock_is_held_by_one_and_falls_with_its_process(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from retouch.execution import transaction\n"
        "with transaction.exclusive_lock(Path('.')): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"

    with (
        pytest.raises(InputError, match="Another `retouch` run is active"),
        transaction.exclusive_lock(tmp_path),
    ):
        pass
    holder.kill()
    holder.communicate()
    with transaction.exclusive_lock(tmp_path):
        pass


def test_a_run_cut_short_after_its_last_file_was_written_is_not_undone(root: Path):
    begin(root, done_when="reports/1/verdict.json")
    (root / "params.yaml").write_text("a: 2\n")
    (root / "reports/1").mkdir(parents=True)
    (root / "reports/1/verdict.json").write_text("{}")
    assert transaction.recover(root) is None
    assert (root / "params.yaml").read_text() == "a: 2\n"
    assert transaction.interrupted_work(root) is None


def test_a_run_cut_short_before_its_last_file_is_undone(root: Path):
    begin(root, done_when="reports/1/verdict.json")
    (root / "params.yaml").write_text("a: 2\n")
    assert transaction.recover(root) == "tier refit"
    assert (root / "params.yaml").read_text() == "a: 1\n"


def test_the_lock_of_a_dead_run_is_waited_for_while_its_child_is_not_yet_another_command(
    tmp_path: Path,
):
    # What happens between fork and exec: the child has the lock's file open, the parent is gone.
    code = (
        "import os, time; from pathlib import Path; from retouch.execution import transaction\n"
        "lock = transaction.exclusive_lock(Path('.')); lock.__enter__()\n"
        "os._exit(0) if os.fork() else (print('held', flush=True), time.sleep(0.3), os._exit(0))"
    )
    dead = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE)
    assert dead.stdout is not None
    assert dead.stdout.readline() == b"held\n"
    dead.wait()

    with transaction.exclusive_lock(tmp_path):
        pass
    dead.stdout.close()
