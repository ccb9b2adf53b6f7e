"""The errors a person can do something about; each owns its exit code.

Anything else that escapes is our bug (exit code 3) and is shown as one.
"""

from __future__ import annotations

import unicodedata


class RetouchError(Exception):
    """A failure with one sentence for a person and, if there is one, the command that mends it."""

    exit_code = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        """One sentence: the file, the field, what is wrong."""
        self.hint = hint
        """A command or an action that puts it right, if one is known."""

    def __str__(self) -> str:
        return visible(f"{self.message} {self.hint}" if self.hint else self.message)


class InputError(RetouchError):
    """Something that was given to us is wrong; nothing has been changed."""

    exit_code = 2


class CheckFailed(RetouchError):
    """A stage or a gate said no; what was there before has been put back."""

    exit_code = 1


def visible(text: str) -> str:
    """Return text that commands no terminal: control and bidi characters as `\\x1b`, `\\u202e`.

    A stranger may have named the file that a sentence is about. Lines and tabs stay.
    """
    if text.isascii() and text.isprintable():  # as nearly all text
        return text
    return "".join(char if _is_harmless(char) else repr(char)[1:-1] for char in text)


def _is_harmless(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
