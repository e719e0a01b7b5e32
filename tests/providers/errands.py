"""Errands to the sandbox: submit, follow to the end, fetch the picture."""

from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest

from providers import registry
from providers.door import send_once
from providers.provider import Provider
from providers.sandbox.server import Sandbox
from providers.values import Done, Exchange, Failed, Promised, Report

from .captured import request, sent, through

T = TypeVar("T")
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")
WAYS: list[Any] = [
    pytest.param(slug, settings, id=" ".join([slug, *settings]))
    for slug, settings in [
        ("aigateway", {}),
        ("aigateway", {"byok": True}),
        ("bytespike", {}),
        ("bytespike", {"tasks_api": True}),
        ("threedai", {}),
        ("runware", {}),
        ("prospolabs", {}),
        ("prospolabs", {"nested_params": True}),
    ]
]
every_way = pytest.mark.parametrize(("slug", "turned"), WAYS)
every_provider = pytest.mark.parametrize("slug", registry.ADAPTERS)


def at(gateways: Sandbox, slug: str, **turned: Any) -> Provider:
    return through(slug, base_url=gateways.origin(slug), **turned)


def ask(exchange: Exchange[T]) -> T:
    return exchange.read(send_once(exchange))


def followed(gateways: Sandbox, provider: Provider, report: Report) -> Done | Failed:
    """Ask until it ends, moving the sandbox's clock instead of waiting."""
    theirs = report.theirs
    for _ in range(60):
        if isinstance(report, Done | Failed):
            return report
        assert theirs is not None
        gateways.control.advance(11)
        report = ask(sent(provider.poll(theirs)))
    raise AssertionError(f"no end in sight: {report}")


def bought(gateways: Sandbox, provider: Provider, **asked: Any) -> Done | Failed:
    return followed(gateways, provider, ask(provider.submit(request(**asked), uuid4())))


def picture(result: Promised) -> bytes:
    if result.data is not None:
        return result.data
    assert result.url is not None
    with httpx.Client(trust_env=False, timeout=60) as client:
        answer = client.get(result.url)
    assert answer.status_code == 200
    return answer.content
