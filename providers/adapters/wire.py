"""What crosses the wire: requests as bytes, and single values picked out of an answer.

Nothing here trusts an answer. Each reader gives None, or raises ProviderError, for what
it cannot use; no other exception leaves this module because of what a gateway sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import TypeVar
from uuid import UUID

from providers.errors import ProviderError, Reason
from providers.values import Account, Answer, Exchange, Promised, Reference

Json = dict[str, object]
T = TypeVar("T")
Reader = Callable[[Answer], T]

SHORT, LONG = 30.0, 180.0
"""Seconds for a question, and for a call that is held open until the pictures are there."""

_MOST_USD = Decimal(1_000_000)
_LINK = re.compile(r"(?i:https?)://[^\x00-\x20\x7f\ud800-\udfff]{1,8000}")
_WAIT = (1.0, 600.0)  # no gateway's word makes us hammer it, or sleep for a day


# What is sent


def encode(value: object) -> bytes:
    """JSON without blanks; the same value is always the same bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def exchange(
    account: Account,
    method: str,
    path: str,
    read: Reader[T],
    *,
    headers: Mapping[str, str],
    json: object = None,
    body: bytes | None = None,
    timeout: float = SHORT,
) -> Exchange[T]:
    """A request to the account's own origin; ``json`` is encoded and labelled as such."""
    labels = {"accept": "application/json", **headers}
    if json is not None:
        body = encode(json)
        labels["content-type"] = "application/json"
    return Exchange(method, account.origin + path, labels, body, timeout, read)


def data_uri(reference: Reference) -> str:
    return f"data:{reference.media_type};base64,{base64.b64encode(reference.data).decode('ascii')}"


def multipart(
    fields: Iterable[tuple[str, str]], files: Iterable[tuple[str, Reference]], ours: UUID
) -> tuple[str, bytes]:
    """Content type and body of a form. The boundary comes from our id: sent twice, it is the same bytes."""
    boundary = f"seedbank-{ours.hex}"
    parts = [(f'name="{name}"', value.encode("utf-8", "replace")) for name, value in fields]
    for number, (name, reference) in enumerate(files, start=1):
        kind = reference.media_type
        file_name = f"reference-{number}.{kind.partition('/')[2]}"
        parts.append((f'name="{name}"; filename="{file_name}"\r\ncontent-type: {kind}', reference.data))
    body = b"".join(
        f"--{boundary}\r\ncontent-disposition: form-data; {label}\r\n\r\n".encode() + data + b"\r\n"
        for label, data in parts
    )
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


# What came back


def decode(body: bytes) -> object:
    """The JSON in a body, with decimals kept exact. Raises ProviderError(NO_ANSWER) for anything else.

    Half a character, as where a gateway cut a prompt by its bytes, does not cost the links beside it.
    """
    try:
        words = body.decode(json.detect_encoding(body), "replace")
        return json.loads(words, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ProviderError(Reason.NO_ANSWER, f"not JSON: {excerpt(body)}") from error


def decode_object(body: bytes) -> Json:
    """As :func:`decode`, for an answer that has to be an object."""
    value = decode(body)
    if not isinstance(value, dict):
        raise ProviderError(Reason.NO_ANSWER, f"not a JSON object: {excerpt(body)}")
    return value


def decode_order(body: bytes, name: str) -> Json:
    """As :func:`decode_object`, for an order that nothing else names than the id under ``name``.

    Where the answer broke off behind it, the ProviderError has that id.
    """
    with about(named(body, name)):
        return decode_object(body)


def named(body: bytes, name: str) -> str | None:
    """The id that stands under ``name`` anywhere in a body, though the rest be no JSON."""
    whole = re.search(rb'"%b"\s*:\s*"([\w.:-]{1,200})"' % name.encode(), body)
    return whole[1].decode("ascii") if whole else None


@contextmanager
def about(theirs: str | None) -> Iterator[None]:
    """What cannot be read in here is at least about the work ``theirs``, which can be asked for."""
    try:
        yield
    except ProviderError as error:
        error.theirs = error.theirs or theirs
        raise


def whole_entries(body: bytes, name: str, field: str) -> list[Json]:
    """Of a list under ``name`` that broke off: its objects, and of the last what stands under ``field``."""
    words = body.decode(json.detect_encoding(body), "replace")
    begun = re.search(rf'"{name}"\s*:\s*\[', words)
    decoder, found, at = json.JSONDecoder(parse_float=Decimal), [], begun.end() if begun else len(words)
    with suppress(ValueError, ArithmeticError, RecursionError):
        while blank := re.compile(r"[\s,]*").match(words, at):
            value, at = decoder.raw_decode(words, blank.end())
            found.append(object_in(value))
    last = re.compile(rf'"{field}"\s*:\s*("(?:[^"\\]|\\.)*")').search(words, at)
    return [*found, {field: decode(last[1].encode())}] if last else found


def excerpt(body: bytes) -> str:
    return clean(body[:200].decode("utf-8", "replace")) or "an empty body"


def clean(words: str, limit: int = 1000) -> str:
    """Text that any database takes: no NUL, no half characters, not endless."""
    return words[:limit].replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()


def text(value: object, limit: int = 1000) -> str | None:
    return (clean(value, limit) or None) if isinstance(value, str) else None


def identifier(value: object) -> str | None:
    """A gateway's id, as a string even where it sends a number."""
    number = integer(value)
    return text(value if number is None else str(number), 200)


def object_in(value: object) -> Json:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects_in(value: object) -> list[Json]:
    """The objects of a list; what is not an object counts as an empty one, so that places stay."""
    return [object_in(item) for item in value] if isinstance(value, list) else []


def decimal(value: object) -> Decimal | None:
    """A finite number of a size that money and credits can have, also when written as a string."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() and -(10**15) < number < 10**15 else None


def integer(value: object) -> int | None:
    """A whole number that fits 64 bits; JSON's 1.0 is one."""
    if isinstance(value, Decimal):
        value = int(value) if -(2**63) < value < 2**63 and value == value.to_integral_value() else None
    fits = isinstance(value, int) and not isinstance(value, bool) and -(2**63) < value < 2**63
    return value if isinstance(value, int) and fits else None


_UNDER_WAY = frozenset(
    {
        "accepted",
        "created",
        "in_progress",
        "pending",
        "processing",
        "queued",
        "running",
        "started",
        "submitted",
    }
)


def unknown_word(status: object) -> str | None:
    """A status that is none of the words by which a gateway says that it is still at it."""
    word = text(status, 100)
    return None if word is None or word.lower() in _UNDER_WAY else word


def percent(value: object) -> int | None:
    number = decimal(value)
    return None if number is None else int(max(Decimal(0), min(Decimal(100), number)))


def micros(usd: Decimal | None) -> int | None:
    """Whole micro-dollars, halves up; None for what cannot be the cost of a call or a balance."""
    if usd is None or not 0 <= usd <= _MOST_USD:
        return None
    return int((usd * 1_000_000).to_integral_value(ROUND_HALF_UP))


def picture(
    key: str,
    link: object = None,
    inline: object = None,
    *,
    seed: object = None,
    revised_prompt: object = None,
    flagged: bool = False,
) -> Promised | None:
    """A result from a link or from bytes in base64, whichever came; None if neither can be used.

    Gateways answer with the other form than was asked, and put a data URI where a link belongs.
    Any other word there (a name, a path, an id) is no picture, though it may look like base64.
    """
    place = link.strip() if isinstance(link, str) else ""
    url = place if _LINK.fullmatch(place) else None
    data = None if url else _bytes_in(inline) or (_bytes_in(place) if place.startswith("data:") else None)
    if url is None and data is None:
        return None
    return Promised(key, url, data, integer(seed), text(revised_prompt, 20_000), flagged)


def _bytes_in(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode("".join(value.rpartition("base64,")[2].split()), validate=True) or None
    except ValueError:
        return None


# Time, without a clock


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a number or an HTTP date (RFC 9110, 10.2.3) measured by the answer's own Date."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return clamped(float(value))
    until, now = http_date(value), http_date(headers.get("date", ""))
    return clamped((until - now).total_seconds()) if until and now else None


def clamped(seconds: float) -> float:
    return max(_WAIT[0], min(_WAIT[1], seconds))


def http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


# Webhooks


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def signed(secret: str, message: bytes, signature: str) -> bool:
    """Whether the hex HMAC-SHA256 is ours; compared in constant time."""
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().lower().encode("utf-8", "replace"))
