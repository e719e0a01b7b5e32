"""What gateways answered, kept as files named after what happened, and an account to ask with."""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest

from providers import registry
from providers.provider import Provider
from providers.values import Account, Answer, Exchange, ImageRequest, Reference

PAYLOADS = Path(__file__).parent / "payloads"
OURS = UUID("5f1c7c1e-3c3c-4a51-9f0e-2f6a8e9d1b20")
THEIRS = str(OURS)
KEY = "sk-test-31a7f5c0d2e94b8a"

every_provider = pytest.mark.parametrize("slug", registry.ADAPTERS)


def png(shade: int, side: int = 16) -> bytes:
    """A grey square, large enough to be a reference anywhere."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([shade]) * side) * side
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*one) for one in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


T = TypeVar("T")


def names(slug: str) -> list[str]:
    return sorted(path.stem for path in (PAYLOADS / slug).glob("*.json"))


def answer(slug: str, name: str) -> Answer:
    told = json.loads((PAYLOADS / slug / f"{name}.json").read_text())
    body = told["text"] if "text" in told else json.dumps(told["body"])
    return Answer(told["status"], told["headers"], body.encode())


def through(slug: str, *, base_url: str | None = None, **settings: Any) -> Provider:
    address = base_url or registry.profile(slug).base_url
    return registry.provider(slug, Account(address, KEY, settings))


def sent(exchange: Exchange[T] | None) -> Exchange[T]:
    assert exchange is not None, "this can be asked"
    return exchange


def fields(exchange: Exchange[T]) -> dict[str, Any]:
    """The JSON object that is sent."""
    assert exchange.headers["content-type"] == "application/json"
    body = json.loads(exchange.body or b"")
    assert isinstance(body, dict)
    return body


def request(prompt: str = "an ink-wash mountain at dawn", **asked: Any) -> ImageRequest:
    return ImageRequest(prompt=prompt, **asked)


def references(count: int) -> tuple[Reference, ...]:
    return tuple(Reference(png(number), "image/png") for number in range(count))


def switched(slug: str) -> list[dict[str, Any]]:
    """The account's settings as they are, and with each switch turned."""
    known = registry.profile(slug).settings
    turned: list[dict[str, Any]] = [
        {one.name: not one.default} for one in known if isinstance(one.default, bool)
    ]
    return [{}, *turned]


def questions(provider: Provider) -> Iterator[Exchange[Any]]:
    asked = (provider.poll(THEIRS), provider.find(OURS), provider.cancel(THEIRS), provider.balance())
    yield from (exchange for exchange in asked if exchange is not None)


def exchanges(provider: Provider, **asked: Any) -> list[Exchange[Any]]:
    return [provider.submit(request(**asked), OURS), *questions(provider)]
