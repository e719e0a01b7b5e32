"""A polite limit per key and minute. Money is guarded by the ledger, not by this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from accounts.models import ApiKey

if TYPE_CHECKING:  # the views import their throttles
    from rest_framework.views import APIView


class KeyRate(SimpleRateThrottle):
    """API_RATE requests a minute for each key; none where API_RATE is not set."""

    scope = "key"

    def get_rate(self) -> str | None:
        return f"{settings.API_RATE}/min" if settings.API_RATE else None

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return f"rate:{request.auth.id}" if isinstance(request.auth, ApiKey) else None
