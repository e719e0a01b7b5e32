"""Making the pictures of one OpenAI request, and answering only when they are there."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import Refusal
from accounts.principal import Principal
from generations import links, waiting
from generations.actions import generate, idempotency
from generations.actions.idempotency import Key, Outcome
from generations.api import files
from generations.api.openai import joining
from generations.api.openai.reading import Wish, in_their_words
from generations.models import Asset, Generation
from generations.states import GenerationStatus

PATIENCE = 300.0
"""Seconds for which a request is held open; the SDKs give up after 600."""


class StillRunning(Refusal):
    """The pictures are not there yet. They will be kept all the same."""

    code = "still_running"


class NotMade(Refusal):
    """The generation ended without a picture. Nothing was charged."""

    code = "generation_failed"


def make(
    request: Request,
    principal: Principal,
    body: Mapping[str, Any],
    wish: Wish,
    references: Callable[[], tuple[str, ...]] | None = None,
) -> Response:
    """Submit, or join what is under way, and wait. ``body`` is what tells a retry from a new request.

    ``references`` brings uploaded pictures into the library, once everything else is known to be
    right. Raises Refusal.
    """
    sent = request.headers.get("Idempotency-Key")
    if sent is not None:
        # A place to wait is taken first, so that nothing is paid for that nobody could wait for.
        with waiting.watching() as watch:
            outcome = _submit(principal, wish, references, Key(principal.user, sent, request.path, body))
            return _when_ended(principal, outcome.subject_id, wish, watch, replayed=outcome.replayed)
    # Here it comes second: a retry that finds no place was noted, and so the next one is known as well.
    count = joining.retry_count(request)
    with joining.noted(principal, request.path, body, count) as note, waiting.watching() as watch:
        made = note.settled(watch) or _submit(principal, wish, references, note.key).subject_id
        return _when_ended(principal, made, wish, watch)


def _submit(
    principal: Principal, wish: Wish, references: Callable[[], tuple[str, ...]] | None, key: Key
) -> Outcome:
    asked = wish.asked
    if references is not None:
        if first := idempotency.kept(key):
            return first
        with in_their_words():
            generate.check(principal, asked)
        asked = replace(asked, references=references())
    with in_their_words():
        return generate.submit(
            principal=principal, asked=asked, render=lambda made: {"generation": str(made.id)}, key=key
        )


def _when_ended(
    principal: Principal, made: UUID | None, wish: Wish, watch: waiting.Watch, *, replayed: bool = False
) -> Response:
    assert made is not None  # as of every submit
    watch.look_at(made)
    waiting.until_ended(watch, PATIENCE)
    said = _answer(generate.visible(principal, made), wish)
    headers = {"Seedbank-Generation": str(made)}
    return Response(said, headers={**headers, "Idempotency-Replayed": "true"} if replayed else headers)


def _answer(generation: Generation, wish: Wish) -> dict[str, Any]:
    named: dict[str, object] = {"generation": str(generation.id)}
    if not generation.ended:
        raise StillRunning(
            _(
                "The pictures are still being made; they will be kept. Ask for generation %(id)s, "
                "or send the same request again to go on waiting."
            )
            % {"id": generation.id},
            extra=named,
        )
    if generation.status == GenerationStatus.CANCELED:
        raise NotMade(_("The generation was canceled."), code="canceled", extra=named)
    if generation.status == GenerationStatus.FAILED:
        raise NotMade(generation.failure, code=generation.error_code, extra=named)
    kind = generation.parameters.get("output_format")
    quality = generation.parameters.get("output_quality")
    pictures = Asset.objects.made_by([generation])
    return {
        "created": int(generation.created_at.timestamp()),
        "data": [
            _picture(asset, wish, kind if kind != asset.format else None, quality) for asset in pictures
        ],
    }


def _picture(asset: Asset, wish: Wish, kind: str | None, quality: int | None) -> dict[str, Any]:
    quality = quality if kind else None
    revised = {"revised_prompt": asset.revised_prompt} if asset.revised_prompt else {}
    if not wish.inline:
        return {"url": links.link(asset, kind=kind, quality=quality), **revised}
    with files.as_file(asset, kind, quality) as file:
        return {"b64_json": base64.b64encode(file.read()).decode(), **revised}
