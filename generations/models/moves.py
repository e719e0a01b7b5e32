"""The only writer of states: a filtered UPDATE that names the state it saw.

Zero rows means someone else was first. Each move is recorded beside it. A move, its record and
its notification are one statement of SQL: every generation makes a dozen of them, and composing
each through the ORM costs ten times what running it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Now

from accounts import rows
from generations import states
from generations.models.generation import Generation
from generations.models.submission import Result, Submission

GENERATION_CHANNEL = "seedbank_generation"


@dataclass(frozen=True, slots=True)
class Sql:
    """A value that the database works out, with its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


def move_generation(generation: Generation, after: str, *, why: str = "", **changes: Any) -> bool:
    """Follow an arrow of the generation; False if it was no longer where it was seen."""
    before = generation.status
    assert after in states.GENERATION[before], f"no arrow {before} → {after}"
    if after in states.ENDED:
        changes["finished_at"] = Now()
    changed, values = _assigned({"status": str(after), **changes})
    sql = f"""
        WITH moved AS (UPDATE generations_generation SET {changed} WHERE id = %s AND status = %s
          RETURNING id),
        recorded AS (
          INSERT INTO generations_move (generation_id, before, after, who, why)
          SELECT id, %s, %s, '', %s FROM moved)
        SELECT pg_notify(%s, id::text) FROM moved
        """  # noqa: S608 - the names are our own columns
    seen = [generation.id, str(before)]
    if not _execute(sql, [*values, *seen, str(before), str(after), why[:300], GENERATION_CHANNEL]):
        return False
    generation.status = after
    return True


def move_submission(
    submission: Submission, after: str, *, who: str = "", why: str = "", **changes: Any
) -> bool:
    """Follow an arrow of the submission; False if it was no longer where it was seen.

    Takes along what was noted.
    """
    before = submission.state
    assert after in states.SUBMISSION[before], f"no arrow {before} → {after}"
    if after in states.OVER:
        changes |= {"finished_at": Now(), "due_at": None}
    noted: dict[str, Any] = submission.__dict__.get(_NOTED, {})
    changed, values = _assigned({**noted, "state": str(after), **changes})
    sql = f"""
        WITH moved AS (
          UPDATE generations_submission SET {changed} WHERE id = %s AND state = %s
          RETURNING id, generation_id)
        INSERT INTO generations_move (generation_id, submission_id, before, after, who, why)
        SELECT generation_id, id, %s, %s, %s, %s FROM moved
        """  # noqa: S608
    if not _execute(sql, [*values, submission.id, str(before), str(before), str(after), who[:80], why[:300]]):
        return False
    submission.__dict__.pop(_NOTED, None)
    _remember(submission, {"state": after, **changes})
    return True


def move_result(result: Result, after: str, *, wake: str = "", **changes: Any) -> bool:
    """Follow an arrow of the result; False if it was no longer where it was seen.

    ``wake`` is a channel that is told of it.
    """
    before = result.state
    assert after in states.RESULT[before], f"no arrow {before} → {after}"
    if after not in states.WAITING:
        changes["due_at"] = None
    changed, values = _assigned({"state": str(after), "lease_until": None, "lease_owner": "", **changes})
    sql = f"UPDATE generations_result SET {changed} WHERE id = %s AND state = %s"  # noqa: S608
    values += [result.id, str(before)]
    if wake:
        sql = f"WITH moved AS ({sql} RETURNING id) SELECT pg_notify(%s, '') FROM moved"  # noqa: S608
        values.append(wake)
    if not _execute(sql, values):
        return False
    result.state = after
    return True


_NOTED = "_noted"


def note(submission: Submission, **changes: Any) -> None:
    """Change what is known of a locked submission: written with its next move, or by ``write``."""
    submission.__dict__.setdefault(_NOTED, {}).update(changes)
    _remember(submission, changes)


def write(submission: Submission) -> None:
    """Write what was noted and did not go with a move."""
    noted = submission.__dict__.pop(_NOTED, None)
    if noted:
        changed, values = _assigned(noted)
        _execute(
            f"UPDATE generations_submission SET {changed} WHERE id = %s",  # noqa: S608
            [*values, submission.id],
        )


def notify(channel: str, payload: str = "") -> None:
    """Wake whoever listens, when the transaction commits."""
    _execute("SELECT pg_notify(%s, %s)", [channel, payload])


def _assigned(changes: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The SET of an UPDATE, and its values."""
    parts: list[str] = []
    values: list[Any] = []
    for name, value in changes.items():
        if isinstance(value, Now):
            parts.append(f"{name} = statement_timestamp()")
        elif isinstance(value, Sql):
            parts.append(f"{name} = {value.text}")
            values += value.parameters
        else:
            parts.append(f"{name} = %s")
            values.append(value)
    return ", ".join(parts), values


def _remember(submission: Submission, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if not isinstance(value, Now | Sql):
            setattr(submission, name, value)


def _execute(sql: str, values: list[Any]) -> int:
    with rows.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)
