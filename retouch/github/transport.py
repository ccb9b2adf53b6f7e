"""One exchange with GitHub's API over HTTP: a request out, an answer or a failure back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from gidgethub.sansio import create_headers
from requests import exceptions
from urllib3.exceptions import MaxRetryError, NewConnectionError

from retouch.errors import InputError
from retouch.github.answer import Answer, NotTheApi, decipher, one_line
from retouch.github.errors import Request, no_api
from retouch.github.retry import Failed

API_URL = "https://api.github.com"
_LOCAL = ("localhost", "127.0.0.1", "::1")
_MAX_REDIRECTS = 3


@dataclass(frozen=True)
class Raw:
    """A body that is no JSON."""

    content: bytes
    content_type: str


class Transport:
    """A session with one server under one token, which it never shows."""

    def __init__(self, token: str, api_url: str, timeout: tuple[float, float]) -> None:
        """`timeout`: seconds until a connection stands, and between two pieces of an answer.

        Raises InputError for a token or an address that cannot be one.
        """
        self._token = _checked_token(token)
        self._base = _checked_url(api_url)
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = _Authorization(self._token)

    def request(self, method: str, path: str) -> Request:
        """Return a request as sentences name it; `path` may be a whole address of this server."""
        return Request(method, path.removeprefix(self._base), urlsplit(self._base).netloc)

    def exchange(
        self, request: Request, *, query: Mapping[str, str | int] | None = None, body: Any = None
    ) -> Answer | Failed:
        """Send a request and read the answer; redirections of a GET are followed.

        Raises InputError when what answers is not GitHub's API, or cannot be asked at all.
        """
        url = urljoin(self._base, request.path)
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._exchange(request, url, query, body)
            moved = isinstance(answer, Failed) and answer.status in (301, 302, 307, 308)
            if isinstance(answer, Answer) or not moved or request.method != "GET":
                return answer
            url, query = self.within(answer.headers.get("location", ""), request), None
        raise no_api(request, "it redirects in a circle")

    def within(self, url: str, request: Request) -> str:
        """Return an address the server named. Raises InputError when it leads to another one.

        The token would go there as well.
        """
        whole = urljoin(self._base, url)
        ours, theirs = urlsplit(self._base), urlsplit(whole)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise no_api(request, "it leads to another server")
        return whole

    def upload_address(self, url: str) -> str:
        """Return where the server named that files go: to itself, or its host for uploads.

        That of api.github.com is uploads.github.com. Raises InputError for any other host.
        """
        ours, theirs = urlsplit(self._base), urlsplit(url)
        hosts = {ours.netloc}
        if ours.netloc.startswith("api."):
            hosts.add(f"uploads.{ours.netloc.removeprefix('api.')}")
        if theirs.scheme != ours.scheme or theirs.netloc not in hosts:
            raise no_api(self.request("POST", "uploads"), "it leads to another server")
        return url

    def _exchange(
        self, request: Request, url: str, query: Mapping[str, str | int] | None, body: Any
    ) -> Answer | Failed:
        sent: dict[str, Any] = {"json": body}
        if isinstance(body, Raw):
            sent = {"data": body.content, "headers": {"Content-Type": body.content_type}}
        try:
            response = self._session.request(
                request.method,
                url,
                params=query,
                **sent,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except exceptions.RequestException as error:
            answer: Answer | Failed = _failed(request, error)
        else:
            headers = {name.lower(): value for name, value in response.headers.items()}
            answer = self._read(request, response.status_code, headers, response.content)
        return answer

    def _read(
        self, request: Request, status: int, headers: Mapping[str, str], body: bytes
    ) -> Answer | Failed:
        if not 200 <= status < 300:
            # Before anything is cut short: of a token in the middle, its head would be left.
            body = body.replace(self._token.encode(), b"***")
            headers = {name: self._without_token(value) for name, value in headers.items()}
        try:
            answer = decipher(status, headers, body)
        except NotTheApi as error:
            raise no_api(request, self._without_token(str(error))) from None
        if isinstance(answer, Answer):
            return answer
        shown = {name: one_line(value) for name, value in headers.items()}
        return replace(answer, message=self._without_token(answer.message), headers=shown)

    def _without_token(self, text: str) -> str:
        """Return the server's words; a proxy may repeat what it was sent."""
        return text.replace(self._token, "***")


class _Authorization(requests.auth.AuthBase):
    """Without one, requests would put what stands in a .netrc file in the token's place."""

    def __init__(self, token: str) -> None:
        self._headers = create_headers("retouch", oauth_token=token)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def _failed(request: Request, error: exceptions.RequestException) -> Failed:
    """Say what became of a request without an answer.

    Raises InputError when it can never be sent. The words of `error` are left out: they may quote
    the address of a proxy with its password.
    """
    if isinstance(error, exceptions.SSLError):
        raise InputError(
            f"{request.subject}: the certificate of {request.host} is not trusted.",
            hint="Name its authority's file in REQUESTS_CA_BUNDLE.",
        ) from None
    if isinstance(error, exceptions.ProxyError):
        return Failed(None, "cannot be reached through the proxy", arrived=False)
    if isinstance(error, exceptions.ConnectTimeout) or _never_connected(error):
        return Failed(None, "cannot be reached", arrived=False)
    if isinstance(error, exceptions.Timeout):
        return Failed(None, "does not answer in time")
    if isinstance(error, exceptions.ConnectionError | exceptions.ChunkedEncodingError):
        return Failed(None, "broke off the connection")
    kind = type(error).__name__
    raise InputError(f"{request.subject}: the request cannot be sent ({kind}).") from None


def _never_connected(error: exceptions.RequestException) -> bool:
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
            "GITHUB_TOKEN holds characters that no token has.", hint="Copy the token anew."
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
        raise InputError("GITHUB_API_URL holds a user or a password.", hint=hint)
    if parts.scheme == "http" and host not in _LOCAL:
        raise InputError("GITHUB_API_URL is http: the token would be sent in clear.", hint=hint)
    return url.rstrip("/") + "/"
