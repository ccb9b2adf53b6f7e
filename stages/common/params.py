"""Read the declared inputs of a stage from params.yaml, strictly.

A stage states its inputs as a frozen dataclass whose fields name their key:

    @dataclass(frozen=True)
    class Params:
        until: Annotated[str, Key("data.until")]
        revision: Annotated[int, Key("parts.{part}.train.revision")]

The keys are the ones its entry in dvc.yaml lists under `params:` (a test compares the two). A
missing key, a wrong type, or an unknown key beside a declared one is an error. Keys of the same
section that other stages read are named in the class variable `others`, where `*` matches any.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from stages.common.command import StageError

T = TypeVar("T")


@dataclass(frozen=True)
class Key:
    """The params.yaml key a field is read from; `{name}` is filled in per matrix item."""

    path: str


def declared_keys(params_class: type[Any], **item: str) -> dict[str, str]:
    """Give the params.yaml key of every field of `params_class`, for one matrix item."""
    return {name: key for name, (_, key) in _declarations(params_class, item).items()}


def read_params(path: Path, params_class: type[T], **item: str) -> T:
    """Read the declared keys of `params_class` from the params file at `path`."""
    tree = _load(path)
    values: dict[str, Any] = {}
    for name, (hint, key) in _declarations(params_class, item).items():
        values[name] = _typed(path, key, _look_up(path, tree, key), hint)
    _refuse_unknown(path, tree, params_class, item)
    return params_class(**values)


def _declarations(params_class: type[Any], item: dict[str, str]) -> dict[str, tuple[Any, str]]:
    declarations = {}
    for name, hint in get_type_hints(params_class, include_extras=True).items():
        if get_origin(hint) is Annotated:
            type_, key = get_args(hint)
            declarations[name] = (type_, key.path.format(**item))
    return declarations


def _load(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        raise StageError(f"{path} does not exist; run the stage from the repository root") from None
    except yaml.YAMLError as fault:
        raise StageError(f"{path} is not valid YAML: {' '.join(str(fault).split())}") from None
    if not isinstance(tree, dict):
        raise StageError(f"{path} must hold a mapping of sections")
    return tree


def _look_up(path: Path, tree: dict[str, Any], key: str) -> Any:
    value: Any = tree
    for name in key.split("."):
        if not isinstance(value, dict) or name not in value:
            raise StageError(f"{path}: {key} is missing")
        value = value[name]
    return value


def _typed(path: Path, key: str, value: Any, hint: Any) -> Any:
    """Check the type without converting: a quietly converted value is an input nobody declared."""
    wanted = get_origin(hint) or hint
    if wanted is float and type(value) is int:
        return float(value)
    if wanted is Any or type(value) is wanted:
        return value
    advice = "; quote dates" if wanted is str else ""
    raise StageError(
        f"{path}: {key} must be {wanted.__name__}, not {type(value).__name__} ({value!r}){advice}"
    )


def _refuse_unknown(
    path: Path, tree: dict[str, Any], params_class: type[Any], item: dict[str, str]
) -> None:
    """Refuse keys that nobody declares in the sections this stage reads, such as misspelt ones."""
    own = declared_keys(params_class, **item).values()
    others = [pattern.format(**item) for pattern in getattr(params_class, "others", ())]
    for section in sorted({key.rpartition(".")[0] for key in own} - {""}):
        for name in _look_up(path, tree, section):
            key = f"{section}.{name}"
            known = any(each == key or each.startswith(f"{key}.") for each in own)
            if not known and not any(fnmatchcase(key, pattern) for pattern in others):
                raise StageError(f"{path}: {key} is not a known key")
