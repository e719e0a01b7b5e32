"""What is looked for in the library, as a value: it lives in the address of a page and of a list.

search = Search.of(request.GET)              # a page: what means nothing is left out
search = Search.read(request.query_params)   # a program: Invalid names the field and the remedy

page = page_of(principal, search, before=cursor, limit=60)         # finding.py
page.ids, page.next, page.previous, page.assets()
newer, older = neighbours(principal, search, asset.id)             # finding.py
counts = facets(principal, search)                                 # facets.py
scrubber = months(principal, search)                               # facets.py
words = suggest(principal, search, "boa")                          # facets.py
rows = Asset.objects.matching(search, principal)                   # every match, in no order
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from accounts.actions import as_uuid
from accounts.errors import Invalid, wrong
from generations.models.terms import facet, question, quoted
from providers.values import ASPECTS

KINDS = ("generated", "uploaded")
SHAPES = (*(name for name, sides in ASPECTS.items() if sides), "other")
LONGEST_QUESTION = 500
MOST_VALUES = 50

Said = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Search:
    """Every part must be true; of several values any will do, but a picture must have all the tags.

    ``q`` are words of prompt and name, ``rating`` the least, ``favorite`` mine; ``created_after``
    is included, ``created_before`` is not. ``collection`` brings its own order, made by hand.
    ``seed`` is the exact one, as the gateway gave it.
    """

    project: UUID | None = None
    q: str = ""
    tag: tuple[str, ...] = ()
    collection: UUID | None = None
    rating: int = 0
    favorite: bool = False
    provider: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    user: tuple[UUID, ...] = ()
    kind: tuple[str, ...] = ()
    aspect: tuple[str, ...] = ()
    seed: int | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    trashed: bool = False

    @classmethod
    def read(cls, said: Said | QueryDict) -> Search:
        """Strictly; names that are no part of a search are ignored. Raises Invalid for the first flaw."""
        return cls(**{name: _READERS[name](name, texts) for name, texts in _said(said).items()})

    @classmethod
    def of(cls, said: Said | QueryDict) -> Search:
        """Leniently: a part that means nothing is left out."""
        found: dict[str, Any] = {}
        for name, texts in _said(said).items():
            try:
                found[name] = _READERS[name](name, texts)
            except Invalid:
                continue
        return cls(**found)

    @property
    def said(self) -> dict[str, list[str]]:
        """The parts that say something, as texts, in one order: what ``read`` reads back."""
        return {
            name: [_text(value) for value in _many(getattr(self, name))]
            for name in NAMES
            if getattr(self, name) != _UNSAID[name]
        }

    @property
    def address(self) -> str:
        """The canonical query string; the same search has one address. Empty if nothing is said."""
        return urlencode(self.said, doseq=True)

    @property
    def narrowed(self) -> bool:
        """Whether anything but the project (or the trash) is said."""
        return bool(set(self.said) - {"project", "trashed"})

    def adding(self, name: str, value: object) -> Search:
        """With one more value of a part that takes several, or with this value of one that takes one."""
        before = [text for text in self.said.get(name, []) if name in SEVERAL]
        return Search.of({**self.said, name: list(dict.fromkeys([*before, _text(value)]))})

    def without(self, name: str, value: object = None) -> Search:
        """Without one value of a part, or without the part."""
        left = [text for text in self.said.get(name, []) if value is not None and text != _text(value)]
        return Search.of({**self.said, name: left})

    def toggling(self, name: str, value: object) -> Search:
        """Without the value if it is there, else with it."""
        return self.without(name, value) if self.has(name, value) else self.adding(name, value)

    def has(self, name: str, value: object) -> bool:
        return _text(value) in self.said.get(name, [])

    @property
    def chips(self) -> list[Chip]:
        """Each value that narrows the search, but for the words and the project."""
        return [
            Chip(name, text, self.without(name, text).address)
            for name, texts in self.said.items()
            if name not in {"q", "project", "trashed"}
            for text in texts
        ]

    def parts(self, person: UUID) -> list[str]:
        """What narrows it as parts of a tsquery that must all be true; dates and collection are apart."""
        found = question(self.q)
        found += [quoted(facet("tag", tag)) for tag in self.tag]
        for name in ("provider", "model", "user", "kind", "aspect"):
            if values := getattr(self, name):
                found.append(any_of(name, values))
        if self.rating:
            found.append(any_of("rating", range(self.rating, 6)))
        if self.favorite:
            found.append(quoted(facet("favorite", person)))
        return found

    def plain(self) -> Search:
        """Only where: the project, and whether in the trash."""
        return Search(project=self.project, trashed=self.trashed)

    def changed(self, **parts: Any) -> Search:
        """With parts given as values."""
        return replace(self, **parts)


@dataclass(frozen=True, slots=True)
class Chip:
    """One value of a search, and the address of the search without it."""

    name: str
    value: str
    without: str


NAMES = tuple(field.name for field in fields(Search))
_UNSAID = {field.name: field.default for field in fields(Search)}
SEVERAL = frozenset({"tag", "provider", "model", "user", "kind", "aspect"})


def any_of(name: str, values: Iterable[object]) -> str:
    """A part of a tsquery: the facet has one of the values."""
    return "(" + "|".join(quoted(facet(name, value)) for value in values) + ")"


def _said(said: Said | QueryDict) -> dict[str, list[str]]:
    """The texts of each part that says something, without what no database keeps."""
    pairs = said.lists() if isinstance(said, QueryDict) else said.items()
    found: dict[str, list[str]] = {}
    for name, given in pairs:
        texts = [given] if isinstance(given, str) else list(given)
        if name in _READERS:
            kept = [text.replace("\x00", "").encode(errors="ignore").decode().strip() for text in texts]
            if kept := [text for text in kept if text]:
                found[name] = kept
    return found


def _many(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        whole_day = moment.time() == time.min
        return moment.date().isoformat() if whole_day else moment.isoformat().replace("+00:00", "Z")
    return str(value)


def _words(name: str, texts: list[str]) -> str:
    if len(texts[-1]) > LONGEST_QUESTION:
        raise wrong(
            name,
            _("may have at most %(most)s characters; look for fewer words.") % {"most": LONGEST_QUESTION},
        )
    return texts[-1]


def _each(name: str, texts: list[str]) -> tuple[str, ...]:
    """As they are: a tag may have a comma."""
    if len(texts) > MOST_VALUES or any(len(text) > 150 for text in texts):
        raise wrong(
            name, _("may be at most %(most)s texts of at most 150 characters.") % {"most": MOST_VALUES}
        )
    return tuple(dict.fromkeys(texts))


def _list(name: str, texts: list[str]) -> tuple[str, ...]:
    """Repeated, or separated by commas."""
    return _each(
        name, [word for text in texts for word in (part.strip() for part in text.split(",")) if word]
    )


def _of(choices: tuple[str, ...]) -> Callable[[str, list[str]], tuple[str, ...]]:
    def chosen(name: str, texts: list[str]) -> tuple[str, ...]:
        found = _list(name, texts)
        if set(found) - set(choices):
            raise wrong(name, _("must be one or several of %(known)s.") % {"known": ", ".join(choices)})
        return found

    return chosen


def _id(name: str, texts: list[str]) -> UUID:
    found = as_uuid(texts[-1])
    if found is None:
        raise wrong(name, _("must be an id."))
    return found


def _ids(name: str, texts: list[str]) -> tuple[UUID, ...]:
    return tuple(_id(name, [text]) for text in _list(name, texts))


def _flag(name: str, texts: list[str]) -> bool:
    if texts[-1].lower() not in {"true", "false", "1", "0"}:
        raise wrong(name, _("must be true or false."))
    return texts[-1].lower() in {"true", "1"}


def _stars(name: str, texts: list[str]) -> int:
    if texts[-1] not in {"0", "1", "2", "3", "4", "5"}:
        raise wrong(name, _("must be a whole number from 0 to 5: so many stars at least."))
    return int(texts[-1])


def _seed(name: str, texts: list[str]) -> int:
    found = int(texts[-1]) if re.fullmatch(r"[0-9]{1,19}", texts[-1]) else -1
    if not 0 <= found < 2**63:
        raise wrong(name, _("must be a whole number from 0 to %(most)s.") % {"most": 2**63 - 1})
    return found


def _moment(name: str, texts: list[str]) -> datetime:
    """An RFC 3339 time, or a day in UTC: its beginning."""
    text = texts[-1].replace(" ", "+")  # a plus sign in a query means a space
    try:
        day = parse_date(text)
        found = datetime.combine(day, time.min, UTC) if day else parse_datetime(text)
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year < 9999:
        raise wrong(name, _("must be a time such as 2026-11-21T12:00:00Z, or a day such as 2026-11-21."))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


_READERS: dict[str, Callable[[str, list[str]], Any]] = {
    "project": _id,
    "q": _words,
    "tag": _each,
    "collection": _id,
    "rating": _stars,
    "favorite": _flag,
    "provider": _list,
    "model": _list,
    "user": _ids,
    "kind": _of(KINDS),
    "aspect": _of(SHAPES),
    "seed": _seed,
    "created_after": _moment,
    "created_before": _moment,
    "trashed": _flag,
}
