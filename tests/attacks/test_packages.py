"""A package made to burst who opens it, or to smuggle an object in: refused, and quickly."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks.test_forged import refused, report
from tests.jobs.publish.world import World

_SECONDS = 20.0
"""Here; two would do on an idle machine."""
_HUGE = 20 * 2**30


@pytest.fixture
def delivered(world: World) -> World:
    world.without_figures()
    world.deliver()
    return world


def package(world: World) -> Path:
    return world.packages / "1"


def lock_of(world: World) -> str:
    return (package(world) / "files/dvc.lock").read_text()


def sparse(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(_HUGE)


def sparse_file(world: World) -> None:
    sparse(package(world) / "files" / report(world, "run"))


def sparse_document(world: World) -> None:
    sparse(package(world) / "proposal.json")


def sparse_object(world: World) -> None:
    sparse(next((package(world) / "objects").iterdir()))


def another_object(world: World) -> None:
    raw = b"mean,us\n-1\n"
    (package(world) / "objects" / hashlib.md5(raw).hexdigest()).write_bytes(raw)


def changed_object(world: World) -> None:
    path = next(path for path in (package(world) / "objects").iterdir() if path.suffix != ".dir")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\n")


def six_thousand_files(world: World) -> None:
    folder = package(world) / "files/reports" / world.answered.alert_id
    for number in range(6_000):
        (folder / f"{number}.json").write_text("{}")


def aliases_that_grow(world: World) -> None:
    """A few lines of YAML that are terabytes when every alias is followed."""
    nine = [", ".join([f"*a{level}"] * 9) for level in range(13)]
    lines = [f"a{level + 1}: &a{level + 1} [{aliases}]" for level, aliases in enumerate(nine)]
    bomb = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x]", *lines, ""])
    (package(world) / "files/dvc.lock").write_text(f"{lock_of(world)}{bomb}")


def aliases_in_params(world: World) -> None:
    aliases_that_grow(world)
    bomb = (package(world) / "files/dvc.lock").read_text()
    (package(world) / "files/dvc.lock").write_text(bomb.partition("a0: &a0")[0])
    path = package(world) / "files/params.yaml"
    path.write_text(path.read_text() + "a0: &a0" + bomb.partition("a0: &a0")[2])


@pytest.mark.parametrize(
    "spoil",
    [
        sparse_file,
        sparse_document,
        sparse_object,
        another_object,
        changed_object,
        six_thousand_files,
        aliases_that_grow,
        aliases_in_params,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_a_package_that_is_a_trap_is_refused_before_it_costs_anything(
    delivered: World, spoil: Callable[[World], None]
):
    spoil(delivered)
    before, began = delivered.github.git.branches(), time.monotonic()
    (outcome,) = delivered.publish()
    assert outcome.exit_code == 2, outcome
    assert delivered.github.git.branches() == before
    assert len(outcome.message) < 600
    assert time.monotonic() - began < _SECONDS


def test_an_archive_in_a_package_is_bytes_and_nobody_unpacks_it(delivered: World, tmp_path):
    """Zip slip: a member's name leads out of the folder."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("../../../../../../tmp/retouch-slipped", "x")
    folder = package(delivered) / "files/reports" / delivered.answered.alert_id
    (folder / "slip.zip").write_bytes(raw.getvalue())
    assert "slip.zip" in refused(delivered)
    assert not Path("/tmp/retouch-slipped").exists()


def test_a_pickled_model_is_an_object_and_nobody_loads_it(delivered: World, tmp_path):
    """Its bytes are not those that the lock names, and reading them would run them."""
    canary = tmp_path / "ran"
    raw = f"cposix\nsystem\n(S'touch {canary}'\ntR.".encode()
    objects = package(delivered) / "objects"
    target = next(path for path in objects.iterdir() if path.suffix != ".dir")
    target.chmod(0o644)
    target.write_bytes(raw)
    refused(delivered)
    assert not canary.exists()
