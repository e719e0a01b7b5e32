"""Beat's round: nothing that should go on stands still, and old secrets are put away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from generations.engine import (
    clock,
    converting,
    keeping,
    likening,
    persistence,
    planning,
    reading,
    refusing,
    written,
)
from generations.engine.conclude import conclude, finish_submission
from generations.engine.persistence import in_transaction
from generations.engine.stopping import look_after_batches
from generations.models import (
    Collection,
    Generation,
    KeptAnswer,
    Preset,
    Result,
    Submission,
    WebhookEvent,
    notify,
)
from generations.states import CLAIMABLE, ResultState, SubmissionState
from generations.storage import StorageError, originals
from providers.errors import Reason, Unusable
from providers.models import ProviderAccount

log = logging.getLogger(__name__)
KEPT_ANSWERS = timedelta(days=7)
WEBHOOK_EVENTS = timedelta(days=7)
DELETED = timedelta(days=1)
"""How long a deleted preset or collection can be restored."""
ASKED_AGAIN = timedelta(hours=24)
"""For how long after sending an abandoned call is asked about again: its result may be there."""


def sweep() -> None:
    """Make due again what lost its date, close what was left open, forget what is old. Harmless twice."""
    for dateless in (
        Submission.objects.filter(state__in=CLAIMABLE, due_at=None),
        Result.objects.filter(state__in=[ResultState.PENDING, ResultState.FETCHED], due_at=None),
    ):
        _tried(partial(dateless.update, due_at=Now()))
    for submission in Submission.objects.filter(state=SubmissionState.STORING).exclude(
        results__state__in=[ResultState.PENDING, ResultState.FETCHED]
    )[:200]:
        _tried(partial(in_transaction, partial(_finish, submission)))
    for submission in _waited_too_long()[:200]:
        _tried(partial(_refuse, submission))
    for submission in _given_up()[:20]:
        _tried(partial(written.look_again, submission))
    stale = (
        Generation.objects.live()
        .filter(created_at__lt=clock.now() - timedelta(seconds=30))
        .exclude(submissions__in=Submission.objects.open())[:200]
    )
    for generation in stale:
        _tried(partial(in_transaction, partial(_conclude, generation.id)))
    _tried(look_after_batches)
    _tried(Preset.objects.filter(deleted_at__lt=Now() - DELETED).delete)
    _tried(Collection.objects.filter(deleted_at__lt=Now() - DELETED).delete)
    _tried(KeptAnswer.objects.filter(created_at__lt=Now() - KEPT_ANSWERS).delete)
    _tried(WebhookEvent.objects.filter(received_at__lt=Now() - WEBHOOK_EVENTS).delete)
    if _due():
        notify(planning.DUE_CHANNEL)
        notify(planning.MEDIA_CHANNEL)


def _tried(step: Callable[[], object]) -> None:
    """Do one thing of the round: if it fails, that is written down, and everything else is done all the same.

    Where the database itself is away, nothing else could be done, and the round is over.
    """
    try:
        step()
    except Exception as error:
        if persistence.gone(error) and persistence.sqlstate(error) != persistence.TOOK_TOO_LONG:
            raise
        log.exception("something was left over by the sweep, and is tried again with the next")


def tidy() -> None:
    """Clear away what killed writers left, what was in quarantine for a week and what nobody uses."""
    try:
        originals().tidy()
        converting.tidy()
    except StorageError as error:
        log.warning("the store was not tidied: %s", error)
    keeping.tidy_scratch()
    likening.fill()


def _waited_too_long() -> QuerySet[Submission]:
    """What was to be sent by now, and never was: its account is full, or nobody claims it."""
    planned = Submission.objects.filter(state=SubmissionState.PLANNED, generation__deadline_at__lt=Now())
    return planned.filter(due_at__lt=planning.AT_REST).exclude(lease_until__gt=Now())


def _given_up() -> QuerySet[Submission]:
    """Abandoned calls that the provider can be asked about by an id, its own or ours; after growing gaps.

    A gateway's outage may last longer than our patience: what was paid for is found when it is over. That
    it says it knows no such call changes nothing: an edge says so too while what is behind it is away.
    """
    gap = (F("finished_at") - F("sent_at")) / 4
    finding = [account.id for account in ProviderAccount.objects.filter(enabled=True) if _finds(account)]
    return (
        Submission.objects.select_related("account", "generation")
        .filter(state=SubmissionState.ABANDONED, sent_at__gt=Now() - ASKED_AGAIN)
        .filter(account__enabled=True, finished_at__lt=Now() - gap)
        .filter(Q(theirs__gt="") | Q(account__in=finding))
        .exclude(reason=Reason.PROVIDER_FAILED.value)
        .order_by("finished_at")
    )


def _finds(account: ProviderAccount) -> bool:
    """Whether it can be asked by our id."""
    try:
        return account.traits.finds
    except Unusable:
        return False


def _refuse(submission: Submission) -> None:
    why = gettext_noop("waited too long")
    refusing.refuse_unsent(submission, Reason.RATE_LIMITED, why=why, elsewhere=False)


def _finish(submission: Submission) -> None:
    generation = reading.lock_generation(submission.generation_id)
    fresh = Submission.objects.select_for_update().get(id=submission.id)
    finish_submission(fresh)
    conclude(generation)


def _conclude(generation_id: UUID) -> None:
    conclude(reading.lock_generation(generation_id))


def _due() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM generations_submission WHERE due_at < now() - interval '5 seconds' "
            "AND state = ANY(%s) AND (lease_until IS NULL OR lease_until < now()))",
            [sorted(CLAIMABLE)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])
