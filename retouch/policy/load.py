"""Read `policies/retraining.yaml` and `policies/promotion.yaml`, strictly."""

from __future__ import annotations

from typing import TypeVar

from retouch.documents import Document
from retouch.policy.model import Policy
from retouch.policy.promotion import Promotion
from retouch.policy.strict_yaml import read_yaml
from retouch.schema_errors import bad_input, validated

AnyDocument = TypeVar("AnyDocument", bound=Document)


def parse_policy(text: str, source: str) -> Policy:
    """Read `policies/retraining.yaml`; `source` is the name errors give it.

    Raises InputError in one sentence: `<source>: <dotted key>: <what is wrong>`.
    """
    return _parsed(Policy, text, source)


def parse_promotion(text: str, source: str) -> Promotion:
    """Read `policies/promotion.yaml`; `source` is the name errors give it.

    Raises InputError in one sentence: `<source>: <dotted key>: <what is wrong>`.
    """
    return _parsed(Promotion, text, source)


def _parsed(model: type[AnyDocument], text: str, source: str) -> AnyDocument:
    hint = "Correct it, then run `retouch policy check`."
    data = read_yaml(text, source, hint=hint)
    if not isinstance(data, dict):
        raise bad_input(source, (), "must be a mapping of keys to values", hint=hint)
    return validated(model, data, source, hint=hint)
