"""The same key and body asks for one thing, however often it is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from accounts.errors import Conflict, wrong
from accounts.models import User
from generations.engine.persistence import gone, read_again, sqlstate, step_aside
from generations.models import KeptAnswer

DEADLOCK_TRIES = 3
_PASSING = {"40001", "40P01"}
_WAITED_TOO_LONG = "55P03"
"""For a row that another transaction has locked."""


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key as sent, and what it was sent with.

    ``begun``: it is written down already, and only what comes of it is to be added.
    """

    user: User
    key: str
    path: str
    body: Mapping[str, Any]
    begun: bool = False

    @property
    def body_sha256(self) -> str:
        text = json.dumps(self.body, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def check(self) -> None:
        """Raise Invalid if it is no usable key."""
        if not 1 <= len(self.key) <= 255 or not self.key.isprintable():
            raise wrong("Idempotency-Key", _("must be 1 to 255 printable characters."))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to answer, and whether it was answered before."""

    status: int
    answer: dict[str, Any]
    subject_id: UUID | None
    replayed: bool


def kept(key: Key) -> Outcome | None:
    """The first answer to this key, if there is one. Raises Conflict for another body."""
    row = None if key.begun else KeptAnswer.objects.filter(user=key.user, key=key.key).first()
    return None if row is None else _replay(row, key)


def once(
    key: Key | None,
    work: Callable[[], Outcome],
    pay: Callable[[Outcome], None],
    *,
    landed: Callable[[UUID], bool],
) -> Outcome:
    """Do the work and pay for it in one transaction with its kept answer, or give the first answer again.

    ``work`` is undone where the key was used before. ``pay`` comes once that is known, and last, so
    that what it locks is locked for the shortest time. Whatever either raises keeps nothing.
    ``landed`` tells whether what has this id is there: it is asked, in a transaction of its own, if the
    connection is cut at COMMIT, and first waits for a row that the work had locked.
    Raises Conflict while the first request is still running.
    """
    for again in range(DEADLOCK_TRIES + 1):
        made: list[Outcome] = []
        try:
            return _once(key, work, pay, made)
        except (OperationalError, InterfaceError) as error:
            if made and gone(error):
                if (subject := made[0].subject_id) and read_again(partial(landed, subject)):
                    return made[0]
                raise
            if sqlstate(error) not in _PASSING or again == DEADLOCK_TRIES:
                raise
            step_aside(again)
    raise AssertionError("unreachable")


class _UsedBefore(Exception):
    """Undoes the work."""


def _once(
    key: Key | None, work: Callable[[], Outcome], pay: Callable[[Outcome], None], made: list[Outcome]
) -> Outcome:
    """``made`` gets the outcome as soon as only its COMMIT is left."""
    if key is not None:
        key.check()
    try:
        with transaction.atomic():
            outcome = work()
            if key is not None and not _kept_first(key, outcome):
                raise _UsedBefore
            pay(outcome)
            made.append(outcome)
        return outcome
    except _UsedBefore:
        assert key is not None
        return _replay(KeptAnswer.objects.get(user=key.user, key=key.key), key)


def keep_final(key: Key, status: int, answer: dict[str, Any]) -> None:
    """A waiting request's last word replaces the first."""
    KeptAnswer.objects.filter(user=key.user, key=key.key).update(status=status, answer=answer)


_INSERT = """
WITH patient AS MATERIALIZED (SELECT set_config('lock_timeout', '2s', true))
INSERT INTO generations_keptanswer (user_id, key, path, body_sha256, status, answer, subject_id)
SELECT %s, %s, %s, %s, %s, %s, %s FROM patient ON CONFLICT (user_id, key) DO NOTHING
"""


def _kept_first(key: Key, outcome: Outcome) -> bool:
    """Keep the answer; False if there is one. Waits for a first request that has not committed yet."""
    if key.begun:
        _keep_what_came(key, outcome)
        return True
    answer: Any = Jsonb(outcome.answer)
    values = [key.user.id, key.key, key.path, key.body_sha256, outcome.status, answer, outcome.subject_id]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, values)
            return bool(cursor.rowcount == 1)
    except OperationalError as error:
        if sqlstate(error) != _WAITED_TOO_LONG:
            raise
        raise Conflict(
            _("The first request with this Idempotency-Key is still running."),
            code="idempotency_key_in_use",
            retry_after=1,
        ) from None


def _keep_what_came(key: Key, outcome: Outcome) -> None:
    """Raise Conflict if somebody else has taken it over meanwhile."""
    begun = KeptAnswer.objects.filter(user=key.user, key=key.key, subject_id=None)
    if not begun.update(status=outcome.status, subject_id=outcome.subject_id):
        raise Conflict(
            _("This request took too long, and was begun anew when it was repeated."),
            code="request_in_progress",
            retry_after=1,
        )


def _replay(row: KeptAnswer, key: Key) -> Outcome:
    if row.path != key.path or row.body_sha256 != key.body_sha256:
        raise Conflict(
            _("This Idempotency-Key was used for another request; take a new key for a new request."),
            code="idempotency_key_reused",
        )
    return Outcome(row.status, row.answer or {}, row.subject_id, replayed=True)
