"""Releases on GitHub, and the files that hang on them."""

from __future__ import annotations

import re

from retouch.errors import InputError
from retouch.github.errors import Refused
from retouch.github.git_data import tag_is_there
from retouch.github.repository import Line, Repository, Seen

_ODD = re.compile(r"[^A-Za-z0-9_-]+")


class Release(Seen):
    """A release."""

    id: int
    html_url: Line
    upload_url: str
    """Where its files go: an address with a template of a query at its end."""


class Asset(Seen):
    """A file of a release."""

    id: int
    name: Line
    size: int
    state: str = "uploaded"
    """Another one when an upload broke off."""
    digest: str | None = None
    """`sha256:...`; older servers have none."""


def create_release(repo: Repository, *, tag: str, name: str, body: str) -> Release:
    """Publish a release of a tag, or return the one that is there already.

    Raises InputError when GitHub does not have the tag: it would put one on the default branch.
    """

    def found() -> Release | None:
        there = repo.client.get_or_none(repo.path("releases/tags", tag))
        return None if there is None else repo.read(Release, there)

    there = found()
    if there is not None:
        return there
    if not tag_is_there(repo, tag):
        raise InputError(
            f"{repo.name}: GitHub has no tag {tag} to make a release of.",
            hint=f"Push it: git push origin {tag}",
        )
    asked = {"tag_name": tag, "name": name, "body": body}
    try:
        made = repo.client.post(repo.path("releases"), asked, found=found)
    except Refused as refused:
        made = found() if refused.status == 422 else None
        if made is None:
            raise
    return repo.read(Release, made)


def upload_asset(
    repo: Repository, release: Release, name: str, content: bytes, content_type: str
) -> Asset:
    """Hang a file on a release, and return it as GitHub has it.

    One of that name is left as it is: what was published is not replaced; its `digest` tells
    whether it is the same. The rest of an upload that broke off makes way. Characters that GitHub
    does not keep in a name become a dot.
    """
    name = _ODD.sub(".", name).strip(".")

    def found() -> Asset | None:
        for item in repo.client.pages(repo.path("releases", str(release.id), "assets")):
            asset = repo.read(Asset, item)
            if asset.name == name and asset.state == "uploaded":
                return asset
            if asset.name == name:
                repo.client.delete(repo.path("releases/assets", str(asset.id)))
        return None

    there = found()
    if there is not None:
        return there
    url = release.upload_url.partition("{")[0]
    try:
        made = repo.client.upload(url, name, content, content_type, found=found)
    except Refused as refused:
        made = found() if refused.status == 422 else None
        if made is None:
            raise
    return repo.read(Asset, made)
