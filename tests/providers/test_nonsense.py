"""Whatever comes back, an adapter says something the engine can keep, or raises ProviderError."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import registry
from providers.errors import ProviderError
from providers.values import Accepted, Answer, Balance, Cost, Done, Failed, Promised, Running

from .captured import KEY, answer, exchanges, names, switched, through

every_provider = pytest.mark.parametrize("slug", registry.ADAPTERS)


def _words() -> tuple[list[str], list[Any]]:
    """The field names and single values of all captured payloads, so that nonsense comes close to sense."""
    keys: set[str] = {"error", "errors", "detail"}
    values: list[Any] = [None, "", -1, 1e300, "data:image/png;base64,!", "\ud800", "\0", KEY, True]

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            keys.update(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)
        if isinstance(value, str | int | float):
            values.append(value)

    for slug in registry.ADAPTERS:
        for name in names(slug):
            if text := answer(slug, name).body.decode():
                walk(json.loads(text) if text.startswith(("{", "[")) else text)
    return sorted(keys), values


KEYS, VALUES = _words()
nonsense = st.recursive(
    st.sampled_from(VALUES) | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=25,
)
bodies = st.one_of(
    st.binary(max_size=200),
    nonsense.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"[" * 100_000, b'{"a":' * 50_000, b"1" * 5000, b'{"x-cost": 1e99999999999999999999}', b"NaN"]
    ),
)
header_values = st.sampled_from(
    ["", "7", "-1", "1e9", "Sat, 21 Nov 2026 03:00:09 GMT", "Sat, 99 Nov 2026", "soon", "９", "9" * 400]
)
answers = st.builds(
    Answer,
    st.sampled_from(
        [200, 201, 202, 204, 301, 304, 400, 401, 402, 403, 404, 409, 410, 413, 429, 451, 500, 502, 503]
    ),
    st.dictionaries(
        st.sampled_from(["retry-after", "date", "x-ratelimit-reset", "x-cost-cents", "x-request-id"]),
        header_values,
    ),
    bodies,
)


def check(read: object) -> None:
    """A report or balance that the engine can store as it is."""
    assert isinstance(read, Accepted | Running | Done | Failed | Balance)
    if isinstance(read, Running | Done):
        assert len({result.key for result in read.results}) == len(read.results)
        assert all((result.url is None) != (result.data is None) for result in read.results)
    if isinstance(read, Running | Done | Failed) and read.cost:
        assert read.cost.micros is None or read.cost.micros >= 0
    for text in _texts(read):
        assert "\0" not in text
        text.encode()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Accepted | Running | Done | Failed | Cost | Promised):
        for one in dataclasses.fields(value):
            yield from _texts(getattr(value, one.name))
    elif isinstance(value, tuple):
        for inner in value:
            yield from _texts(inner)


@every_provider
@settings(max_examples=150, deadline=None)
@given(told=answers, place=st.integers(0, 10))
def test_no_answer_whatever_raises_anything_but_a_provider_error(slug: str, told: Answer, place: int) -> None:
    turned = switched(slug)
    provider = through(slug, **turned[place % len(turned)])
    for exchange in exchanges(provider):
        try:
            check(exchange.read(told))
        except ProviderError as error:
            str(error).encode()
    try:
        check(provider.read_webhook({"X-Anything": "1"}, told.body)[1])
    except ProviderError as error:
        str(error).encode()


@every_provider
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_captured_answer_with_one_thing_wrong_raises_nothing_else_either(
    slug: str, data: st.DataObject
) -> None:
    objects = [name for name in names(slug) if answer(slug, name).body.startswith(b"{")]
    told = answer(slug, data.draw(st.sampled_from(objects)))
    body = json.loads(told.body)
    spot = body if body else {"data": None}
    while True:
        key = data.draw(st.sampled_from(sorted(spot) if isinstance(spot, dict) else range(len(spot))))
        if not (isinstance(spot[key], dict | list) and spot[key] and data.draw(st.booleans())):
            break
        spot = spot[key]
    spot[key] = data.draw(nonsense)
    spoiled = dataclasses.replace(told, body=json.dumps(body).encode())
    for exchange in exchanges(through(slug)):
        try:
            check(exchange.read(spoiled))
        except ProviderError as error:
            str(error).encode()
