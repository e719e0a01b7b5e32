"""Providers writing to us: kept, deduplicated, answered at once, and believed only as a hint.

Each submission has a secret path. What arrives makes the submission due, so that the engine
asks the provider itself; a forged event can at most cause a question.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from prometheus_client import Counter

from accounts.errors import Refusal
from generations.engine import clock, planning, written
from generations.models import Submission, WebhookEvent, notify
from generations.states import CLAIMABLE
from providers.errors import ProviderError, Unusable

MOST_BYTES = 256 * 1024
MOST_EVENTS = 200
"""Different bodies kept for one submission; the longest honest series is one for each picture."""
SKEW = 300
"""Seconds by which a signed time may differ from ours (AIgateway's and Standard Webhooks' rule)."""
REFUSED = Counter("seedbank_webhooks_refused", "Webhooks turned away by this process", registry=None)
_KEPT_HEADERS = ("signature", "timestamp", "webhook", "content-type", "user-agent", "delivery", "event")
_SIGNED_TIMES = ("aig-timestamp", "webhook-timestamp")
_SIGNED_TOGETHER = "x-gateway-signature"
"""AIgateway's other form: ``t=<unix>,v1=<hex>``."""


@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider: str, token: str) -> HttpResponse:
    """Keep what a provider wrote and make its submission due. Never a 500, whatever it is."""
    body = _read(request)
    if len(body) > MOST_BYTES:
        raise Refusal(_("A webhook may be at most 256 KiB."), code="too_large")
    submission = (
        Submission.objects.select_related("account").filter(webhook_token=token, provider=provider).first()
        if token.isprintable()
        else None
    )
    headers = _kept_headers(request)
    if submission is None or not _genuine(submission, headers, body):
        REFUSED.inc()
        raise Refusal(_("This is not a webhook we expect."), code="unauthorized")
    _keep(submission, headers, body)
    # Keeping waits for whoever is recording an answer: as it stands now, the two know of each other.
    submission.refresh_from_db(fields=["state", "theirs", "posts"])
    written.look_again(submission)
    return JsonResponse({})


def _read(request: HttpRequest) -> bytes:
    """The body, and a byte more than it may have. Django reads nothing of one that comes in chunks."""
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if chunked and request.META.get("wsgi.input_terminated"):
        return bytes(request.META["wsgi.input"].read(MOST_BYTES + 1))
    return request.read(MOST_BYTES + 1)


def _genuine(submission: Submission, headers: dict[str, str], body: bytes) -> bool:
    """Whether it is signed and fresh, where the account has a secret to tell by."""
    account = submission.account
    try:
        if not account.sealed:
            return True
        account.adapter().read_webhook(headers, body)
        now = clock.now().timestamp()
        return all(abs(now - int(moment)) <= SKEW for moment in _signed_times(headers))
    except (ProviderError, Unusable, LookupError, ValueError):
        return False


def _signed_times(headers: Mapping[str, str]) -> Iterator[str]:
    yield from (headers[name] for name in _SIGNED_TIMES if name in headers)
    yield from re.findall(r"t=([0-9a-zA-Z]+)", headers.get(_SIGNED_TOGETHER, ""))


def _keep(submission: Submission, headers: dict[str, str], body: bytes) -> None:
    digest = hashlib.sha256(body).hexdigest()
    events = WebhookEvent.objects.filter(submission=submission)
    with transaction.atomic():
        if not events.filter(sha256=digest).update(times=F("times") + 1) and events.count() < MOST_EVENTS:
            WebhookEvent.objects.bulk_create(
                [WebhookEvent(submission=submission, sha256=digest, headers=headers, body=body)],
                ignore_conflicts=True,
            )
        Submission.objects.filter(id=submission.id, state__in=CLAIMABLE - {"planned"}).update(due_at=Now())
        notify(planning.DUE_CHANNEL)


def _kept_headers(request: HttpRequest) -> dict[str, str]:
    """Those that say who wrote, and when; of text that can be kept."""
    return {
        name.lower(): value
        for name, value in request.headers.items()
        if any(part in name.lower() for part in _KEPT_HEADERS) and value.isprintable() and len(value) <= 1000
    }
