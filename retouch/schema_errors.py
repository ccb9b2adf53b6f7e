"""Validation errors of documents as messages that name the file, the field and the fault."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from itertools import filterfalse
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from retouch.errors import InputError

Place = tuple[str | int, ...]
"""The keys and positions that lead to a value."""
AnyModel = TypeVar("AnyModel", bound=BaseModel)

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}


def validated(
    model: type[AnyModel],
    data: object,
    source: str,
    *,
    hint: str,
    text: str | bytes | None = None,
) -> AnyModel:
    """Return `data`, as parsed from JSON or YAML, as a `model`, without type conversions.

    `source` names the file and begins the message. `text` is the strict JSON that `data` was parsed
    from, if there is one; it saves serialising `data`.
    Raises InputError with the first fault, and the number of further ones.
    """
    try:
        return model.model_validate_json(text or json.dumps(data), strict=True)
    except ValidationError as error:
        faults = _faults(error.errors(include_url=False), model, data)
    (place, message), more = faults[0], len(faults) - 1
    if more:
        message += f" (and {more} more {'fault' if more == 1 else 'faults'})"
    raise bad_input(source, place, message, hint=hint)


def bad_input(source: str, place: Place, message: str, *, hint: str | None = None) -> InputError:
    """Return the error `<source>: <path of the field>: <message>`."""
    end = "" if message.endswith(("?", ")")) else "."
    return InputError(": ".join(filter(None, (source, dotted(place), message))) + end, hint=hint)


def dotted(place: Iterable[str | int]) -> str:
    """Return `slice.where[0].column`; a key that is not a short word is quoted in brackets."""
    text = ""
    for step in place:
        if isinstance(step, str) and re.fullmatch(r"[\w@-]{1,60}", step, re.ASCII):
            text += f".{step}" if text else step
        else:
            text += f"[{shown(step)}]"
    return text


def shown(value: object) -> str:
    """Return an untrusted value as short, printable text."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def near(word: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown word: a similar known word, or all of them."""
    choices = list(known)
    meant = difflib.get_close_matches(word, choices, n=1)
    if meant:
        return f"; did you mean {meant[0]!r}?"
    return f"; expected one of {', '.join(choices)}" if choices else ""


def _faults(
    errors: Sequence[ErrorDetails], model: type[BaseModel], data: object
) -> list[tuple[Place, str]]:
    """Return one fault per field, unknown keys first, since a misspelt key is missing as well."""
    by_field: dict[Place, list[tuple[Place, ErrorDetails]]] = {}
    for error in filterfalse(_is_consequence, errors):
        field, place = _located(error, data)
        by_field.setdefault(field, []).append((place, error))
    faults = [_most_specific(group) for group in by_field.values()]
    faults.sort(key=lambda group: group[0][1]["type"] != "extra_forbidden")
    return [(group[0][0], _message(group, model)) for group in faults]


def _is_consequence(error: ErrorDetails) -> bool:
    """Return whether a list counts as too short because some of its items are invalid."""
    return error["type"] == "too_short" and error["ctx"]["actual_length"] < len(error["input"])


def _located(error: ErrorDetails, data: object) -> tuple[Place, Place]:
    """Return the path of the field, and the path of the fault within it.

    They differ where a field may have several types: pydantic reports a fault for each type, and
    puts the name of the type into the path, where the document has no such key.
    """
    missing = error["loc"][-1:] if error["type"] == "missing" else ()
    field: Place | None = None
    place: Place = ()
    for step in error["loc"][: len(error["loc"]) - len(missing)]:
        match data:
            case dict() if step in data:
                data, place = data[step], (*place, step)
            case list() if isinstance(step, int):
                data, place = data[step], (*place, step)
            case _:
                field = place if field is None else field
    place += missing
    return place if field is None else field, place


def _most_specific(group: list[tuple[Place, ErrorDetails]]) -> list[tuple[Place, ErrorDetails]]:
    """Return the most specific faults of one field: the deepest, then those of the right type."""
    deepest = max(len(place) for place, _ in group)
    group = [fault for fault in group if len(fault[0]) == deepest]
    return (
        [fault for fault in group if fault[1]["type"] == "extra_forbidden"]
        or [fault for fault in group if fault[1]["type"] not in _EXPECTED]
        or group
    )


def _message(group: list[tuple[Place, ErrorDetails]], model: type[BaseModel]) -> str:
    place, error = group[0]
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "missing"
        case "extra_forbidden":
            return "unknown key" + near(str(place[-1]), _known_keys(model, place))
        case "literal_error":
            return _choice_message(error["input"], context["expected"])
        case "union_tag_invalid":
            key, tag = context["discriminator"].strip("'"), context["tag"]
            return f"{key}: {_choice_message(tag, context['expected_tags'])}"
        case "union_tag_not_found":
            return f"the key {context['discriminator']} is missing, which determines its type"
        case "string_pattern_mismatch":
            return f"{shown(error['input'])} does not match {context['pattern']}"
        case "value_error":
            return str(context["error"])
        case "too_long" | "string_too_long":
            unit = "characters" if error["type"] == "string_too_long" else "entries"
            return f"has {len(error['input'])} {unit}; at most {context['max_length']} are allowed"
        case kind if kind in _EXPECTED:
            return f"must be {_expected_types(group)}, not {_description(error['input'])}"
    message = error["msg"].removeprefix("Input ")
    return message[:1].lower() + message[1:]


def _choice_message(value: object, expected: str) -> str:
    meant = difflib.get_close_matches(str(value), re.findall("'([^']*)'", expected), n=1)
    if meant:
        return f"{shown(value)} is unknown; did you mean {meant[0]!r}?"
    return f"{shown(value)} is unknown; it must be {expected}"


def _expected_types(group: list[tuple[Place, ErrorDetails]]) -> str:
    kinds = list(dict.fromkeys(_EXPECTED[error["type"]] for _, error in group))
    if "a number" in kinds and "a whole number" in kinds:
        kinds.remove("a whole number")
    return " or ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))


def _description(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f"the text {shown(value)}"
        case dict():
            return "an object"
        case list():
            return "a list"
    return shown(value)


def _known_keys(model: type[BaseModel], place: Place) -> list[str]:
    """Return the known keys of the object that the last step of `place` is in."""
    for step in place[:-1]:
        for name, field in model.model_fields.items():
            if step == (field.alias or name):
                model = _model_within(field.annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_within(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_within, get_args(annotation))), None)
