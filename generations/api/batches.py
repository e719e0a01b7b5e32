"""Batches over HTTP: many prompts asked for as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.describe import PAGED, described, header, page_of, query
from accounts.endpoint import Endpoint
from accounts.models import Scope
from accounts.paging import PAGING, page
from billing.money import dollars
from generations.actions import batches, steering
from generations.actions.batches import MOST_WORKS
from generations.api.answers import GenerationBody, PriceAnswer
from generations.api.generations import MOST_BODY, at_once, key_of
from generations.api.present import stamp
from generations.models import Batch

_KEY = header("Idempotency-Key", "The same key and body is answered again and never done twice")


class BatchBody(GenerationBody):
    """A generation's body for every prompt of a list. ``max_price`` is for the whole batch."""

    prompt = None  # type: ignore[assignment]
    upload_urls = None  # type: ignore[assignment]
    prompts = serializers.ListField(
        child=serializers.CharField(),
        help_text=f"`{{dawn|dusk}}` stands for both; at most {MOST_WORKS} in all",
    )
    wildcards = serializers.BooleanField(default=True, help_text="false: braces are plain text")
    name = serializers.CharField(required=False, max_length=batches.LONGEST_NAME)


class BatchAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="batch")
    name = serializers.CharField()
    status = serializers.ChoiceField(["running", "paused", "canceling", "canceled", "ended"])
    project = serializers.UUIDField()
    user = serializers.UUIDField()
    works = serializers.IntegerField(help_text="Generations; list them with `GET /generations?batch=`")
    pictures = serializers.IntegerField(help_text="Asked for in all")
    delivered = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Generations by status")
    price = PriceAnswer()
    created_at = serializers.DateTimeField()
    paused_at = serializers.DateTimeField(allow_null=True)
    canceled_at = serializers.DateTimeField(allow_null=True)


class BatchQuoteAnswer(serializers.Serializer[Any]):
    works = serializers.IntegerField()
    pictures = serializers.IntegerField()
    provider = serializers.CharField()
    price = serializers.CharField(help_text="US dollars for all of it")
    currency = serializers.CharField()
    prompts = serializers.ListField(child=serializers.CharField(), help_text="Written out, in their order")


class Batches(Endpoint):
    """Many prompts, run as one."""

    scopes = {"POST": Scope.GENERATE}
    filters = PAGING | {"project"}
    max_body = MOST_BODY

    @described(
        "list_batches",
        "Batches, newest first",
        {200: page_of(BatchAnswer, "BatchPage")},
        query=[*PAGED, query("project", "Of this project", OpenApiTypes.UUID)],
    )
    def get(self, request: Request) -> Response:
        found = self.query.within_project(Batch.objects.visible_to(self.principal))
        return page(request, self.query, found, batches_json)

    @described(
        "run_batch",
        "Run many prompts as one; all are held and queued, or none",
        {202: BatchAnswer},
        body=BatchBody,
        headers=[_KEY],
        errors=[402, 404, 422],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        key = key_of(request, self.principal, body)
        outcome = batches.run(principal=self.principal, wanted=batches.read(body), render=batch_json, key=key)
        return at_once(outcome)


class BatchQuotes(Endpoint):
    """The price of all of it, before it runs."""

    scopes = {"POST": Scope.GENERATE}
    max_body = MOST_BODY

    @described(
        "quote_batch",
        "What a batch would make and cost",
        {200: BatchQuoteAnswer},
        body=BatchBody,
        errors=[404],
    )
    def post(self, request: Request) -> Response:
        wanted = batches.read(self.body(request))
        quote = batches.priced(wanted)
        return Response(
            {
                "works": wanted.works,
                "pictures": wanted.pictures,
                "provider": quote.provider,
                "price": dollars(wanted.price(quote)),
                "currency": "USD",
                "prompts": wanted.prompts,
            }
        )


class OneBatch(Endpoint):
    """One batch."""

    @described("get_batch", "How far a batch has come", {200: BatchAnswer}, errors=[404])
    def get(self, request: Request, batch_id: UUID) -> Response:
        return Response(batch_json(steering.visible(self.principal, batch_id)))


class PauseBatch(Endpoint):
    """Not now."""

    scopes = {"POST": Scope.GENERATE}

    @described(
        "pause_batch",
        "Send nothing more for now; what is on the wire goes on",
        {200: BatchAnswer},
        errors=[404, 409],
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        return Response(batch_json(steering.pause(principal=self.principal, batch_id=batch_id)))


class ResumeBatch(Endpoint):
    """Go on."""

    scopes = {"POST": Scope.GENERATE}

    @described("resume_batch", "Go on with a paused batch", {200: BatchAnswer}, errors=[404, 409])
    def post(self, request: Request, batch_id: UUID) -> Response:
        return Response(batch_json(steering.resume(principal=self.principal, batch_id=batch_id)))


class CancelBatch(Endpoint):
    """No more of it."""

    scopes = {"POST": Scope.GENERATE}

    @described(
        "cancel_batch",
        "Call off what has not been sent; what a gateway finishes all the same is kept",
        {200: BatchAnswer},
        errors=[404, 409],
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        return Response(batch_json(steering.cancel(principal=self.principal, batch_id=batch_id)))


def batch_json(batch: Batch) -> dict[str, Any]:
    return batches_json([batch])[0]


def batches_json(found: Sequence[Batch]) -> list[dict[str, Any]]:
    """Batches with how far they have come: one more query, however many there are."""
    courses = steering.courses(found)
    return [_batch(batch, courses[batch.id]) for batch in found]


def _batch(batch: Batch, course: steering.Course) -> dict[str, Any]:
    return {
        "id": str(batch.id),
        "object": "batch",
        "name": batch.name,
        "status": course.status(batch),
        "project": str(batch.project_id),
        "user": str(batch.user_id),
        "works": batch.works,
        "pictures": batch.pictures,
        "delivered": course.delivered,
        "counts": dict(course.counts),
        "price": {
            "quoted": dollars(batch.quoted),
            "held": dollars(course.held),
            "charged": dollars(course.charged),
            "currency": "USD",
        },
        "created_at": stamp(batch.created_at),
        "paused_at": stamp(batch.paused_at),
        "canceled_at": stamp(batch.canceled_at),
    }
