"""A client of GitHub's REST API over HTTP: sends, waits, retries, and never creates a thing twice.

Why `requests` and no client library: docs/decisions/0021. It is imported with the first client,
since importing it takes a quarter of a second.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from retouch.errors import InputError, RetouchError
from retouch.github.errors import (
    MAX_TOTAL_WAIT_SECONDS,
    Failure,
    Refused,
    Request,
    not_github_api,
    outcome_unknown,
    refusal,
    retries_exhausted,
    retry_delay,
)

if TYPE_CHECKING:
    import requests

API_URL = "https://api.github.com"
_LOCAL = ("localhost", "127.0.0.1", "::1")
_MAX_REDIRECTS = 3
_CHUNK, _MOST_CHUNKS = 2**20, 200
"""Of a file that is downloaded for its end."""
_MAX_MESSAGE = 300
_NEXT_PAGE = re.compile(r'<([^<>]*)>\s*;\s*rel="next"')


@dataclass(frozen=True)
class Timing:
    """How long the client waits, and by which clock."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    """Unix time."""
    jitter: Callable[[], float] = random.random
    """Drawn evenly from 0 to 1."""
    timeout: tuple[float, float] = (10.0, 30.0)
    """Seconds to connect, and between two pieces of a response."""
    max_total_wait: float = MAX_TOTAL_WAIT_SECONDS
    """Seconds that all waits for one request may take together."""


@dataclass(frozen=True)
class Success:
    """The response to a request that succeeded."""

    data: Any
    """Parsed JSON; None for an empty response."""
    next_page: str | None = None
    """The address of a list's next page."""


@dataclass(frozen=True)
class _File:
    """A request body that is not JSON."""

    content: bytes
    content_type: str


class NotGitHubApi(Exception):
    """A response that GitHub's API would not give; its text says what it is instead."""


class Client:
    """GitHub's REST API under one token. Paths are relative: `repos/owner/name/pulls`.

    Methods return parsed JSON. They raise InputError (`Refused` when GitHub refused) for what is
    wrong with settings or request, and CheckFailed when retries did not help. No error text holds
    the token.
    """

    def __init__(self, token: str, api_url: str = API_URL, timing: Timing | None = None) -> None:
        """Raises InputError for an invalid token or address."""
        self._timing = timing or Timing()
        self._transport = Transport(token, api_url, self._timing.timeout)

    def get(self, path: str, **query: str | int) -> Any:
        """Return a resource."""
        return self._send("GET", path, query=query).data

    def get_or_none(self, path: str, **query: str | int) -> Any:
        """Return a resource; None when there is none, or none this token may read."""
        try:
            return self.get(path, **query)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    def pages(self, path: str, **query: str | int) -> Iterator[Any]:
        """Yield the items of a list, page after page, by the Link header."""
        request = self._transport.request("GET", path)
        page = self._send("GET", path, query={"per_page": 100, **query})
        while True:
            if not isinstance(page.data, list):
                raise not_github_api(request, "expected a list")
            yield from page.data
            if page.next_page is None:
                return
            page = self._send("GET", self._transport.within(page.next_page, request))

    def post(
        self,
        path: str,
        body: Any,
        *,
        found: Callable[[], Any] | None = None,
        repeatable: bool = False,
    ) -> Any:
        """Create something, once.

        A request may take effect and its response get lost. With `repeatable` it is simply sent
        again: for what is addressed by its content, or refused the second time. `found` looks
        whether it was created: what it returns is the result, and None sends again. With neither
        it is sent again only when it certainly took no effect; else OutcomeUnknown is raised.
        """
        return self._send("POST", path, body=body, found=found, repeatable=repeatable).data

    def download_end(self, path: str, most_bytes: int) -> bytes:
        """Return the last bytes of a file that GitHub redirects to, wherever it keeps it.

        The token stays with GitHub. Raises CheckFailed and InputError as `get` does.
        """
        return self._transport.end_of_file(self._transport.request("GET", path), most_bytes)

    def upload(
        self, url: str, name: str, content: bytes, content_type: str, *, found: Callable[[], Any]
    ) -> Any:
        """Create a file at an address that the server named; `found` is as in `post`.

        Raises InputError when that is not the server's own.
        """
        target = self._transport.upload_address(url)
        body = _File(content, content_type)
        return self._send("POST", target, query={"name": name}, body=body, found=found).data

    def patch(self, path: str, body: Any) -> Any:
        """Change a resource to a given state."""
        return self._send("PATCH", path, body=body, repeatable=True).data

    def put(self, path: str, body: Any) -> Any:
        """Set a resource to a given state."""
        return self._send("PUT", path, body=body, repeatable=True).data

    def delete(self, path: str) -> None:
        """Delete a resource, if there is one."""
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
    ) -> Success:
        request, waited = self._transport.request(method, path), 0.0
        for attempt in itertools.count(1):
            response = self._transport.send(request, query=query, body=body)
            if isinstance(response, Success):
                return response
            doubtful = method == "POST" and not repeatable and response.may_have_taken_effect
            if doubtful and found is None:
                raise outcome_unknown(request, response)
            delay = self._delay(attempt, response, waited)
            if delay is not None:
                self._timing.sleep(delay)
                waited += delay
            if doubtful and found is not None and (existing := found()) is not None:
                return Success(existing)
            if delay is None:
                raise self._error(request, response, attempt)
        raise AssertionError("unreachable")

    def _delay(self, attempt: int, failure: Failure, waited: float) -> float | None:
        timing = self._timing
        return retry_delay(
            attempt,
            failure,
            now=timing.now(),
            jitter=timing.jitter(),
            waited=waited,
            max_total_wait=timing.max_total_wait,
        )

    def _error(self, request: Request, failure: Failure, attempts: int) -> RetouchError:
        if failure.is_transient:
            return retries_exhausted(request, failure, attempts=attempts, now=self._timing.now())
        return refusal(request, failure)


class Transport:
    """An HTTP session with one server under one token, which it never shows."""

    def __init__(self, token: str, api_url: str, timeout: tuple[float, float]) -> None:
        """`timeout`: seconds to connect, and between two pieces of a response.

        Raises InputError for an invalid token or address.
        """
        import requests

        self._token = _checked_token(token)
        self._base = _checked_url(api_url)
        self._timeout = timeout
        self._session = requests.Session()
        # With an `auth` of its own, requests does not replace the token by that of a .netrc file.
        self._session.auth = self._authorize
        self._session.headers.update(
            {"User-Agent": "retouch", "Accept": "application/vnd.github.v3+json"}
        )

    def request(self, method: str, path: str) -> Request:
        """Return a request as errors name it; `path` may be a whole address of this server."""
        return Request(method, path.removeprefix(self._base), urlsplit(self._base).netloc)

    def send(
        self, request: Request, *, query: Mapping[str, str | int] | None = None, body: Any = None
    ) -> Success | Failure:
        """Send a request and read the response; redirects of a GET are followed.

        Raises InputError when what responds is not GitHub's API, or the request cannot be sent.
        """
        url = urljoin(self._base, request.path)
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._send_once(request, url, query, body)
            if isinstance(response, Success) or request.method != "GET":
                return response
            if response.status not in (301, 302, 307, 308):
                return response
            url, query = self.within(response.headers.get("location", ""), request), None
        raise not_github_api(request, "too many redirects")

    def end_of_file(self, request: Request, most_bytes: int) -> bytes:
        """Return the end of the file that a request is redirected to; nothing is retried."""
        import requests

        own = urlsplit(self._base)
        timeout, end = self._timeout, b""
        try:
            answer = self._session.get(
                urljoin(self._base, request.path), timeout=timeout, allow_redirects=False
            )
            target = urlsplit(answer.headers.get("location", ""))
            if answer.status_code != 302 or target.scheme != own.scheme:
                raise refusal(request, Failure(answer.status_code))
            # A session of its own: neither token nor cookies go to the other server.
            with requests.get(target.geturl(), timeout=timeout, stream=True) as response:
                if response.status_code != 200:
                    raise refusal(request, Failure(response.status_code))
                for read, chunk in enumerate(response.iter_content(_CHUNK)):
                    end = (end + chunk)[-most_bytes:]
                    if read >= _MOST_CHUNKS:
                        break
        except requests.RequestException as error:
            failure = _connection_failure(request, error)
            raise retries_exhausted(request, failure, attempts=1, now=0.0) from None
        return end

    def within(self, url: str, request: Request) -> str:
        """Return an address the server named. Raises InputError when it is on another server.

        The token would be sent there as well.
        """
        whole = urljoin(self._base, url)
        own, named = urlsplit(self._base), urlsplit(whole)
        if (own.scheme, own.netloc) != (named.scheme, named.netloc):
            raise not_github_api(request, "it points to another server")
        return whole

    def upload_address(self, url: str) -> str:
        """Return where the server said to upload files: to itself, or its host for uploads.

        That of api.github.com is uploads.github.com. Raises InputError for any other host.
        """
        own, named = urlsplit(self._base), urlsplit(url)
        hosts = {own.netloc}
        if own.netloc.startswith("api."):
            hosts.add(f"uploads.{own.netloc.removeprefix('api.')}")
        if named.scheme != own.scheme or named.netloc not in hosts:
            raise not_github_api(self.request("POST", "uploads"), "it points to another server")
        return url

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"token {self._token}"
        return request

    def _send_once(
        self, request: Request, url: str, query: Mapping[str, str | int] | None, body: Any
    ) -> Success | Failure:
        import requests

        payload: dict[str, Any] = {"json": body}
        if isinstance(body, _File):
            payload = {"data": body.content, "headers": {"Content-Type": body.content_type}}
        try:
            response = self._session.request(
                request.method,
                url,
                params=query,
                **payload,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return _connection_failure(request, error)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return self._read(request, response.status_code, headers, response.content)

    def _read(
        self, request: Request, status: int, headers: Mapping[str, str], body: bytes
    ) -> Success | Failure:
        if not 200 <= status < 300:
            # A proxy may repeat what it was sent. Before any text is shortened: a token cut in the
            # middle would not be recognised.
            body = body.replace(self._token.encode(), b"***")
            headers = {name: self._redacted(value) for name, value in headers.items()}
        try:
            response = read_response(status, headers, body)
        except NotGitHubApi as error:
            raise not_github_api(request, self._redacted(str(error))) from None
        if isinstance(response, Success):
            return response
        shown = {name: one_line(value) for name, value in headers.items()}
        return replace(response, message=self._redacted(response.message), headers=shown)

    def _redacted(self, text: str) -> str:
        return text.replace(self._token, "***")


def read_response(status: int, headers: Mapping[str, str], body: bytes) -> Success | Failure:
    """Parse a response; `headers` have names in lower case.

    Raises NotGitHubApi for anything but JSON, unless the server reports an error of its own.
    """
    if status >= 500:  # often a page of HTML
        return Failure(status, headers=headers)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json":
        if 300 <= status < 400:
            return Failure(status, headers=headers)
        raise NotGitHubApi(f"{status} with {one_line(kind) or 'no content type'} instead of JSON")
    try:
        data = json.loads(body) if body else None
    except (ValueError, RecursionError):
        raise NotGitHubApi(f"{status} with invalid JSON") from None
    if 200 <= status < 300:
        following = _NEXT_PAGE.search(headers.get("link", ""))
        return Success(data, following and following[1])
    if not isinstance(data, dict | None):
        raise NotGitHubApi(f"{status} with JSON that is no error of GitHub's")
    return Failure(status, one_line(_error_message(data or {})).rstrip("."), headers)


def one_line(text: str) -> str:
    """Return untrusted text as one printable line of at most 300 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MAX_MESSAGE else f"{line[: _MAX_MESSAGE - 1]}…"


def _error_message(data: Mapping[str, Any]) -> str:
    """Return GitHub's message with the details of its `errors`: texts, or resource, field, code."""
    errors = data.get("errors")
    details = []
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        if isinstance(error, dict):
            known = [error.get(name) for name in ("resource", "field", "code")]
            error = error.get("message") or " ".join(str(value) for value in known if value)
        details.append(str(error))
    message = str(data.get("message") or "")
    return f"{message}: {', '.join(details)}" if details else message


def _connection_failure(request: Request, error: requests.RequestException) -> Failure:
    """Return why there was no response.

    Raises InputError when the request can never be sent. The text of `error` is left out: it may
    quote the address of a proxy with its password.
    """
    from requests import exceptions

    if isinstance(error, exceptions.SSLError):
        raise InputError(
            f"{request.subject}: the certificate of {request.host} is not trusted.",
            hint="Set REQUESTS_CA_BUNDLE to the file of its certificate authority.",
        ) from None
    if isinstance(error, exceptions.ProxyError):
        return Failure(None, "could not be reached through the proxy", sent=False)
    if isinstance(error, exceptions.ConnectTimeout) or _never_connected(error):
        return Failure(None, "could not be reached", sent=False)
    if isinstance(error, exceptions.Timeout):
        return Failure(None, "did not respond in time")
    if isinstance(error, exceptions.ConnectionError | exceptions.ChunkedEncodingError):
        return Failure(None, "closed the connection")
    kind = type(error).__name__
    raise InputError(f"{request.subject}: the request cannot be sent ({kind}).") from None


def _never_connected(error: requests.RequestException) -> bool:
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _checked_token(token: str) -> str:
    token = token.strip()
    if not token:
        raise InputError(
            "GITHUB_TOKEN is not set.",
            hint="Set it to a token with Contents: write and Pull requests: write.",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InputError(
            "GITHUB_TOKEN contains characters that no token has.", hint="Copy the token again."
        )
    return token


def _checked_url(url: str) -> str:
    """Return the address of the API with a slash at its end."""
    hint = f"Set GITHUB_API_URL to {API_URL}, or to https://HOST/api/v3."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    whole = host and parts.scheme in ("http", "https") and url.isprintable() and " " not in url
    if not whole or port == 0 or parts.query or parts.fragment:
        raise InputError("GITHUB_API_URL is not the address of an API.", hint=hint)
    if parts.username is not None or parts.password is not None:
        raise InputError("GITHUB_API_URL contains a user or a password.", hint=hint)
    if parts.scheme == "http" and host not in _LOCAL:
        raise InputError("GITHUB_API_URL is http: the token would be sent unencrypted.", hint=hint)
    return url.rstrip("/") + "/"
