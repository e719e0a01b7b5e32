"""What every request gets, whatever it is for."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

HEADER = "X-Request-Id"
_USABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestId:
    """An id for each request: the caller's own if it is usable, and always in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # A charset named by the caller decides nothing: some are no text encodings at all.
        request.encoding = "utf-8"
        response = self._get_response(request)
        response.headers[HEADER] = request_id(request)
        return response


def request_id(request: HttpRequest) -> str:
    """The id of this request, the same whenever it is asked for."""
    known = request.META.get("seedbank.request_id")
    if known is None:
        sent = request.headers.get(HEADER, "")
        known = sent if _USABLE.fullmatch(sent) else f"req_{secrets.token_hex(12)}"
        request.META["seedbank.request_id"] = known
    return str(known)
