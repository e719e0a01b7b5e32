"""Reading one field of what somebody asks. Each reader notes what is wrong and how to mend it.

A reader takes the field's name, what was sent and where to note mistakes, and gives the value;
after a mistake, what it gives is not used.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from accounts.actions import as_uuid
from billing.money import micros
from providers import catalog

PROMPT_MAX = 8_000
T = TypeVar("T")


class Mistakes(dict[str, list[str]]):
    """What to mend, by field."""

    def add(self, name: str, sentence: str) -> None:
        self.setdefault(name, []).append(sentence)


Reader = Callable[[str, Any, Mistakes], T]


def text(name: str, value: Any, mistakes: Mistakes, *, most: int = PROMPT_MAX, least: int = 1) -> str | None:
    if not isinstance(value, str):
        mistakes.add(name, "must be text.")
        return None
    found = value.strip()
    if not _storable(found):
        mistakes.add(name, "must not contain the character NUL or half characters; remove them.")
    if len(found) < least:
        mistakes.add(name, "must not be empty.")
    if len(found) > most:
        mistakes.add(name, f"may be at most {most:,} characters; it has {len(found):,}.")
    return found


def prompt(name: str, value: Any, mistakes: Mistakes) -> str:
    return text(name, "" if value is None else value, mistakes) or ""


def optional_text(name: str, value: Any, mistakes: Mistakes) -> str | None:
    return None if value is None or value == "" else text(name, value, mistakes)


def whole(low: int, high: int, default: int | None = None) -> Reader[int | None]:
    def reader(name: str, value: Any, mistakes: Mistakes) -> int | None:
        if value is None or value == "":
            return default
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            mistakes.add(name, f"must be a whole number from {low} to {high:,}.")
            return default
        return value

    return reader


def one_of(choices: tuple[str, ...], default: str | None = None) -> Reader[str | None]:
    def reader(name: str, value: Any, mistakes: Mistakes) -> str | None:
        if value is None or value == "":
            return default
        if value not in choices:
            mistakes.add(name, f"must be one of {', '.join(choices)}.")
            return default
        return str(value)

    return reader


def flag(default: bool | None) -> Reader[bool | None]:
    def reader(name: str, value: Any, mistakes: Mistakes) -> bool | None:
        if value is None or value == "":
            return default
        if isinstance(value, str) and value.lower() in {"true", "false", "on", "off"}:
            return value.lower() in {"true", "on"}
        if not isinstance(value, bool):
            mistakes.add(name, "must be true or false.")
            return default
        return value

    return reader


def model(name: str, value: Any, mistakes: Mistakes) -> str:
    known = tuple(model.id for model in catalog.models())
    if value is None or value == "":
        return known[0]
    if value not in known:
        mistakes.add(name, f"must be one of {', '.join(known)}.")
        return known[0]
    return str(value)


def project(name: str, value: Any, mistakes: Mistakes) -> UUID | None:
    if value is None or value == "":
        return None
    found = as_uuid(value) if isinstance(value, str | UUID) else None
    if found is None:
        mistakes.add(name, "must be the id of a project.")
    return found


def price(name: str, value: Any, mistakes: Mistakes) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        mistakes.add(name, "must be an amount in US dollars, such as 0.20.")
        return None
    if isinstance(value, float) and not math.isfinite(value):
        mistakes.add(name, "must be an amount in US dollars, such as 0.20.")
        return None
    try:
        amount = micros(str(value))
    except ValueError as error:
        mistakes.add(name, f"{error}.")
        return None
    if amount < 0:
        mistakes.add(name, "must not be negative.")
    return amount


def texts(most: int, longest: int) -> Reader[tuple[str, ...]]:
    def reader(name: str, value: Any, mistakes: Mistakes) -> tuple[str, ...]:
        if value is None or value == "":
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            mistakes.add(name, "must be a list of texts.")
            return ()
        if len(value) > most:
            mistakes.add(name, f"may have at most {most} entries.")
        if any(len(item) > longest for item in value):
            mistakes.add(name, f"entries may be at most {longest:,} characters.")
        if not all(map(_storable, value)):
            mistakes.add(name, "must not contain the character NUL or half characters; remove them.")
        return tuple(item.strip() for item in value if item.strip())

    return reader


def references(most: int) -> Reader[tuple[str, ...]]:
    def reader(name: str, value: Any, mistakes: Mistakes) -> tuple[str, ...]:
        found = texts(most, 20_000_000)(name, value, mistakes)
        if not all(item.startswith(("asset:", "data:image/", "https://", "http://")) for item in found):
            mistakes.add(name, "each must be asset:<id>, a data:image/… URI, or an https:// address.")
        return found

    return reader


def upload_urls(name: str, value: Any, mistakes: Mistakes) -> tuple[str, ...]:
    found = texts(20, 4_000)(name, value, mistakes)
    if not all(map(_is_https, found)):
        mistakes.add(name, "each must be an https:// address.")
    return found


def webhook(name: str, value: Any, mistakes: Mistakes) -> None:
    if value not in (None, ""):
        mistakes.add(name, "is not offered yet; read the generation, or wait with Prefer: wait=60.")


def metadata(name: str, value: Any, mistakes: Mistakes) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if not isinstance(value, dict) or not _storable_object(value):
        mistakes.add(name, "must be an object of at most 16,000 characters.")
        return {}
    return value


def _storable(text: str) -> bool:
    """Whether the database can keep it: no NUL, and no half of a surrogate pair."""
    return "\x00" not in text and sayable(text) == text


def sayable(text: str) -> str:
    """The text, with a question mark for each half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode()


def _storable_object(value: dict[str, Any]) -> bool:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    escaped_nul = re.search(r"(?<!\\)(\\\\)*\\u0000", text)
    return len(text) <= 16_000 and sayable(text) == text and not escaped_nul


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:  # an IPv6 address with half its brackets
        return False
    return parts.scheme == "https" and bool(parts.hostname)
