"""Asking for pictures, and changing one's mind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.actions import audit, oldest_to_fill, project_to_fill, project_where
from accounts.errors import Invalid, NotAllowed, NotFound, Refusal
from accounts.models import Project, Role
from accounts.principal import Principal
from billing import ledger
from billing.errors import PriceAboveMax
from billing.models import Wallet
from generations.actions import idempotency, references
from generations.actions.asking import Asked, read
from generations.actions.idempotency import Outcome
from generations.engine import clock, killing, planning, routing, stopping
from generations.engine.routing import Quote
from generations.models import Asset, Generation, ReferenceUse
from generations.tasks import wake
from providers.values import ImageRequest

MOST_PER_GENERATION = 100_000_000
"""No generation may hold more than 100 dollars: a typing mistake, not a wish."""
DEADLINE = timedelta(minutes=30)
"""How long a generation may wait for a provider that is too busy."""


def quotes(asked: Asked) -> list[Quote]:
    """Every provider's price for exactly this request, or why it cannot serve it."""
    return routing.quotes(routing.comparable(asked.request, asked.provider))


def default_project(principal: Principal) -> Project:
    """Where work goes when no project is named. Raises NotAllowed."""
    project = oldest_to_fill(principal)
    if project is None:
        raise NotAllowed(_("There is no project in which you may make pictures; ask an owner to let you in."))
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
    return answered_once(
        key, lambda: _submit(principal, asked, render, key, retry_of), early=bool(asked.references)
    )


def answered_once(key: idempotency.Key | None, work: Callable[[], Outcome], *, early: bool) -> Outcome:
    """The work's outcome, or the first answer to this key; ``early`` if repeating costs more than a look."""
    if key is None:
        return work()
    key.check()
    # A repeated key is noticed where it is written down; sooner where work would be done for nothing,
    # and before a refusal, because the first answer stands whatever has changed since.
    if early and (first := idempotency.kept(key)):
        return first
    try:
        return work()
    except Refusal:
        if first := idempotency.kept(key):
            return first
        raise


def _submit(
    principal: Principal,
    asked: Asked,
    render: Callable[[Generation], dict[str, Any]],
    key: idempotency.Key | None,
    retry_of: Generation | None,
) -> Outcome:
    project = project_for(principal, asked)
    quote = priced(asked)
    check_source(principal, asked)
    pictures = references.resolve(principal=principal, project=project, wanted=asked.references)

    def work() -> Outcome:
        generation = make(principal, project, asked, quote, pictures, retry_of=retry_of)
        return Outcome(202, render(generation), generation.id, replayed=False)

    def pay(outcome: Outcome) -> None:
        assert outcome.subject_id is not None
        hold(principal, project, quote, outcome.subject_id)
        killing.moment("after_hold")

    return taken_on(principal, key, work, pay, kind=Generation)


def taken_on(
    principal: Principal,
    key: idempotency.Key | None,
    work: Callable[[], Outcome],
    pay: Callable[[Outcome], None],
    *,
    kind: type[Model],
) -> Outcome:
    """Do the work and pay for it, once for the key, and wake the workers; ``kind`` is what it makes."""

    def landed(made: UUID) -> bool:
        Wallet.objects.select_for_update().get(user=principal.user)  # its cut transaction has ended
        return kind._default_manager.filter(pk=made).exists()

    outcome = idempotency.once(key, work, pay, landed=landed)
    if not outcome.replayed:
        wake()
    return outcome


def project_for(principal: Principal, asked: Asked) -> Project:
    """Where it will be made. Raises NotFound, NotAllowed."""
    if not principal.may("generate"):
        raise NotAllowed(_("This key may not make pictures; it lacks the scope generate."))
    if asked.project_id:
        return project_to_fill(principal=principal, project_id=asked.project_id)
    return default_project(principal)


def check(principal: Principal, asked: Asked) -> None:
    """Raise what submitting would raise, as far as it can be told before its pictures are there."""
    project_for(principal, asked)
    quote = priced(asked)
    assert quote.price is not None
    check_source(principal, asked)
    ledger.check(user=principal.user, amount=quote.price, least=quote.unit)


def check_source(principal: Principal, asked: Asked) -> None:
    """Raise Invalid if the picture it sets out from cannot be seen."""
    if asked.source and not _sees(principal, asked.source):
        sentence = _("there is no such picture; leave it out, or name one you can see.")
        raise Invalid(f"source: {sentence}", fields={"source": [sentence]})


def _sees(principal: Principal, asset_id: UUID) -> bool:
    return Asset.objects.visible_to(principal).filter(id=asset_id).exists()


def priced(asked: Asked) -> Quote:
    """The offer that will be taken. Raises Invalid, PriceAboveMax, PriceUnavailable, ProviderPaused."""
    request = routing.comparable(asked.request, asked.provider)
    quote = routing.choose(request, provider=asked.provider, strategy=asked.strategy)
    assert quote.price is not None
    if asked.max_price is not None and quote.price > asked.max_price:
        raise PriceAboveMax(price=quote.price, max_price=asked.max_price)
    if quote.price > MOST_PER_GENERATION:
        raise Invalid(
            _("One generation may cost at most $100; ask for fewer pictures."),
            fields={"count": [_("Too many.")]},
        )
    return quote


def make(
    principal: Principal,
    project: Project,
    asked: Asked,
    quote: Quote,
    pictures: list[Asset],
    *,
    deadline: timedelta = DEADLINE,
    **of: Any,
) -> Generation:
    """Write one generation and its planned submissions; ``of`` says what it belongs to, such as its batch.

    Whoever calls this holds its price in the same transaction.
    """
    request = routing.comparable(asked.request, asked.provider)
    of |= {"project": project, "deadline_at": clock.now() + deadline}
    generation = _unsaved(principal, asked, quote, request, **of)
    planning.plan(generation, quote, request, upload_urls=asked.upload_urls)
    ReferenceUse.objects.bulk_create(
        ReferenceUse(generation=generation, asset=asset, position=position)
        for position, asset in enumerate(pictures)
    )
    return generation


def _unsaved(
    principal: Principal, asked: Asked, quote: Quote, request: ImageRequest, **of: Any
) -> Generation:
    """What was asked, by whom, and at what price; ``of`` says where it belongs."""
    assert quote.unit is not None
    assert quote.price is not None
    assert quote.account is not None
    return Generation(
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
        source_id=asked.source,
        relation=asked.relation,
        sandbox=quote.account.sandbox,
        **of,
    )


def hold(principal: Principal, project: Project, quote: Quote, generation_id: UUID) -> None:
    """Set the exact quote aside, last of all. Raises InsufficientCredit, BudgetExhausted."""
    assert quote.price is not None
    if quote.price:
        ledger.hold(
            user=principal.user,
            amount=quote.price,
            generation_id=generation_id,
            project_id=project.id,
            provider=quote.provider,
            model=quote.offer.model,
            key_id=principal.key.id if principal.key else None,
            least=quote.unit,
            sandbox=quote.account is not None and quote.account.sandbox,
        )


def visible(principal: Principal, generation_id: UUID) -> Generation:
    """The generation, or NotFound."""
    found = Generation.objects.visible_to(principal).filter(id=generation_id).first()
    if found is None:
        raise NotFound(_("There is no such generation."), code="generation_not_found")
    return found


def cancel(*, principal: Principal, generation_id: UUID) -> Generation:
    """Stop what has not been sent; ask the provider to stop the rest. What it finishes is kept.

    Cancelling twice, or after the end, changes nothing.
    """
    generation = visible(principal, generation_id)
    project_where(principal=principal, project_id=generation.project_id, role=Role.EDITOR)
    with transaction.atomic():
        if stopping.stop(generation.id, who=str(principal.user.id)):
            audit(principal.user, "cancel_generation", generation.id, generation.project_id)
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
    from_old = asked_again(principal, old)
    return submit(principal=principal, asked=from_old, render=render, key=key, retry_of=old)


def asked_again(principal: Principal, old: Generation) -> Asked:
    """What was asked then, to be asked again; without its source, if that is gone.

    The gateway is asked the same without it, and whoever presses a button cannot leave it out.
    """
    source = old.source_id if old.source_id and _sees(principal, old.source_id) else None
    body = {
        **old.parameters,
        "prompt": old.prompt,
        "project": str(old.project_id),
        "references": [f"asset:{use.asset_id}" for use in old.reference_uses.all()],
        "source": f"asset:{source}" if source else None,
        "relation": old.relation if source else None,
        "tags": old.tags,
        "metadata": old.metadata,
    }
    return read(body)
