"""The only writer of states: a filtered UPDATE that names the state it saw.

Zero rows means someone else was first. Each move is recorded beside it.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, models
from django.db.models.functions import Now

from generations import states
from generations.models.generation import Generation
from generations.models.submission import Move, Result, Submission

GENERATION_CHANNEL = "seedbank_generation"


def move_generation(generation: Generation, after: str, *, why: str = "", **changes: Any) -> bool:
    """Follow an arrow of the generation; False if it was no longer where it was seen."""
    before = generation.status
    assert after in states.GENERATION[before], f"no arrow {before} → {after}"
    if after in states.ENDED:
        changes["finished_at"] = Now()
    rows = Generation.objects.filter(id=generation.id, status=before).update(status=after, **changes)
    if not rows:
        return False
    Move.objects.create(generation=generation, before=before, after=after, why=why[:300])
    generation.status = after
    notify(GENERATION_CHANNEL, str(generation.id))
    return True


def move_submission(
    submission: Submission, after: str, *, who: str = "", why: str = "", **changes: Any
) -> bool:
    """Follow an arrow of the submission; False if it was no longer where it was seen."""
    before = submission.state
    assert after in states.SUBMISSION[before], f"no arrow {before} → {after}"
    if after in states.OVER:
        changes |= {"finished_at": Now(), "due_at": None}
    rows = Submission.objects.filter(id=submission.id, state=before).update(state=after, **changes)
    if not rows:
        return False
    Move.objects.create(
        generation_id=submission.generation_id,
        submission=submission,
        before=before,
        after=after,
        who=who[:80],
        why=why[:300],
    )
    submission.state = after
    for name, value in changes.items():
        if not isinstance(value, models.expressions.BaseExpression):
            setattr(submission, name, value)
    return True


def move_result(result: Result, after: str, **changes: Any) -> bool:
    """Follow an arrow of the result; False if it was no longer where it was seen."""
    before = result.state
    assert after in states.RESULT[before], f"no arrow {before} → {after}"
    if after not in states.WAITING:
        changes["due_at"] = None
    rows = Result.objects.filter(id=result.id, state=before).update(
        state=after, lease_until=None, lease_owner="", **changes
    )
    result.state = after if rows else result.state
    return bool(rows)


def notify(channel: str, payload: str = "") -> None:
    """Wake whoever listens, when the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])
