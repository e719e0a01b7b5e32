"""One generation: its course, its pictures, what can still be done about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import as_uuid
from accounts.errors import Conflict
from accounts.models import User
from accounts.principal import Principal
from accounts.web.doorway import is_fragment, signed_in
from billing.errors import PriceAboveMax
from billing.models import Transfer
from billing.money import dollars
from generations.actions import generate, voting
from generations.actions.idempotency import Key
from generations.models import Asset, Generation, Move, Submission
from generations.web import finals, stream
from generations.web.details import parameters_of
from generations.web.stream import may_make
from generations.web.wallet import Entry


@require_safe
@signed_in
def generation(request: HttpRequest, principal: Principal, generation_id: UUID) -> HttpResponseBase:
    found = generate.visible(principal, generation_id)
    staff = principal.user.is_staff
    built_on = Asset.objects.visible_to(principal).filter(uses__generation=found)
    moves = Move.objects.filter(generation=found).select_related("submission").order_by("id")
    works = stream.with_pictures([found], editable=may_make(principal, found.project))
    finals.price(works)
    if found.comparison_id and works[0].pictures:
        voting.reveal(principal, [found.id])
    context = {
        "work": works[0],
        "project": found.project,
        "parameters": parameters_of(found),
        "references": built_on.order_by("uses__position"),
        "moves": _timed(_named(moves) if staff else moves.filter(submission=None)),
        "submissions": Submission.objects.filter(generation=found).select_related("account").order_by("id"),
        "transfers": [
            Entry(one, found, []) for one in Transfer.objects.filter(generation_id=found.id).order_by("id")
        ],
        "retries": Generation.objects.visible_to(principal).filter(retry_of=found).order_by("id"),
        "retry_of": found.retry_of,
        "source": Asset.objects.visible_to(principal).kept().filter(derived=found).first(),
    }
    return render(request, "generation.html", context)


def _named(moves: QuerySet[Move]) -> list[Move]:
    """With the names of the people who made them."""
    found = list(moves)
    ids = {one for move in found if (one := as_uuid(move.who))}
    names = {str(one.id): one.display_name for one in User.objects.filter(id__in=ids)}
    for move in found:
        move.who = names.get(move.who, move.who)
    return found


def _timed(moves: Iterable[Move]) -> list[tuple[Move, datetime | None]]:
    """Each with the moment of the one before it, from which its seconds are counted."""
    found = list(moves)
    return list(zip(found, [None, *(move.at for move in found)], strict=False))


@require_POST
@signed_in
def cancel(request: HttpRequest, principal: Principal, generation_id: UUID) -> HttpResponseBase:
    """Stop what has not been sent. What the gateway finishes all the same is kept and shown."""
    found = generate.cancel(principal=principal, generation_id=generation_id)
    if is_fragment(request):
        return render(request, "_fragments/changed.html", {"works": stream.with_pictures([found])})
    said = _("Canceling; what the gateway finishes is kept and charged.")
    if found.ended and found.charged:
        said = _("Canceled. What the gateway had made by then is kept.")
    elif found.ended:
        said = _("Canceled. Nothing was charged.")
    messages.success(request, said)
    return redirect("generation", found.id)


@require_POST
@signed_in
def retry(request: HttpRequest, principal: Principal, generation_id: UUID) -> HttpResponseBase:
    """Ask the same again, for no more than the price on the button."""
    old = generate.visible(principal, generation_id)
    shown = request.POST.get("shown", "")
    again = generate.asked_again(principal, old)
    asked = replace(again, max_price=int(shown) if shown.isdecimal() else old.quoted)
    body = {"retry_of": str(old.id), "token": request.POST.get("token", "")}
    try:
        outcome = generate.submit(
            principal=principal,
            asked=asked,
            render=lambda made: {"id": str(made.id)},
            key=Key(principal.user, f"web-{body['token'][:64]}-{old.id}", request.path, body),
            retry_of=old,
        )
    except PriceAboveMax as refusal:
        price = refusal.extra["price"]
        raise Conflict(
            _("This would cost $%(price)s now, more than the $%(shown)s shown; nothing was spent.")
            % {"price": price, "shown": dollars(asked.max_price or 0)}
        ) from None
    return redirect(f"{reverse('home')}?project={old.project_id}#generation-{outcome.subject_id}")
