"""Expand a tier into the edits of declared inputs that make it run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import JsonValue, ValidationError

from retouch.documents import Value
from retouch.errors import InputError
from retouch.pipeline.model import Stage
from retouch.pipeline.params_text import set_values
from retouch.policy.model import ANCHORS, RETRAINING_FILE, Anchor, DaysBefore, Edit, NewValue, Tier
from retouch.schema_errors import Place, bad_input, dotted, near

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class ParamEdit(Value):
    """One declared input, before and after."""

    file: str
    key: str
    before: JsonValue
    after: JsonValue


def expand_edits(
    name: str,
    tier: Tier,
    touched: Sequence[Stage],
    anchors: Mapping[Anchor, date | None],
    params: Mapping[str, Any],
) -> tuple[ParamEdit, ...]:
    """Return what the tier called `name` changes for the touched stages, sorted by file and key.

    Each edit is made for the touched stages of the tier's module whose partition has the keys its
    placeholders name. `params` holds the parsed params files by path. An edit that would change
    nothing is left out, so a tier that has been applied yields no edits.

    Raises InputError when no stage has the keys an edit names, when the alert does not give an
    anchor it needs, when a params key does not exist or has the wrong type, and when two edits
    disagree.
    """
    days: dict[str, date | None] = {anchor: anchors.get(anchor) for anchor in ANCHORS}
    merged: dict[tuple[str, str], ParamEdit] = {}
    for position, edit in enumerate(tier.edits):
        place = ("tiers", name, "edits", position)
        for partition in _addressed(edit, tier.module, touched, place):
            change = _change(edit, _Placeholders(place, partition, days), params)
            first = merged.setdefault((change.file, change.key), change)
            if first.after != change.after:
                message = f"{change.key} would be set to both {first.after!r} and {change.after!r}"
                raise _policy_fault(place, message)
    return tuple(change for _, change in sorted(merged.items()) if change.after != change.before)


@dataclass(frozen=True)
class _Placeholders:
    """The values of the placeholders of one edit, for one stage."""

    place: Place
    """Of the edit, in the policy."""
    partition: Mapping[str, str]
    days: Mapping[str, date | None]
    """By anchor."""

    def day(self, anchor: str) -> date:
        day = self.days[anchor]
        if day is None:
            of_alert = anchor.startswith("window.")
            lack = "but the alert has no window" if of_alert else "which is unknown"
            raise _policy_fault(self.place, f"needs the day {anchor}, {lack}")
        return day

    def fill(self, value: NewValue) -> str | int | float | bool:
        if isinstance(value, DaysBefore):
            return (self.day(value.of) - timedelta(days=value.days_before)).isoformat()
        return self.fill_text(value) if isinstance(value, str) else value

    def fill_text(self, template: str) -> str:
        return _PLACEHOLDER.sub(lambda found: self._meaning(found[1]), template)

    def _meaning(self, name: str) -> str:
        return self.day(name).isoformat() if name in self.days else self.partition[name]


def _addressed(
    edit: Edit, module: str, touched: Sequence[Stage], place: Place
) -> list[dict[str, str]]:
    """Return the partitions of the stages an edit is made for."""
    partitions = [
        stage.meta.partition for stage in touched if stage.meta and stage.meta.module == module
    ]
    wanted = _placeholders(edit).difference(ANCHORS)
    addressed = [partition for partition in partitions if wanted <= partition.keys()]
    if partitions and not addressed:
        known = [*sorted({key for partition in partitions for key in partition}), *ANCHORS]
        message = f"no touched stage of module {module!r} has {_braced(wanted)}"
        raise _policy_fault(place, f"{message}; there are {_braced(known)}")
    return addressed


def anchors_needed(tier: Tier) -> frozenset[str]:
    """Return the anchors that a tier's edits use."""
    values = [value for e in tier.edits for value in (e.to, *(e.append or {}).values())]
    counted_from = {value.of for value in values if isinstance(value, DaysBefore)}
    named = {name for edit in tier.edits for name in _placeholders(edit)}
    return frozenset(counted_from | named.intersection(ANCHORS))


def _placeholders(edit: Edit) -> set[str]:
    values = [edit.set, edit.file, edit.to, *(edit.append or {}).values()]
    return {
        name for value in values if isinstance(value, str) for name in _PLACEHOLDER.findall(value)
    }


def _braced(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))


def _change(edit: Edit, values: _Placeholders, params: Mapping[str, Any]) -> ParamEdit:
    file, key = values.fill_text(edit.file), values.fill_text(edit.set)
    before = _current(params, file, key, values.place)
    try:
        return ParamEdit(file=file, key=key, before=before, after=_after(edit, before, values))
    except _WrongType as error:
        raise _params_fault(file, key, str(error), values.place) from None
    except ValidationError:
        message = "holds more than plain values; is a date in it unquoted?"
        raise _params_fault(file, key, message, values.place) from None


def _current(params: Mapping[str, Any], file: str, key: str, required_by: Place) -> object:
    if file not in params:
        raise _params_fault(file, "", "no such params file" + near(file, params), required_by)
    value: object = params[file]
    for step in key.split("."):
        if not isinstance(value, Mapping) or step not in value:
            known = map(str, value) if isinstance(value, Mapping) else ()
            raise _params_fault(file, key, "no such key" + near(step, known), required_by)
        value = value[step]
    return value


def _after(edit: Edit, before: object, values: _Placeholders) -> object:
    if edit.append is not None:
        if not isinstance(before, list):
            raise _WrongType("is not a list, so nothing can be appended")
        item = {key: values.fill(value) for key, value in edit.append.items()}
        return before if item in before else [*before, item]
    if edit.increase_by is not None:
        if not isinstance(before, int) or isinstance(before, bool):
            raise _WrongType("is not a whole number, so it cannot be increased")
        return before + edit.increase_by
    if edit.clear:
        if not isinstance(before, list):
            raise _WrongType("is not a list, so it cannot be cleared")
        return []
    return None if edit.to is None else values.fill(edit.to)


class _WrongType(Exception):
    """The value to be changed is not of the type the change needs."""


def _policy_fault(place: Place, message: str) -> InputError:
    return bad_input(RETRAINING_FILE, place, message, hint="Correct the tier, or use another one.")


def _params_fault(file: str, key: str, message: str, required_by: Place) -> InputError:
    hint = f"{RETRAINING_FILE}: {dotted(required_by)} requires it."
    return bad_input(file, tuple(key.split(".")) if key else (), message, hint=hint)


def edited_text(text: str, edits: Sequence[ParamEdit], file: str) -> str:
    """Return the text of one params file with its edits made, and nothing else changed.

    Raises InputError for a file that is no YAML or JSON, a key that is not there, a value that is
    no longer what the edit was planned from, and where an edit would change more than its key.
    """
    parse = _parser(file)
    content = parse(text)
    wanted = content
    for edit in edits:
        wanted = _set(wanted, edit.key.split("."), edit)
    try:
        new = set_values(text, {edit.key: (edit.before, edit.after) for edit in edits})
        if parse(new) == wanted:
            return new
    except (KeyError, ValueError):
        pass
    if file.endswith(".json"):
        return _as_json(wanted, like=text)
    raise InputError(
        f"{file}: {edits[0].key}: cannot be edited alone: an anchor, an alias or a merge key is in "
        "the way.",
        hint="Write the value out.",
    )


def _parser(file: str) -> Callable[[str], Any]:
    if file.endswith((".yaml", ".yml")):
        from ruamel.yaml import YAML

        return YAML(typ="safe").load
    if file.endswith(".json"):
        return json.loads
    raise InputError(f"{file}: only YAML and JSON params files can be edited.")


def _as_json(content: Any, like: str) -> str:
    """Write the whole of it, indented as it was; JSON that is YAML too never comes here."""
    indent = re.search(r"\n([ \t]+)", like)
    text = json.dumps(content, indent=indent[1] if indent else None, ensure_ascii=False)
    return text + "\n" * like.endswith("\n")


def _set(holder: Any, steps: Sequence[str], edit: ParamEdit) -> Any:
    """Return a copy with the value at these steps exchanged; what it shares elsewhere stays."""
    if not isinstance(holder, dict) or steps[0] not in holder:
        raise InputError(f"{edit.file}: {edit.key}: no such key.")
    first, *rest = steps
    if rest:
        return {**holder, first: _set(holder[first], rest, edit)}
    if holder[first] != edit.before:
        raise InputError(
            f"{edit.file}: {edit.key}: is {holder[first]!r}, but the plan was made from "
            f"{edit.before!r}.",
            hint="Plan again: `retouch plan ALERT`.",
        )
    return {**holder, first: edit.after}
