"""Typed access to a monitor's JSON output; every error names the file and the path.

The output is untrusted: it may contain NaN (read as null) or huge lists, or be of another tool.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import JsonValue

from retouch.schema_errors import Place, bad_input, shown

MAX_BYTES = 5_000_000
"""Reports with embedded plots are larger: export the JSON without them."""
MAX_ENTRIES = 100_000
"""Of one list or object; results for single rows are not alerts."""
MAX_PROSE = 2_000
"""Characters of a sentence that are searched for numbers and names: patterns are slow on more."""
HINT = "See docs/monitors.md for what each adapter reads."


@dataclass(slots=True)  # not frozen: half a million of them are made of one file
class Node:
    """A value somewhere in the output. `value` is parsed JSON; NaN and infinities are None."""

    value: JsonValue
    source: str
    place: Place = ()

    def get(self, *keys: str | int) -> Node | None:
        """Return the value at the keys, or None where it is missing or null."""
        node: Any = self
        for key in keys:
            match node.value, key:
                case dict() as fields, str() if fields.get(key) is not None:
                    node = Node(fields[key], self.source, (*node.place, key))
                case list() as items, int() if key < len(items) and items[key] is not None:
                    node = Node(items[key], self.source, (*node.place, key))
                case _:
                    return None
        return None if node.value is None else node

    def need(self, *keys: str | int) -> Node:
        """Return the value at the keys. Raises InputError where it is missing or null."""
        node = self
        for key in keys:
            found = node.get(key)
            if found is None:
                Node(None, self.source, (*node.place, key)).fault("missing")
            node = found
        return node

    def items(self) -> Iterator[Node]:
        """Yield the items of a list. Raises InputError for anything else."""
        if not isinstance(self.value, list):
            self.fault(f"must be a list, not {shown(self.value)}")
        self._require_few(len(self.value))
        for number, item in enumerate(self.value):
            yield Node(item, self.source, (*self.place, number))

    def fields(self) -> Iterator[tuple[str, Node]]:
        """Yield the fields of an object. Raises InputError for anything else."""
        if not isinstance(self.value, dict):
            self.fault(f"must be an object, not {shown(self.value)}")
        self._require_few(len(self.value))
        for key, item in self.value.items():
            yield key, Node(item, self.source, (*self.place, key))

    def text(self) -> str:
        """Return the text. Raises InputError for anything else."""
        if not isinstance(self.value, str):
            self.fault(f"must be text, not {shown(self.value)}")
        return self.value

    def number(self) -> float | None:
        """Return the number, also of a text that is one; None for null, NaN and infinities."""
        value = self.value
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                self.fault(f"must be a number, not {shown(value)}")
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            self.fault(f"must be a number, not {shown(value)}")
        try:
            number = None if value is None else float(value)
        except OverflowError:
            return None
        return number if number is not None and math.isfinite(number) else None

    def flag(self) -> bool:
        """Return the truth value. Raises InputError for anything else."""
        if not isinstance(self.value, bool):
            self.fault(f"must be true or false, not {shown(self.value)}")
        return self.value

    def _require_few(self, entries: int) -> None:
        if entries > MAX_ENTRIES:
            self.fault(f"has {entries:,} entries; at most {MAX_ENTRIES:,} are read")

    def fault(self, message: str) -> NoReturn:
        """Raise InputError about this place."""
        raise bad_input(self.source, self.place, message, hint=HINT)


def text_at(node: Node, *keys: str | int) -> str | None:
    """Return the text at the keys, or None. Raises InputError when something else is there."""
    found = node.get(*keys)
    return None if found is None else found.text()


def number_at(node: Node, *keys: str | int) -> float | None:
    """Return the number at the keys, or None. Raises InputError when something else is there."""
    found = node.get(*keys)
    return None if found is None else found.number()


def read_native(raw: bytes, source: str) -> Node:
    """Return the root of a monitor's output.

    Raises InputError for what is not JSON, or too much.
    """
    root = Node(None, source)
    if len(raw) > MAX_BYTES:
        root.fault(f"{len(raw):,} bytes; at most {MAX_BYTES:,} are read")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        root.fault(f"not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}")
    return parse_native(text, source)


def parse_native(text: str, source: str, place: Place = ()) -> Node:
    """Return the root of JSON text, which may itself be a string inside of JSON (CloudWatch)."""
    root = Node(None, source, place)
    try:
        value = json.loads(text, parse_constant=lambda _: None, parse_int=_whole)
    except RecursionError:
        root.fault("is nested too deeply")
    except ValueError as error:
        root.fault(f"not JSON: {error}")
    return Node(value, source, place)


def _whole(digits: str) -> int | float | None:
    # A number of a million digits is not a measurement, and slow to parse.
    return int(digits) if len(digits) <= 300 else None
