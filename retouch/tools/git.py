"""Git, through its command line: only what we need to know of a checkout."""

from __future__ import annotations

from pathlib import Path

from retouch.errors import BadInput
from retouch.tools.process import Finished, run


def top_level(start: Path) -> Path:
    """Return the root of the checkout that holds `start`. Raises BadInput outside of one."""
    done = run(["git", "rev-parse", "--show-toplevel"], cwd=start)
    if done.exit_code:
        raise BadInput(f"{start}: is not in a git repository.", mend="Run `git init` first.")
    return Path(done.output.strip())


def head_commit(root: Path) -> str:
    """Return the full id of the commit that is checked out. Raises BadInput without one."""
    done = run(["git", "rev-parse", "--verify", "--quiet", "HEAD"], cwd=root)
    if done.exit_code:
        raise BadInput(
            "The repository has no commit yet, so there is no model to compare with.",
            mend="Commit the pipeline first: `git add -A && git commit`.",
        )
    return done.output.strip()


def committed_text(root: Path, path: str) -> str:
    """Return a file's text as HEAD has it; empty when HEAD has no such file."""
    done = run(["git", "show", f"HEAD:./{path}"], cwd=root)
    return "" if done.exit_code else done.output


def modified_files(root: Path) -> tuple[str, ...]:
    """Return the tracked paths (from `root`) that differ from HEAD, staged or not."""
    done = _checked(run(["git", "diff", "--name-only", "-z", "--relative", "HEAD"], cwd=root))
    return tuple(sorted(path for path in done.output.split("\0") if path))


def tracked_files(root: Path) -> tuple[str, ...]:
    """Return every path git tracks or would track, from the root."""
    done = _checked(
        run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root)
    )
    return tuple(path for path in done.output.split("\0") if path)


def _checked(done: Finished) -> Finished:
    if done.exit_code:
        raise BadInput(f"git said: {done.last_lines(1)}")
    return done


def clone(source: Path, target: Path) -> None:
    """Clone what is committed in `source`. Raises BadInput."""
    _checked(run(["git", "clone", "--quiet", "--no-tags", str(source), str(target)], cwd=source))


def commit_all(root: Path, message: str) -> None:
    """Commit every change in a copy of ours, under our own name. Raises BadInput."""
    name = ["-c", "user.name=Retouch", "-c", "user.email=retouch@localhost"]
    _checked(run(["git", "add", "--all"], cwd=root))
    _checked(run(["git", *name, "commit", "--quiet", "--message", message], cwd=root))
