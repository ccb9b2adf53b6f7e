"""What GitHub has of one version already: its release with a file, where it is deployed."""

from __future__ import annotations

from retouch.github.releases import Asset, Release
from retouch.github.repository import Repository, Seen


class _Deployment(Seen):
    ref: str
    environment: str


def is_released(repo: Repository, tag: str, asset: str) -> bool:
    """Say whether a release of the tag has the file, whole. Raises InputError."""
    answer = repo.client.get_or_none(repo.path("releases/tags", tag))
    if answer is None:
        return False
    release = repo.read(Release, answer)
    listed = repo.client.pages(repo.path("releases", str(release.id), "assets"))
    found = (repo.read(Asset, item) for item in listed)
    return any(one.name == asset and one.state == "uploaded" for one in found)


def environments_of(repo: Repository, ref: str) -> tuple[str, ...]:
    """Return where a deployment of the commit or tag is on record. Raises InputError."""
    listed = repo.client.pages(repo.path("deployments"), ref=ref)
    found = (repo.read(_Deployment, item) for item in listed)
    return tuple(sorted({one.environment for one in found if one.ref == ref}))
