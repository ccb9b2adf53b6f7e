"""`ssh-keygen -Y`: sign bytes, and ask whether a signature over bytes is good."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from retouch.alerts.signature import NAMESPACE
from retouch.errors import InputError
from retouch.schema_errors import shown
from retouch.system.processes import PipeResult, pipe

# Times without a zone, and the words of refusals, are the same on every machine then.
_ENVIRONMENT = {"TZ": "UTC", "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
_KRL_MAGIC = b"SSHKRL\n\0"


@dataclass(frozen=True)
class SignatureCheck:
    """What ssh-keygen said of a signature."""

    good: bool
    words: str
    """Its own words when it is not good."""


def sign(raw: bytes, key: Path) -> bytes:
    """Return an armored signature over the bytes, for alerts.

    `key` is a private key's file, or a public one whose private key an ssh-agent holds. Nobody is
    prompted for a passphrase. Raises InputError when it cannot sign, with a hint.
    """
    if not key.exists():
        hint = "Name one with --key or RETOUCH_SIGNING_KEY; docs/provenance.md makes one."
        raise InputError(f"{key}: there is no such key.", hint=hint)
    command = ("-Y", "sign", "-f", str(key.absolute()), "-n", NAMESPACE)
    done = _run(command, raw, cwd=Path.cwd())
    if done.exit_code or not done.output:
        raise _cannot_sign(key, done.errors)
    return done.output


def verify(
    raw: bytes,
    signature: bytes,
    *,
    principal: str,
    signers: bytes,
    revoked: bytes | None,
    at: datetime,
) -> SignatureCheck:
    """Ask whether this is a good signature over the bytes, for alerts, by the principal's key.

    `signers` and `revoked` are the contents of an allowed signers file and of a file of revoked
    keys; the key's validity is judged at `at`, in whole seconds. Raises InputError without
    ssh-keygen.
    """
    moment = at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
    files = {"allowed_signers": signers, "signature": signature}
    command = ["-Y", "verify", "-f", "allowed_signers", "-I", principal, "-n", NAMESPACE]
    command += ["-s", "signature", f"-Overify-time={moment}"]
    if revoked is not None:
        files["revoked_signers"] = revoked
        command += ["-r", "revoked_signers"]
    done = _run_with(files, command, raw)
    return SignatureCheck(done.exit_code == 0, "" if done.exit_code == 0 else _words(done))


def is_binary_list(revoked: bytes) -> bool:
    """Return whether a file of revoked keys is OpenSSH's binary form, which only it can read."""
    return revoked.startswith(_KRL_MAGIC)


def is_revoked(key: str, revoked: bytes) -> bool:
    """Ask whether a binary list revokes this public key. Raises InputError when it is no such list.

    It is used only to explain a refusal; `verify` is handed the list as well.
    """
    files = {"revoked_signers": revoked, "key.pub": f"{key}\n".encode()}
    done = _run_with(files, ("-Q", "-f", "revoked_signers", "key.pub"), b"")
    if done.exit_code not in (0, 1):
        raise InputError(f"policies/revoked_signers: ssh-keygen cannot read it: {_words(done)}")
    return b"REVOKED" in done.output


def _run_with(files: Mapping[str, bytes], command: Sequence[str], stdin: bytes) -> PipeResult:
    """Run ssh-keygen in a private folder of these files: its words name no path of this machine."""
    with tempfile.TemporaryDirectory(prefix="retouch-") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        return _run(command, stdin, cwd=Path(folder))


def _run(command: Sequence[str], stdin: bytes, *, cwd: Path) -> PipeResult:
    try:
        return pipe(["ssh-keygen", *command], stdin, cwd=cwd, env=_ENVIRONMENT)
    except InputError as error:
        hint = "Debian's package for it is openssh-client; it must be 9.1 or newer."
        raise InputError(error.message, hint=hint) from None


def _words(done: PipeResult) -> str:
    lines = [line.strip() for line in done.errors.splitlines() if line.strip()]
    return "; ".join(lines[:3]) or "it does not say why"


def _cannot_sign(key: Path, words: str) -> InputError:
    if "passphrase" in words:
        message, hint = "asks for a passphrase", f"Hand it to your ssh-agent: `ssh-add {key}`."
    elif "too open" in words:
        message, hint = "can be read by others, so ssh refuses it", f"`chmod 600 {key}`."
    elif "No private key found for public key" in words:
        message = "is a public key whose private key is neither beside it nor in an ssh-agent"
        hint = "`ssh-add` the private key."
    elif "Couldn't load public key" in words:
        message, hint = "is not an ssh key", "docs/provenance.md makes one."
    else:
        last = words.strip().splitlines()[-1:] or ["it does not say why"]
        message, hint = f"ssh-keygen cannot sign with it: {shown(last[0])}", "Try another key."
    return InputError(f"{key}: {message}.", hint=hint)
