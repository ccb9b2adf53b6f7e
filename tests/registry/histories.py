"""Tags as values, and whole random histories of them in real git repositories."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from retouch.registry.tags import Tag, parse_tag

BEGAN = 1_700_000_000
MODEL = "churn"


def tag(name: str, commit: str, second: int = 0, **said: object) -> Tag:
    """Return a tag on the commit of this one letter, with its message as JSON."""
    at = datetime.fromtimestamp(BEGAN + second, UTC)
    message = json.dumps(said) if said else "a person's words"
    found = parse_tag(name, commit=commit * 40, at=at, message=message)
    assert found is not None, name
    return found


@dataclass
class History:
    """Annotated and lightweight tags on a few commits of an empty repository."""

    commits: int
    annotated: list[tuple[str, int, int]] = field(default_factory=list)
    """Name, which commit, when."""
    lightweight: list[tuple[str, int]] = field(default_factory=list)

    def write(self, folder: Path) -> list[str]:
        """Write it into a new repository, and return the ids of the commits."""
        git(folder.parent, "init", "--quiet", "--bare", folder.name)
        stream = []
        for number in range(self.commits):
            stream.append(f"commit refs/heads/main\nmark :{number + 1}\n{_who('committer', BEGAN)}")
            stream.append(f"data 2\nc{number % 10}\n")
        for name, commit, second in self.annotated:
            who = _who("tagger", BEGAN + second)
            stream.append(f"tag {name}\nfrom :{commit + 1}\n{who}data 1\nm\n")
        for name, commit in self.lightweight:
            stream.append(f"reset refs/tags/{name}\nfrom :{commit + 1}\n\n")
        git(folder, "fast-import", "--quiet", told="".join(stream))
        return git(folder, "rev-list", "--reverse", "main").split()


def random_history(seed: int, *, ties: bool = False) -> History:
    """Return a history as people and machines may make it, in no sensible order.

    Left out is what GTO itself cannot read: a second version on one commit (it stops with an
    error), a version that was never registered taken out of a stage (it does not notice). Without
    `ties` no two tags are of the same second.
    """
    chance = random.Random(seed)
    history = History(commits=12)
    versions = [(f"v{n % 3}.{n}.{chance.randrange(3)}", n) for n in range(8)]
    seconds = chance.sample(range(1000), 200) if not ties else [n // 4 for n in range(200)]
    counter, used = 0, set()
    for second in seconds[: chance.randrange(3, 60)]:
        version, commit = chance.choice(versions)
        stage = chance.choice(["prod", "canary", "team/eu_1"])
        model = chance.choice([MODEL] * 6 + ["other"])
        what = chance.choice(
            [f"@{version}"] * 4
            + [f"@{version}!"]
            + [f"#{stage}"] * 6
            + [f"#{stage}!"] * 3
            + (["@deprecated"] if chance.random() < 0.3 else [])
        )
        if "#" in what and "!" not in what and chance.random() < 0.1:
            commit = chance.randrange(8, 12)  # never registered
        counted = "#" in what or f"{model}{what}" in used or chance.random() < 0.2
        counter += counted
        name = f"{model}{what}#{counter}" if counted else f"{model}{what}"
        if chance.random() < 0.1:
            history.lightweight.append((f"{model}#prod#{900 + len(used)}", commit))
        used.add(name)
        history.annotated.append((name, commit, second))
    history.lightweight += [("v1.0", 0), ("not#a!tag", 1), (f"{MODEL}@v9.9.9", 2)]
    return history


def git(folder: Path, *args: str, told: str | None = None) -> str:
    done = subprocess.run(
        ["git", *args], cwd=folder, input=told, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{args}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _who(role: str, second: int) -> str:
    return f"{role} Toy <toy@example.org> {second} +0000\n"
