"""The expressions of workflow files, `${{ ... }}`, as far as ours use them.

After docs.github.com, "Evaluate expressions in workflows and actions": values are those of JSON,
texts are compared without regard to case, `&&` and `||` return one of their operands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w-]*)|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!().,\[\]*]))"
)
_WHOLE = re.compile(r"\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*", re.DOTALL)
_PART = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_CONSTANTS = {"true": True, "false": False, "null": None}
Functions = Mapping[str, Callable[..., Any]]


@dataclass
class Names:
    """What an expression may speak of."""

    contexts: Mapping[str, Any]
    """`github`, `needs`, `inputs`, ..."""
    functions: Functions
    """Those that depend on the job: `hashFiles`, `success`, ..."""


def filled(value: Any, names: Names) -> Any:
    """Return a value of a workflow file with its expressions evaluated, through lists and maps."""
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if not isinstance(value, str):
        return value
    whole = _WHOLE.fullmatch(value)
    if whole:
        return evaluate(whole[1], names)
    return _PART.sub(lambda found: text_of(evaluate(found[1], names)), value)


def holds(condition: Any, names: Names) -> bool:
    """Tell whether an `if` holds, which may do without the braces; none is `success()`."""
    if condition is None:
        return bool(names.functions["success"]())
    text = str(condition).lower() if isinstance(condition, bool) else str(condition)
    inner = _PART.sub(lambda found: f"({found[1]})", text)
    found = truth(evaluate(inner, names))
    states = ("success()", "failure()", "always()", "cancelled()")
    if any(state in text for state in states):
        return found
    return found and bool(names.functions["success"]())


def truth(value: Any) -> bool:
    """Tell whether a value counts as true."""
    return value not in (None, False, 0, "") or isinstance(value, list | dict)


def text_of(value: Any) -> str:
    """Return a value as it appears in a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def evaluate(text: str, names: Names) -> Any:
    """Return the value of one expression. Raises SyntaxError for what is none."""
    return _Parser(text, names).whole()


class _Parser:
    def __init__(self, text: str, names: Names) -> None:
        self._names = names
        self._tokens: list[tuple[str, str]] = []
        at, text = 0, text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise SyntaxError(f"no expression: {text}")
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind]))
            at = found.end()
        self._text = text

    def whole(self) -> Any:
        value = self._either()
        if self._tokens:
            raise SyntaxError(f"no expression: {self._text}")
        return value

    def _take(self, *signs: str) -> str | None:
        if self._tokens and self._tokens[0][0] == "sign" and self._tokens[0][1] in signs:
            return self._tokens.pop(0)[1]
        return None

    def _need(self, sign: str) -> None:
        if self._take(sign) is None:
            raise SyntaxError(f"{sign} is missing: {self._text}")

    def _either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value if truth(value) else other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._take("&&"):
            other = self._compared()
            value = other if truth(value) else value
        return value

    def _compared(self) -> Any:
        value = self._negated()
        sign = self._take("==", "!=", "<", ">", "<=", ">=")
        if sign is None:
            return value
        other = self._negated()
        if sign in ("==", "!="):
            return _equal(value, other) is (sign == "==")
        one, two = _number(value), _number(other)
        return {"<": one < two, ">": one > two, "<=": one <= two, ">=": one >= two}[sign]

    def _negated(self) -> Any:
        if self._take("!"):
            return not truth(self._negated())
        return self._reached()

    def _reached(self) -> Any:
        value, spread = self._atom(), False
        while sign := self._take(".", "["):
            if sign == ".":
                if self._take("*"):
                    value, spread = list(_values(value)), True
                    continue
                key: Any = self._tokens.pop(0)[1]
            else:
                key = self._either()
                self._need("]")
            value = [_within(one, key) for one in value] if spread else _within(value, key)
        return value

    def _atom(self) -> Any:
        if self._take("("):
            value = self._either()
            self._need(")")
            return value
        kind, text = self._tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind != "word":
            raise SyntaxError(f"no expression: {self._text}")
        if self._take("("):
            return self._called(text)
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text not in self._names.contexts:
            raise SyntaxError(f"there is no context {text}: {self._text}")
        return self._names.contexts[text]

    def _called(self, name: str) -> Any:
        args: list[Any] = []
        while not self._take(")"):
            args.append(self._either())
            self._take(",")
        known = {**_FUNCTIONS, **self._names.functions}
        if name not in known:
            raise SyntaxError(f"there is no function {name}: {self._text}")
        return known[name](*args)


def _values(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value or ()


def _within(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key, value.get(str(key)))
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return None


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, str) and isinstance(two, str):
        return one.lower() == two.lower()
    if type(one) is type(two) or isinstance(one, list | dict) or isinstance(two, list | dict):
        return bool(one == two)
    return _number(one) == _number(two)


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(_equal(one, what) for one in where)
    return text_of(what).lower() in text_of(where).lower()


def _format(text: str, *args: Any) -> str:
    return re.sub(r"\{(\d+)\}", lambda found: text_of(args[int(found[1])]), text)


_FUNCTIONS: Functions = {
    "contains": _contains,
    "startsWith": lambda text, start: text_of(text).lower().startswith(text_of(start).lower()),
    "endsWith": lambda text, end: text_of(text).lower().endswith(text_of(end).lower()),
    "format": _format,
    "join": lambda parts, sign=",": text_of(sign).join(map(text_of, parts)),
    "toJSON": lambda value: json.dumps(value, indent=2),
    "fromJSON": lambda text: json.loads(text),
}
