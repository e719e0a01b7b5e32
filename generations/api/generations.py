"""Asking for pictures over HTTP, and watching them come."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.describe import PAGED, described, header, page_of, query
from accounts.endpoint import MEBIBYTE, Endpoint
from accounts.errors import wrong
from accounts.models import Scope
from accounts.paging import PAGING, page
from accounts.principal import Principal
from accounts.texts import sayable
from generations import waiting
from generations.actions import asking, generate, idempotency
from generations.actions.idempotency import Key, Outcome
from generations.api.answers import GenerationAnswer, GenerationBody
from generations.api.present import (
    generation_json,
    generation_rows,
    generations_json,
    in_words,
    queued_json,
    submitted_json,
)
from generations.api.streaming import streamed
from generations.models import Generation
from generations.states import GenerationStatus
from generations.waiting import TooManyWaiting, Watch

MOST_BODY = 192 * MEBIBYTE
"""Fourteen references of 10 MB each, as base64."""
LONGEST_WAIT = 300
LONGEST_STREAM = 1800
KEEP_ALIVE = 15.0
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])")
_KEY = header("Idempotency-Key", "The same key and body is answered again and never done twice")
_PREFER = header("Prefer", "`wait=60`: answer at the end, or after so many seconds, at most 300")
_PAGE = page_of(GenerationAnswer, "GenerationPage")


class Generations(Endpoint):
    """What was asked for."""

    scopes = {"POST": Scope.GENERATE}
    filters = PAGING | {
        "project",
        "status",
        "provider",
        "model",
        "user",
        "batch",
        "created_after",
        "created_before",
    }
    max_body = MOST_BODY

    @described(
        "list_generations",
        "What was asked for, newest first",
        {200: _PAGE},
        query=[
            *PAGED,
            query("project", "Of this project", OpenApiTypes.UUID),
            query("status", "One or several, separated by commas", enum=GenerationStatus.values),
            query("provider", "At this provider"),
            query("model", "With this model"),
            query("user", "By this person", OpenApiTypes.UUID),
            query("batch", "Of this batch", OpenApiTypes.UUID),
            query("created_after", "Since then, a time or a day", OpenApiTypes.DATETIME),
            query("created_before", "Until then", OpenApiTypes.DATETIME),
        ],
    )
    def get(self, request: Request) -> Response:
        found = _filtered(self, Generation.objects.visible_to(self.principal))
        return page(request, self.query, generation_rows(found), generations_json)

    @described(
        "create_generation",
        "Make pictures",
        {202: GenerationAnswer, 201: OpenApiResponse(GenerationAnswer, "It ended while you waited")},
        body=GenerationBody,
        headers=[_KEY, _PREFER],
        errors=[402, 404, 422],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        key = key_of(request, self.principal, body)
        asked = asking.read(body)
        render = submitted_json if asked.references else queued_json
        outcome = generate.submit(principal=self.principal, asked=asked, render=render, key=key)
        return answer(request, self.principal, outcome, key)


class OneGeneration(Endpoint):
    """One generation."""

    @described("get_generation", "One generation", {200: GenerationAnswer}, errors=[404])
    def get(self, request: Request, generation_id: UUID) -> Response:
        return Response(generation_json(generate.visible(self.principal, generation_id)))


class Cancel(Endpoint):
    """Changing one's mind."""

    scopes = {"POST": Scope.GENERATE}

    @described(
        "cancel_generation",
        "Stop what has not been sent; what a gateway finishes all the same is kept",
        {200: GenerationAnswer},
        errors=[404, 409],
    )
    def post(self, request: Request, generation_id: UUID) -> Response:
        return Response(
            generation_json(generate.cancel(principal=self.principal, generation_id=generation_id))
        )


class Retry(Endpoint):
    """The same again."""

    scopes = {"POST": Scope.GENERATE}

    @described(
        "retry_generation",
        "Ask the same again: a new generation that names the old one",
        {202: GenerationAnswer, 201: OpenApiResponse(GenerationAnswer, "It ended while you waited")},
        headers=[_KEY, _PREFER],
        errors=[402, 404, 409, 422],
    )
    def post(self, request: Request, generation_id: UUID) -> Response:
        body = self.body(request)
        for name in sorted(map(str, body)):
            raise wrong(sayable(name), _("is not taken by a retry, which asks the same again; leave it out."))
        key = key_of(request, self.principal, body)
        outcome = generate.retry(
            principal=self.principal, generation_id=generation_id, render=submitted_json, key=key
        )
        return answer(request, self.principal, outcome, key)


class Events(Endpoint):
    """A generation's course, as it goes."""

    @described(
        "stream_generation",
        "Server-sent events until the end: `event: generation`, `data:` the generation",
        {(200, "text/event-stream"): OpenApiTypes.STR},
        errors=[404],
    )
    def get(self, request: Request, generation_id: UUID) -> StreamingHttpResponse:
        generate.visible(self.principal, generation_id)
        return streamed(partial(_events, self.principal, generation_id), generation_id)


def key_of(request: Request, principal: Principal, body: dict[str, Any]) -> Key | None:
    """The request's idempotency key, if it has one. Raises Invalid."""
    sent = request.headers.get("Idempotency-Key")
    if sent is None:
        return None
    key = Key(principal.user, sent, request.path, body)
    key.check()
    return key


def answer(request: Request, principal: Principal, outcome: Outcome, key: Key | None) -> Response:
    """The outcome of a submit: at once, or after as long a wait as was preferred."""
    seconds = preferred_wait(request)
    if seconds is None or outcome.status != status.HTTP_202_ACCEPTED or outcome.subject_id is None:
        return at_once(outcome)
    try:
        with waiting.watching(outcome.subject_id) as watch:
            over = waiting.until_ended(watch, seconds)
    except TooManyWaiting:
        return at_once(outcome)
    said = generation_json(generate.visible(principal, outcome.subject_id))
    code = status.HTTP_201_CREATED if over else status.HTTP_202_ACCEPTED
    if over and key is not None:
        idempotency.keep_final(key, code, said)
    return Response(said, code, headers={**_replayed(outcome), "Preference-Applied": f"wait={seconds}"})


def at_once(outcome: Outcome) -> Response:
    """The outcome as it was kept."""
    return Response(in_words(outcome.answer), outcome.status, headers=_replayed(outcome))


def _replayed(outcome: Outcome) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if outcome.replayed else {}


def preferred_wait(request: Request) -> int | None:
    """Seconds of ``Prefer: wait=N`` (RFC 7240), at most 300; what cannot be read is no preference."""
    found = _WAIT.search(request.headers.get("Prefer", "").lower())
    return min(int(found[1]), LONGEST_WAIT) if found else None


def _filtered(
    endpoint: Endpoint, found: QuerySet[Generation, Generation]
) -> QuerySet[Generation, Generation]:
    asked = endpoint.query
    filters = {
        "project": asked.uuid("project"),
        "status__in": asked.words("status", GenerationStatus.values),
        "provider": asked.text("provider"),
        "model": asked.text("model"),
        "user": asked.uuid("user"),
        "batch": asked.uuid("batch"),
        "created_at__gte": asked.moment("created_after"),
        "created_at__lt": asked.moment("created_before"),
    }
    return found.filter(**{name: value for name, value in filters.items() if value})


def _events(principal: Principal, generation_id: UUID, watch: Watch) -> Generator[str]:
    """The generation now and after each change, until its end or until it can be seen no more."""
    last, said_at = "", time.monotonic()
    end = said_at + LONGEST_STREAM
    while time.monotonic() < end:
        generation = Generation.objects.visible_to(principal).filter(id=generation_id).first()
        if generation is None:
            return
        now = json.dumps(generation_json(generation), ensure_ascii=False)
        over = generation.ended
        connection.close()
        if now != last:
            yield f"event: generation\ndata: {now}\n\n"
            last, said_at = now, time.monotonic()
        elif time.monotonic() - said_at > KEEP_ALIVE:
            yield ": still here\n\n"
            said_at = time.monotonic()
        if over:
            return
        watch.sleep(KEEP_ALIVE)
