"""A project whose `origin` is a bare repository, and a static server as GitHub's raw one is."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.toy_project import Toy

RAW = "o/n"


@dataclass(frozen=True)
class Origin:
    """The bare repository."""

    path: Path

    def git(self, *args: str) -> str:
        done = subprocess.run(["git", *args], cwd=self.path, capture_output=True, check=True)
        return done.stdout.decode()

    def objects(self) -> dict[str, bytes]:
        """Return the objects on the branch of the store by their names."""
        return {name: self.content(path) or b"" for name, path in self._paths()}

    def _paths(self) -> list[tuple[str, str]]:
        listed = self.git("ls-tree", "-r", "--name-only", "dvc-store", "files").split()
        return [("".join(path.split("/")[2:]), path) for path in listed]

    def content(self, path: str, branch: str = "dvc-store") -> bytes | None:
        """Return a file of a branch; None for a directory, and for what is not there."""
        command = ["git", "cat-file", "blob", f"{branch}:{path}"]
        done = subprocess.run(command, cwd=self.path, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def clone(self, name: str, *options: str) -> Toy:
        """Clone it beside itself, as a machine does that has never seen it."""
        folder = self.path.parent / name
        command = ["git", "clone", "--quiet", *options, self.path.as_uri(), str(folder)]
        subprocess.run(command, check=True)
        return Toy(folder)


def bare(folder: Path) -> Origin:
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder)], check=True)
    return Origin(folder)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """An empty project, with nothing but DVC's folder, and the repository it was pushed to."""
    made = bare(tmp_path / "origin.git")
    toy = Toy(tmp_path / "maker")
    (toy.root / ".dvc").mkdir(parents=True)
    (toy.root / ".dvc/config").write_text("")
    (toy.root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (toy.root / ".gitignore").write_text("/.retouch/\n")
    toy.git("init", "--quiet")
    toy.git("remote", "add", "origin", made.path.as_uri())
    toy.commit("The project")
    toy.git("push", "--quiet", "origin", "main")
    return made


@pytest.fixture
def maker(origin: Origin) -> Toy:
    """The checkout that made the project of `origin`."""
    return Toy(origin.path.parent / "maker")


@pytest.fixture
def toy_origin(toy: Toy) -> Origin:
    """The repository the toy project was pushed to, without its data."""
    made = bare(toy.root.parent / "origin.git")
    toy.git("remote", "add", "origin", made.path.as_uri())
    toy.git("push", "--quiet", "origin", "main")
    return made


@dataclass(frozen=True)
class Raw:
    """A server that gives the files of a branch away, and takes nothing."""

    origin: Origin
    address: str


@contextmanager
def served(origin: Origin) -> Iterator[Raw]:
    """Serve it as raw.githubusercontent.com does: GET and HEAD alone, 404 for directories."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = None
            if self.path.startswith(f"/{RAW}/dvc-store/"):
                content = origin.content(self.path.removeprefix(f"/{RAW}/dvc-store/"))
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content or b"")

        do_HEAD = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Raw(origin, f"http://127.0.0.1:{server.server_address[1]}/{RAW}/dvc-store")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
