"""The errors that a person can act on, each with its exit code.

Any other exception is an internal error (exit code 3) and is shown with its traceback.
"""

from __future__ import annotations

import unicodedata


class RetouchError(Exception):
    """A failure with a message and, where there is something to do about it, a hint."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        """The file, the field, and what is wrong, as one sentence."""
        self.hint = hint
        """What to do about it: a command, an action or where to read on."""

    def __str__(self) -> str:
        return visible(f"{self.message} {self.hint}" if self.hint else self.message)


class InputError(RetouchError):
    """An input is missing or invalid; nothing has been changed."""

    exit_code = 2


class CheckFailed(RetouchError):
    """A stage or a check failed; changes were rolled back."""

    exit_code = 1


def visible(text: str) -> str:
    """Return text with control and bidirectional characters escaped, as `\\x1b` and `\\u202e`.

    A message may contain a file name from an untrusted source, and must not control the terminal.
    Newlines and tabs are kept.
    """
    if text.isascii() and text.isprintable():  # the common case, quickly
        return text
    return "".join(char if _is_harmless(char) else repr(char)[1:-1] for char in text)


def _is_harmless(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
