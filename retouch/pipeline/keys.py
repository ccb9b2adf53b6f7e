"""Values of params files: found at a dotted key as DVC finds them, and as JSON can hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dpath


def value_at(content: Any, dotted: str) -> Any:
    """Return the value at a dotted key; a step is a key of a mapping or a place in a list.

    Raises KeyError where there is none, or where wildcards in the key match several.
    """
    value = content
    for step in dotted.split("."):
        if not isinstance(value, dict) or step not in value:
            return _as_dvc(content, dotted)
        value = value[step]
    return value


def plain(value: Any) -> Any:
    """Return the value as JSON can hold it: keys, dates and what else YAML knows become text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _as_dvc(content: Any, dotted: str) -> Any:
    """Look the key up with DVC's own library, which walks over the whole content each time."""
    try:
        return dpath.get(content, dotted, separator=".")
    except (KeyError, ValueError):
        raise KeyError(dotted) from None
