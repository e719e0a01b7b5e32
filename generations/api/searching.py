"""A search in a query or a body, and the pages it gives: what every operation over the library shares."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from accounts.actions import as_uuid
from accounts.describe import query
from accounts.endpoint import Query
from accounts.errors import Invalid, NotFound, wrong
from accounts.paging import LIMIT, MOST, address
from accounts.principal import Principal
from generations.api.present import assets_text
from generations.models.finding import Page, page_of
from generations.models.search import KINDS, NAMES, SHAPES, Search

FILTERS = frozenset(NAMES)
REPEATED = frozenset({"tag"})
DESCRIBED = (
    query("project", "In this project", OpenApiTypes.UUID),
    query("q", "Words of the prompt or the name, all of them, in any language; each may be a beginning"),
    query("tag", "With this tag; may be repeated: all of them"),
    query("collection", "In this collection, in its order", OpenApiTypes.UUID),
    query("rating", "With so many stars at least", OpenApiTypes.INT, enum=[1, 2, 3, 4, 5]),
    query("favorite", "My favourites", OpenApiTypes.BOOL, default=False),
    query("provider", "Made at this provider, or one of these, separated by commas"),
    query("model", "Made with this model, or one of these"),
    query("user", "By this person, or one of these"),
    query("kind", f"Of {', '.join(KINDS)}"),
    query("aspect", f"Of about these shapes: {', '.join(SHAPES)}"),
    query("seed", "Made with exactly this seed", OpenApiTypes.INT64),
    query("created_after", "Since then, a time or a day", OpenApiTypes.DATETIME),
    query("created_before", "Until then", OpenApiTypes.DATETIME),
    query("trashed", "The trash instead", OpenApiTypes.BOOL, default=False),
)


def listed(request: Request, asked: Query, principal: Principal, search: Search) -> HttpResponse:
    """One page of the search as JSON; a project or collection that is not mine has none. Raises Invalid."""
    limit = asked.whole("limit", 1, MOST, LIMIT)
    side, edge = _cursor(asked.text("cursor"))
    try:
        page = page_of(principal, search, limit=limit, **{side: edge})
    except Invalid:
        raise wrong("cursor", _("must be taken from next or previous.")) from None
    except NotFound:
        page = Page([], None, None)
    beyond = {
        "next": address(request, f"older-{page.next}") if page.next else None,
        "previous": address(request, f"newer-{page.previous}") if page.previous else None,
    }
    results = ",".join(assets_text(page.ids))  # which are JSON already
    body = f'{{"results":[{results}],{json.dumps(beyond)[1:]}'
    return HttpResponse(body, content_type="application/json")


def search_in(value: object) -> Search:
    """A search in a body: an object with the names of the filters. Raises Invalid."""
    if not isinstance(value, Mapping):
        raise wrong("search", _('must be an object with the names of the filters, such as {"q": "boat"}.'))
    unknown = sorted(set(value) - FILTERS)
    if unknown:
        raise wrong(
            "search",
            _("knows no %(unknown)s; known are %(names)s.")
            % {"unknown": ", ".join(unknown), "names": ", ".join(NAMES)},
        )
    return Search.read({name: _texts(name, said) for name, said in value.items()})


def ids_in(body: Mapping[str, Any], name: str) -> list[UUID]:
    """A list of ids in a body. Raises Invalid."""
    given = body.get(name)
    if not isinstance(given, list):
        raise wrong(name, _("must be a list of ids."))
    found = [as_uuid(one) if isinstance(one, str) else None for one in given]
    ids = [one for one in found if one is not None]
    if len(ids) < len(found):
        raise wrong(name, _("must be a list of ids; not all of these are."))
    return ids


def id_in(body: Mapping[str, Any], name: str) -> UUID | None:
    """An id in a body, or None where there is none. Raises Invalid."""
    given = body.get(name)
    if given is None:
        return None
    found = as_uuid(given) if isinstance(given, str) else None
    if found is None:
        raise wrong(name, _("must be an id."))
    return found


def _texts(name: str, said: object) -> list[str]:
    values = said if isinstance(said, list) else [said]
    if not all(isinstance(value, str | int | bool) for value in values):
        raise wrong("search", _("has a %(name)s that is neither text nor a list of texts.") % {"name": name})
    if not values or any(isinstance(value, str) and not _says_something(value) for value in values):
        # Read as nothing, it would be a search of everything, which a verb then befalls.
        raise wrong("search", _("has an empty %(name)s; give it a value or leave it out.") % {"name": name})
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in values]


def _says_something(text: str) -> bool:
    """Whether there is more in it than blanks and letters without a shape."""
    return any(unicodedata.category(letter)[0] not in "CZ" for letter in text)


def _cursor(text: str | None) -> tuple[str, str]:
    if text is None:
        return "before", ""
    side, _dash, edge = text.partition("-")
    if side not in {"older", "newer"} or not edge:
        raise wrong("cursor", _("must be taken from next or previous."))
    return ("after" if side == "newer" else "before"), edge
