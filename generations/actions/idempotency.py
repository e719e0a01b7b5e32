"""The same key and body asks for one thing, however often it is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction

from accounts.errors import Conflict, Invalid
from accounts.models import User
from generations.engine.persistence import sqlstate
from generations.models import KeptAnswer

DEADLOCK_TRIES = 3
_PASSING = {"40001", "40P01"}


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key as sent, and what it was sent with."""

    user: User
    key: str
    path: str
    body: Mapping[str, Any]

    @property
    def body_sha256(self) -> str:
        text = json.dumps(self.body, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self) -> None:
        """Raise Invalid if it is no usable key."""
        if not 1 <= len(self.key) <= 255 or not self.key.isprintable():
            raise Invalid("Idempotency-Key must be 1 to 255 printable characters.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to answer, and whether it was answered before."""

    status: int
    answer: dict[str, Any]
    subject_id: UUID | None
    replayed: bool


def kept(key: Key) -> Outcome | None:
    """The first answer to this key, if there is one. Raises Conflict for another body."""
    row = KeptAnswer.objects.filter(user=key.user, key=key.key).first()
    return None if row is None else _replay(row, key)


def once(key: Key | None, work: Callable[[], tuple[int, dict[str, Any], UUID | None]]) -> Outcome:
    """Do the work in one transaction with its kept answer, or give the first answer again.

    ``work`` gives status, answer and the id of what it made; whatever it raises keeps nothing.
    Raises Conflict while the first request is still running.
    """
    for _ in range(DEADLOCK_TRIES):
        try:
            return _once(key, work)
        except OperationalError as error:
            if sqlstate(error) not in _PASSING:
                raise
    return _once(key, work)


def _once(key: Key | None, work: Callable[[], tuple[int, dict[str, Any], UUID | None]]) -> Outcome:
    if key is None:
        with transaction.atomic():
            status, answer, subject = work()
        return Outcome(status, answer, subject, replayed=False)
    key.check()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '2s'")
            row = KeptAnswer(user=key.user, key=key.key, path=key.path, body_sha256=key.body_sha256)
            if _inserted(row):
                status, answer, subject = work()
                KeptAnswer.objects.filter(user=key.user, key=key.key).update(
                    status=status, answer=answer, subject_id=subject
                )
                return Outcome(status, answer, subject, replayed=False)
    except OperationalError as error:
        if sqlstate(error) != "55P03":
            raise
        raise Conflict(
            "The first request with this Idempotency-Key is still running.",
            code="idempotency_key_in_use",
            retry_after=1,
        ) from None
    return _replay(KeptAnswer.objects.get(user=key.user, key=key.key), key)


def keep_final(key: Key, status: int, answer: dict[str, Any]) -> None:
    """A waiting request's last word replaces the first."""
    KeptAnswer.objects.filter(user=key.user, key=key.key).update(status=status, answer=answer)


_INSERT = """
INSERT INTO generations_keptanswer (user_id, key, path, body_sha256, status)
VALUES (%s, %s, %s, %s, 0) ON CONFLICT (user_id, key) DO NOTHING
"""


def _inserted(row: KeptAnswer) -> bool:
    with connection.cursor() as cursor:  # waits for a first request that has not committed yet
        cursor.execute(_INSERT, [row.user_id, row.key, row.path, row.body_sha256])
        return bool(cursor.rowcount == 1)


def _replay(row: KeptAnswer, key: Key) -> Outcome:
    if row.path != key.path or row.body_sha256 != key.body_sha256:
        raise Conflict(
            "This Idempotency-Key was used for another request; take a new key for a new request.",
            code="idempotency_key_reused",
        )
    return Outcome(row.status, row.answer or {}, row.subject_id, replayed=True)
