"""Recognising a retry that does not say of what.

OpenAI's SDKs repeat a request after a time-out or an error without any idempotency key and
mark it only by ``x-stainless-retry-count``. So each request is written down, as soon as it is
understood, with the count it was last asked with; and a retry N takes over the one with the same
key and body that was last asked with N-1, the oldest of several. If N-1 was lost on its way, or
refused at the gate, it is the one with the next lower count.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts import rows
from accounts.errors import Conflict
from accounts.principal import Principal
from generations.actions.idempotency import Key
from generations.models import KeptAnswer
from generations.waiting import Watch

WITHIN = timedelta(minutes=15)
ALIVE = timedelta(minutes=3)
"""So long a request may take until its generation is there; after that its process has died."""
PATIENCE = 60.0
"""Seconds for which a retry waits for the generation of the request that it repeats."""
_LOOK_EVERY = 0.25
_MARK = "sdk"
_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))"
"""No two retries of one request may find the same, or both find nothing."""


def retry_count(request: Request) -> int:
    """Which repetition this is; 0 for the first, and for what cannot be read."""
    text = request.headers.get("x-stainless-retry-count", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0


class Note:
    """Where a request is written down: in a row of its ``own``, or in that of the one it repeats."""

    def __init__(self, principal: Principal, path: str, body: Mapping[str, Any], count: int) -> None:
        self._prefix = f"{_MARK}:{principal.key.id if principal.key else principal.user.id}:"
        self._count = count
        self.key = Key(principal.user, self._prefix, path, body, begun=True)
        self.own = False
        self._take()

    def _take(self) -> None:
        """Claim the row of the request that this one repeats, or write down a new one."""
        with transaction.atomic():
            found = self._repeated() if self._count else None
            self.own = found is None
            self.key = replace(self.key, key=found.key if found else f"{self._prefix}{uuid4()}")
            asked = {"asked": self._count}
            if found is None:
                KeptAnswer.objects.create(
                    user=self.key.user,
                    key=self.key.key,
                    path=self.key.path,
                    body_sha256=self.key.body_sha256,
                    answer=asked,
                )
            else:
                self._row().update(answer=asked)

    def _repeated(self) -> KeptAnswer | None:
        path, digest = self.key.path, self.key.body_sha256
        rows.read(_ONE_BY_ONE, [f"{self._prefix}{path} {digest}"])
        same = KeptAnswer.objects.filter(
            user=self.key.user,
            key__startswith=self._prefix,
            path=path,
            body_sha256=digest,
            created_at__gt=Now() - WITHIN,
            answer__asked__lt=self._count,
        )
        # Whoever wrote it, and lives after all, finds it gone and makes nothing.
        same.filter(subject_id=None, created_at__lt=Now() - ALIVE).delete()
        return same.select_for_update().order_by("-answer__asked", "id").first()

    def settled(self, watch: Watch) -> UUID | None:
        """The generation of the request that this one repeats, once it is there; None: make a new one.

        Raises Conflict, if it takes too long.
        """
        end = time.monotonic() + PATIENCE
        while not self.own:
            row = self._row().first()
            if row is None:  # it was refused
                self._take()
            elif row.subject_id is not None:
                return row.subject_id
            elif time.monotonic() > end:
                raise Conflict(
                    _("The same request, sent before, is still being taken in; send it again in a moment."),
                    code="request_in_progress",
                    retry_after=1,
                )
            else:
                watch.sleep(_LOOK_EVERY)
        return None

    def forget(self) -> None:
        """It was refused: nothing came of it."""
        if self.own:
            self._row().filter(subject_id=None).delete()

    def _row(self) -> QuerySet[KeptAnswer, KeptAnswer]:
        return KeptAnswer.objects.filter(user=self.key.user, key=self.key.key)


@contextmanager
def noted(principal: Principal, path: str, body: Mapping[str, Any], count: int) -> Iterator[Note]:
    """Write down that this is asked, and forget it if the block ends badly before anything was made."""
    note = Note(principal, path, body, count)
    try:
        yield note
    except BaseException:
        note.forget()
        raise
