"""The context file: what a monitor's output does not contain, given by whoever runs the monitor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints

from retouch.adapters.base.native import Node
from retouch.alerts.model import (
    Column,
    Confidence,
    DataRef,
    Digest,
    Evidence,
    Kind,
    Monitor,
    Name,
    Predicate,
    Repository,
    RepositoryPath,
    Scalar,
    Severity,
    Window,
)
from retouch.alerts.moments import Time
from retouch.alerts.new import in_full
from retouch.documents import Document, Value
from retouch.schema_errors import bad_input, validated

_DATA_FIELDS = ("dataset", "path", "digest", "rev", "window", "rows")


def _zone(name: str) -> str:
    # ZoneInfo raises a different error for each kind of fault.
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; write one like America/New_York") from None
    return name


Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]


class Table(Value):
    """One of several data sets that one output judges."""

    dataset: Name
    path: RepositoryPath | None = None
    digest: Digest | None = None
    rev: str | None = None
    window: Window | None = None
    rows: Annotated[int, Field(ge=0)] | None = None


class Recorded(Value):
    """The rule for numbers recorded from a tool that gives no verdict: river, frouros."""

    threshold: float | None = None
    breach_when: Annotated[str, StringConstraints(pattern="^(gt|ge|lt|le)$")] = "gt"
    metric: str | None = None
    column: Column | None = None


class Context(Document):
    """The context file of `retouch alert import`. Every field is optional by itself."""

    model: Name | None = None
    model_version: Annotated[str, StringConstraints(max_length=64)] | None = None
    monitor: Monitor | None = None
    dataset: Name | None = None
    path: RepositoryPath | None = None
    digest: Digest | None = None
    rev: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._/-]{1,64}$")] | None = None
    window: Window | None = None
    """The stretch of data that was judged, where the output has no time of its own."""
    rows: Annotated[int, Field(ge=0)] | None = None
    reference: DataRef | None = None
    where: Annotated[tuple[Predicate, ...], Field(max_length=20)] = ()
    """The part of the data the monitor looked at, if not all of it."""
    columns: Annotated[tuple[Column, ...], Field(max_length=200)] = ()
    """The columns, in order, of a tool that reports them by position."""
    rename: Annotated[dict[str, Column], Field(max_length=1000)] = {}
    """The monitor's name of a column -> the dataset's, where a column was transformed."""
    tables: Annotated[dict[str, Table], Field(max_length=100)] = {}
    """The output's name of a table -> our data set, where one output judges several."""
    kind: Kind | None = None
    """Overrides what the adapter takes the result for."""
    kinds: Annotated[dict[str, Kind], Field(max_length=200)] = {}
    """The output's own name (metric, rule, signal) -> kind; stronger than `kind`."""
    severity: Severity | None = None
    """For output that does not grade its verdicts."""
    zone: Zone | None = None
    """The time zone of times without an offset."""
    score: Annotated[str, StringConstraints(max_length=64)] | None = None
    """Which of several numbers is the score, as Grafana's `values` have it."""
    recorded: Recorded | None = None
    confidence: Confidence | None = None
    audience: Repository | None = None
    started_at: Time | None = None
    emitted_at: Time | None = None
    expires_at: Time | None = None
    hypothesis: Annotated[str, StringConstraints(max_length=2000)] | None = None
    message: Annotated[str, StringConstraints(max_length=4000)] | None = None
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=20)] = ()
    labels: Annotated[dict[str, Scalar], Field(max_length=32)] = {}

    def table(self, name: str | None) -> Table | None:
        """Return the dataset that the output calls `name`; None where it is unknown."""
        if name is not None and name in self.tables:
            return self.tables[name]
        if self.dataset is None:
            return None
        return Table(**{key: getattr(self, key) for key in _DATA_FIELDS})


def parse_context(data: Any, source: str) -> Context:
    """Return the context for parsed YAML or JSON; the short form of an alert works here too.

    Raises InputError in one sentence: `<source>: <dotted key>: <what is wrong>`.
    """
    hint = "docs/monitors.md shows a context file."
    if not isinstance(data, dict):
        raise bad_input(source, (), "must be a mapping of keys to values", hint=hint)
    written = dict(data)
    if "slice" in written:
        raise bad_input(source, ("slice",), "write its fields at the top level", hint=hint)
    full = in_full({key: value for key, value in written.items() if key != "findings"})
    sliced = full.pop("slice")
    full |= sliced.pop("current")
    full |= sliced
    if isinstance(reference := full.get("reference"), dict):
        full["reference"] = in_full(reference)["slice"]["current"] | {
            key: value for key, value in reference.items() if key not in _DATA_FIELDS
        }
    return validated(Context, full, source, hint=hint)


def require_tables(node: Node, context: Context, names: Iterable[str | None]) -> None:
    """Raise InputError where the context would give one dataset to several tables.

    `names` are the tables the output judges. The context's own data set is the one table among
    several that has its name.
    """
    judged = {name for name in names if name is not None}
    unknown = sorted(judged - set(context.tables) - {context.dataset})
    if len(judged) > 1 and context.dataset is not None and unknown:
        first, rest = unknown[0], len(judged) - 1
        others = "another table" if rest == 1 else f"{rest} other tables"
        node.fault(f"judges {first!r} and {others}; name their datasets under `tables:`")
