"""Asking for pictures, and changing one's mind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from uuid6 import uuid7

from accounts.actions import audit, project_to_fill, project_where
from accounts.errors import Invalid, NotAllowed, NotFound
from accounts.models import Project, Role
from accounts.principal import Principal
from billing import ledger
from billing.errors import PriceAboveMax
from generations.actions import idempotency, references
from generations.actions.asking import Asked, read
from generations.actions.idempotency import Outcome
from generations.engine import conclude, killing, planning, routing
from generations.engine.routing import Quote
from generations.models import Asset, Generation, ReferenceUse, Submission, move_submission, notify
from generations.states import SubmissionState
from generations.tasks import wake

MOST_PER_GENERATION = 100_000_000
"""No generation may hold more than 100 dollars: a typing mistake, not a wish."""
DEADLINE = timedelta(minutes=30)
"""How long a generation may wait for a provider that is too busy."""


def quotes(asked: Asked) -> list[Quote]:
    """Every provider's price for exactly this request, or why it cannot serve it."""
    return routing.quotes(routing.comparable(asked.request, asked.provider))


def default_project(principal: Principal) -> Project:
    """Where work goes when no project is named: the key's own, else the person's oldest."""
    projects = Project.objects.where_may(principal, Role.EDITOR).filter(archived_at=None)
    project = projects.order_by("id").first()
    if project is None:
        raise NotAllowed("There is no project in which you may make pictures; ask an owner to let you in.")
    return project


def submit(
    *,
    principal: Principal,
    asked: Asked,
    render: Callable[[Generation], dict[str, Any]],
    key: idempotency.Key | None = None,
    retry_of: Generation | None = None,
) -> Outcome:
    """Hold the exact quote and queue the work, or refuse and hold nothing.

    ``render`` makes the answer that is kept for the idempotency key. Raises Refusal.
    """
    if key is not None:
        key.check()
        if first := idempotency.kept(key):
            return first
    if not principal.may("generate"):
        raise NotAllowed("This key may not make pictures; it lacks the scope generate.")
    project = (
        project_to_fill(principal=principal, project_id=asked.project_id)
        if asked.project_id
        else default_project(principal)
    )
    quote = _priced(asked)
    pictures = references.resolve(principal=principal, project=project, wanted=asked.references)

    def work() -> tuple[int, dict[str, Any], UUID | None]:
        generation = _create(principal, project, asked, quote, pictures, retry_of)
        return 202, render(generation), generation.id

    outcome = idempotency.once(key, work)
    if not outcome.replayed:
        wake()
    return outcome


def _priced(asked: Asked) -> Quote:
    request = routing.comparable(asked.request, asked.provider)
    quote = routing.choose(request, provider=asked.provider, strategy=asked.strategy)
    assert quote.price is not None
    if asked.max_price is not None and quote.price > asked.max_price:
        raise PriceAboveMax(price=quote.price, max_price=asked.max_price)
    if quote.price > MOST_PER_GENERATION:
        raise Invalid(
            "One generation may cost at most $100; ask for fewer pictures.", fields={"count": ["Too many."]}
        )
    return quote


def _create(
    principal: Principal,
    project: Project,
    asked: Asked,
    quote: Quote,
    pictures: list[Asset],
    retry_of: Generation | None,
) -> Generation:
    assert quote.unit is not None and quote.price is not None and quote.account is not None
    wallet = ledger.wallet_of(principal.user)
    request = routing.comparable(asked.request, asked.provider)
    generation = Generation.objects.create(
        id=uuid7(),
        project=project,
        user=principal.user,
        key=principal.key,
        model=request.model,
        provider=quote.provider,
        asked_provider=asked.provider,
        strategy=asked.strategy,
        prompt=request.prompt,
        parameters=dict(asked.body),
        metadata=dict(asked.metadata),
        tags=list(asked.tags),
        requested=request.pictures,
        unit_price=quote.unit,
        quoted=quote.price,
        retry_of=retry_of,
        sandbox=quote.account.sandbox,
        deadline_at=timezone.now() + DEADLINE,
    )
    ReferenceUse.objects.bulk_create(
        ReferenceUse(generation=generation, asset=asset, position=position)
        for position, asset in enumerate(pictures)
    )
    planning.plan(generation, quote, request, upload_urls=asked.upload_urls)
    notify(planning.DUE_CHANNEL)
    if quote.price:
        ledger.hold(
            wallet=wallet,
            amount=quote.price,
            generation_id=generation.id,
            project_id=project.id,
            provider=quote.provider,
            model=request.model,
            key_id=principal.key.id if principal.key else None,
        )
    killing.moment("after_hold")
    return generation


def visible(principal: Principal, generation_id: UUID) -> Generation:
    """The generation, or NotFound."""
    found = Generation.objects.visible_to(principal).filter(id=generation_id).first()
    if found is None:
        raise NotFound("There is no such generation.", code="generation_not_found")
    return found


def cancel(*, principal: Principal, generation_id: UUID) -> Generation:
    """Stop what has not been sent; ask the provider to stop the rest. What it finishes is kept.

    Cancelling twice, or after the end, changes nothing.
    """
    generation = visible(principal, generation_id)
    project_where(principal=principal, project_id=generation.project_id, role=Role.EDITOR)
    with transaction.atomic():
        generation = conclude.lock(generation.id)
        if generation.ended:
            return generation
        Generation.objects.filter(id=generation.id, cancel_requested_at=None).update(
            cancel_requested_at=Now()
        )
        for submission in Submission.objects.filter(generation=generation, state=SubmissionState.PLANNED):
            move_submission(submission, SubmissionState.CANCELED, who=principal.user.email, why="canceled")
        Submission.objects.filter(generation=generation, state=SubmissionState.RUNNING).update(due_at=Now())
        audit(principal.user, "cancel_generation", generation.id)
        conclude.conclude(generation)
        notify(planning.DUE_CHANNEL)
    generation.refresh_from_db()
    return generation


def retry(
    *,
    principal: Principal,
    generation_id: UUID,
    render: Callable[[Generation], dict[str, Any]],
    key: idempotency.Key | None = None,
) -> Outcome:
    """A new generation that asks the same again and names the old one. Raises as submit does."""
    old = visible(principal, generation_id)
    from_old = asked_again(old)
    return submit(principal=principal, asked=from_old, render=render, key=key, retry_of=old)


def asked_again(old: Generation) -> Asked:
    """What was asked then, to be asked again."""
    body = {
        **old.parameters,
        "prompt": old.prompt,
        "project": str(old.project_id),
        "references": [f"asset:{use.asset_id}" for use in old.reference_uses.all()],
        "tags": old.tags,
        "metadata": old.metadata,
    }
    return read(body)
