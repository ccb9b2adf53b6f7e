"""Params: read strictly, and refused with the key that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import pytest

from stages.common.command import StageError
from stages.common.params import Key, declared_keys, read_params


@dataclass(frozen=True)
class Params:
    """A section of three keys, of which another stage reads one."""

    start: Annotated[str, Key("parts.{part}.from")]
    rate: Annotated[float, Key("parts.{part}.rate")]
    others: ClassVar = ("parts.{part}.revision",)


def read(tmp_path: Path, section: str) -> Params:
    (tmp_path / "params.yaml").write_text(f"parts:\n  north: {section}\n")
    return read_params(tmp_path / "params.yaml", Params, part="north")


def test_declared_keys_are_read(tmp_path: Path) -> None:
    params = read(tmp_path, "{from: '2013-01-01', rate: 1, revision: 3}")
    assert params == Params("2013-01-01", 1.0)
    assert list(declared_keys(Params, part="west").values()) == [
        "parts.west.from",
        "parts.west.rate",
    ]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{rate: 0.1}", "parts.north.from is missing"),
        ("{from: '2013-01-01', rate: 0.1, rat: 1}", "parts.north.rat is not a known key"),
        ("{from: 2013-01-01, rate: 0.1}", "parts.north.from must be str, not date .*; quote dates"),
        ("{from: '2013-01-01', rate: true}", "parts.north.rate must be float, not bool"),
        ("[", "is not valid YAML"),
    ],
)
def test_a_wrong_key_is_an_error_of_one_sentence(
    tmp_path: Path, section: str, message: str
) -> None:
    with pytest.raises(StageError, match=message) as error:
        read(tmp_path, section)
    assert "\n" not in str(error.value)


def test_a_missing_file_tells_where_to_run_the_stage(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="run the stage from the repository root"):
        read_params(tmp_path / "params.yaml", Params, part="north")
