"""A client of GitHub's REST API: asks, waits, tries again, and never creates a thing twice."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retouch.errors import RetouchError
from retouch.github.answer import Answer
from retouch.github.errors import Refused, Request, gave_up, no_api, refusal, uncertain
from retouch.github.retry import (
    PATIENCE_SECONDS,
    Failed,
    may_pass,
    retry_after,
    surely_not_done,
)
from retouch.github.transport import API_URL, Raw, Transport


@dataclass(frozen=True)
class Waiting:
    """How long the client waits, and by which clock."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    """Unix time."""
    jitter: Callable[[], float] = random.random
    """Drawn evenly from 0 to 1."""
    timeout: tuple[float, float] = (10.0, 30.0)
    """Seconds until a connection stands, and between two pieces of an answer."""
    patience: float = PATIENCE_SECONDS
    """Seconds that all waits for one request may take together."""


class Client:
    """GitHub's REST API under one token. Paths are relative: `repos/owner/name/pulls`.

    Methods return parsed JSON. They raise InputError (`github_errors.Refused` when GitHub said no)
    for what is wrong with settings or request, and CheckFailed when waiting and trying again did
    not help. No text of theirs holds the token.
    """

    def __init__(self, token: str, api_url: str = API_URL, waiting: Waiting | None = None) -> None:
        """Raises InputError for a token or an address that cannot be one."""
        self._waiting = waiting or Waiting()
        self._transport = Transport(token, api_url, self._waiting.timeout)

    def get(self, path: str, **query: str | int) -> Any:
        """Return what is there."""
        return self._send("GET", path, query=query).data

    def get_or_none(self, path: str, **query: str | int) -> Any:
        """Return what is there; None when nothing is, or nothing this token may see."""
        try:
            return self.get(path, **query)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    def pages(self, path: str, **query: str | int) -> Iterator[Any]:
        """Yield the items of a list, page after page as the Link header leads."""
        request = self._transport.request("GET", path)
        answer = self._send("GET", path, query={"per_page": 100, **query})
        while True:
            if not isinstance(answer.data, list):
                raise no_api(request, "a list was asked for")
            yield from answer.data
            if answer.next_page is None:
                return
            answer = self._send("GET", self._transport.within(answer.next_page, request))

    def post(
        self,
        path: str,
        body: Any,
        *,
        found: Callable[[], Any] | None = None,
        repeatable: bool = False,
    ) -> Any:
        """Create something, once.

        A request may do its work and its answer get lost. With `repeatable` it is simply sent
        again: for what is addressed by its content, or refused the second time. With `found` we
        look first; what that returns is the answer, and None sends again. With neither it is sent
        again only when it surely was not carried out; otherwise CheckFailed says that nobody knows.
        """
        return self._send("POST", path, body=body, found=found, repeatable=repeatable).data

    def upload(
        self, url: str, name: str, content: bytes, content_type: str, *, found: Callable[[], Any]
    ) -> Any:
        """Create a file from bytes at an address the server named; `found` is as in `post`.

        Raises InputError when that is none of the server's own.
        """
        target = self._transport.upload_address(url)
        raw = Raw(content, content_type)
        return self._send("POST", target, query={"name": name}, body=raw, found=found).data

    def patch(self, path: str, body: Any) -> Any:
        """Change what is there to a given state."""
        return self._send("PATCH", path, body=body, repeatable=True).data

    def put(self, path: str, body: Any) -> Any:
        """Set what is there to a given state."""
        return self._send("PUT", path, body=body, repeatable=True).data

    def delete(self, path: str) -> None:
        """Remove what is there; that nothing is there is as good."""
        try:
            self._send("DELETE", path, repeatable=True)
        except Refused as refused:
            if refused.status not in (404, 410):
                raise

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
        found: Callable[[], Any] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        request, waited = self._transport.request(method, path), 0.0
        for attempt in itertools.count(1):
            answer = self._transport.exchange(request, query=query, body=body)
            if isinstance(answer, Answer):
                return answer
            doubtful = method == "POST" and not repeatable and _may_be_done(answer)
            if doubtful and found is None:
                raise uncertain(request, answer)
            pause = self._pause(attempt, answer, waited)
            if pause is not None:
                self._waiting.sleep(pause)
                waited += pause
            if doubtful and found is not None and (there := found()) is not None:
                return Answer(there)
            if pause is None:
                raise self._error(request, answer, attempt)
        raise AssertionError("unreachable")

    def _pause(self, attempt: int, failed: Failed, waited: float) -> float | None:
        waiting = self._waiting
        return retry_after(
            attempt,
            failed,
            now=waiting.now(),
            jitter=waiting.jitter(),
            waited=waited,
            patience=waiting.patience,
        )

    def _error(self, request: Request, failed: Failed, attempts: int) -> RetouchError:
        if may_pass(failed):
            return gave_up(request, failed, attempts=attempts, now=self._waiting.now())
        return refusal(request, failed)


def _may_be_done(failed: Failed) -> bool:
    return may_pass(failed) and not surely_not_done(failed)
