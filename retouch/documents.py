"""What flows between the steps: frozen, versioned JSON documents; same values, same bytes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import AliasChoices, AliasGenerator, BaseModel, ConfigDict

FORMER_KEYS = {"message": "says", "description": "says", "hint": "mend", "criterion": "asks"}
"""Keys as they are written now, and as documents from before have them (decision 20)."""


def _keys_of(field: str) -> str | AliasChoices:
    """Return the keys under which a field is read, the one that is written first."""
    return AliasChoices(field, FORMER_KEYS[field]) if field in FORMER_KEYS else field


class Value(BaseModel):
    """A frozen part of a document. Unknown fields, NaN and infinities are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        validate_by_name=True,
        alias_generator=AliasGenerator(validation_alias=_keys_of),
    )


class Document(Value):
    """A whole document, written to disk as canonical JSON."""

    def to_json(self) -> str:
        """Return canonical JSON: declared field order, two spaces, a final newline."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def digest_of(value: Any) -> str:
    """Return the sha256 (hex) of `value` as canonical JSON: sorted keys, no spaces.

    Mappings, sequences, strings, numbers, booleans and None only; anything else raises TypeError.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
