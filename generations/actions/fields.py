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

from django.utils.translation import gettext as _

from accounts.actions import as_uuid
from accounts.errors import Invalid
from accounts.texts import UNSTORABLE, sayable, storable
from billing.money import micros
from providers import catalog

PROMPT_MAX = 8_000
DEEPEST = 20
"""Levels of metadata: readers and writers of JSON give up at some depth, each at its own."""
T = TypeVar("T")


class Mistakes(dict[str, list[str]]):
    """What to mend, by field."""

    def add(self, name: str, sentence: str) -> None:
        self.setdefault(name, []).append(sentence)

    def refuse(self) -> None:
        """Raise Invalid naming each field, if there is anything to mend."""
        if len(self) == 1:
            ((name, sentences),) = self.items()
            raise Invalid(f"{name} {sentences[0]}", fields=self)
        if self:
            raise Invalid(_("Check %(names)s.") % {"names": ", ".join(self)}, fields=self)


Reader = Callable[[str, Any, Mistakes], T]


def text(name: str, value: Any, mistakes: Mistakes, *, most: int = PROMPT_MAX, least: int = 1) -> str | None:
    if not isinstance(value, str):
        mistakes.add(name, _("must be text."))
        return None
    found = value.strip()
    if not storable(found):
        mistakes.add(name, str(UNSTORABLE))
    if len(found) < least:
        mistakes.add(name, _("must not be empty."))
    note_length(name, len(found), most, mistakes)
    return found


def note_length(name: str, length: int, most: int, mistakes: Mistakes) -> None:
    """Note a text that is too long, if it is."""
    if length > most:
        mistakes.add(
            name,
            _("may be at most %(most)s characters; it has %(n)s.")
            % {"most": f"{most:,}", "n": f"{length:,}"},
        )


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
            mistakes.add(
                name,
                _("must be a whole number from %(low)s to %(high)s.") % {"low": low, "high": f"{high:,}"},
            )
            return default
        return value

    return reader


def one_of(choices: tuple[str, ...], default: str | None = None) -> Reader[str | None]:
    def reader(name: str, value: Any, mistakes: Mistakes) -> str | None:
        if value is None or value == "":
            return default
        if value not in choices:
            mistakes.add(name, _("must be one of %(known)s.") % {"known": ", ".join(choices)})
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
            mistakes.add(name, _("must be true or false."))
            return default
        return value

    return reader


def model(name: str, value: Any, mistakes: Mistakes) -> str:
    known = tuple(model.id for model in catalog.models())
    if value is None or value == "":
        return known[0]
    if value not in known:
        mistakes.add(name, _("must be one of %(known)s.") % {"known": ", ".join(known)})
        return known[0]
    return str(value)


def project(name: str, value: Any, mistakes: Mistakes) -> UUID | None:
    if value is None or value == "":
        return None
    found = as_uuid(value) if isinstance(value, str | UUID) else None
    if found is None:
        mistakes.add(name, _("must be the id of a project."))
    return found


def asset(name: str, value: Any, mistakes: Mistakes) -> UUID | None:
    """A picture's id, bare or as references name it."""
    if value is None or value == "":
        return None
    found = as_uuid(value.removeprefix("asset:")) if isinstance(value, str) else None
    if found is None:
        mistakes.add(name, _("must be asset: and the id of a picture."))
    return found


def price(name: str, value: Any, mistakes: Mistakes) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        mistakes.add(name, _("must be an amount in US dollars, such as 0.20."))
        return None
    if isinstance(value, float) and not math.isfinite(value):
        mistakes.add(name, _("must be an amount in US dollars, such as 0.20."))
        return None
    try:
        amount = micros(str(value))
    except ValueError as error:
        mistakes.add(name, str(error))
        return None
    if amount < 0:
        mistakes.add(name, _("must not be negative."))
    return amount


def texts(most: int, longest: int) -> Reader[tuple[str, ...]]:
    def reader(name: str, value: Any, mistakes: Mistakes) -> tuple[str, ...]:
        if value is None or value == "":
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            mistakes.add(name, _("must be a list of texts."))
            return ()
        if len(value) > most:
            mistakes.add(name, _("may have at most %(most)s entries.") % {"most": most})
        if any(len(item) > longest for item in value):
            mistakes.add(name, _("entries may be at most %(most)s characters.") % {"most": f"{longest:,}"})
        if not all(map(storable, value)):
            mistakes.add(name, str(UNSTORABLE))
        return tuple(item.strip() for item in value if item.strip())

    return reader


def references(most: int) -> Reader[tuple[str, ...]]:
    def reader(name: str, value: Any, mistakes: Mistakes) -> tuple[str, ...]:
        found = texts(most, 20_000_000)(name, value, mistakes)
        if not all(item.startswith(("asset:", "data:image/", "https://", "http://")) for item in found):
            mistakes.add(name, _("each must be asset:<id>, a data:image/… URI, or an https:// address."))
        return found

    return reader


def upload_urls(name: str, value: Any, mistakes: Mistakes) -> tuple[str, ...]:
    found = texts(20, 4_000)(name, value, mistakes)
    if not all(map(_is_https, found)):
        mistakes.add(name, _("each must be an https:// address without spaces, name or password."))
    return found


def webhook(name: str, value: Any, mistakes: Mistakes) -> None:
    if value not in (None, ""):
        mistakes.add(name, _("is not offered yet; read the generation, or wait with Prefer: wait=60."))


def metadata(name: str, value: Any, mistakes: Mistakes) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if not isinstance(value, dict) or _deeper(value, DEEPEST) or not _storable_object(value):
        mistakes.add(
            name, _("must be an object of at most 16,000 characters and %(most)s levels.") % {"most": DEEPEST}
        )
        return {}
    return value


def _deeper(value: object, levels: int) -> bool:
    """Whether objects and lists are nested deeper than so many levels."""
    if not isinstance(value, dict | list):
        return False
    return not levels or any(
        _deeper(inner, levels - 1) for inner in (value.values() if isinstance(value, dict) else value)
    )


def _storable_object(value: dict[str, Any]) -> bool:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    escaped_nul = re.search(r"(?<!\\)(\\\\)*\\u0000", text)
    return len(text) <= 16_000 and sayable(text) == text and not escaped_nul


def _is_https(address: str) -> bool:
    """Whether a gateway can send there; ``urlsplit`` alone drops tabs and line ends without a word."""
    if not address.isprintable() or " " in address:
        return False
    try:
        parts = urlsplit(address)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:  # an IPv6 address with half its brackets, a port that is no number
        return False
    return parts.scheme == "https" and whole and "@" not in parts.netloc
