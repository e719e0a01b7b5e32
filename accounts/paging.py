"""Lists by pages, newest first: by key, never counted, so the last page costs what the first does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import Query
from accounts.errors import Invalid

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
    newer, edge = _cursor(query.text("cursor"), rows)
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
            "next": _address(request, f"older-{found[-1].id}") if has_older else None,
            "previous": _address(request, f"newer-{found[0].id}") if has_newer else None,
        }
    )


def whole(results: list[dict[str, Any]]) -> Response:
    """A list that is always short enough for one page."""
    return Response({"results": results, "next": None, "previous": None})


def _cursor(text: str | None, rows: QuerySet[Any, Any]) -> tuple[bool, Any]:
    if text is None:
        return False, None
    side, _, edge = text.partition("-")
    try:
        key = rows.model._meta.pk.to_python(edge)
    except ValidationError:
        key = None
    if key is None or side not in {"older", "newer"}:
        sentence = "must be taken from next or previous."
        raise Invalid(f"cursor {sentence}", fields={"cursor": [sentence]})
    return side == "newer", key


def _address(request: Request, cursor: str) -> str:
    parameters = [(name, value) for name, value in request.query_params.items() if name != "cursor"]
    return f"{settings.PUBLIC_URL}{request.path}?{urlencode([*parameters, ('cursor', cursor)])}"
