"""The only map from what can go wrong to what HTTP says, for our API and for the OpenAI-compatible one."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core import exceptions as core
from django.db import InterfaceError, InternalError, OperationalError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    UnreadablePostError,
)
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions as rest
from rest_framework.response import Response
from rest_framework.views import set_rollback

from accounts.authentication import note_refusal
from accounts.endpoint import TooLarge
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from billing.errors import InsufficientCredit
from config.middleware import request_id
from generations.api.openai.making import NotMade, StillRunning
from generations.engine import persistence
from generations.engine.routing import ProviderPaused
from generations.imaging import Crashed
from generations.storage import StorageError
from generations.waiting import TooManyWaiting
from generations.web import errors as pages

_BY_CODE = {
    "length_required": 411,
    "too_large": 413,
    "unsupported_media_type": 415,
    "idempotency_key_reused": 422,
    "budget_exhausted": 402,
    "content_refused": 400,
    "invalid_parameter": 400,
    "canceled": 409,
    "unauthorized": 401,
}
_BY_KIND: tuple[tuple[type[Refusal], int], ...] = (
    (TooLarge, 413),
    (InsufficientCredit, 402),
    (ProviderPaused, 503),
    (TooManyWaiting, 503),
    (StillRunning, 504),
    (NotMade, 502),
    (Invalid, 400),
    (NotAllowed, 403),
    (NotFound, 404),
    (Conflict, 409),
)
_FINAL = {"price_above_max", "price_unavailable"}
"""What comes out the same however often it is asked for; so does every NotMade, whatever its code."""
_PROGRAMS = ("/api/", "/v1/", "/p/", "/hooks/", "/health/", "/metrics")

_OPENAI_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    409: "conflict_error",
    429: "rate_limit_error",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, ready to be said. ``retry_after`` is in whole seconds.

    ``final``: it comes out the same however often it is asked for.
    """

    status: int
    code: str
    message: str
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    retry_after: int | None = None
    final: bool = False


_WORDLESS = {
    405: (
        "method_not_allowed",
        gettext_lazy("This address does not take this method; Allow names those it does."),
    ),
    412: ("precondition_failed", gettext_lazy("If-Match names another picture than there is.")),
    416: ("range_not_satisfiable", gettext_lazy("The range lies outside the file.")),
}


def answer_error(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's exception handler. None leaves what nobody foresaw to ``server_error``."""
    problem = problem_of(error)
    if problem is None:
        return None
    set_rollback()
    view = context.get("view")
    if isinstance(error, NotAllowed):
        note_refusal(context["request"]._request)
    headers = _headers(context["request"]._request, problem)
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="seedbank"'
    if problem.status == 405 and view is not None:
        headers["Allow"] = ", ".join(view.allowed_methods)
    return Response(_body(context["request"]._request, problem), problem.status, headers=headers)


def problem_of(error: Exception) -> Problem | None:
    """What an exception means to a caller; None for what nobody foresaw."""
    match error:
        case Refusal():
            status = _BY_CODE.get(error.code) or next(
                (code for kind, code in _BY_KIND if isinstance(error, kind)), 400
            )
            wait = None if error.retry_after is None else max(1, math.ceil(error.retry_after))
            final = isinstance(error, NotMade) or error.code in _FINAL
            return Problem(status, error.code, error.message, error.fields, error.extra, wait, final)
        case rest.NotAuthenticated() | rest.AuthenticationFailed():
            return Problem(
                401,
                "invalid_api_key",
                _("The API key is missing, malformed, expired, revoked or not for your network."),
            )
        case rest.APIException():
            return _rest_problem(error)
        case Http404():
            return Problem(404, "not_found", _("There is nothing at this address."))
        case core.PermissionDenied():
            return Problem(403, "forbidden", _("You may not do this."))
        case core.TooManyFieldsSent() | core.TooManyFilesSent():
            return Problem(400, "malformed", _("There are too many fields or files; send fewer."))
        case core.RequestDataTooBig():
            return Problem(413, "too_large", _("The body is too large; send less."))
        case core.DisallowedHost():
            return Problem(
                400,
                "unknown_host",
                _("This host name is not served here; the operator adds it to ALLOWED_HOSTS."),
            )
        case core.SuspiciousOperation() | UnreadablePostError():
            return Problem(400, "malformed", _("The request could not be read."))
        case OperationalError() | InterfaceError() | InternalError() if _away(error):
            return Problem(
                503, "try_again", _("The database is away for a moment; try again."), retry_after=2
            )
        case StorageError() | Crashed():
            return Problem(
                503, "try_again", _("The picture cannot be had at the moment; try again."), retry_after=5
            )
    return None


def _away(error: Exception) -> bool:
    """Whether the database cannot be asked now, or not through this connection, which is then given up."""
    if isinstance(error, InternalError):
        if not persistence.gone(error):
            return False
        persistence.forget_connection(error)  # the pool would hand it out again
    return True


class Worded:
    """Middleware: a program that is refused is told why, also where no view of REST framework is asked.

    Its views raise what they refuse with, and Django answers some things without a word. A person who
    opens where only a form leads is led on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self._get_response(request)
        wordless = isinstance(answer, HttpResponse) and not answer.content
        if wordless and (known := _WORDLESS.get(answer.status_code)):
            said = _handled(request, Problem(answer.status_code, known[0], str(known[1])))
            if said is not None:
                for name, value in answer.items():
                    said.headers.setdefault(name, value)
                return said
            if answer.status_code == 405 and request.method in ("GET", "HEAD"):
                return pages.led_up(request)
        return answer

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        problem = problem_of(error)
        return None if problem is None else _handled(request, problem)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _handled(request, Problem(404, "not_found", _("There is nothing at this address."))) or (
        pages.not_found(request, exception)
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    problem = problem_of(exception) or Problem(400, "malformed", _("The request could not be read."))
    return _handled(request, problem) or pages.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return _handled(request, Problem(403, "forbidden", _("You may not do this."))) or (
        pages.forbidden(request, exception)
    )


def server_error(request: HttpRequest) -> HttpResponseBase:
    error = sys.exception()
    if isinstance(error, Exception) and (problem := problem_of(error)) is not None and problem.status == 503:
        return _handled(request, problem) or pages.try_again(problem.message, _headers(request, problem))
    said = _(
        "Something went wrong here; it was written down. Try again, and name the request_id if it stays."
    )
    return _handled(request, Problem(500, "server_error", said)) or pages.server_error(request)


def _rest_problem(error: rest.APIException) -> Problem:
    codes = {
        rest.ParseError: "malformed",
        rest.UnsupportedMediaType: "unsupported_media_type",
        rest.MethodNotAllowed: "method_not_allowed",
        rest.Throttled: "rate_limited",
    }
    message = str(_WORDLESS[405][1]) if isinstance(error, rest.MethodNotAllowed) else str(error.detail)
    if isinstance(error, rest.UnsupportedMediaType):
        message = _("The body has the wrong Content-Type; send application/json, or multipart for files.")
    code = codes.get(type(error), error.default_code)
    wait = getattr(error, "wait", None)
    if wait is not None:
        message = _("Too many requests with this key; try again in %(n)s s.") % {"n": max(1, math.ceil(wait))}
    if isinstance(error, rest.PermissionDenied) and message.startswith("CSRF"):
        code, message = (
            "csrf_failed",
            _("The CSRF token is missing or wrong; reload the page, or use an API key."),
        )
    return Problem(
        error.status_code, code, message, retry_after=None if wait is None else max(1, math.ceil(wait))
    )


def _handled(request: HttpRequest, problem: Problem) -> HttpResponse | None:
    """The answer for a program; None where a person is looking."""
    if not _path(request).startswith(_PROGRAMS):
        return None
    return JsonResponse(_body(request, problem), status=problem.status, headers=_headers(request, problem))


def _path(request: HttpRequest) -> str:
    """A base URL that ends in a slash makes two of the first."""
    return f"/{request.path.lstrip('/')}"


def _headers(request: HttpRequest, problem: Problem) -> dict[str, str]:
    headers = {} if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
    if _path(request).startswith("/v1/") and problem.final:
        headers["X-Should-Retry"] = "false"  # OpenAI's SDKs repeat every 409 and 5xx else
    return headers


def _body(request: HttpRequest, problem: Problem) -> dict[str, Any]:
    if _path(request).startswith("/v1/"):
        return {"error": _as_openai(problem, request_id(request))}
    said = {
        "code": problem.code,
        "message": problem.message,
        "fields": dict(problem.fields),
        "request_id": request_id(request),
    }
    return {"error": {**problem.extra, **said}}


def _as_openai(problem: Problem, request: str) -> dict[str, Any]:
    """As the OpenAI API puts it: ``param`` is the first field that is wrong."""
    usual = "invalid_request_error" if problem.status < 500 else "server_error"
    return {
        **problem.extra,
        "message": problem.message,
        "type": _OPENAI_TYPES.get(problem.status, usual),
        "param": next(iter(problem.fields), None),
        "code": problem.code,
        "request_id": request,
    }
