"""The adapters by the name that `retouch alert import --from` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from retouch.adapters import (
    alertmanager,
    alibi_detect,
    azure_ml,
    cloudwatch,
    deepchecks,
    evidently,
    evidently_legacy,
    grafana,
    great_expectations,
    nannyml,
    pandera,
    recorded,
    sagemaker,
    soda,
    soda3,
    soda4,
    vertex_ai,
    whylogs,
)
from retouch.adapters.base.context import Context
from retouch.adapters.base.native import Node
from retouch.adapters.base.result import MonitorResult

Adapter = Callable[[Node, Context], Sequence[MonitorResult]]
"""Reads one output. Raises InputError, naming the path, for output of another shape."""

ADAPTERS: Mapping[str, Adapter] = {
    "alertmanager": alertmanager.read,
    "alibi-detect": alibi_detect.read,
    "azure-ml": azure_ml.read,
    "cloudwatch": cloudwatch.read,
    "deepchecks": deepchecks.read,
    "evidently": evidently.read,
    "evidently-legacy": evidently_legacy.read,
    "frouros": recorded.read_frouros,
    "grafana": grafana.read,
    "great-expectations": great_expectations.read,
    "nannyml": nannyml.read,
    "pandera": pandera.read,
    "river": recorded.read_river,
    "sagemaker": sagemaker.read,
    "soda": soda.read,
    "soda-3": soda3.read,
    "soda-4": soda4.read,
    "vertex-ai": vertex_ai.read,
    "whylogs": whylogs.read,
}
