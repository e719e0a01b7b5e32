"""Recognising a retry that does not say of what.

OpenAI's SDKs repeat a request after a time-out or an error without any idempotency key and
mark it only by ``x-stainless-retry-count``. So each request is written down with the count it
was last asked with, and a retry N takes over the oldest one with the same key and body that
was last asked with N-1. Taking over is one update of one locked row: no two retries get the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models.functions import Now
from rest_framework.request import Request

from accounts.principal import Principal
from generations.actions.idempotency import Key
from generations.models import KeptAnswer

WITHIN = timedelta(minutes=15)
_MARK = "sdk"


def retry_count(request: Request) -> int:
    """Which repetition this is; 0 for the first, and for what cannot be read."""
    text = request.headers.get("x-stainless-retry-count", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


def first_key(principal: Principal, path: str, body: Mapping[str, Any]) -> Key:
    """A key under which a request is written down so that its retries find it."""
    return Key(principal.user, f"{_prefix(principal)}{uuid4()}", path, body)


def remembered(count: int) -> dict[str, Any]:
    """What is written down beside it."""
    return {"asked": count}


def join(principal: Principal, path: str, body: Mapping[str, Any], count: int) -> UUID | None:
    """The generation that this retry is about, now claimed by it; None if there is none."""
    if count < 1:
        return None
    with transaction.atomic():
        found = (
            KeptAnswer.objects.select_for_update(skip_locked=True)
            .filter(
                user=principal.user,
                key__startswith=_prefix(principal),
                path=path,
                body_sha256=first_key(principal, path, body).body_sha256,
                created_at__gt=Now() - WITHIN,
                subject_id__isnull=False,
                answer__asked=count - 1,
            )
            .order_by("subject_id")
            .first()
        )
        if found is None:
            return None
        KeptAnswer.objects.filter(id=found.id).update(answer=remembered(count))
    return found.subject_id


def _prefix(principal: Principal) -> str:
    return f"{_MARK}:{principal.key.id if principal.key else principal.user.id}:"
