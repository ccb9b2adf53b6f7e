"""A repository on GitHub through a client, and how the shape of its answers is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from retouch.errors import InputError
from retouch.github.answer import one_line
from retouch.github.client import Client


class Seen(BaseModel):
    """The part of an answer we read; GitHub may add fields at any time."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


SeenType = TypeVar("SeenType", bound=Seen)


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
"""Of the user of an answer; GitHub writes `ghost` for one whose account is gone."""
LabelNames = Annotated[tuple[Line, ...], BeforeValidator(_names)]
"""Of the labels of an answer."""
Text = Annotated[str, BeforeValidator(lambda text: "" if text is None else text)]
"""Of a body, which may be none. It may hold anything."""


@dataclass(frozen=True)
class Repository:
    """One repository, through a client."""

    client: Client
    name: str
    """`owner/name`."""

    def path(self, *rest: str) -> str:
        """Return the path of one of its endpoints; slashes within a part stay."""
        return "/".join(["repos", self.name, *(quote(part, safe="/") for part in rest)])

    def read(self, model: type[SeenType], data: Any) -> SeenType:
        """Return an answer as a model. Raises InputError when GitHub answers in another shape."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            place = ".".join(map(str, error.errors()[0]["loc"])) or "its answer"
            raise InputError(
                f"{self.name}: GitHub's answer is not as its API describes it: {place}.",
                hint="Check GITHUB_API_URL.",
            ) from None
