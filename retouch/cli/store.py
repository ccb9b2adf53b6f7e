"""`retouch store`: DVC's data on a branch of the repository."""

from __future__ import annotations

from pathlib import Path

import click

from retouch.dvc.project import find_root
from retouch.errors import InputError
from retouch.git_remote import store as stores
from retouch.git_remote.address import READER, address, name_reader
from retouch.git_remote.config import FOLDER
from retouch.git_remote.store import BRANCH, Store

_REPOSITORY = click.option(
    "--repository",
    envvar="GITHUB_REPOSITORY",
    metavar="OWNER/NAME",
    help="This repository [default: what git's remote `origin` says].",
)
_BRANCH = click.option(
    "--branch", default=BRANCH, show_default=True, metavar="NAME", help="The branch that holds it."
)


@click.group("store")
def store() -> None:
    """DVC's data on a branch of the repository: a remote with nothing to rent.

    \b
      retouch store open     before `dvc pull` and `dvc push`
      retouch store push     after `dvc push`
      retouch store url      how others read it, without git
    """


@store.command("init")
@_BRANCH
@_REPOSITORY
@click.option(
    "--commit-config",
    is_flag=True,
    help=f"Name the address in .dvc/config as the remote `{READER}`, for whoever only reads.",
)
def init(branch: str, repository: str | None, commit_config: bool) -> None:
    """Make the branch, if there is none, and open it. Nothing that is committed changes."""
    root = find_root(Path.cwd())
    url = address(root, branch, repository=repository) if commit_config else None
    opened = stores.open_store(root, branch=branch)
    stores.begin_store(opened)
    _say_opened(opened)
    if url is not None:
        said = name_reader(root, url)
        if said["new"]:
            click.echo(f".dvc/config names the remote {READER!r}, {url}: commit it.")
        if not said["default"]:
            click.echo(f"Another remote is the default: read with `dvc pull -r {READER}`.")


@store.command("open")
@_BRANCH
def open_(branch: str) -> None:
    """Fetch the branch and make it DVC's default remote here, in .dvc/config.local."""
    _say_opened(stores.open_store(find_root(Path.cwd()), branch=branch))


@store.command("push")
def push() -> None:
    """Send what `dvc push` put into the store to the branch."""
    opened = _opened()
    count = stores.push_store(opened)
    click.echo(f"{count} new object{'' if count == 1 else 's'} on branch {opened.branch.name}.")


@store.command("url")
@_BRANCH
@_REPOSITORY
def url(branch: str, repository: str | None) -> None:
    """Print the address of the branch's files, and how DVC is told to read there."""
    found = address(find_root(Path.cwd()), branch, repository=repository)
    click.echo(f"{found}\n\ndvc remote add --local --default {READER} {found}")


@store.command("gc")
@click.option("--yes", is_flag=True, help="Do not ask.")
def gc(yes: bool) -> None:
    """Remove what neither a branch nor a tag needs any more, and the history of the branch."""
    from retouch.git_remote.gc import collect, garbage

    opened = _opened()
    found = garbage(opened)
    if not found.places:
        click.echo(f"Nothing to remove: all {found.kept:,} objects are needed.")
        return
    what = f"{len(found.places):,} of {len(found.places) + found.kept:,} objects"
    click.echo(f"{what} ({found.bytes:,} bytes) belong to no branch and no tag.")
    if not yes:
        click.confirm("Remove them and write the branch anew?", abort=True)
    gone = collect(opened)
    click.echo(f"Removed {len(gone.places):,}; {gone.kept:,} stay.")


def _opened() -> Store:
    found = stores.opened(find_root(Path.cwd()))
    if found is None:
        raise InputError("The store is not open here.", hint="Run `retouch store open`.")
    return found


def _say_opened(opened: Store) -> None:
    click.echo(
        f"Branch {opened.branch.name} lies in {FOLDER}: DVC's remote {opened.remote!r} here."
    )
    if not opened.default:
        name = opened.remote
        click.echo(
            "Your .dvc/config.local names another default remote, which stays: use"
            f" `dvc push -r {name}` and `dvc pull -r {name}`."
        )
