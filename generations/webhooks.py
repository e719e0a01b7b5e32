"""Providers writing to us: kept, deduplicated, answered at once, and believed only as a hint.

Each submission has a secret path. What arrives makes the submission due, so that the engine
asks the provider itself; a forged event can at most cause a question.
"""

from __future__ import annotations

import hashlib
import logging
import time

from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from prometheus_client import Counter

from generations.engine import calling, planning
from generations.models import Submission, WebhookEvent, notify
from generations.states import CLAIMABLE
from providers import registry
from providers.errors import ProviderError

log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024
MOST_EVENTS = 200
"""Different bodies kept for one submission; the longest honest series is one for each picture."""
SKEW = 300
"""Seconds by which a signed time may differ from ours (AIgateway's and Standard Webhooks' rule)."""
REFUSED = Counter("seedbank_webhooks_refused", "Webhooks turned away by this process", registry=None)
_KEPT_HEADERS = ("signature", "timestamp", "webhook", "content-type", "user-agent", "delivery", "event")
_SIGNED_TIMES = ("aig-timestamp", "webhook-timestamp")


@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider: str, token: str) -> HttpResponse:
    """Keep what a provider wrote and make its submission due. Never a 500, whatever it is."""
    try:
        body = request.read(MOST_BYTES + 1)
        return _take_in(request, provider, token, body)
    except OperationalError:
        return _said(503, "try_again", "Try again soon.")
    except OSError:
        return _said(400, "malformed", "The body was cut off.")


def _take_in(request: HttpRequest, provider: str, token: str, body: bytes) -> HttpResponse:
    if len(body) > MOST_BYTES:
        return _said(413, "too_large", "A webhook may be at most 256 KiB.")
    submission = (
        Submission.objects.select_related("account").filter(webhook_token=token, provider=provider).first()
        if token.isprintable()
        else None
    )
    headers = _kept_headers(request)
    if submission is None or not _genuine(submission, headers, body):
        REFUSED.inc()
        return _said(401, "unauthorized", "This is not a webhook we expect.")
    _keep(submission, headers, body)
    calling.look_again(submission)
    return JsonResponse({})


def _genuine(submission: Submission, headers: dict[str, str], body: bytes) -> bool:
    """Whether it is signed and fresh, where the account has a secret to tell by."""
    account = submission.account.account()
    if not account.settings.get("webhook_secret"):
        return True
    try:
        registry.provider(submission.provider, account).read_webhook(headers, body)
        return all(abs(time.time() - int(headers.get(name, time.time()))) <= SKEW for name in _SIGNED_TIMES)
    except (ProviderError, ValueError):
        return False


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


def _said(status: int, code: str, message: str) -> HttpResponse:
    headers = {"Retry-After": "5"} if status == 503 else {}
    return JsonResponse(
        {"error": {"code": code, "message": message, "fields": {}}}, status=status, headers=headers
    )
