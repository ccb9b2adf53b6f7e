"""`retouch store`: DVC data on a branch of the repository."""

from __future__ import annotations

from pathlib import Path

import click

from retouch.dvc.project import find_root
from retouch.errors import InputError
from retouch.git_remote import store as stores
from retouch.git_remote.config import FOLDER, READER, add_reader, reader_address
from retouch.git_remote.store import BRANCH, Store
from retouch.reporting.numbers import plural

_REPOSITORY = click.option(
    "--repository",
    envvar="GITHUB_REPOSITORY",
    metavar="OWNER/NAME",
    help="This repository [default: that of the git remote `origin`].",
)
_BRANCH = click.option(
    "--branch",
    default=BRANCH,
    show_default=True,
    metavar="NAME",
    help="The branch that holds the data.",
)


@click.group("store")
def store() -> None:
    """Keep DVC data on a branch of this repository.

    The branch is a DVC remote that needs no other service.

    \b
      retouch store open     before `dvc pull` and `dvc push`
      retouch store push     after `dvc push`
      retouch store url      for reading without git
    """


@store.command("init")
@_BRANCH
@_REPOSITORY
@click.option(
    "--commit-config",
    is_flag=True,
    help=f"Add the address to .dvc/config as the remote `{READER}`, for read-only users.",
)
def init(branch: str, repository: str | None, commit_config: bool) -> None:
    """Create the branch, unless it exists, and open it.

    Changes nothing that is committed.
    """
    root = find_root(Path.cwd())
    url = reader_address(root, branch, repository=repository) if commit_config else None
    opened = stores.open_store(root, branch=branch)
    stores.begin_store(opened)
    _print_opened(opened)
    if url is not None:
        named = add_reader(root, url)
        if named["new"]:
            click.echo(f".dvc/config now has the remote {READER!r} ({url}). Commit it.")
        if not named["default"]:
            click.echo(f"Another remote is the default, so read with `dvc pull -r {READER}`.")


@store.command("open")
@_BRANCH
def open_(branch: str) -> None:
    """Fetch the branch, and make it the default DVC remote here.

    The remote is configured in .dvc/config.local, for this checkout only.
    """
    _print_opened(stores.open_store(find_root(Path.cwd()), branch=branch))


@store.command("push")
def push() -> None:
    """Push to the branch what `dvc push` has put into the store."""
    opened = _opened()
    count = stores.push_store(opened)
    click.echo(f"{plural(count, 'new object')} on branch {opened.branch.name}.")


@store.command("url")
@_BRANCH
@_REPOSITORY
def url(branch: str, repository: str | None) -> None:
    """Print the address of the branch, and the command to use it."""
    found = reader_address(find_root(Path.cwd()), branch, repository=repository)
    click.echo(f"{found}\n\ndvc remote add --local --default {READER} {found}")


@store.command("gc")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def gc(yes: bool) -> None:
    """Remove objects that no branch or tag needs.

    The history of the data branch is removed, too.
    """
    from retouch.git_remote.store import collect, find_garbage

    opened = _opened()
    found = find_garbage(opened)
    if not found.places:
        click.echo(f"Nothing to remove: all {found.kept:,} objects are in use.")
        return
    what = f"{len(found.places):,} of {len(found.places) + found.kept:,} objects"
    click.echo(f"{what} ({found.bytes:,} bytes) are not used by any branch or tag.")
    if not yes:
        click.confirm("Remove them and rewrite the branch?", abort=True)
    gone = collect(opened)
    click.echo(f"Removed {plural(len(gone.places), 'object')}; {gone.kept:,} remain.")


def _opened() -> Store:
    found = stores.opened(find_root(Path.cwd()))
    if found is None:
        raise InputError("The store is not open here.", hint="Run `retouch store open`.")
    return found


def _print_opened(opened: Store) -> None:
    click.echo(
        f"Branch {opened.branch.name} is checked out in {FOLDER}, as DVC remote {opened.remote!r}."
    )
    if not opened.default:
        name = opened.remote
        click.echo(
            "Your .dvc/config.local has another default remote, which was not changed. Use"
            f" `dvc push -r {name}` and `dvc pull -r {name}`."
        )
