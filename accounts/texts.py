"""Text that people send, and what of it a database can keep."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

UNSTORABLE = gettext_lazy("must not contain the character NUL or unpaired surrogates; remove them.")


def storable(text: str) -> bool:
    """Whether a database can keep it."""
    return "\x00" not in text and sayable(text) == text


def sayable(text: str) -> str:
    """The text, with a question mark for each unpaired surrogate."""
    return text.encode("utf-8", "replace").decode()


def bare(text: str) -> str:
    """Trimmed, and without the character NUL."""
    return text.replace("\x00", "").strip()
