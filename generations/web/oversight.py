"""For staff: what is open with gateways, what the platform paid, and how the accounts are faring."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, F, Q, Sum
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import audit
from accounts.principal import Principal
from accounts.web.doorway import staff_only
from billing.models import Transfer, TransferKind
from billing.money import dollars
from generations.engine import balances
from generations.models import Generation, Result, Submission
from generations.states import BROKEN, IN_FLIGHT, GenerationStatus, SubmissionState
from providers.errors import ProviderError, Reason
from providers.models import ProviderAccount

WINDOW = timedelta(days=30)
MOST_ROWS = 50


@require_safe
@staff_only
def oversight(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    since = timezone.now() - WINDOW
    absorbed = Transfer.objects.filter(kind=TransferKind.ABSORB, created_at__gte=since)
    lost = Submission.objects.filter(
        # Not as a list: each has an index of its own.
        Q(state=SubmissionState.UNKNOWN) | Q(state=SubmissionState.ABANDONED),
        created_at__gte=since,
    )
    in_flight = dict(
        Submission.objects.filter(state__in=IN_FLIGHT, finished_at=None)
        .values_list("account_id")
        .annotate(Count("id"))
        .order_by()
    )
    accounts = list(ProviderAccount.objects.all())
    context = {
        "days": WINDOW.days,
        "unresolved": Generation.objects.filter(status=GenerationStatus.UNRESOLVED)
        .select_related("user", "project")
        .order_by("id")[:MOST_ROWS],
        "lost": lost.select_related("generation__user", "account").order_by("-id")[:MOST_ROWS],
        "broken": Result.objects.filter(state__in=BROKEN)
        .select_related("submission")
        .order_by("-id")[:MOST_ROWS],
        "accounts": [(account, in_flight.get(account.id, 0)) for account in accounts],
        "now": timezone.now(),
        "absorbed": absorbed.order_by("-id")[:MOST_ROWS],
        "absorbed_sum": absorbed.aggregate(sum=Sum("amount", default=0))["sum"],
        "absorbed_for_samples": absorbed.filter(sandbox=True).aggregate(sum=Sum("amount", default=0))["sum"],
        "drift": _drift(since),
    }
    return render(request, "oversight.html", context)


@require_POST
@staff_only
def test_account(request: HttpRequest, principal: Principal, account_id: UUID) -> HttpResponseBase:
    """Ask the gateway what the account has left, and its price: the proof that key and address are right."""
    account = _account(account_id)
    try:
        balance, price = balances.ask(account), balances.price(account)
    except ProviderError as error:
        messages.error(request, f"{account.name}: {_remedy(account, error)}")
    else:
        left = f"{balance.amount} {balance.unit}"
        if balance.micros is not None:
            left = f"${dollars(balance.micros)}"
        said = _("%(account)s answers. It has %(left)s left.") % {"account": account.name, "left": left}
        if price is not None and price.micros is not None:
            said += " " + _("A picture takes %(price)s there.") % {"price": f"${dollars(price.micros)}"}
        messages.success(request, said)
    audit(principal.user, "test_account", account.id)
    return redirect("oversight")


@require_POST
@staff_only
def switch_account(request: HttpRequest, principal: Principal, account_id: UUID) -> HttpResponseBase:
    """On or off. Work that was sent is collected either way."""
    account = _account(account_id)
    enabled = request.POST.get("enabled") == "on"
    ProviderAccount.objects.filter(id=account.id).update(enabled=enabled)
    audit(principal.user, "switch_account", account.id, enabled=enabled)
    on = _("%(account)s is on.")
    off = _("%(account)s is off; work already sent will still be collected.")
    messages.success(request, (on if enabled else off) % {"account": account.name})
    return redirect("oversight")


_STRANGE = gettext_noop(
    "what answers at %(address)s does not speak as this gateway does; check the address, or try again."
)
_REMEDIES = {
    Reason.KEY_REFUSED: gettext_noop("the gateway refuses this key; enter another one."),
    Reason.NO_CREDIT: gettext_noop("the key is right, but its account there has no credit left."),
    Reason.RATE_LIMITED: gettext_noop("it is asked too often just now; try again in a minute."),
    Reason.UNREACHABLE: gettext_noop(
        "nothing answers at %(address)s (%(detail)s); check the address and this machine's network."
    ),
    Reason.NO_ANSWER: _STRANGE,
    Reason.NOT_FOUND: _STRANGE,
    Reason.NOT_OFFERED: gettext_noop("it cannot be used as it is set: %(detail)s."),
}
"""What staff can do about an account that does not answer as it should."""


def _remedy(account: ProviderAccount, error: ProviderError) -> str:
    told = {"detail": error.detail.rstrip(".")}
    if error.reason is not Reason.NOT_OFFERED:
        told["address"] = account.account().base_url
    return _(_REMEDIES.get(error.reason, error.reason.sentence)) % told


def _account(account_id: UUID) -> ProviderAccount:
    found = ProviderAccount.objects.filter(id=account_id).first()
    if found is None:
        raise Http404
    return found


def _drift(since: datetime) -> list[dict[str, Any]]:
    """What people were charged against what gateways say they took, where both are known."""
    rows = (
        Transfer.objects.filter(kind=TransferKind.CAPTURE, created_at__gte=since, provider_cost__isnull=False)
        .values("provider", "model", "sandbox")
        .annotate(
            pictures_made=Sum("pictures"),
            charged=Sum("amount"),
            cost=Sum("provider_cost"),
            dearer=Count("id", filter=Q(provider_cost__gt=F("amount"))),
        )
        .order_by("provider", "model", "sandbox")
    )
    return [{**row, "difference": row["charged"] - row["cost"]} for row in rows]
