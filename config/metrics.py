"""Figures for Prometheus, read from the rows when asked: every web process tells the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts import authentication
from generations import webhooks
from generations.states import CLAIMABLE, ENDED, OPEN, OVER

_GENERATIONS = """
SELECT status, count(*) FROM generations_generation WHERE status <> ALL(%s) GROUP BY 1
UNION ALL
SELECT status, count(*) FROM generations_generation WHERE id > %s AND status = ANY(%s) GROUP BY 1
"""
_SUBMISSIONS = """
SELECT provider, state, count(*) FROM generations_submission WHERE state = ANY(%s) GROUP BY 1, 2
UNION ALL
SELECT provider, state, count(*) FROM generations_submission
WHERE id > %s AND state = ANY(%s) GROUP BY 1, 2
"""
_OLDEST = """
SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM generations_submission
WHERE state = ANY(%s) AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
"""
_HOLDS = "SELECT count(*), coalesce(sum(amount), 0) FROM billing_hold WHERE settled_at IS NULL"
_ABSORBED = "SELECT coalesce(sum(amount), 0) FROM billing_transfer WHERE kind = 'absorb'"
_PAUSES = """
SELECT provider, name, CASE WHEN paused_until > now() THEN 1 ELSE 0 END, pause_level
FROM providers_provideraccount WHERE enabled
"""


class Rows(Collector):
    """What the tables say about work and money."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        since = _id_of(timezone.now() - timedelta(days=1))
        yield _gauge(
            "seedbank_generations",
            "Generations that are open, and those of the last day that ended",
            ["status"],
            _rows(_GENERATIONS, sorted(ENDED), since, sorted(ENDED)),
        )
        yield _gauge(
            "seedbank_submissions",
            "Paid requests that are open, and those of the last day that are over",
            ["provider", "state"],
            _rows(_SUBMISSIONS, sorted(OPEN), since, sorted(OVER)),
        )
        yield _gauge(
            "seedbank_oldest_due_seconds",
            "Age of the oldest due row nobody has",
            [],
            _rows(_OLDEST, sorted(CLAIMABLE)),
        )
        ((holds, held),) = _rows(_HOLDS)
        yield _gauge("seedbank_holds_open", "Holds of running work", [], [(holds,)])
        yield _gauge("seedbank_held_micros", "Micro-dollars in them", [], [(held,)])
        yield _gauge(
            "seedbank_absorbed_micros", "Micro-dollars the platform paid itself", [], _rows(_ABSORBED)
        )
        pauses = _rows(_PAUSES)
        labels = ["provider", "account"]
        yield _gauge(
            "seedbank_account_paused", "1 while an account is left alone", labels, [row[:3] for row in pauses]
        )
        yield _gauge(
            "seedbank_account_pause_level",
            "Steps from 30 s towards 10 min",
            labels,
            [(*row[:2], row[3]) for row in pauses],
        )


def _id_of(moment: datetime) -> UUID:
    """The first UUIDv7 of a moment (RFC 9562): the primary key finds a day's rows without counting all."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7000_8000_0000_0000_0000)


def _gauge(name: str, words: str, labels: list[str], rows: list[tuple[Any, ...]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for *values, number in rows:
        family.add_metric([str(value) for value in values], float(number))
    return family


def _rows(sql: str, *values: list[str] | UUID) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


REGISTRY = CollectorRegistry()
REGISTRY.register(Rows())
REGISTRY.register(webhooks.REFUSED)
REGISTRY.register(authentication.REFUSED)
