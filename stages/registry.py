"""List every contract between stages, by name, with its version and columns.

Run as `python -m stages.registry`, this prints the list that tests/stages/contracts.json keeps: a
contract that differs from it needs a new version, and then the list is written again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from stages.common.contracts import (
    FEATURES,
    FLIGHTS,
    PLANES,
    PROBE_ROWS,
    PROBE_SCORES,
    SCORES,
    UNLABELLED_SCORES,
    WEATHER,
    Column,
    Contract,
)
from stages.common.documents import CALIBRATOR, METRICS, Document
from stages.parts import PARTS
from stages.score import FLIGHTS_WITH_FEATURES

CONTRACTS: tuple[Contract, ...] = (
    FLIGHTS,
    PLANES,
    WEATHER,
    *FEATURES.values(),
    *(part.window for part in PARTS.values()),
    FLIGHTS_WITH_FEATURES,
    SCORES,
    UNLABELLED_SCORES,
    PROBE_ROWS,
    PROBE_SCORES,
)
"""The tables."""

DOCUMENTS: tuple[Document, ...] = (CALIBRATOR, METRICS)
"""The JSON files."""


def listed() -> dict[str, Any]:
    """Give every contract by name, as JSON values."""
    tables = {
        each.name: {
            "version": each.version,
            "key": each.key,
            "columns": _columns(each.columns),
        }
        for each in CONTRACTS
    }
    files = {
        each.name: {"version": each.version, "fields": _columns(each.fields)} for each in DOCUMENTS
    }
    return tables | files


def _columns(columns: Mapping[str, Column]) -> dict[str, str]:
    """Give the columns in order, each in words."""
    return {name: _words(column) for name, column in columns.items()}


def _words(column: Column) -> str:
    words: list[str] = [column.type]
    if column.low is not None:
        words.append(f"from {column.low:g}")
    if column.high is not None:
        words.append(f"to {column.high:g}")
    if column.values:
        words.append(f"one of {'|'.join(column.values)}")
    if column.nullable:
        words.append("or empty")
    return " ".join(words)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(listed(), indent=1) + "\n")
