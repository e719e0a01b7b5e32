"""A person's own data: taking it along, and erasing it. Asked first, with all that happens said."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import Conflict, Invalid
from accounts.principal import Principal
from accounts.web.doorway import REFUSED, signed_in
from billing import ledger
from generations.actions import person


@never_cache
@require_safe
@signed_in
def export(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    answer = StreamingHttpResponse(person.export(principal), content_type="application/json")
    answer["Content-Disposition"] = 'attachment; filename="seedbank-my-data.json"'
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def erase(request: HttpRequest, principal: Principal) -> HttpResponseBase:
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            person.erase(principal=principal, password=request.POST.get("password", ""))
        except Invalid as refusal:
            errors = refusal.fields
        except Conflict as refusal:
            errors = {"password": [refusal.message]}
        else:
            logout(request)
            messages.success(
                request, _("Your account has been erased. The pictures you made stay with their projects.")
            )
            return redirect("account_login")
    user = principal.user
    context = {
        "reasons": person.stands_in_the_way(user),
        "alone": person.left_alone(user),
        "wallet": ledger.wallet_of(user),
        "errors": errors,
    }
    return render(request, "account/erase.html", context, status=REFUSED if errors else 200)
