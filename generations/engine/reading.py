"""Rows as the engine reads them: many claimed ones at once, or locked in the order everybody keeps.

That order is generation, submission, result, account, wallet; PostgreSQL locks in the order of ``OF``
and gives the rows as they are once the locks are there. It is SQL, made once from the models, because
composing such a join through the ORM costs ten times what running it does. Large columns stay where
they are until somebody asks for them.
"""
# ruff: noqa: S608 - the names are our own tables and columns

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Model, prefetch_related_objects

from accounts import rows
from generations.models import Generation, Result, Submission
from generations.states import IN_FLIGHT, SubmissionState
from providers.models import ProviderAccount

if TYPE_CHECKING:
    from generations.engine.claiming import Claim


class _Part(NamedTuple):
    """One model's columns in a joined row."""

    model: type[Model]
    names: tuple[str, ...]
    converters: tuple[Any, ...]
    sql: str


def _part(alias: str, model: type[Model], *without: str) -> _Part:
    fields = [field for field in model._meta.concrete_fields if field.attname not in without]
    converters = tuple(getattr(field, "from_db_value", None) for field in fields)
    sql = ", ".join(f"{alias}.{field.column}" for field in fields)
    return _Part(model, tuple(field.attname for field in fields), converters, sql)


_G = _part("g", Generation, "parameters", "metadata")
_S = _part("s", Submission, "raw")
_R = _part("r", Result)
_A = _part("a", ProviderAccount, "recent_calls")

_FROM_SUBMISSION = """
FROM generations_submission s JOIN generations_generation g ON g.id = s.generation_id
"""
_FROM_RESULT = """
FROM generations_result r JOIN generations_submission s ON s.id = r.submission_id
JOIN generations_generation g ON g.id = s.generation_id
"""
_WITH_ACCOUNT = "JOIN providers_provideraccount a ON a.id = s.account_id"

_GENERATION = f"SELECT {_G.sql} FROM generations_generation g WHERE g.id = %s FOR NO KEY UPDATE"
_PARTS = f"SELECT {_S.sql} FROM generations_submission s WHERE s.generation_id = %s ORDER BY s.id"
_SUBMISSION = f"""
SELECT {_G.sql}, {_S.sql},
  EXISTS (SELECT FROM generations_submission o WHERE o.theirs = %s AND o.id <> s.id
          AND o.provider = s.provider AND o.account_id = s.account_id),
  EXISTS (SELECT FROM providers_provideraccount a WHERE a.id = s.account_id
          AND (a.pause_level > 0 OR a.window_failures > 0))
{_FROM_SUBMISSION} WHERE s.id = %s FOR NO KEY UPDATE OF g, s
"""
_RESULT = f"SELECT {_G.sql}, {_S.sql}, {_R.sql} {_FROM_RESULT} WHERE r.id = %s FOR NO KEY UPDATE OF g, s, r"
_TO_SEND = f"""
SELECT {_G.sql}, {_S.sql}, {_A.sql} {_FROM_SUBMISSION} {_WITH_ACCOUNT}
WHERE s.id = %s AND s.fence = %s AND s.state = %s AND s.lease_until > statement_timestamp()
  AND (s.state <> 'planned' OR s.due_at <= statement_timestamp())
FOR NO KEY UPDATE OF g, s, a
"""
_CLAIMED_SUBMISSIONS = f"""
SELECT {_G.sql}, {_S.sql}, {_A.sql},
  EXISTS (SELECT FROM generations_webhookevent w WHERE w.submission_id = s.id AND w.read_at IS NULL)
{_FROM_SUBMISSION} {_WITH_ACCOUNT}
JOIN unnest(%s::uuid[], %s::int[]) AS c (id, fence) ON c.id = s.id AND c.fence = s.fence
"""
_CLAIMED_RESULTS = f"""
SELECT {_G.sql}, {_S.sql}, {_A.sql}, {_R.sql} {_FROM_RESULT} {_WITH_ACCOUNT}
JOIN unnest(%s::uuid[], %s::int[]) AS c (id, fence) ON c.id = r.id AND c.fence = r.fence
"""


IS_IN_FLIGHT = "state IN ('" + "', '".join(sorted(IN_FLIGHT)) + "')"
"""With the states in it, so that the index of these rows is used."""
IS_BUSY = f"{IS_IN_FLIGHT} AND finished_at IS NULL"
"""Takes a place of its account. What was given up and is asked about again had its end, and takes none."""
_ACCOUNTS = f"""
SELECT {_A.sql}, (SELECT count(*) FROM generations_submission
                  WHERE account_id = a.id AND {IS_BUSY})
FROM providers_provideraccount a ORDER BY a.provider, a.position, a.id
"""


def accounts() -> list[tuple[ProviderAccount, int]]:
    """Every account, and how many of its calls are in flight."""
    return [(_made(row, _A)[0], row[-1]) for row in rows.planned(_ACCOUNTS)]


def lock_generation(generation_id: UUID) -> Generation:
    """The generation, locked until the transaction ends."""
    (row,) = rows.planned(_GENERATION, [generation_id])
    generation: Generation = _made(row, _G)[0]
    return generation


def parts(generation: Generation) -> list[Submission]:
    """All submissions of a generation, which is locked already."""
    found: list[Submission] = [_made(row, _S)[0] for row in rows.planned(_PARTS, [generation.id])]
    for submission in found:
        submission.generation = generation
    return found


class Addressed(NamedTuple):
    """The submission that an answer is about, and its generation, both locked.

    ``taken``: the provider's id is another submission's already. ``ailing``: its account's failures are
    being counted, or it is paused. Both as they were when the lock was asked for.
    """

    submission: Submission
    taken: bool
    ailing: bool


def lock_submission(submission_id: UUID, theirs: str | None) -> Addressed:
    """The submission that an answer is about; ``theirs`` is the provider's id as the answer tells it."""
    (row,) = rows.planned(_SUBMISSION, [theirs, submission_id])
    generation, submission = _made(row, _G, _S)
    submission.generation = generation
    return Addressed(submission, *row[-2:])


def lock_to_send(submission_id: UUID, fence: int, state: str) -> Submission | None:
    """The submission, its generation and its account, all locked; None if this claim was overtaken."""
    found = rows.planned(_TO_SEND, [submission_id, fence, state])
    return _whole(found[0]) if found else None


def lock_result(result_id: UUID) -> Result:
    """The result, its submission and its generation, all locked."""
    (row,) = rows.planned(_RESULT, [result_id])
    generation, submission, found = _made(row, _G, _S, _R)
    result: Result = found
    submission.generation, result.submission = generation, submission
    return result


_TO_BE_SENT = {SubmissionState.PLANNED, SubmissionState.SENDING, SubmissionState.UNKNOWN}
"""Or to be sent again."""


def submissions(claims: Iterable[Claim]) -> dict[UUID, Submission]:
    """The claimed submissions as they stand, with what they build on; without those since overtaken."""
    found = []
    for row in rows.planned(_CLAIMED_SUBMISSIONS, _ids(claims)):
        submission = _whole(row)
        submission.written = row[-1]
        found.append(submission)
    to_send = [one.generation for one in found if one.state in _TO_BE_SENT]
    prefetch_related_objects(to_send, "reference_uses__asset")
    return {one.id: one for one in found}


def results(claims: Iterable[Claim]) -> dict[UUID, Result]:
    """The claimed results as they stand; without those since overtaken."""
    found: dict[UUID, Result] = {}
    for row in rows.planned(_CLAIMED_RESULTS, _ids(claims)):
        submission = _whole(row)
        (result,) = _made(row[-len(_R.names) :], _R)
        result.submission = submission
        found[result.id] = result
    return found


def _ids(claims: Iterable[Claim]) -> list[list[Any]]:
    listed = list(claims)
    return [[claim.id for claim in listed], [claim.fence for claim in listed]]


def _whole(row: Sequence[Any]) -> Submission:
    generation, found, account = _made(row, _G, _S, _A)
    submission: Submission = found
    submission.generation, submission.account = generation, account
    return submission


def _made(row: Sequence[Any], *made_of: _Part) -> list[Any]:
    """Instances from a joined row, in the order of its parts."""
    found, start = [], 0
    for part in made_of:
        values = row[start : start + len(part.names)]
        start += len(part.names)
        converted = [
            value if convert is None else convert(value, None, connection)
            for value, convert in zip(values, part.converters, strict=True)
        ]
        found.append(part.model.from_db(connection.alias, part.names, converted))
    return found
