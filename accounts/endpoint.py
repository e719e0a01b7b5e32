"""What every operation of the REST API shares: who may, how large, and in which words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import IO, Any, ClassVar, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import rows
from accounts.actions import as_uuid
from accounts.authentication import principal_of
from accounts.errors import NotAllowed, Refusal, wrong
from accounts.models import Scope
from accounts.principal import Principal
from accounts.texts import UNSTORABLE, sayable, storable

M = TypeVar("M", bound=Model)
MEBIBYTE = 1024 * 1024
_AT_ONCE = 64 * 1024
"""Bytes of a body that is read before anything else is done; a larger one waits until it may be sent."""
_ESCAPED = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


class TooLarge(Refusal):
    """The body is larger than this operation takes."""

    code = "too_large"


class Json(BaseParser):
    """A JSON object in UTF-8, of texts that can be kept: no NUL, no unpaired surrogate."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        raw = stream.read()
        try:
            data = json.loads(raw.decode(), parse_constant=_not_a_number, object_pairs_hook=_once)
        except RecursionError:
            raise ParseError("The body is not valid JSON: it is nested too deeply.") from None
        except ValueError as error:
            said = "a number has too many digits" if "int_max_str_digits" in str(error) else error
            raise ParseError(f"The body is not valid JSON: {said}.") from None
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        if _ESCAPED.search(raw):
            refuse_unkeepable(data)
        return data


def refuse_unkeepable(data: Mapping[str, Any]) -> None:
    """Raise Invalid naming the field with a character that no database keeps."""
    for name, value in data.items():
        if not all(map(storable, (name, *_texts(value)))):
            raise wrong(sayable(name).replace("\x00", ""), str(UNSTORABLE))


class AnyAccept(BaseContentNegotiation):
    """Answers are what they are, whatever the Accept header hopes for."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Any,
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class Endpoint(APIView):
    """One address of the API.

    ``scopes`` names what a key needs for a method where that is not ``read`` or ``write``;
    ``filters`` are the query parameters that it knows, ``repeated`` those of them that may be given
    more than once; ``max_body`` is in bytes.
    """

    parser_classes = [Json]
    content_negotiation_class = AnyAccept
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    scopes: ClassVar[Mapping[str, Scope | None]] = {}
    filters: ClassVar[frozenset[str]] = frozenset()
    repeated: ClassVar[frozenset[str]] = frozenset()
    max_body = MEBIBYTE
    principal: Principal

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # First of all, because looking for a CSRF token may read a form's body.
        length = _length(request)
        if length > self.max_body:
            raise TooLarge(
                _("The body may be at most %(most)s MB; send less.") % {"most": self.max_body // MEBIBYTE}
            )
        if request.method not in {"GET", "HEAD"}:
            _check_framing(request)
            if length <= _AT_ONCE:
                request._request.body  # noqa: B018 - it may come slowly, and nobody holds a connection yet
        super().initial(request, *args, **kwargs)
        self.principal = principal_of(request)
        self._check_scope(request.method or "GET")
        self.query = Query(request, self.filters, self.repeated)

    def body(self, request: Request) -> dict[str, Any]:
        """What was sent, as a plain dictionary; a form's repeated fields are lists."""
        if _length(request) > _AT_ONCE:
            rows.give_back()  # until all of it has come
        data = request.data
        if isinstance(data, QueryDict):
            plain = {name: values if len(values) > 1 else values[0] for name, values in data.lists()}
            refuse_unkeepable({name: value for name, value in plain.items() if name not in request.FILES})
            return plain
        return dict(data)

    def _check_scope(self, method: str) -> None:
        usual = Scope.READ if method in {"GET", "HEAD"} else Scope.WRITE
        scope = self.scopes.get("GET" if method == "HEAD" else method, usual)
        if scope is not None and not self.principal.may(scope):
            raise NotAllowed(
                _("This key lacks the scope %(scope)s.") % {"scope": scope.value}, code="missing_scope"
            )


def _length(request: Request) -> int:
    """Bytes of the body, as its sender says; 0 if that is not told."""
    told = request.META.get("CONTENT_LENGTH") or "0"
    return int(told) if told.isdecimal() else 0


def _check_framing(request: Request) -> None:
    """Refuse bodies that would be read as empty or as noise."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        raise Refusal(
            _("The body's length is not known; send it with Content-Length."), code="length_required"
        )
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in {"", "identity"}:
        raise Refusal(
            _("The body must not be compressed; send it without Content-Encoding."),
            code="unsupported_media_type",
        )


class Query:
    """The query parameters: known ones only, each read as what it must be. Raises Invalid."""

    def __init__(
        self, request: Request, known: frozenset[str], repeated: frozenset[str] = frozenset()
    ) -> None:
        self._given = request.query_params
        for name in self._given:
            if name not in known:
                names = ", ".join(sorted(known)) or "none"
                raise wrong(
                    name.replace("\x00", ""), _("is not known here; known are: %(names)s.") % {"names": names}
                )
            if len(self._given.getlist(name)) > 1 and name not in repeated:
                raise wrong(name, _("is given more than once; give it once, several values with commas."))
        refuse_unkeepable(self._given)

    def text(self, name: str) -> str | None:
        return self._given.get(name, "").strip() or None

    def uuid(self, name: str) -> UUID | None:
        text = self.text(name)
        if text is None:
            return None
        found = as_uuid(text)
        if found is None:
            raise wrong(name, _("must be an id."))
        return found

    def within_project(self, found: QuerySet[M, M]) -> QuerySet[M, M]:
        """Those of the project that was named; without one, all."""
        project = self.uuid("project")
        return found.filter(project=project) if project else found

    def words(self, name: str, choices: list[str]) -> list[str]:
        """One or several of the choices, separated by commas."""
        found = [word.strip() for word in (self.text(name) or "").split(",") if word.strip()]
        if set(found) - set(choices):
            raise wrong(name, _("must be one or several of %(known)s.") % {"known": ", ".join(choices)})
        return found

    def word(self, name: str, choices: list[str]) -> str | None:
        """One of the choices."""
        text = self.text(name)
        if text is not None and text not in choices:
            raise wrong(name, _("must be one of %(known)s.") % {"known": ", ".join(choices)})
        return text

    def flag(self, name: str) -> bool | None:
        text = self.text(name)
        if text is None:
            return None
        if text.lower() not in {"true", "false", "1", "0"}:
            raise wrong(name, _("must be true or false."))
        return text.lower() in {"true", "1"}

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        text = self.text(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal()) or len(text) > 9 or not low <= int(text) <= high:
            raise wrong(
                name, _("must be a whole number from %(low)s to %(high)s.") % {"low": low, "high": high}
            )
        return int(text)

    def moment(self, name: str, *, whole_day: bool = False) -> datetime | None:
        """An RFC 3339 time, or a day in UTC: its beginning, or with ``whole_day`` its end."""
        text = self.text(name)
        if text is None:
            return None
        try:
            if day := parse_date(text):
                start = datetime.combine(day, time.min, UTC)
                return start + timedelta(days=1) if whole_day else start
            # A plus sign in a query means a space.
            moment = parse_datetime(text.replace(" ", "+"))
            # PostgreSQL knows fewer offsets from UTC than RFC 3339 has.
            moment = moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            moment = None
        if moment is None:
            raise wrong(name, _("must be a time such as 2026-11-21T12:00:00Z, or a day such as 2026-11-21."))
        return moment


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of two values for one name nobody can tell which was meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{json.dumps(twice)} is given more than once")
    return found


def _not_a_number(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")
