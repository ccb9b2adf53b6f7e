"""No archive is unpacked and no object is unpickled: what comes in is bytes, and stays bytes."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest

from retouch.dvc.objects import import_objects, objects_of, write_output
from retouch.errors import InputError
from tests.toy_project import ROOT, Toy

UNPACKS = {"extractall", "extract", "unpack_archive", "ZipFile", "open_tar", "load_module"}
LOADS_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "skops"}


def modules() -> list[Path]:
    return sorted((ROOT / "retouch").rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_unpacks_an_archive_or_loads_what_may_be_code(path: Path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert LOADS_CODE.isdisjoint(name.name.split(".")[0] for name in node.names)
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in LOADS_CODE
        if isinstance(node, ast.Attribute):
            assert node.attr not in UNPACKS
            assert node.attr not in ("read_pickle", "allow_pickle")
        if isinstance(node, ast.keyword):
            assert node.arg != "allow_pickle"


def slips(target: Path) -> dict[str, bytes]:
    """Return archives whose members would be written outside of where they are unpacked."""
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(f"../../../../../../..{target}", "slipped")
        archive.writestr(str(target), "slipped")
    with tarfile.open(fileobj=tarred, mode="w:gz") as archive:
        link = tarfile.TarInfo("folder")
        link.type, link.linkname = tarfile.SYMTYPE, str(target.parent)
        archive.addfile(link)
        for name in (f"../../../../../../..{target}", f"folder/{target.name}"):
            member = tarfile.TarInfo(name)
            member.size = 7
            archive.addfile(member, io.BytesIO(b"slipped"))
    return {"model.zip": zipped.getvalue(), "model.tar.gz": tarred.getvalue()}


class Bomb:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.write_text, (self.target, "loaded"))


def named(folder: Path, raw: bytes) -> tuple[str, Path]:
    name = hashlib.md5(raw).hexdigest()
    (folder / name).write_bytes(raw)
    return name, folder / name


def test_archives_and_pickles_among_objects_are_carried_as_they_are(toy: Toy, tmp_path: Path):
    target = tmp_path / "slipped"
    for raw in (*slips(target).values(), pickle.dumps(Bomb(target))):
        name, path = named(tmp_path, raw)
        import_objects(toy.root, {name: path})
        assert objects_of(toy.root, [("models/x", name)])[name].read_bytes() == raw
        write_output(name, toy.root / ".retouch/x", root=toy.root)
        assert (toy.root / ".retouch/x").read_bytes() == raw
        assert not target.exists()


@pytest.mark.parametrize("name", ["../slipped", "/slipped", "a/../../slipped", "a\\..\\slipped"])
def test_a_directory_whose_list_slips_out_of_it_is_written_nowhere(
    toy: Toy, tmp_path: Path, name: str
):
    """What a zip slip is to an archive, such a list would be to an output."""
    member, path = named(tmp_path, b"slipped")
    raw = json.dumps([{"md5": member, "relpath": name}]).encode()
    listed = hashlib.md5(raw).hexdigest() + ".dir"
    (tmp_path / listed).write_bytes(raw)
    with pytest.raises(InputError, match="is no list of the files in a directory"):
        import_objects(toy.root, {member: path, listed: tmp_path / listed})


def test_a_pickle_in_the_model_is_data_to_a_run(toy: Toy, tmp_path: Path):
    target = tmp_path / "loaded"
    toy.replace(
        "assemble.py",
        "seen = max",
        f"(bundle / 'model.pkl').write_bytes({pickle.dumps(Bomb(target))!r})\nseen = max",
    )
    alert = toy.alert("performance")
    toy.commit("A stage that pickles")
    told = toy.retouch("run", alert)
    assert told.code == 0, told
    assert (toy.root / "models/bundle/model.pkl").exists()
    assert not target.exists()
