"""A repository on GitHub: its facts, its workflows, and how the shape of responses is checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from retouch.errors import InputError
from retouch.github.client import Client, one_line
from retouch.github.errors import Refused

Permission = Literal["admin", "write", "read", "none"]
"""GitHub counts `maintain` as write, and `triage` as read."""
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\[bot\])?")


class ResponseModel(BaseModel):
    """The fields of a response that we read; GitHub may add others at any time."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


Model = TypeVar("Model", bound=ResponseModel)


def _login(user: Any) -> Any:
    if user is None:
        return "ghost"
    return user.get("login") if isinstance(user, dict) else user


def _names(labels: Any) -> Any:
    if not isinstance(labels, list):
        return labels
    return tuple(label.get("name") if isinstance(label, dict) else label for label in labels)


Line = Annotated[str, AfterValidator(one_line)]
"""Printed on terminals."""
Login = Annotated[Line, BeforeValidator(_login)]
"""Of the user of a response; GitHub writes `ghost` for a deleted account."""
LabelNames = Annotated[tuple[Line, ...], BeforeValidator(_names)]
"""Of the labels of a response."""
Text = Annotated[str, BeforeValidator(lambda text: "" if text is None else text)]
"""Of a body, which may be missing. It may hold anything."""


@dataclass(frozen=True)
class Repository:
    """One repository, through a client. Paths are relative to it, in parts: `"pulls", "7"`."""

    client: Client
    name: str
    """`owner/name`."""

    def path(self, *parts: str) -> str:
        """Return the path of one of its endpoints; slashes within a part stay."""
        return "/".join(["repos", self.name, *(quote(part, safe="/") for part in parts)])

    def get(self, model: type[Model], *parts: str) -> Model:
        """Return a resource."""
        return self.parse(model, self.client.get(self.path(*parts)))

    def get_or_none(self, model: type[Model], *parts: str) -> Model | None:
        """Return a resource; None when there is none, or none this token may read."""
        data = self.client.get_or_none(self.path(*parts))
        return None if data is None else self.parse(model, data)

    def list(self, model: type[Model], *parts: str, **query: str) -> Iterator[Model]:
        """Yield the items of a list, from all its pages."""
        for item in self.client.pages(self.path(*parts), **query):
            yield self.parse(model, item)

    def create(
        self, model: type[Model], *parts: str, body: Any, found: Callable[[], Model | None]
    ) -> Model:
        """Create a resource once: when the response is lost or GitHub says 422, `found` looks.

        What it finds is returned in place of a new one.
        """
        path = self.path(*parts)
        return self.create_by(model, lambda: self.client.post(path, body, found=found), found)

    def create_by(
        self, model: type[Model], send: Callable[[], Any], found: Callable[[], Model | None]
    ) -> Model:
        """As `create`, by a request of the caller's, which makes use of `found` itself."""
        try:
            return self.parse(model, send())
        except Refused as refused:
            existing = found() if refused.status == 422 else None
            if existing is None:
                raise
            return existing

    def parse(self, model: type[Model], data: Any) -> Model:
        """Return a response as a model. Raises InputError when it has another shape."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            place = ".".join(map(str, error.errors()[0]["loc"])) or "the whole response"
            raise InputError(
                f"{self.name}: GitHub's response does not match its API description: {place}.",
                hint="Check GITHUB_API_URL.",
            ) from None


class RepositoryFacts(ResponseModel):
    """What GitHub says about a repository."""

    full_name: str
    """Its current name: `owner/name`."""
    default_branch: str


class _Permission(ResponseModel):
    permission: str


def repository_facts(repo: Repository) -> RepositoryFacts:
    """Return what GitHub says about the repository. Raises InputError when it is not visible."""
    return repo.get(RepositoryFacts)


def permission_of(repo: Repository, login: str) -> Permission:
    """Return what a user may do in the repository; `none` for an impossible name."""
    if not _LOGIN.fullmatch(login):
        return "none"
    found = repo.get_or_none(_Permission, "collaborators", login, "permission")
    known: dict[str, Permission] = {name: name for name in get_args(Permission)}
    return known.get(found.permission, "none") if found else "none"


def send_repository_dispatch(repo: Repository, event_type: str, payload: Mapping[str, Any]) -> None:
    """Send a `repository_dispatch`. GitHub keeps no record of it that one could look up.

    So it is sent again only when it certainly took no effect. Raises OutcomeUnknown otherwise.
    """
    body = {"event_type": event_type, "client_payload": dict(payload)}
    repo.client.post(repo.path("dispatches"), body)


def run_workflow(repo: Repository, workflow_file: str, ref: str, inputs: Mapping[str, str]) -> None:
    """Start a workflow by its file name, as it is at `ref`.

    When the response is lost it is started again: our workflows do nothing the second time.
    """
    path = repo.path("actions/workflows", workflow_file, "dispatches")
    repo.client.post(path, {"ref": ref, "inputs": dict(inputs)}, repeatable=True)
