"""A server with much behind it: what is looked at every few seconds, or on a page, is found by indexes.

What is behind it is written as rows, because making it would take hours; the plans are PostgreSQL's for
the very statements that were sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from generations.engine import sweeping
from generations.models import Submission, figures
from tests.conftest import Person, ask

ROWS = 4000
LARGE = {"generations_generation", "generations_submission", "generations_result"}
# Ids of sixty days ago, as they would have been minted then: one for each row and table.
_COPIES = """
INSERT INTO {table} SELECT copy.* FROM {table} AS made, generate_series(1, %(rows)s) AS n,
  LATERAL (SELECT lpad(to_hex((extract(epoch FROM now() - interval '60 days') * 1000)::bigint + n), 12, '0')
    AS day) AS at,
  LATERAL jsonb_populate_record(made, {changes} || jsonb_build_object(
    'id', (at.day || '{number}')::uuid, 'created_at', now() - interval '60 days')) AS copy
WHERE made.id = %(made)s
"""
_GENERATION, _SUBMISSION, _RESULT = (f"7{number:03}8000000000000000" for number in range(3))


def copy(table: str, made: Any, number: str, changes: str) -> None:
    """Rows like one that was made."""
    sql = _COPIES.format(table=table, number=number, changes=f"jsonb_build_object({changes})")
    with connection.cursor() as cursor:
        cursor.execute(sql, {"rows": ROWS, "made": made})
        cursor.execute(f"ANALYZE {table}")


@pytest.fixture
def much(ada: Person) -> Person:
    """Somebody for whom thousands of pictures were made two months ago, and none since."""
    generation = ask(ada)
    submission = Submission.objects.get(generation=generation)
    result = submission.results.create(key="0", position=0, due_at=None)
    ended = "'finished_at', now() - interval '60 days'"
    copy("generations_generation", generation.id, _GENERATION, f"'status', 'succeeded', {ended}")
    copy(
        "generations_submission",
        submission.id,
        _SUBMISSION,
        f"'generation_id', (at.day || '{_GENERATION}')::uuid, 'ours', gen_random_uuid(), 'state', 'done', "
        f"'webhook_token', n::text, 'due_at', NULL, 'sent_at', now() - interval '60 days', {ended}",
    )
    copy(
        "generations_result",
        result.id,
        _RESULT,
        f"'submission_id', (at.day || '{_SUBMISSION}')::uuid, 'asset_id', gen_random_uuid(), "
        "'state', 'stored', 'sha256', 'as it was'",
    )
    return ada


def walks(work: Callable[[], Any]) -> list[str]:
    """The statements of some work by which the server reads all of a large table."""
    with CaptureQueriesContext(connection) as sent:
        work()
    found = []
    with connection.cursor() as cursor:
        for query in sent.captured_queries:
            sql = query["sql"].strip()
            if sql.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                cursor.execute("EXPLAIN (FORMAT JSON) " + sql)
                plan = cursor.fetchone()[0]
                plan = json.loads(plan) if isinstance(plan, str) else plan
                if any(_walks(node) for node in _nodes(plan[0]["Plan"])):
                    found.append(sql)
    return found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


def _walks(node: dict[str, Any]) -> bool:
    """Whether it reads a whole table, or the whole of an index that has all of its rows."""
    if node.get("Relation Name") not in LARGE:
        return False
    return "Seq Scan" in node["Node Type"] or (
        node.get("Index Name", "").endswith("_pkey") and "Index Cond" not in node
    )


def test_the_sweep_reads_no_more_for_what_is_long_over(much: Person) -> None:
    assert walks(sweeping.sweep) == []


def test_figures_for_prometheus_read_no_more_for_what_is_long_over(much: Person) -> None:
    assert walks(lambda: Client().get("/metrics")) == []


def test_how_offers_fare_lately_is_not_looked_for_in_all_that_was_ever_made(much: Person) -> None:
    assert walks(figures.measured) == []
