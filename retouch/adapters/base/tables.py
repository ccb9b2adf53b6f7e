"""One output may judge several tables: the context must say of each which data set it is."""

from __future__ import annotations

from collections.abc import Iterable

from retouch.adapters.base.context import Context
from retouch.adapters.base.native import Node


def require_tables(node: Node, context: Context, names: Iterable[str | None]) -> None:
    """Raise InputError where the context would give one data set to several tables.

    `names` are the tables the output judges. The context's own data set is the one table among
    several that has its name.
    """
    judged = {name for name in names if name is not None}
    unknown = sorted(judged - set(context.tables) - {context.dataset})
    if len(judged) > 1 and context.dataset is not None and unknown:
        first, rest = unknown[0], len(judged) - 1
        others = "another table" if rest == 1 else f"{rest} other tables"
        node.fault(f"judges {first!r} and {others}; say which data sets they are: `tables:`")
