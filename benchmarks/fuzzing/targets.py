"""What reads from outside, each with good documents to start from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import yaml
from retouch.adapters.base.mapping_model import parse_mapping

from retouch.adapters.base.assemble import assemble
from retouch.adapters.base.context import parse_context
from retouch.adapters.base.mapping import mapping_adapter
from retouch.adapters.base.native import read_native
from retouch.adapters.registry import ADAPTERS, Adapter
from retouch.alerts.envelope import seal, unseal
from retouch.alerts.fingerprint import fingerprints
from retouch.alerts.new import alert_json
from retouch.alerts.parse import parse_alert
from retouch.alerts.signature import parse_signature
from retouch.alerts.words import summarise
from retouch.policy.load import parse_policy, parse_promotion
from retouch.policy.monitors import parse_monitors
from retouch.policy.silences import parse_silences
from retouch.policy.strict_yaml import read_yaml
from retouch.provenance.signers import parse_revoked, parse_signers
from retouch.reporting.pull_request import alert_pull_request

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SAMPLES = Path("tests/adapters/samples")
MAPPINGS = Path("tests/adapters/mappings")
CONTEXT = {
    "model": "block-time",
    "monitor": "daily",
    "dataset": "flights",
    "path": "data/raw/flights",
    "digest": "md5:0123456789abcdef0123456789abcdef",
    "window": ["2013-07-01", "2013-08-01"],
    "columns": ["dep_delay", "distance"],
    "zone": "America/New_York",
    "rename": {"a": "b"},
    "kinds": {"x": "performance"},
    "tables": {"t": {"dataset": "flights"}},
    "where": {"origin": "JFK"},
    "recorded": {"threshold": 0.1, "breach_when": "lt", "metric": "p_value"},
    "kind": "data_drift",
}
SIGNATURE = b"""-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgqq68GY3TnEojw5KYenFkKKtdFH
/SDaUWKA+CnbinciMAAAANcmV0b3VjaC1hbGVydAAAAAAAAAAGc2hhNTEyAAAAUwAAAAtz
c2gtZWQyNTUxOQAAAEA4UdkVq94AsE4LgWtGL1wYxHLWgf7v5cFvKsjaGme6LB5D/DavXp
zgA5OVTlYs8Shr1dutqd722TIvp4XJLK8A
-----END SSH SIGNATURE-----
"""


@dataclass(frozen=True)
class Target:
    """One reader and good inputs for it."""

    name: str
    read: Callable[[bytes], object]
    good: tuple[bytes, ...]
    load: Callable[[bytes], Any] | None = None
    """Reads a good input as a value, which can be damaged; None: only bytes can."""
    dump: Callable[[Any], bytes] = lambda value: json.dumps(value).encode()

    @cached_property
    def values(self) -> tuple[Any, ...]:
        """The good inputs as values; empty when only their bytes can be damaged."""
        return tuple(map(self.load, self.good)) if self.load else ()


def targets() -> list[Target]:
    """Return every target, with the good documents this repository has."""
    alerts = [path.read_bytes() for path in _files("alerts/*.json")]
    payloads = [json.dumps(seal(raw, None, None, "x")).encode() for raw in alerts]
    return [
        Target("alert", _alert, tuple(alerts), json.loads),
        Target("envelope", _envelope, tuple(payloads), json.loads),
        Target("signature", lambda raw: parse_signature(raw, "x.sig"), (SIGNATURE,)),
        _yaml("context", _context, [yaml.safe_dump(CONTEXT).encode()]),
        _yaml("mapping", _mapping, [path.read_bytes() for path in MAPPINGS.glob("*.yaml")]),
        _yaml("policy", _text(parse_policy), [_policy("retraining")]),
        _yaml("promotion", _text(parse_promotion), [_policy("promotion")]),
        _yaml("monitors", _text(parse_monitors), [_policy("monitors")]),
        _yaml("silences", _text(parse_silences), [_policy("silences")]),
        Target("signers", _signers, (_signer_lines(),)),
        *(_adapter(name, adapter) for name, adapter in ADAPTERS.items()),
    ]


def _files(pattern: str) -> Iterable[Path]:
    return (path for path in sorted(Path().glob(pattern)) if "receipt" not in path.name)


def _policy(name: str) -> bytes:
    return Path(f"policies/{name}.yaml").read_bytes()


def _signer_lines() -> bytes:
    return Path("policies/allowed_signers").read_bytes()


def _yaml(name: str, read: Callable[[bytes], object], good: list[bytes]) -> Target:
    # PyYAML writes any value back; half surrogates are no text for it, so they become "?".
    dump = lambda value: yaml.dump(value, Dumper=yaml.CSafeDumper).encode(errors="replace")  # noqa: E731
    return Target(name, read, tuple(good), yaml.safe_load, dump)


def _adapter(name: str, adapter: Adapter) -> Target:
    stem = name.replace("-", "_").removesuffix("_legacy")
    good = [path.read_bytes() for path in sorted(SAMPLES.rglob(f"{stem.split('_')[0]}*.json"))]
    return Target(f"from {name}", partial(_import, adapter), tuple(good) or (b"{}",), json.loads)


def _alert(raw: bytes) -> object:
    alert = parse_alert(raw, "alert.json")
    # What is read is used: in plans, in fingerprints, in the text of a pull request.
    return (
        fingerprints(alert),
        summarise(alert),
        alert_json(alert),
        alert_pull_request(alert, signed=False),
    )


def _envelope(raw: bytes) -> object:
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):
        payload = raw.decode("latin-1")
    return unseal(payload, "client_payload")


def _text(parse: Callable[[str, str], object]) -> Callable[[bytes], object]:
    return lambda raw: parse(raw.decode(errors="replace"), "x.yaml")


def _context(raw: bytes) -> object:
    return parse_context(_read_yaml(raw), "context.yaml")


def _mapping(raw: bytes) -> object:
    mapping = parse_mapping(_read_yaml(raw), "mapping.yaml")
    sample = (SAMPLES / "mapping_datadog.json").read_bytes()
    return _import(mapping_adapter(mapping), sample)


def _read_yaml(raw: bytes) -> Any:
    return read_yaml(raw.decode(errors="replace"), "x.yaml", hint="Mend it.")


def _signers(raw: bytes) -> object:
    text = raw.decode(errors="replace")
    return parse_signers(text), parse_revoked(text)


def _import(adapter: Adapter, raw: bytes) -> object:
    context = parse_context(dict(CONTEXT), "context.yaml")
    judgements = adapter(read_native(raw, "report.json"), context)
    return assemble(judgements, context, native=raw, source="report.json", now=NOW, quiet_too=True)
