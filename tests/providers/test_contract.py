"""What every registered provider must keep, whoever wrote it. A sixth one is tested by being registered."""

import dataclasses
import inspect
import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import adapters, catalog, registry
from providers.errors import ProviderError, Reason
from providers.provider import Provider
from providers.values import (
    Accepted,
    Account,
    Answer,
    Balance,
    Cost,
    Done,
    Exchange,
    Failed,
    ImageRequest,
    Result,
    Running,
)

from .captured import KEY, OURS, PAYLOADS, answer, names, references, request, through

ROOT = Path(__file__).parents[2]
THEIRS = str(OURS)

every_provider = pytest.mark.parametrize("slug", registry.ADAPTERS)


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


# Adding a gateway


@every_provider
def test_a_provider_has_a_twin_in_the_sandbox_captured_payloads_tests_and_a_model(slug: str) -> None:
    assert (ROOT / "providers" / "sandbox" / f"{slug}.py").is_file(), "no twin in the sandbox"
    assert len(names(slug)) >= 10, "too few captured payloads"
    assert (ROOT / "tests" / "providers" / f"test_{slug}.py").is_file(), "no tests of its own"
    profile = registry.profile(slug)
    assert profile.slug == slug
    assert profile.offers, "nothing to sell"
    for offer in profile.offers:
        assert offer.provider == slug
        assert offer in catalog.offers(offer.model), "its model is not in the catalogue"


def test_every_adapter_is_registered_and_every_payload_has_a_provider() -> None:
    written = {
        found
        for module in pkgutil.iter_modules(adapters.__path__)
        for _, found in inspect.getmembers(
            import_module(f"providers.adapters.{module.name}"), inspect.isclass
        )
        if Provider in found.__mro__ and found is not Provider
    }
    assert written == set(registry.ADAPTERS.values())
    assert {folder.name for folder in PAYLOADS.iterdir()} == set(registry.ADAPTERS)


def test_an_unknown_provider_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(registry.UnknownProviderError, match="did you mean 'runware'"):
        registry.profile("runwear")
    with pytest.raises(registry.UnknownProviderError, match="known are aigateway, bytespike"):
        registry.profile("zzz")
    with pytest.raises(catalog.UnknownModelError, match="seedream-5-lite"):
        catalog.model("seedream-6")


def test_all_five_sell_the_model() -> None:
    assert [offer.provider for offer in catalog.offers("seedream-5-lite")] == [
        "aigateway",
        "bytespike",
        "threedai",
        "runware",
        "prospolabs",
    ]
    assert [offer.list_price for offer in catalog.offers("seedream-5-lite")] == [
        35_000,
        12_000,
        40_000,
        35_000,
        14_000,
    ]


# What is sent


@every_provider
def test_the_same_submission_is_the_same_bytes(slug: str) -> None:
    for setting in switched(slug):
        first, second = (
            [
                (exchange.method, exchange.url, dict(exchange.headers), exchange.body, exchange.timeout)
                for count in range(2)
                for exchange in exchanges(
                    through(slug, **setting), references=references(count and _few(slug))
                )
            ]
            for _ in range(2)
        )
        assert first == second


def _few(slug: str) -> int:
    return min(2, registry.profile(slug).offers[0].max_references)


@every_provider
def test_the_key_travels_in_a_header_and_nowhere_else(slug: str) -> None:
    for setting in switched(slug):
        for exchange in exchanges(through(slug, **setting), references=references(_few(slug))):
            assert any(KEY in value for value in exchange.headers.values())
            assert KEY not in exchange.url
            assert KEY.encode() not in (exchange.body or b"")
            assert KEY not in repr(exchange)


@every_provider
def test_everything_goes_to_the_address_of_the_account(slug: str) -> None:
    for base_url in ("http://127.0.0.1:8104", "http://127.0.0.1:8104/"):
        for exchange in exchanges(through(slug, base_url=base_url)):
            assert exchange.url.startswith("http://127.0.0.1:8104/")
            assert "//" not in exchange.url.removeprefix("http://")


@every_provider
def test_every_size_on_offer_can_be_said_and_sizes_differ_in_what_is_said(slug: str) -> None:
    provider = through(slug)
    for offer in provider.profile.offers:
        assert offer.sizes.default in offer.sizes.names
        said = {
            provider.submit(request(aspect_ratio=aspect, resolution=resolution), OURS).body
            for aspect, resolution in offer.sizes.names
        }
        assert len(said) == len(set(offer.sizes.names.values()))
        assert not offer.problems(request())


@every_provider
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", "another"),
        ("count", 2),
        ("aspect_ratio", "2:3"),
        ("aspect_ratio", "21:9"),
        ("resolution", "1K"),
        ("resolution", "3K"),
        ("seed", 0),
        ("seed", 7),
        ("negative_prompt", ""),
        ("negative_prompt", "fog"),
        ("references", references(1)),
        ("sequential", 2),
        ("safety_check", False),
        ("safety_check", True),
        ("prompt_optimization", "fast"),
        ("output", "base64"),
        ("ttl", 60),
        ("upload_url", "https://bucket.example/put"),
    ],
)
def test_what_is_asked_is_either_said_or_named_as_unsupported(slug: str, field: str, value: Any) -> None:
    provider = through(slug)
    (offer,) = provider.profile.offers
    plain = request(aspect_ratio="1:1") if field == "resolution" else request()
    changes: dict[str, Any] = {field: value}
    asked = dataclasses.replace(plain, **changes)
    problems = offer.problems(asked)
    if problems:
        assert set(problems) == {"upload_urls" if field == "upload_url" else field}
        assert all(text for text in problems.values())
    elif offer.native_size(asked) == offer.native_size(plain) and field in ("resolution", "aspect_ratio"):
        assert (asked.resolution or asked.aspect_ratio) in offer.sizes.default
    else:
        assert provider.submit(asked, OURS).body != provider.submit(plain, OURS).body


@every_provider
def test_a_setting_that_is_not_turned_is_its_default(slug: str) -> None:
    defaults: dict[str, Any] = {one.name: one.default for one in registry.profile(slug).settings}
    plain, said = exchanges(through(slug)), exchanges(through(slug, **defaults))
    assert [(one.url, one.body) for one in plain] == [(one.url, one.body) for one in said]
    assert through(slug).traits == through(slug, **defaults).traits


@every_provider
def test_a_second_post_is_only_promised_where_our_id_is_in_the_first(slug: str) -> None:
    for setting in switched(slug):
        provider = through(slug, **setting)
        exchange = provider.submit(request(), OURS)
        told = str(OURS).encode() in (exchange.body or b"") or str(OURS) in exchange.headers.values()
        assert told == (provider.traits.keeps_our_key > 0)
        assert (provider.find(OURS) is not None) == provider.traits.finds


# What comes back


@every_provider
@pytest.mark.parametrize("payload", ["edge-bad-gateway-page", "edge-page-with-success", "empty-body"])
def test_what_cannot_be_read_leaves_the_outcome_open(slug: str, payload: str) -> None:
    for setting in switched(slug):
        provider = through(slug, **setting)
        for exchange in exchanges(provider):
            with pytest.raises(ProviderError) as caught:
                exchange.read(answer(slug, payload))
            assert caught.value.reason is Reason.NO_ANSWER


@every_provider
def test_half_an_answer_is_none(slug: str) -> None:
    provider = through(slug)
    for name in names(slug):
        told = answer(slug, name)
        if told.status == 200 and len(told.body) > 2:
            cut = dataclasses.replace(told, body=told.body[: len(told.body) // 2])
            with pytest.raises(ProviderError):
                provider.submit(request(), OURS).read(cut)


@every_provider
@pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 409, 429, 500, 503, 504])
def test_a_status_never_ends_a_task_that_was_only_asked_about(slug: str, status: int) -> None:
    for exchange in questions(through(slug)):
        with pytest.raises(ProviderError):
            exchange.read(Answer(status, {}, b'{"code": "x", "message": "y"}'))


@every_provider
@pytest.mark.parametrize("status", [408, 425, 500, 502, 504, 520, 524])
def test_a_lost_answer_is_never_taken_for_a_refusal(slug: str, status: int) -> None:
    with pytest.raises(ProviderError) as caught:
        through(slug).submit(request(), OURS).read(Answer(status, {}, b"{}"))
    assert caught.value.reason is Reason.NO_ANSWER


@every_provider
def test_busy_statuses_are_refusals_that_pass(slug: str) -> None:
    provider = through(slug)
    for status in provider.traits.busy:
        busy = Answer(status, {"retry-after": "99999"}, b"slow down")
        report = provider.submit(request(), OURS).read(busy)
        assert isinstance(report, Failed)
        assert report.reason.refused
        assert report.reason.passing
        assert report.retry_after == 600


@every_provider
def test_an_unknown_status_word_means_it_is_still_running(slug: str) -> None:
    exchange = through(slug).poll(THEIRS)
    assert exchange is not None
    body = {"status": "REVIEWING", "data": [{"taskUUID": THEIRS, "status": "reviewing"}]}
    assert isinstance(exchange.read(Answer(200, {}, json.dumps(body).encode())), Running)


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
    elif isinstance(value, Accepted | Running | Done | Failed | Cost | Result):
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
    told = answer(slug, data.draw(st.sampled_from(names(slug))))
    if not told.body.startswith(b"{"):
        return
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


def test_a_request_keeps_0_and_false_as_values() -> None:
    asked = ImageRequest(prompt="x", seed=0, safety_check=False)
    assert "safety_check" not in registry.profile("threedai").offers[0].problems(asked)
    assert {"seed"} == set(registry.profile("runware").offers[0].problems(asked))


def test_the_adapter_in_the_documentation_is_a_whole_one() -> None:
    chapter = (ROOT / "docs" / "adding-a-gateway.md").read_text()
    written: dict[str, Any] = {"__name__": "acme"}
    exec(chapter.partition("```python\n")[2].partition("```")[0], written)
    acme = written["Acme"](Account(written["Acme"].profile.base_url, KEY))
    exchange = acme.submit(request(count=2, seed=0), OURS)
    done = exchange.read(Answer(200, {}, b'{"pictures": [{"link": "https://cdn.acme.example/1.png"}, {}]}'))
    assert isinstance(done, Done)
    assert (len(done.results), done.failed) == (1, 1)
    assert json.loads(exchange.body)["seed"] == 0
    assert acme.poll(THEIRS) is None
    assert acme.balance() is None
    with pytest.raises(ProviderError):
        acme.read_webhook({}, b"{}")
