"""Lists by pages, newest first: by key, never counted, so the last page costs what the first does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import Query
from accounts.errors import wrong

PAGING = frozenset({"limit", "cursor"})
LIMIT, MOST = 50, 200


def page(
    request: Request,
    query: Query,
    rows: QuerySet[Any, Any],
    present: Callable[[Sequence[Any]], list[dict[str, Any]]],
) -> Response:
    """One page of the rows, by their id; ``present`` turns them into JSON. Raises Invalid."""
    limit = query.whole("limit", 1, MOST, LIMIT)
    newer, edge = cursor_in(query, rows.model._meta.pk.to_python)
    if newer:
        found = list(rows.filter(pk__gt=edge).order_by("pk")[: limit + 1])
    else:
        found = list((rows if edge is None else rows.filter(pk__lt=edge)).order_by("-pk")[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    if newer:
        found.reverse()
    has_older = bool(found) if newer else more
    has_newer = more if newer else edge is not None and bool(found)
    return Response(
        {
            "results": present(found),
            "next": address(request, f"older-{found[-1].id}") if has_older else None,
            "previous": address(request, f"newer-{found[0].id}") if has_newer else None,
        }
    )


def whole(results: list[dict[str, Any]]) -> Response:
    """A list that is always short enough for one page."""
    return Response({"results": results, "next": None, "previous": None})


def cursor_in(query: Query, key_of: Callable[[str], Any]) -> tuple[bool, Any]:
    """Whether newer rows are asked for, and the key beside which they begin. Raises Invalid."""
    text = query.text("cursor")
    if text is None:
        return False, None
    side, _dash, edge = text.partition("-")
    try:
        key = key_of(edge)
    except ValidationError:
        key = None
    if key is None or side not in {"older", "newer"}:
        raise wrong("cursor", _("must be taken from next or previous."))
    return side == "newer", key


def address(request: Request, cursor: str) -> str:
    """The same list from another place on."""
    given = request.query_params.lists()
    parameters = [(name, value) for name, values in given for value in values if name != "cursor"]
    return f"{settings.PUBLIC_URL}{request.path}?{urlencode([*parameters, ('cursor', cursor)])}"
