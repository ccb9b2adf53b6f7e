"""`python -m retouch.dvc.bring REPLY fetch|checkout|push TARGET...`: DVC, with every byte checked.

`fetch` is `dvc pull`: in between DVC's own two steps, fetch into the cache and checkout from there,
each object is compared with its digest; so it is before a checkout, and before a push. Damaged ones
are taken out of the cache, so that they are fetched again once the remote is sound, and listed in
the file REPLY; the workspace stays as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retouch.dvc.checked import Damaged, Held, in_cache, remove_damaged, to_json
from retouch.dvc.file_digests import KINDS, FileDigests, digests_of
from retouch.system import files


def main(reply: Path, command: str, paths: Sequence[str]) -> int:
    """Bring these outputs into the workspace, or send them. Return DVC's exit code, or 1 for
    damaged data."""
    from dvc.cli import main as dvc
    from dvc.repo import Repo

    digests = digests_of(Path.cwd())
    with Repo() as repo:
        before = [(out, _held(repo, out, digests)) for out in _cached(repo, paths)]
        if _refused(repo, reply, before):
            return 1
    if command == "push":
        return int(dvc(["--wait-for-lock", "push", *paths]))
    if command == "fetch":
        code = dvc(["--wait-for-lock", "fetch", *paths])
        with Repo() as repo:
            known = frozenset(name for _, held in before for name in held.objects)
            after = [(out, _held(repo, out, digests, known)) for out in _cached(repo, paths)]
            if _refused(repo, reply, after):
                return 1
        if code:
            return int(code)
    return int(dvc(["--wait-for-lock", "checkout", "--force", *paths]))


def _cached(repo: Any, paths: Sequence[str]) -> list[Any]:
    """Return DVC's outputs at, around and below these paths that have objects."""
    from dvc.exceptions import DvcException
    from dvc.repo.index import index_from_targets

    try:
        outs = index_from_targets(repo, targets=list(paths)).outs
    except DvcException:
        return []  # the command itself says what is wrong
    return [out for out in outs if out.use_cache and out.protocol == "local" and out.hash_info]


def _kind(out: Any) -> str:
    return KINDS[1] if out.hash_name == KINDS[1] else KINDS[0]


def _held(repo: Any, out: Any, digests: FileDigests, known: frozenset[str] | None = None) -> Held:
    """Look at an output's objects in the cache; those that are not `known` were just fetched."""
    kind = _kind(out)
    held = in_cache(repo, out.hash_info.value, kind, digests, path=str(out))
    if known is None:
        return held
    source = _source(repo, out)
    new = [
        Damaged(one.path, one.expected, one.found, source) if one.expected not in known else one
        for one in held.damaged
    ]
    new += _links_at_remote(repo, out, held.objects - known, kind, source)
    return Held(held.objects, tuple(new))


def _source(repo: Any, out: Any) -> str:
    if out.stage.is_import:
        return f"imported from {out.stage.deps[0]}"
    return f"the remote {out.remote or repo.config['core'].get('remote')!r}"


def _links_at_remote(
    repo: Any, out: Any, names: frozenset[str], kind: str, source: str
) -> list[Damaged]:
    """Return the objects that are links in a remote that is a folder of this machine."""
    from dvc.exceptions import DvcException

    if not names or out.stage.is_import:
        return []
    try:
        odb = repo.cloud.get_remote_odb(out.remote, "fetch", hash_name=kind)
    except DvcException:
        return []
    if odb.fs.protocol != "local":
        return []
    places = {name: Path(odb.oid_to_path(name)) for name in names}
    return [
        Damaged(str(place), name, "a symbolic link", source)
        for name, place in sorted(places.items())
        if place.is_symlink() or place.parent.is_symlink()
    ]


def _refused(repo: Any, reply: Path, found: Sequence[tuple[Any, Held]]) -> bool:
    """Take damaged objects out of the cache and list them, if there are any."""
    damaged = [one for _, held in found for one in held.damaged]
    for out, held in found:
        remove_damaged(repo, held.damaged, _kind(out))
    if damaged:
        files.write_text(reply, to_json(damaged))
    return bool(damaged)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
