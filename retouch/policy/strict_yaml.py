"""Strict YAML: only the plain values of JSON are accepted unquoted; everything else is an error.

YAML 1.1 turns `no` into false, `1:30` into 90 and `010` into 8, keeps the last of two equal keys,
and lets a few aliases grow into gigabytes. Decision 22 says why PyYAML reads it.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from pydantic import JsonValue

from retouch.schema_errors import Place, bad_input

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 32

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,19})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")


class _Fault(Exception):
    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


def read_yaml(text: str, source: str, *, hint: str) -> JsonValue:
    """Return the value of a strict YAML text.

    Raises InputError, with line and column or the dotted path, for more than MAX_CHARACTERS,
    anything but one YAML document, duplicate keys, keys that are not text, anchors, aliases, tags,
    nesting deeper than MAX_DEPTH, and unquoted dates and other values with a special meaning in
    YAML.
    """
    try:
        _check_events(text)
        return _value(yaml.compose(text, Loader=yaml.CSafeLoader), ())
    except _Fault as fault:
        raise bad_input(source, fault.place, fault.message, hint=hint) from None
    except yaml.MarkedYAMLError as error:
        message = f"{_position(error.problem_mark)}not YAML: {error.problem}"
        raise bad_input(source, (), message, hint=hint) from None
    except yaml.YAMLError as error:
        raise bad_input(source, (), f"not YAML: {str(error).splitlines()[0]}", hint=hint) from None


def read_mapping(text: str, source: str, *, hint: str) -> dict[str, JsonValue]:
    """Return the mapping that a strict YAML text holds. Raises InputError as `read_yaml` does."""
    data = read_yaml(text, source, hint=hint)
    if not isinstance(data, dict):
        raise bad_input(source, (), "must be a mapping of keys to values", hint=hint)
    return data


def _check_events(text: str) -> None:
    """Refuse, before anything is built, aliases, tags, and texts too large or too deep."""
    if len(text) > MAX_CHARACTERS:
        raise _Fault(f"{len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        where = _position(event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _Fault(f"{where}nested more than {MAX_DEPTH} deep")
        if getattr(event, "anchor", None):
            raise _Fault(f"{where}anchors and aliases are not allowed; write the value out")
        if getattr(event, "tag", None):
            raise _Fault(f"{where}tags are not allowed; write a plain value")


def _position(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


def _value(node: yaml.Node | None, place: Place) -> JsonValue:
    match node:
        case yaml.MappingNode():
            return _mapping(node, place)
        case yaml.SequenceNode():
            return [_value(item, (*place, i)) for i, item in enumerate(node.value)]
        case yaml.ScalarNode():
            return _scalar(node, place)
    return None


def _mapping(node: yaml.MappingNode, place: Place) -> dict[str, JsonValue]:
    mapping: dict[str, JsonValue] = {}
    for key, value in node.value:
        if key.tag != f"{_TAG}str":
            raise _Fault(f"{_position(key.start_mark)}the key is not text; quote it", place)
        if key.value in mapping:
            raise _Fault("the key is given more than once", (*place, key.value))
        mapping[key.value] = _value(value, (*place, key.value))
    return mapping


def _scalar(node: yaml.ScalarNode, place: Place) -> JsonValue:
    """Return an unambiguous scalar; 2013-07-01, yes, 1:30, 010 and .nan are refused unquoted."""
    written = node.value
    match node.tag.removeprefix(_TAG):
        case "str":
            return str(written)
        case "null":
            return None
        case "bool" if written in ("true", "false"):
            return bool(written == "true")
        case "int" if _INTEGER.fullmatch(written):
            return int(written)
        case "float" if _DECIMAL.fullmatch(written):
            return float(written)
        case "timestamp":
            message = "YAML reads a date"
        case "bool":
            message = "YAML reads true or false"
        case _:
            message = "YAML gives it a special meaning"
    raise _Fault(f'{message}; if text is meant, quote it: "{written}"', place)
