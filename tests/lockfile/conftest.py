"""A project whose consumer comes out the same on one side of a merge: `product` of two parts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.made_once import made_once
from tests.toy_project import Toy

DVC_YAML = """\
stages:
  part:
    matrix: {name: [a, c]}
    cmd: python part.py ${item.name}
    deps: [part.py]
    params: ["parts.${item.name}"]
    outs: ["${item.name}.txt"]
  product:
    cmd: python product.py
    deps: [product.py, a.txt, c.txt]
    outs: [product.txt]
  note:
    cmd: python note.py
    deps: [note.py, product.txt]
    outs:
    - note.txt: {cache: false}
"""
PART = """\
import pathlib, sys
name = sys.argv[1]
for line in pathlib.Path("params.yaml").read_text().splitlines():
    if line.strip().startswith(name + ":"):
        pathlib.Path(name + ".txt").write_text(line.split(":")[1].strip())
"""
PRODUCT = """\
import pathlib
a, c = (int(pathlib.Path(f"{name}.txt").read_text()) for name in "ac")
pathlib.Path("product.txt").write_text(str(a * c))
"""
NOTE = """\
import pathlib
pathlib.Path("note.txt").write_text(pathlib.Path("product.txt").read_text() + "!")
"""


def value(toy: Toy, name: str, number: int) -> None:
    """Give a part another value."""
    lines = (toy.root / "params.yaml").read_text().splitlines()
    changed = [f"  {name}: {number}" if f"  {name}:" in line else line for line in lines]
    (toy.root / "params.yaml").write_text("\n".join(changed) + "\n")


def merged(lab: Toy, *options: str) -> Toy:
    """Merge `right` into `left` line by line, as GitHub does; no data is moved."""
    lab.git("checkout", "--quiet", "left")
    lab.git("merge", "--quiet", "--no-edit", *options, "right")
    return lab


@pytest.fixture(scope="session")
def parted(tmp_path_factory: pytest.TempPathFactory, sealed: None) -> Toy:
    """Built on main (1 x 0), then on two branches: `left` has 2 x 0, `right` has 1 x 3.

    So the product comes out on `left` as on main, and what reads it is cut off there. The workspace
    has the data of `right`.
    """
    return made_once(tmp_path_factory, "parted", make_parted)


def make_parted(folder: Path) -> Toy:
    """Make it in a new folder."""
    toy = Toy(folder / "toy")
    toy.root.mkdir()
    # Far apart, so that git merges what both sides did to them without asking.
    params = "parts:\n  a: 1\n" + "# nothing\n" * 8 + "  c: 0\n"
    sources = {"dvc.yaml": DVC_YAML, "params.yaml": params, "part.py": PART}
    for path, text in (sources | {"product.py": PRODUCT, "note.py": NOTE}).items():
        (toy.root / path).write_text(text)
    (toy.root / ".gitignore").write_text("/.retouch/\n__pycache__/\n")
    (toy.root / ".dvc").mkdir()
    config = "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../store\n"
    (toy.root / ".dvc/config").write_text(config)
    (toy.root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (toy.root / ".dvcignore").write_text("")
    toy.git("init", "--quiet")
    toy.dvc("repro", "--quiet")
    toy.commit("The first commit")
    for name, part, number in (("left", "a", 2), ("right", "c", 3)):
        toy.git("checkout", "--quiet", "-b", name, "main")
        value(toy, part, number)
        toy.dvc("repro", "--quiet")
        toy.commit(f"{part} is {number}")
    toy.git("checkout", "--quiet", "main")
    return toy


@pytest.fixture
def lab(tmp_path: Path, parted: Toy) -> Toy:
    """A copy of that project, on main, to do anything with."""
    shutil.copytree(parted.root.parent, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Toy(tmp_path / "toy")
