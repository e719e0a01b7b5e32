"""One request as a gateway sees it, and the refusal it may end in."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from providers.sandbox.fields import Fields
from providers.sandbox.forms import Part
from providers.sandbox.world import Account

SECRET_HEADERS = frozenset({"authorization", "x-api-key", "cookie"})
SECRET_FIELDS = frozenset({"apiKey", "api_key"})
SHOWN = 2_000  # characters of a value the request log keeps


class GatewayError(Exception):
    """An error answer. ``code`` and ``message`` None are the gateway's usual ones for that status."""

    def __init__(
        self,
        status: int,
        code: str | None = None,
        message: str | None = None,
        names: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.code = code
        self.message = message
        self.names = names
        self.headers = headers or {}


@dataclass
class Call:
    request: web.Request
    operation: str
    body: bytes = b""
    document: Any = None
    files: list[Part] = field(default_factory=list)
    prompt: str = ""
    key: str = ""
    account: Account | None = None
    note: dict[str, Any] = field(default_factory=dict)

    @property
    def fields(self) -> Fields:
        """The JSON body. Raises GatewayError or FieldError."""
        if self.document is None:
            raise GatewayError(400, message="The body is not JSON.")
        return Fields(self.document)

    @property
    def payer(self) -> Account:
        if self.account is None:
            raise GatewayError(401)
        return self.account

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")

    @property
    def bearer(self) -> str:
        scheme, _, key = self.header("Authorization").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def read_json(self) -> None:
        try:
            self.document = json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            self.document = None


Handler = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Route:
    """One address of a gateway. ``open`` needs no key."""

    method: str
    path: str
    operation: str
    handler: Handler
    open: bool = False


def outline(value: Any) -> Any:
    """A document short enough for the request log, without secrets."""
    if isinstance(value, dict):
        return {k: "redacted" if k in SECRET_FIELDS else outline(one) for k, one in value.items()}
    if isinstance(value, list):
        return [outline(one) for one in value[:20]]
    if isinstance(value, str) and len(value) > SHOWN:
        return f"{value[:SHOWN]}… ({len(value)} characters)"
    return value


def outlined_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {k: f"…{v[-4:]}" if k.lower() in SECRET_HEADERS else v for k, v in headers.items()}
