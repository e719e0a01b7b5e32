"""Taking due rows by lease, with the database's clock; whoever is killed loses the lease, not the work."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from accounts import rows
from generations.engine import clock, killing, reading
from generations.states import ResultState
from providers.errors import Unusable

log = logging.getLogger(__name__)
LEASE = killing.lease(60)
"""Seconds; extended while the work goes on, so a killed worker's work is free again within a minute."""
HEARTBEAT = LEASE / 4
NEAR_ITS_END = 3600
"""Seconds left to a link that is fetched out of turn: few are, for gateways' own links live a day or more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that this worker alone may work on until the lease ends."""

    id: UUID
    state: str
    fence: int


_PLANNED = f"""
WITH room (account_id, slots) AS (SELECT * FROM unnest(%s::uuid[], %s::int[])),
due AS (
  SELECT s.id FROM room CROSS JOIN LATERAL (
    SELECT id FROM generations_submission
    WHERE account_id = room.account_id AND state = 'planned' AND due_at <= now()
      AND (lease_until IS NULL OR lease_until < now())
    ORDER BY due_at LIMIT room.slots FOR UPDATE SKIP LOCKED) s
  LIMIT %s)
UPDATE generations_submission s
SET lease_until = now() + interval '{LEASE} seconds', lease_owner = %s, fence = fence + 1
FROM due WHERE s.id = due.id RETURNING s.id, s.state, s.fence, clock_timestamp()
"""  # noqa: S608

_OPEN = f"""
WITH due AS (
  SELECT id FROM generations_submission
  WHERE {reading.IS_IN_FLIGHT} AND due_at <= now()
    AND (lease_until IS NULL OR lease_until < now())
  ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE generations_submission s
SET lease_until = now() + interval '{LEASE} seconds', lease_owner = %s, fence = fence + 1
FROM due WHERE s.id = due.id RETURNING s.id, s.state, s.fence, clock_timestamp()
"""  # noqa: S608

_DYING = f"""
WITH due AS (
  SELECT id FROM generations_result
  WHERE state = 'pending' AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
    AND dies_at BETWEEN now() AND now() + interval '{NEAR_ITS_END} seconds'
  ORDER BY dies_at LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE generations_result r
SET lease_until = now() + interval '{LEASE} seconds', lease_owner = %s, fence = fence + 1
FROM due WHERE r.id = due.id RETURNING r.id, r.state, r.fence, clock_timestamp()
"""  # noqa: S608

_RESULTS = f"""
WITH due AS (
  SELECT id FROM generations_result
  WHERE state = %s AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
  ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE generations_result r
SET lease_until = now() + interval '{LEASE} seconds', lease_owner = %s, fence = fence + 1
FROM due WHERE r.id = due.id RETURNING r.id, r.state, r.fence, clock_timestamp()
"""  # noqa: S608


def owner() -> str:
    """A name for one worker's loop: the machine, its process, and which loop of it."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"


def claim_submissions(owner: str, most: int) -> list[Claim]:
    """Due submissions: those under way first, then as many planned ones as their accounts have room for."""
    claims = _run(_OPEN, [most, owner])
    accounts, slots = _room(most - len(claims))
    if accounts:
        claims += _run(_PLANNED, [accounts, slots, most - len(claims), owner])
    return claims


def claim_results(owner: str, state: str, most: int) -> list[Claim]:
    """Due results: those to be fetched whose links die soon, the first to die first; the rest in turn.

    A link that is dead already waits its turn: a file host that is away must not keep others waiting.
    """
    if most <= 0:
        return []
    claims = _run(_DYING, [most, owner]) if state == ResultState.PENDING else []
    if len(claims) < most:
        claims += _run(_RESULTS, [state, most - len(claims), owner])
    return claims


def extend(owner: str, table: str, ids: Sequence[UUID]) -> None:
    """Keep the leases of work that is going on."""
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET lease_until = now() + interval '{LEASE} seconds' "  # noqa: S608
            f"WHERE id IN (SELECT id FROM {table} WHERE lease_owner = %s AND id = ANY(%s) "
            "FOR UPDATE SKIP LOCKED)",  # a locked row is being worked on this very moment
            [owner, list(ids)],
        )


def release(table: str, claim: Claim) -> None:
    """Give up a claim before its lease ends: what failed here may go well at once, here or elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET lease_until = NULL WHERE id = %s AND fence = %s",  # noqa: S608
            [claim.id, claim.fence],
        )


def _room(most: int) -> tuple[list[UUID], list[int]]:
    """How many planned submissions each account could send now; sending itself checks exactly.

    Those of an account that is down are claimed as well: they may have somewhere else to go.
    """
    if most <= 0:
        return [], []
    accounts, slots = [], []
    now = clock.now()
    for account, busy in reading.accounts():
        try:
            most_there = account.room
        except Unusable as error:
            log.error("account %s is left alone: %s", account.id, error)
            continue
        resting = account.paused_until is not None and account.paused_until > now
        if not account.enabled or (resting and account.pause_level):
            free = most
        elif resting:
            continue
        else:
            free = min(most, most_there - busy)
        if free > 0:
            accounts.append(account.id)
            slots.append(free)
    return accounts, slots


def _run(sql: str, parameters: list[Any]) -> list[Claim]:
    asked = time.monotonic()
    claimed = rows.planned(sql, parameters)
    if claimed:
        clock.tell(claimed[-1][-1], asked)
    return [Claim(*row[:-1]) for row in claimed]
