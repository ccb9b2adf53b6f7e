"""`policies/allowed_signers`: whose key is whose, and from when until when. Pure.

The format is that of ssh-keygen(1), ALLOWED SIGNERS, but narrower: here a key is one monitor's, and
every machine must read a line alike. `ssh-keygen` reads the same file and has the last word; this
reading is what a refusal is worded from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from retouch.alerts.model import Name
from retouch.alerts.signature import NAMESPACE, fingerprint_of_key, key_blob
from retouch.documents import Value
from retouch.errors import InputError
from retouch.policy.monitors import MONITORS, Monitors
from retouch.schema_errors import bad_input, near, shown

ALLOWED_SIGNERS = "policies/allowed_signers"
REVOKED_SIGNERS = "policies/revoked_signers"

_KEY_TYPES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
_KEY = rf"(?P<key>(?:{'|'.join(map(re.escape, _KEY_TYPES))})[ \t]+[A-Za-z0-9+/=]+)(?:[ \t].*)?"
_OPTION = r'[A-Za-z-]+(?:="[^"]*")?'
_LINE = re.compile(
    rf'(?P<principals>"[^"]*"|[^ \t"]+)[ \t]+(?:(?P<options>{_OPTION}(?:,{_OPTION})*)[ \t]+)?{_KEY}'
)
_REVOKED = re.compile(_KEY)
_TIME = re.compile(r"\d{8}(?:\d{4}(?:\d{2})?)?Z", re.ASCII)
_FORMS = {9: "%Y%m%dZ", 13: "%Y%m%d%H%MZ", 15: "%Y%m%d%H%M%SZ"}
_OPTIONS = ("namespaces", "valid-after", "valid-before")
_HINT = "docs/provenance.md shows a line."
_PRINCIPAL = TypeAdapter(Name)


class Signer(Value):
    """One line: a key and the monitor it belongs to."""

    principal: str
    """The monitor's id."""
    line: int
    """Its number in the file, from 1."""
    namespaces: tuple[str, ...] | None = None
    """The purposes the key may sign for; any when None."""
    valid_after: datetime | None = None
    """The first moment at which the key is valid."""
    valid_before: datetime | None = None
    """The last moment at which the key is valid: `ssh-keygen` includes it."""


class Signers(Value):
    """The keys that `policies/` lists."""

    by_key: dict[str, Signer] = {}
    """By the key's fingerprint, `SHA256:...`."""
    revoked: frozenset[str] = frozenset()
    """Fingerprints of the keys that are revoked, where these are listed one by one."""


def parse_signers(text: str, source: str = ALLOWED_SIGNERS) -> dict[str, Signer]:
    """Return the signers by their key's fingerprint; `source` is the name errors give the file.

    Raises InputError, with the line, for what ssh-keygen would not read, for a key that is listed
    twice, and for what several machines or several monitors could take in several ways: wildcards,
    lists of principals, certificate authorities, times without Z.
    """
    signers: dict[str, Signer] = {}
    for number, line in _lines(text):
        try:
            fingerprint, signer = _signer(line, number)
        except (ValueError, InputError) as error:
            raise bad_input(source, (), f"line {number}: {error}".rstrip("."), hint=_HINT) from None
        if (other := signers.get(fingerprint)) is not None:
            message = f"line {number}: the key {fingerprint} is already in line {other.line}"
            raise bad_input(source, (), message, hint="Keep one of the two lines.")
        signers[fingerprint] = signer
    return signers


def parse_revoked(text: str, source: str = REVOKED_SIGNERS) -> frozenset[str]:
    """Return the fingerprints of the revoked keys, one public key a line.

    Raises InputError, with the line, for anything else: ssh-keygen would then refuse every
    signature.
    """
    found = set()
    for number, line in _lines(text):
        match = _REVOKED.fullmatch(line)
        try:
            found.add(_fingerprint(match["key"]) if match else "")
        except InputError:
            match = None
        if match is None:
            message = f"line {number}: is not a public key, like `ssh-ed25519 AAAA...`"
            raise bad_input(source, (), message, hint="Copy it from the monitor's key.pub file.")
    return frozenset(found)


def _lines(text: str) -> list[tuple[int, str]]:
    stripped = ((number, line.strip(" \t\r")) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]


def _signer(line: str, number: int) -> tuple[str, Signer]:
    if (match := _LINE.fullmatch(line)) is None:
        raise ValueError('must be `MONITOR namespaces="retouch-alert" KEYTYPE KEY`')
    options = _options(match["options"] or "")
    signer = Signer(
        principal=_principal(match["principals"]),
        line=number,
        namespaces=_namespaces(options.get("namespaces")),
        valid_after=_moment("valid-after", options),
        valid_before=_moment("valid-before", options),
    )
    after, before = signer.valid_after, signer.valid_before
    if after is not None and before is not None and after >= before:
        raise ValueError("valid-after must be before valid-before")
    return _fingerprint(match["key"]), signer


def _fingerprint(key: str) -> str:
    return fingerprint_of_key(key_blob(" ".join(key.split())))


def _principal(written: str) -> str:
    if re.search(r'[*?!,"]', written):
        raise ValueError(
            f"{shown(written)} is not one monitor's id; wildcards, negations and lists are not "
            "read, because a key is one monitor's"
        )
    try:
        return _PRINCIPAL.validate_python(written)
    except ValidationError:
        raise ValueError(f"{shown(written)} is not a monitor's id") from None


def _options(written: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for option in re.findall(_OPTION, written):
        name, _, quoted = option.partition("=")
        if name == "cert-authority":
            raise ValueError("cert-authority is not read; list each monitor's own key")
        if name not in _OPTIONS or not quoted:
            raise ValueError(f"the option {shown(name)} is not known" + near(name, _OPTIONS))
        if name in options:
            raise ValueError(f"the option {name} is given more than once")
        options[name] = quoted.strip('"')
    return options


def _namespaces(written: str | None) -> tuple[str, ...] | None:
    if written is None:
        return None
    if not re.fullmatch(r"[A-Za-z0-9._@-]+(,[A-Za-z0-9._@-]+)*", written):
        raise ValueError(f"namespaces: {shown(written)} is not a list of plain names")
    return tuple(written.split(","))


def _moment(name: str, options: dict[str, str]) -> datetime | None:
    if (written := options.get(name)) is None:
        return None
    if _TIME.fullmatch(written):
        try:
            return datetime.strptime(written, _FORMS[len(written)]).replace(tzinfo=UTC)
        except ValueError:
            pass
    message = "is not a time in UTC, like 20270101Z or 20270101120000Z"
    if _TIME.fullmatch(f"{written}Z"):
        message += "; without the Z every machine reads it in its own time zone"
    raise ValueError(f"{name}: {shown(written)} {message}")


def lint_signers(signers: Signers, monitors: Monitors) -> tuple[str, ...]:
    """Return one sentence for each key whose signature can never be of use."""
    return tuple(
        f"{ALLOWED_SIGNERS}: line {signer.line}: {message}."
        for signer in sorted(signers.by_key.values(), key=lambda signer: signer.line)
        for message in _idle(signer, monitors)
    )


def _idle(signer: Signer, monitors: Monitors) -> Iterator[str]:
    if signer.principal not in monitors.monitors:
        meant = near(signer.principal, monitors.monitors).rstrip("?")
        yield f"{MONITORS} knows no monitor {signer.principal!r}{meant}"
    if signer.namespaces is not None and NAMESPACE not in signer.namespaces:
        yield f"the key may sign no alert: its namespaces lack {NAMESPACE!r}"
