"""Soda 3 and 4, distinguished by the shape of their output."""

from __future__ import annotations

from collections.abc import Sequence

from retouch.adapters import soda3, soda4
from retouch.adapters.base.context import Context
from retouch.adapters.base.native import Node
from retouch.adapters.base.result import MonitorResult
from retouch.adapters.base.wrapping import documents


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return the results of a scan (Soda 3) or of verified contracts (Soda 4)."""
    found: list[MonitorResult] = []
    for document in documents(root, _is_output, "Soda"):
        found += (soda3 if soda3.is_scan(document) else soda4).read(document, context)
    return found


def _is_output(node: Node) -> bool:
    return soda3.is_scan(node) or soda4.is_session(node) or soda4.is_contract(node)
