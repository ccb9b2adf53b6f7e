"""The same bytes at any tag in a fresh clone, whichever remote they went through."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from retouch.git_remote.store import open_store, opened, push_objects
from tests.git_remote.conftest import Origin, Raw, bare, served
from tests.git_remote.test_store import AT_ONCE, made
from tests.toy_project import Toy

Contents = dict[str, dict[str, str]]
KEYS = {
    "AWS_ACCESS_KEY_ID": "of-nobody",
    "AWS_SECRET_ACCESS_KEY": "of-nobody",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Versions:
    """A checkout with two versions that are tagged, pushed as git pushes: without their data."""

    toy: Toy
    origin: Origin
    contents: Contents
    """Of each tag: everything in the maker's workspace, by its digest."""


def bytes_of(toy: Toy) -> dict[str, str]:
    return {path: digest for path, digest in toy.tree().items() if not path.startswith(".dvc/")}


@pytest.fixture(scope="module")
def _versions(tmp_path_factory: pytest.TempPathFactory, built: Toy) -> Versions:
    folder = tmp_path_factory.mktemp("versions")
    shutil.copytree(built.root, folder / "toy", symlinks=True)
    toy = Toy(folder / "toy")
    toy.git("tag", "v1")
    contents = {"v1": bytes_of(toy)}
    toy.fit_until("us", "2024-02-10")
    told = toy.retouch("build", "--jobs", "2")
    assert told.code == 0, told
    toy.commit("Another version")
    toy.git("tag", "v2")
    contents["v2"] = bytes_of(toy)
    assert contents["v1"]["models/bundle/us.json"] != contents["v2"]["models/bundle/us.json"]
    return Versions(toy, Origin(folder / "origin.git"), contents)


@pytest.fixture
def versions(_versions: Versions, tmp_path: Path) -> Versions:
    """A copy to do anything with. Its data is in no remote."""
    shutil.copytree(_versions.toy.root, tmp_path / "toy", symlinks=True)
    toy, origin = Toy(tmp_path / "toy"), bare(tmp_path / "origin.git")
    toy.git("remote", "add", "origin", origin.path.as_uri())
    toy.git("push", "--quiet", "--tags", "origin", "main")
    return Versions(toy, origin, _versions.contents)


@pytest.fixture
def raw(versions: Versions) -> Iterator[Raw]:
    """The branch of the store as anyone may read it."""
    with served(versions.origin) as server:
        yield server


def pulled(clone: Toy) -> Contents:
    """Bring both versions into a clone that has no data, and return what each consists of."""
    found = {}
    for tag in ("v1", "v2"):
        clone.git("checkout", "--quiet", tag)
        clone.dvc("pull", "--quiet", "--force")
        found[tag] = bytes_of(clone)
    assert clone.git("status", "--porcelain") == ""
    return found


def test_the_branch_read_over_http_gives_a_fresh_clone_the_bytes_of_the_maker_at_any_tag(
    versions: Versions, raw: Raw
):
    toy = versions.toy
    told = toy.retouch("store", "open")
    assert told.code == 0, told
    assert "'retouch-store'" in told.out  # the toy project has a `store` of its own
    toy.dvc("push", "--quiet", "--all-tags")
    told = toy.retouch("store", "push")
    assert "new objects on branch dvc-store" in told.out, told
    reader = versions.origin.clone("reader", "--single-branch", "--branch", "main")
    reader.dvc("remote", "add", "--quiet", "--local", "--default", "github", raw.address)
    assert pulled(reader) == versions.contents
    writer = versions.origin.clone("writer", "--depth", "1", "--branch", "v1")
    assert writer.retouch("store", "open").code == 0
    writer.dvc("pull", "--quiet")
    assert bytes_of(writer) == versions.contents["v1"]


def test_a_run_sends_what_it_keeps_to_the_branch(toy: Toy, toy_origin: Origin):
    open_store(toy.root)
    told = toy.retouch("run", toy.alert("data_quality"))
    assert told.code == 0, told
    held = toy_origin.objects()
    assert (toy.root / "data/clean.csv").read_bytes() in held.values()
    found = opened(toy.root)
    assert found is not None
    assert push_objects(toy.root, {}, trying=AT_ONCE) == 0
    assert toy_origin.objects() == held


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """A server that speaks S3, and its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        yield f"http://{host}:{port}"
    server.stop()


def bucket(s3: str, name: str) -> Any:
    """Make a bucket and return its client."""
    import boto3

    client = boto3.client("s3", endpoint_url=s3)
    client.create_bucket(Bucket=name)
    return client


def use(toy: Toy, s3: str, name: str) -> None:
    toy.dvc("remote", "add", "--quiet", "--local", "--default", "cloud", f"s3://{name}/data")
    toy.dvc("remote", "modify", "--quiet", "--local", "cloud", "endpointurl", s3)


def test_an_s3_remote_gives_a_fresh_clone_the_bytes_of_the_maker_at_any_tag(
    versions: Versions, s3: str
):
    bucket(s3, "versions")
    use(versions.toy, s3, "versions")
    versions.toy.dvc("push", "--quiet", "--all-tags")
    reader = versions.origin.clone("reader")
    use(reader, s3, "versions")
    assert pulled(reader) == versions.contents


def test_a_run_sends_what_it_keeps_to_s3_and_objects_given_go_there_once(
    toy: Toy, s3: str, tmp_path: Path
):
    client = bucket(s3, "runs")
    use(toy, s3, "runs")
    told = toy.retouch("run", toy.alert("data_quality"))
    assert told.code == 0, told
    listed = client.list_objects_v2(Bucket="runs")["Contents"]
    held = {client.get_object(Bucket="runs", Key=o["Key"])["Body"].read() for o in listed}
    assert (toy.root / "data/clean.csv").read_bytes() in held
    objects = made(tmp_path / "made", b"one", b"two")
    assert push_objects(toy.root, objects) == 2
    assert push_objects(toy.root, objects) == 0
    (name, *_) = objects
    key = f"data/files/md5/{name[:2]}/{name[2:]}"
    assert client.get_object(Bucket="runs", Key=key)["Body"].read() == b"one"
    assert os.environ["AWS_ACCESS_KEY_ID"] == "of-nobody"
