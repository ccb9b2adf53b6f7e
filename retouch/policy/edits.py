"""Expand a tier into the edits of declared inputs that make it run, and write them into the files.

A value is replaced in the text as it stands, so a retraining is a diff of one line and comments
stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import JsonValue, ValidationError

from retouch.documents import Value
from retouch.errors import InputError
from retouch.pipeline.model import Stage
from retouch.policy.model import ANCHORS, RETRAINING_FILE, Anchor, DaysBefore, Edit, NewValue, Tier
from retouch.schema_errors import Place, bad_input, dotted, near

EDITABLE = (".yaml", ".yml", ".json")
_NOT_EDITABLE = "only YAML and JSON params files can be edited"
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
        message = "holds more than plain values: a date without quotes, or .inf?"
        raise _params_fault(file, key, message, values.place) from None


def _current(params: Mapping[str, Any], file: str, key: str, required_by: Place) -> object:
    if not file.endswith(EDITABLE):
        raise _params_fault(file, key, _NOT_EDITABLE, required_by)
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

    Line ends stay as they are, `\\r\\n` too, and so does a byte order mark. Raises InputError for a
    file that is no YAML or JSON, a key that is not there, a value that is no longer what the edit
    was planned from, and where an edit would change more than its key.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    end = "\r\n" if text.count("\r\n") == text.count("\n") else "\n"
    new = _edited(text.removeprefix(mark).replace(end, "\n"), edits, file)
    return mark + new.replace("\n", end)


def _edited(text: str, edits: Sequence[ParamEdit], file: str) -> str:
    parse = _parser(file)
    try:
        content = parse(text)
    except ValueError as error:
        raise InputError(f"{file}: cannot be parsed: {' '.join(str(error).split())}.") from None
    wanted = content
    for edit in edits:
        wanted = _set(wanted, edit.key.split("."), edit)
    try:
        new = set_values(text, {edit.key: (edit.before, edit.after) for edit in edits})
        if repr(parse(new)) == repr(wanted):  # of values, `.nan` would not equal itself
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
        return _parsed_yaml
    if file.endswith(".json"):
        return json.loads
    raise InputError(f"{file}: {_NOT_EDITABLE}.")


def _parsed_yaml(text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ValueError(str(error)) from None


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


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_NOT_PLAIN = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # YAML 1.1 has more
_BLOCK_ITEM = re.compile(r" *-\s+")

Write = Callable[[Any], str]
"""Puts a value into words that can stand in one line."""


@dataclass(frozen=True)
class _Cut:
    """Characters to take out of the text, and what to put there instead."""

    start: int
    end: int
    instead: str


_NO_CUT = _Cut(0, 0, "")


def set_values(text: str, values: Mapping[str, tuple[Any, Any]]) -> str:
    """Return the text with new values: dotted key -> (what is there, what shall be).

    Raises KeyError for a key that does not stand in the text: it comes with a merge key, or the
    text is JSON that is no YAML. Whether the new text says what was asked for, and nothing else, is
    up to the caller to check.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        root = YAML(typ="safe").compose(text)
    except YAMLError as error:
        raise KeyError(str(error)) from None
    is_json = text.lstrip().startswith("{")
    cuts = [
        cut
        for key, (before, after) in values.items()
        for cut in _cuts(text, *_find(root, key), before, after, is_json)
    ]
    for cut in sorted(cuts, key=lambda cut: cut.start, reverse=True):
        text = text[: cut.start] + cut.instead + text[cut.end :]
    return text


def _find(root: Any, dotted: str) -> tuple[Any, Any]:
    """Return the nodes of a dotted key's last step and of its value.

    Of an alias that is the value it stands for, wherever that is: the caller's check will tell.
    """
    name, node = root, root
    for step in dotted.split("."):
        pairs = node.value if isinstance(node.value, list) else ()
        found = (pair for pair in pairs if isinstance(pair, tuple) and pair[0].value == step)
        name, node = next(found, (None, None))
        if name is None:
            raise KeyError(dotted)
    return name, node


def _cuts(
    text: str, name: Any, node: Any, before: Any, after: Any, is_json: bool
) -> Iterator[_Cut]:
    write = json_words if is_json else lambda value: _yaml_words(value, _quote_of(node))
    start, end = node.start_mark.index, _end(node)
    both_lists = isinstance(before, list) and isinstance(after, list) and before and after
    if both_lists and after[: len(before)] == before:
        yield _appended(text, node, after[len(before) :], write)
    elif both_lists and before[: len(after)] == after:
        yield _shortened(text, node, len(after))
    elif _is_block(node) or start == end:  # moves up to its key; an empty value stands there
        yield _Cut(_line_start(text, start), _next_line(text, end), "") if end > start else _NO_CUT
        colon = text.index(":", name.end_mark.index) + 1
        yield _Cut(colon, colon, f" {write(after)}")
    else:
        yield _Cut(start, end, write(after) + "\n" * text[start:end].endswith("\n"))


def _appended(text: str, node: Any, items: Sequence[Any], write: Write) -> _Cut:
    last = node.value[-1]
    start, end = last.start_mark.index, _end(last)
    margin = text[_line_start(text, start) : start]
    if not _is_block(node):
        joint = f",\n{margin}" if not margin.strip() else ", "
        return _Cut(end, end, "".join(joint + write(item) for item in items))
    if not _BLOCK_ITEM.fullmatch(margin):  # a list within a list, in one line
        raise KeyError(margin)
    lines = []
    for item in items:
        if _is_block(last) and isinstance(item, dict) and item:
            pairs = (f"{_yaml_words(key, None)}: {write(value)}" for key, value in item.items())
            lines.append(margin + f"\n{' ' * len(margin)}".join(pairs))
        else:
            lines.append(margin + write(item))
    place, added = _next_line(text, end), "\n".join(lines)
    return _Cut(place, place, f"{added}\n" if text[:place].endswith("\n") else f"\n{added}")


def _shortened(text: str, node: Any, count: int) -> _Cut:
    kept, last = node.value[count - 1], node.value[-1]
    if _is_block(node):
        return _Cut(_next_line(text, _end(kept)), _next_line(text, _end(last)), "")
    return _Cut(_end(kept), _end(last), "")


def _is_block(node: Any) -> bool:
    """Say whether it is a list or a mapping of several lines, without brackets."""
    return isinstance(node.value, list) and not node.flow_style


def _end(node: Any) -> int:
    """Return where a node ends; a block's own mark is behind all comments that follow it."""
    if _is_block(node) and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _next_line(text: str, index: int) -> int:
    if text[:index].endswith("\n"):  # of a literal block: it holds its own end of line
        return index
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _quote_of(node: Any) -> str | None:
    """Return the quotes of the first text in a node."""
    if not isinstance(node.value, list):
        return node.style if node.style in ("'", '"') else None
    inside = (n for item in node.value for n in (item[1:] if isinstance(item, tuple) else (item,)))
    return next(filter(None, map(_quote_of, inside)), None)


def json_words(value: Any) -> str:
    """Return the value as JSON, in one line."""
    return json.dumps(value, ensure_ascii=False)


def _yaml_words(value: Any, quote: str | None) -> str:
    if isinstance(value, dict):
        pairs = (f"{_yaml_words(k, None)}: {_yaml_words(v, quote)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_yaml_words(item, quote) for item in value)}]"
    if isinstance(value, float):
        words = json_words(value)
        return words if "." in words else words.replace("e", ".0e")  # or YAML 1.1 reads a text
    if not isinstance(value, str) or quote == '"' or not value.isprintable():
        return json_words(value)
    if quote is None and _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN:
        return value
    return "'" + value.replace("'", "''") + "'"
