"""What an answer of GitHub says: data, or why there is none. No I/O; gidgethub reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gidgethub import HTTPException
from gidgethub.sansio import decipher_response

from retouch.github.retry import Failed

_MESSAGE_LIMIT = 300


@dataclass(frozen=True)
class Answer:
    """A request that succeeded."""

    data: Any
    """Parsed JSON; None for an empty answer."""
    next_page: str | None = None
    """Where a list goes on."""


class NotTheApi(Exception):
    """The answer is none that GitHub's API gives; its text says what it is instead."""


def decipher(status: int, headers: Mapping[str, str], body: bytes) -> Answer | Failed:
    """Read an answer; `headers` have names in lower case.

    Raises NotTheApi for anything but JSON, unless the server says that it is broken.
    """
    if status >= 500:  # a page of HTML as often as not
        return Failed(status, headers=headers)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    redirected = 300 <= status < 400
    if body and kind != "application/json" and not redirected:
        raise NotTheApi(f"{status} with {one_line(kind) or 'no content type'} instead of JSON")
    try:
        data, _, next_page = decipher_response(_known(status), headers, body)
    except HTTPException as error:
        return Failed(status, one_line(str(error)).rstrip("."), headers)
    # Of a broken text, or of JSON that is no error of GitHub's.
    except (ValueError, LookupError, AttributeError, TypeError):
        raise NotTheApi(f"{status} with JSON that cannot be read") from None
    return Answer(data, next_page)


def one_line(text: str) -> str:
    """Return untrusted text as one printable line of at most 300 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MESSAGE_LIMIT else f"{line[: _MESSAGE_LIMIT - 1]}…"


def _known(status: int) -> int:
    """Return the code that means the same to gidgethub, which does not know them all."""
    if status in set(HTTPStatus) and status >= 300:
        return status
    return status // 100 * 100
