"""Comparisons over HTTP: one prompt over several gateways or set-ups."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.describe import PAGED, described, header, money, page_of, query
from accounts.endpoint import Endpoint
from accounts.models import Scope
from accounts.paging import PAGING, page
from accounts.principal import Principal
from billing.money import dollars
from generations.actions import comparing, together, voting
from generations.api.answers import GenerationAnswer, GenerationBody
from generations.api.generations import MOST_BODY, at_once, key_of
from generations.api.present import generations_json, stamp
from generations.models import Comparison, Generation

_KEY = header("Idempotency-Key", "The same key and body is answered again and never done twice")
_PROJECT = query("project", "Of this project only", OpenApiTypes.UUID)


class ComparisonBody(GenerationBody):
    """A generation's body for what all columns share. ``max_price`` is for the whole."""

    strategy = None  # type: ignore[assignment]
    upload_urls = None  # type: ignore[assignment]
    sequential = None  # type: ignore[assignment]
    columns = serializers.ListField(
        child=serializers.DictField(),
        help_text=f"{comparing.FEWEST} to {comparing.MOST}, each with a `provider` and what differs: "
        + ", ".join(f"`{name}`" for name in sorted(comparing.OF_A_COLUMN)),
    )


class ComparisonAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="comparison")
    project = serializers.UUIDField()
    user = serializers.UUIDField()
    prompt = serializers.CharField()
    over = serializers.BooleanField(help_text="Nothing more will come; it can be judged")
    columns = GenerationAnswer(many=True)
    created_at = serializers.DateTimeField()


class ColumnQuote(serializers.Serializer[Any]):
    provider = serializers.CharField()
    price = money("What this column costs")
    seconds = serializers.FloatField()


class ComparisonQuote(serializers.Serializer[Any]):
    price = money("What all of it costs")
    currency = serializers.CharField()
    columns = ColumnQuote(many=True)


class Comparisons(Endpoint):
    """One prompt, several gateways or set-ups."""

    scopes = {"POST": Scope.GENERATE}
    filters = PAGING | {"project"}
    max_body = MOST_BODY

    @described(
        "list_comparisons",
        "Comparisons, newest first, and who made which: their pictures you do not judge afterwards",
        {200: page_of(ComparisonAnswer, "ComparisonPage")},
        query=[*PAGED, _PROJECT],
    )
    def get(self, request: Request) -> Response:
        found = self.query.within_project(Comparison.objects.visible_to(self.principal))
        return page(request, self.query, found, partial(_named, self.principal))

    @described(
        "compare",
        "Ask several at once; all are held and queued, or none",
        {202: ComparisonAnswer},
        body=ComparisonBody,
        headers=[_KEY],
        errors=[402, 404, 422],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        key = key_of(request, self.principal, body)
        wanted = comparing.read(body)
        outcome = comparing.compare(principal=self.principal, wanted=wanted, render=comparison_json, key=key)
        return at_once(outcome)


class ComparisonQuotes(Endpoint):
    """The price of every column, before it runs."""

    scopes = {"POST": Scope.GENERATE}
    max_body = MOST_BODY

    @described(
        "quote_comparison", "What a comparison would cost", {200: ComparisonQuote}, body=ComparisonBody
    )
    def post(self, request: Request) -> Response:
        quotes = comparing.priced(comparing.read(self.body(request)))
        columns = [
            {"provider": one.provider, "price": dollars(one.price or 0), "seconds": round(one.seconds, 1)}
            for one in quotes
        ]
        price = dollars(together.total(quotes))
        return Response({"price": price, "currency": "USD", "columns": columns})


class OneComparison(Endpoint):
    """One comparison."""

    @described(
        "get_comparison",
        "A comparison with its columns, and who made which: its pictures you do not judge afterwards",
        {200: ComparisonAnswer},
        errors=[404],
    )
    def get(self, request: Request, comparison_id: UUID) -> Response:
        comparison = comparing.visible(self.principal, comparison_id)
        return Response(_named(self.principal, [comparison])[0])


def _named(principal: Principal, found: Sequence[Comparison]) -> list[dict[str, Any]]:
    """As the principal is shown them; nobody judges pictures blind whose gateways they were shown."""
    said = comparisons_json(found)
    voting.reveal(principal, [UUID(one["id"]) for each in said for one in each["columns"] if one["assets"]])
    return said


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    return comparisons_json([comparison])[0]


def comparisons_json(found: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Comparisons with their columns: three more queries, however many there are."""
    made = list(Generation.objects.filter(comparison__in=found).order_by("id"))
    shown = dict(zip([one.id for one in made], generations_json(made), strict=True))
    return [
        {
            "id": str(one.id),
            "object": "comparison",
            "project": str(one.project_id),
            "user": str(one.user_id),
            "prompt": one.prompt,
            "over": all(column.ended for column in made if column.comparison_id == one.id),
            "columns": [shown[column.id] for column in made if column.comparison_id == one.id],
            "created_at": stamp(one.created_at),
        }
        for one in found
    ]
