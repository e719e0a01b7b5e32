"""What every registered provider must keep, whoever wrote it. A sixth one is tested by being registered."""

import dataclasses
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from providers import adapters, catalog, registry
from providers.provider import Provider
from providers.sandbox.server import GATEWAYS
from providers.values import (
    ImageRequest,
)

from .captured import (
    KEY,
    OURS,
    PAYLOADS,
    every_provider,
    exchanges,
    names,
    references,
    request,
    switched,
    through,
)

ROOT = Path(__file__).parents[2]


def _few(slug: str) -> int:
    return min(2, registry.profile(slug).offers[0].max_references)


# Adding a gateway


@every_provider
def test_a_provider_has_a_twin_in_the_sandbox_captured_payloads_tests_and_a_model(slug: str) -> None:
    assert (ROOT / "providers" / "sandbox" / f"{slug}.py").is_file(), "no twin in the sandbox"
    assert [twin.slug for twin in GATEWAYS] == list(registry.ADAPTERS), "its port is another's"
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
    assert {offer.provider: offer.list_price for offer in catalog.offers("seedream-5-lite")} == {
        "aigateway": 35_000,
        "bytespike": 12_000,
        "threedai": 40_000,
        "runware": 35_000,
        "prospolabs": 14_000,
    }


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


@every_provider
def test_an_answer_that_nothing_can_replace_is_waited_for_as_long_as_a_call_may_take(slug: str) -> None:
    for setting in switched(slug):
        provider = through(slug, **setting)
        if not (provider.traits.keeps_our_key or provider.traits.finds):
            assert provider.submit(request(), OURS).timeout >= 120


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


def test_a_request_keeps_0_and_false_as_values() -> None:
    asked = ImageRequest(prompt="x", seed=0, safety_check=False)
    assert "safety_check" not in registry.profile("threedai").offers[0].problems(asked)
    assert {"seed"} == set(registry.profile("runware").offers[0].problems(asked))
