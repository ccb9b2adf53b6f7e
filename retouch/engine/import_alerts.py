"""Convert a monitor's own output into alert files."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from retouch.adapters.base.assemble import assemble
from retouch.adapters.base.context import Context, parse_context
from retouch.adapters.base.mapping import mapping_adapter, parse_mapping
from retouch.adapters.base.native import MAX_BYTES, read_native
from retouch.adapters.registry import ADAPTERS, Adapter
from retouch.alerts.model import Alert
from retouch.alerts.new import alert_json
from retouch.alerts.parse import expected_file_name
from retouch.errors import InputError
from retouch.policy.strict_yaml import read_yaml
from retouch.schema_errors import near, shown
from retouch.system import files

MAPPING = "mapping"
STDIN = Path("-")


@dataclass(frozen=True)
class Written:
    """An alert and its file; `new` is false when the file existed before."""

    alert: Alert
    path: Path
    new: bool


def alerts_from(
    tool: str,
    native: Path,
    *,
    context: Path | None,
    mapping: Path | None,
    defaults: Context,
    now: datetime,
    include_resolved: bool = False,
) -> tuple[Alert, ...]:
    """Return the alerts for a monitor's output.

    `defaults`: values of this repository for what the context file does not give; its model is used
    only where the output gives none either. Raises InputError for an invalid output, context or
    mapping.
    """
    adapter = _adapter(re.sub(r"[ _]", "-", tool.lower()), mapping)
    merged = _with_defaults(_context(context), defaults)
    raw, source = _read(native)
    results = [
        # Where one Alertmanager serves two models, the label names the model.
        replace(result, model=result.model or defaults.model)
        for result in adapter(read_native(raw, source), merged)
    ]
    return assemble(
        results, merged, native=raw, source=source, now=now, include_resolved=include_resolved
    )


def write_alerts(alerts: Sequence[Alert], folder: Path) -> tuple[Written, ...]:
    """Write each alert into the folder.

    Raises InputError, before any is written, when a file exists with other content.
    """
    texts = {folder / expected_file_name(alert): alert_json(alert) for alert in alerts}
    there = {path for path in texts if files.exists(path)}
    for path in sorted(there):
        if files.read_bytes(path, limit=MAX_BYTES) != texts[path].encode():
            raise InputError(f"{path}: exists with other content.", hint="Move or remove it.")
    for path, text in texts.items():
        if path not in there:
            files.write_text(path, text)
    return tuple(
        Written(alert, path, path not in there) for alert, path in zip(alerts, texts, strict=True)
    )


def _adapter(tool: str, mapping: Path | None) -> Adapter:
    if (tool == MAPPING) != (mapping is not None):
        raise InputError(
            "--from mapping, --mapping: must be given together.",
            hint="docs/monitors.md shows a mapping file.",
        )
    if mapping is not None:
        hint = "docs/monitors.md shows a mapping file."
        data = read_yaml(files.read_text(mapping, limit=100_000), str(mapping), hint=hint)

        return mapping_adapter(parse_mapping(data, str(mapping)))
    if tool not in ADAPTERS:
        known = [*ADAPTERS, MAPPING]
        raise InputError(
            f"--from {shown(tool)}: unknown tool{near(tool, known)}", hint="See docs/monitors.md."
        )
    return ADAPTERS[tool]


def _context(path: Path | None) -> Context:
    if path is None:
        return Context()
    hint = "docs/monitors.md shows a context file."
    text = files.read_text(path, limit=100_000, hint=hint)
    return parse_context(read_yaml(text, str(path), hint=hint), str(path))


def _with_defaults(given: Context, defaults: Context) -> Context:
    missing = {
        name: getattr(defaults, name)
        for name in type(given).model_fields
        if name not in given.model_fields_set and name != "model"
    }
    return given.model_copy(update=missing)


def _read(native: Path) -> tuple[bytes, str]:
    if native == STDIN:
        return sys.stdin.buffer.read(MAX_BYTES + 1), "standard input"
    return files.read_bytes(native, limit=MAX_BYTES), str(native)
