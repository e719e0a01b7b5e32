"""Is it alive, is it ready, how is it doing. Without a CSRF token a POST is 405 here, not 403."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from kombu import Connection
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from accounts.authentication import key_from
from accounts.errors import NotAllowed
from accounts.models import Scope
from config.metrics import REGISTRY
from generations.engine.listening import connection_parameters
from generations.storage import originals

PATIENCE = 2.0
"""Seconds that one check may take."""
_LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@csrf_exempt
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers; it asks nobody else."""
    return _fresh(JsonResponse({"status": "ok"}))


@csrf_exempt
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Whether each thing we stand on can be used, asked all at once; 503 if one cannot."""
    waiting = {name: _begin(check) for name, check in _CHECKS.items()}
    told = {name: _within_patience(answer) for name, answer in waiting.items()}
    return _fresh(JsonResponse(told, status=200 if set(told.values()) == {"ok"} else 503))


@csrf_exempt
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus: from this machine, or with an API key that may administer."""
    if not (_from_here(request) or _administers(request)):
        raise NotAllowed(_("An API key of staff with the scope admin is needed."), code="missing_scope")
    return _fresh(HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST))


def _database() -> None:
    limits = {"connect_timeout": int(PATIENCE), "options": f"-c statement_timeout={int(PATIENCE * 1000)}"}
    with psycopg.connect(**connection_parameters(**limits), autocommit=True) as link:
        link.execute("SELECT 1")


def _broker() -> None:
    options: dict[str, Any] = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "max_retries": 1}
    with Connection(
        settings.CELERY_BROKER_URL, connect_timeout=PATIENCE, transport_options=options
    ) as broker:
        broker.connect()


def _storage() -> None:
    originals().check()


_CHECKS: dict[str, Callable[[], None]] = {"database": _database, "broker": _broker, "storage": _storage}


def _begin(check: Callable[[], None]) -> queue.SimpleQueue[str]:
    """Start a check in a thread of its own: one that hangs is left behind, not waited for."""
    answer: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_carry_out, args=(check, answer), daemon=True).start()
    return answer


def _carry_out(check: Callable[[], None], answer: queue.SimpleQueue[str]) -> None:
    try:
        check()
    except Exception as error:  # the outermost line of a thread; each broker raises kinds of its own
        # The class says enough: messages may hold addresses and credentials.
        answer.put(f"failing: {type(error).__name__}")
    else:
        answer.put("ok")


def _within_patience(answer: queue.SimpleQueue[str]) -> str:
    try:
        return answer.get(timeout=PATIENCE)
    except queue.Empty:
        return "failing: no answer in time"


def _from_here(request: HttpRequest) -> bool:
    """A proxy on this machine is not this machine: it says for whom it asks."""
    forwarded = {"HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"} & set(request.META)
    return request.META.get("REMOTE_ADDR") in _LOOPBACK and not forwarded


def _administers(request: HttpRequest) -> bool:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    key = key_from(request, secret.strip()) if scheme.lower() == "bearer" else None
    return key is not None and Scope.ADMIN in key.scopes and key.user.is_staff


def _fresh(response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    return response
