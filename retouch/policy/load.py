"""Read `policies/retraining.yaml` and `policies/promotion.yaml`, strictly."""

from __future__ import annotations

from typing import TypeVar

from retouch.documents import Document
from retouch.policy.model import Policy
from retouch.policy.promotion import Promotion
from retouch.policy.strict_yaml import read_mapping
from retouch.schema_errors import validated

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
    return validated(model, read_mapping(text, source, hint=hint), source, hint=hint)
