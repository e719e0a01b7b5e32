"""Quotes: every gateway's price for exactly this request, or which field it cannot honour."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import pytest

from accounts.errors import Invalid
from billing.models import Transfer
from billing.pricing import set_price
from generations.actions import asking, generate
from generations.engine.routing import ProviderPaused, Quote
from generations.models import Generation
from providers import registry
from providers.models import ProviderAccount
from tests.conftest import Person, ask

ALL = frozenset(registry.ADAPTERS)
PUBLISHED = {
    "aigateway": 35_000,
    "bytespike": 12_000,
    "threedai": 40_000,
    "runware": 35_000,
    "prospolabs": 14_000,
}

PICTURE = "https://example.com/a.png"
# What is asked, who can serve it, and which field stands in the way of some of the others.
REQUESTS: list[tuple[dict[str, Any], AbstractSet[str], dict[str, str]]] = [
    ({"resolution": "1K"}, {"aigateway", "bytespike", "threedai"}, {"prospolabs": "resolution|aspect_ratio"}),
    ({}, {"aigateway", "threedai", "runware", "prospolabs"}, {"bytespike": "resolution"}),
    ({"resolution": "3K"}, {"aigateway", "threedai", "runware", "prospolabs"}, {"bytespike": "resolution"}),
    ({"seed": 0}, {"threedai", "prospolabs"}, {"aigateway": "seed", "runware": "seed"}),
    ({"negative_prompt": "boats", "resolution": "1K"}, {"bytespike"}, {"runware": "negative_prompt"}),
    ({"safety_check": False}, {"threedai", "runware"}, {"prospolabs": "safety_check"}),
    ({"sequential": 3}, {"runware"}, {"prospolabs": "sequential", "threedai": "sequential"}),
    ({"prompt_optimization": "fast"}, {"runware"}, {"aigateway": "prompt_optimization"}),
    ({"ttl": 600}, {"runware"}, {"threedai": "ttl"}),
    ({"output": "base64"}, {"aigateway", "runware"}, {"prospolabs": "output"}),
    ({"delivery": "webhook"}, {"runware", "prospolabs"}, {"aigateway": "delivery", "threedai": "delivery"}),
    ({"width": 3000, "height": 2000}, {"runware"}, {"prospolabs": "width", "threedai": "width"}),
    ({"references": [PICTURE]}, ALL - {"bytespike"}, {"bytespike": "references"}),
    ({"references": [PICTURE] * 12}, {"runware"}, {"prospolabs": "references"}),
    ({"prompt": "x" * 3_000}, {"aigateway", "threedai", "prospolabs"}, {"runware": "prompt"}),
    ({"prompt": "x" * 8_000}, {"aigateway"}, {"prospolabs": "prompt"}),
    ({"output_format": "avif", "output_quality": 30}, {"aigateway", "threedai", "runware", "prospolabs"}, {}),
    ({"upload_urls": ["https://example.com/put"]}, {"runware"}, {"prospolabs": "upload_urls"}),
]  # fmt: skip


def quoted(**fields: Any) -> dict[str, Quote]:
    return {
        quote.provider: quote for quote in generate.quotes(asking.read({"prompt": "a red boat", **fields}))
    }


def str_of(value: object) -> str:
    """A name for a case, the same in every process: a set has no order."""
    return str(sorted(value) if isinstance(value, set | frozenset) else value)[:40]


@pytest.mark.parametrize(("fields", "able", "problems"), REQUESTS, ids=str_of)
def test_who_can_serve_a_request_and_which_field_stands_in_the_way(
    ada: Person, fields: dict[str, Any], able: AbstractSet[str], problems: dict[str, str]
) -> None:
    quotes = quoted(**fields)

    assert set(quotes) == ALL
    assert {name for name, quote in quotes.items() if quote.open} == able
    for name, field in problems.items():
        assert set(quotes[name].problems) & set(field.split("|")), quotes[name].problems
        assert quotes[name].reason
    assert not Transfer.objects.filter(kind="hold").exists()


@pytest.mark.parametrize(("fields", "able", "problems"), REQUESTS, ids=str_of)
def test_a_named_provider_refuses_what_its_quote_said_it_would(
    ada: Person, fields: dict[str, Any], able: AbstractSet[str], problems: dict[str, str]
) -> None:
    for name in ALL - able:
        asked = {"provider": name, **fields}
        named = generate.quotes(asking.read({"prompt": "a red boat", **asked}))
        if not next(quote for quote in named if quote.provider == name).problems:
            continue  # what only the sizes' comparability ruled out, it can do at its own size
        with pytest.raises(Invalid) as refusal:
            ask(ada, **{"prompt": "a red boat", **asked})
        assert refusal.value.code == "unsupported"
        assert set(refusal.value.fields) <= set(asking._KNOWN)

    assert not Generation.objects.exists()
    assert ada.wallet.held == 0


@pytest.mark.parametrize(
    ("provider", "asked", "field", "remedy"),
    [
        ("runware", {"width": 1024, "height": 1024}, "width", "take 3,686,400 to 10,404,496 pixels in all"),
        ("bytespike", {"width": 31, "height": 31}, "width", "take 1024x1024, 1536x1024, 1024x1536"),
        ("threedai", {"width": 31, "height": 31}, "width", "give aspect_ratio and resolution instead"),
        ("bytespike", {"aspect_ratio": "16:9"}, "aspect_ratio", "take 1:1, 3:2, 2:3"),
        ("runware", {"aspect_ratio": "16:9", "resolution": "1K"}, "resolution", "take 2K, 3K"),
    ],
)
def test_a_size_that_is_not_made_is_refused_with_what_is(
    ada: Person, provider: str, asked: dict[str, Any], field: str, remedy: str
) -> None:
    said = quoted(provider=provider, **asked)[provider].said[field]
    assert f"; {remedy}" in said
    with pytest.raises(Invalid, match=remedy):
        ask(ada, **{"prompt": "a red boat", "provider": provider, **asked})


@pytest.mark.parametrize("count", [1, 5, 7, 20])
def test_a_price_is_the_published_unit_times_the_pictures(ada: Person, count: int) -> None:
    for name, unit in PUBLISHED.items():
        quote = quoted(provider=name, count=count)[name]
        assert (quote.unit, quote.price, quote.pictures) == (unit, unit * count, count)
        assert sum(quote.calls) == count
        assert max(quote.calls) <= quote.offer.max_count


def test_sequential_pictures_are_priced_at_the_most_they_can_be(ada: Person) -> None:
    assert quoted(count=2, sequential=5)["runware"].price == 35_000 * 10


def test_the_cheapest_comes_first_and_those_that_cannot_come_last(ada: Person) -> None:
    order = [quote.provider for quote in generate.quotes(asking.read({"prompt": "a red boat"}))]

    assert (order[0], order[-1]) == ("prospolabs", "bytespike")


def test_what_nobody_can_honour_is_refused_with_every_field(ada: Person) -> None:
    with pytest.raises(Invalid) as refusal:
        ask(ada, negative_prompt="boats", sequential=2, resolution="3K")

    assert refusal.value.code == "unsupported"
    assert {"negative_prompt", "sequential"} <= set(refusal.value.fields)
    assert ada.wallet.held == 0


def test_a_provider_off_sale_or_without_account_is_passed_over(ada: Person) -> None:
    set_price(model="seedream-5-lite", provider="prospolabs", unit=None)
    ProviderAccount.objects.filter(provider="aigateway").update(enabled=False)

    quotes = quoted()

    assert (quotes["prospolabs"].price, quotes["prospolabs"].reason) == (None, "no price is set")
    assert (quotes["aigateway"].open, quotes["aigateway"].reason) == (False, "switched off by staff")
    assert ask(ada).provider == "runware"


def test_a_named_gateway_that_cannot_is_called_by_its_own_name(ada: Person) -> None:
    with pytest.raises(Invalid) as refused:
        ask(ada, provider="threedai", negative_prompt="boats")
    assert refused.value.message == (
        "3D AI Studio cannot do this as asked: "
        "negative_prompt: not offered; leave it out or choose another gateway."
    )
    ProviderAccount.objects.filter(provider="threedai").update(enabled=False)
    with pytest.raises(ProviderPaused, match="3D AI Studio is switched off by staff"):
        ask(ada, provider="threedai")
    ProviderAccount.objects.filter(provider="threedai").update(absent=True)
    with pytest.raises(ProviderPaused, match="3D AI Studio has no account here; choose another gateway"):
        ask(ada, provider="threedai")
