"""Beat's round: nothing that should go on stands still, and old secrets are put away."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from generations.engine import planning
from generations.engine.conclude import conclude, finish_submission, lock
from generations.engine.persistence import in_transaction
from generations.models import Generation, KeptAnswer, Result, Submission, WebhookEvent, notify
from generations.states import CLAIMABLE, OVER, ResultState, SubmissionState

log = logging.getLogger(__name__)
KEPT_ANSWERS = timedelta(days=7)
WEBHOOK_EVENTS = timedelta(days=7)


def sweep() -> None:
    """Make due again what lost its date, close what was left open, forget what is old. Harmless twice."""
    Submission.objects.filter(state__in=CLAIMABLE, due_at=None).update(due_at=Now())
    Result.objects.filter(state__in=[ResultState.PENDING, ResultState.FETCHED], due_at=None).update(
        due_at=Now()
    )
    for submission in Submission.objects.filter(state=SubmissionState.STORING).exclude(
        results__state__in=[ResultState.PENDING, ResultState.FETCHED]
    )[:200]:
        in_transaction(partial(_finish, submission))
    stale = (
        Generation.objects.live()
        .filter(created_at__lt=timezone.now() - timedelta(seconds=30))
        .exclude(submissions__in=Submission.objects.exclude(state__in=OVER))[:200]
    )
    for generation in stale:
        in_transaction(partial(_conclude, generation.id))
    KeptAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_ANSWERS).delete()
    WebhookEvent.objects.filter(received_at__lt=timezone.now() - WEBHOOK_EVENTS).delete()
    if _due():
        notify(planning.DUE_CHANNEL)
        notify(planning.MEDIA_CHANNEL)


def _finish(submission: Submission) -> None:
    generation = lock(submission.generation_id)
    fresh = Submission.objects.select_for_update().get(id=submission.id)
    finish_submission(fresh)
    conclude(generation)


def _conclude(generation_id: UUID) -> None:
    conclude(lock(generation_id))


def _due() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM generations_submission WHERE due_at < now() - interval '5 seconds' "
            "AND state = ANY(%s) AND (lease_until IS NULL OR lease_until < now()))",
            [sorted(CLAIMABLE)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])
