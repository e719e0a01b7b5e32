"""How operations are described in OpenAPI: one line of words, what goes in, all that may come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers

Described = TypeVar("Described", bound=Callable[..., Any])
Many = type[serializers.Serializer[Any]]


class ErrorDetail(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="For programs; does not change")
    message = serializers.CharField(help_text="A sentence a person can act on")
    fields = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]
    request_id = serializers.CharField()


class Error(serializers.Serializer[Any]):
    """What every refusal looks like. Some add members, such as what is needed and available."""

    error = ErrorDetail()


_SAID: dict[int, str] = {
    400: "A field is wrong; `fields` names it and the remedy.",
    401: "The API key is missing, malformed, expired, revoked or not for your network.",
    402: "Not enough credit, or a budget is used up.",
    403: "The role or the key's scope does not allow this.",
    404: "It does not exist, or not for you.",
    406: "The answer cannot be had as asked.",
    409: "Not in the present state, or the first request is still running (`Retry-After`).",
    411: "The body came without its length.",
    412: "`If-Match` names another picture than there is.",
    413: "The body is too large.",
    415: "The body has the wrong content type.",
    416: "The range lies outside the file.",
    422: "The idempotency key was used for another body.",
    429: "Too many requests with this key (`Retry-After`).",
    502: "The gateway made no picture; nothing was charged.",
    504: "Not finished yet; the pictures will be kept.",
    503: "Not possible for a moment (`Retry-After`).",
}
_READS = (400, 401, 403, 429, 503)
_WRITES = (400, 401, 403, 409, 411, 413, 415, 429, 503)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells OpenAPI about ``Authorization: Bearer sb_…``."""

    target_class = "accounts.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "sb_…"}


def described(
    operation: str,
    summary: str,
    answers: Mapping[Any, Any],
    *,
    body: Any = None,
    query: Iterable[OpenApiParameter] = (),
    headers: Iterable[OpenApiParameter] = (),
    errors: Iterable[int] = (),
    error: Any = Error,
    **more: Any,
) -> Callable[[Described], Described]:
    """Describe one operation. ``errors`` are statuses beside those that every such method may give."""
    usual = _WRITES if body is not None else _READS
    responses = {
        **{status: _answer(answer) for status, answer in answers.items()},
        **{status: OpenApiResponse(error, _SAID[status]) for status in sorted({*usual, *errors})},
    }
    return extend_schema(
        operation_id=operation,
        summary=summary,
        request=body,
        responses=responses,
        parameters=[*query, *headers],
        **more,
    )


def query(name: str, words: str, kind: Any = OpenApiTypes.STR, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=words, **more)


def header(name: str, words: str, kind: Any = OpenApiTypes.STR) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=words)


def page_of(item: Many, name: str) -> Any:
    """A page of a list."""
    return inline_serializer(
        name,
        {
            "results": item(many=True),
            "next": serializers.URLField(allow_null=True, help_text="The next page, older"),
            "previous": serializers.URLField(allow_null=True),
        },
    )


PAGED = (
    query("limit", "How many at most, up to 200", OpenApiTypes.INT, default=50),
    query("cursor", "Taken from `next` or `previous`"),
)


def money(words: str = "US dollars") -> serializers.CharField:
    return serializers.CharField(help_text=f'{words}, as a decimal string such as "0.035"')


def _answer(answer: Any) -> Any:
    return OpenApiResponse(description="Nothing more to say") if answer is None else answer
