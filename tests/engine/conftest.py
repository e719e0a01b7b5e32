"""The engine at a brisk pace, two workers where one is not enough, and the books after every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from generations.engine.media import Media
from generations.engine.net import Net
from providers import registry
from providers.provider import Provider, Traits
from providers.sandbox.client import Control
from tests.engine.stage import check_books
from tests.serving import serving

PACE = (0.05, 0.2)
"""Seconds between two polls: gateways ask for seconds, which would be all that is measured here."""


def _brisk(adapter: type[Provider]) -> type[Provider]:
    class Brisk(adapter):  # type: ignore[misc, valid-type]
        @property
        def traits(self) -> Traits:
            own: Traits = super().traits
            return replace(own, pace=PACE)

    return Brisk


@pytest.fixture(autouse=True)
def _brisk_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every adapter as it is, but polled often."""
    for slug, adapter in list(registry.ADAPTERS.items()):
        monkeypatch.setitem(registry.ADAPTERS, slug, _brisk(adapter))


@pytest.fixture
def door_bell(gateways: Control, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our web application where the gateways can reach it; without it nobody would ask for an hour."""
    monkeypatch.setattr(f"{__name__}.PACE", (3600.0, 3600.0))
    with serving(settings):
        yield


Start = Callable[..., None]
Forgive = Callable[[Callable[[dict[str, Any]], bool]], None]


@pytest.fixture(autouse=True)
def forgive(gateways: Control) -> Iterator[Forgive]:
    """After every test: the books add up. A test may forgive lines of the bill, saying why."""
    forgiven: list[Callable[[dict[str, Any]], bool]] = []
    yield forgiven.append
    check_books(gateways, forgiven=lambda line: any(one(line) for one in forgiven))


@pytest.fixture
def loops(gateways: Control) -> Iterator[Start]:
    """Starts net and media loops as a test wants them, and stops them at its end."""
    running: list[Net | Media] = []

    def start(*started: Net | Media) -> None:
        for loop in started:
            running.append(loop)
            loop.start()

    yield start
    for loop in running:
        if isinstance(loop, Net):
            loop.hurry()
        loop.stop(15)
