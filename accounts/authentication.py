"""Signing in with ``Authorization: Bearer sb_…``."""

from __future__ import annotations

import hmac
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from prometheus_client import Counter
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts import actions, keys, rows
from accounts.models import ApiKey, User
from accounts.networks import address_of, lies_in
from accounts.principal import Principal

REFUSED = Counter("seedbank_api_keys_refused", "API keys turned away by this process", registry=None)
_NO = "The API key is missing, malformed, expired, revoked or not for your network."


def key_named(secret: str) -> ApiKey | None:
    """The live key with this secret. Same work and same answer whatever is wrong with it."""
    row = next(iter(rows.planned(rows.composed(_live), [keys.prefix_of(secret) or ""])), None)
    found = row and rows.instance(ApiKey, row)
    if row and found:
        found.user = rows.instance(User, row[rows.width(ApiKey) :])
    right = hmac.compare_digest(keys.digest(secret), bytes(found.digest) if found else bytes(32))
    return found if found and right else None


def key_from(request: HttpRequest, secret: str) -> ApiKey | None:
    """The live key with this secret, if it may be used from where the request comes."""
    key = key_named(secret)
    return key if key and lies_in(address_of(request), key.networks) else None


def _live() -> QuerySet[ApiKey]:
    live = ApiKey.objects.filter(prefix="", revoked_at=None, user__is_active=True)
    return live.filter(Q(expires_at=None) | Q(expires_at__gt=Now())).select_related("user")


class ApiKeyAuthentication(BaseAuthentication):
    """Reads the bearer key; leaves requests without one to the session."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        key = key_from(request._request, words[1].decode("latin-1")) if len(words) == 2 else None
        if key is None:
            REFUSED.inc()
            raise AuthenticationFailed(_NO, code="invalid_api_key")
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
            ApiKey.objects.filter(id=key.id).update(last_used_at=now)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="seedbank"'


def principal_of(request: Request | HttpRequest) -> Principal:
    """Who is asking. The request must be signed in."""
    assert isinstance(request.user, User)
    key = getattr(request, "auth", None)
    return Principal(request.user, key if isinstance(key, ApiKey) else None)


def note_refusal(request: HttpRequest) -> None:
    """Whoever tries to change what is not theirs to change leaves a line in the audit trail."""
    if request.method not in SAFE_METHODS and isinstance(request.user, User):
        actions.audit_refusal(request.user, f"{request.method} {request.path}")
