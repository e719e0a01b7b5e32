"""Asking for pictures over HTTP: what is held, what is answered again, what is waited for."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from generations.engine.net import Net
from generations.models import Generation, KeptAnswer
from providers import registry
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from tests.api.conftest import client_of, send
from tests.conftest import DOLLAR, Person, ended, make_person

WISH = {"prompt": "a red boat", "model": "seedream-5-lite", "provider": "bytespike"}


def submit(client: Any, body: dict[str, Any] | None = None, *, key: str | None = None) -> Any:
    headers = {} if key is None else {"idempotency-key": key}
    return send(client, "POST", "/api/v1/generations", WISH if body is None else body, headers)


def test_a_generation_is_queued_and_its_price_is_held(ada: Person) -> None:
    client = client_of(ada)
    answer = submit(client, {**WISH, "count": 4, "tags": ["boats"], "metadata": {"a": 1}})
    assert answer.status_code == 202
    said = answer.json()
    assert set(said) >= {
        "id",
        "object",
        "status",
        "progress",
        "project",
        "user",
        "model",
        "provider",
        "prompt",
    }
    assert (said["object"], said["status"], said["requested"], said["delivered"]) == (
        "generation",
        "queued",
        4,
        0,
    )
    assert said["price"] == {"quoted": "0.048", "held": "0.048", "charged": "0.000", "currency": "USD"}
    assert (said["assets"], said["error"], said["retry_of"], said["finished_at"]) == ([], None, None, None)
    assert said["parameters"]["tags"] == ["boats"]
    assert client.get(f"/api/v1/generations/{said['id']}").json() == said
    wallet = client.get("/api/v1/wallet").json()
    assert (wallet["held"], wallet["available"]) == ("0.048", "99.952")
    [held, granted] = client.get("/api/v1/wallet/transfers").json()["results"]
    assert (held["kind"], held["amount"], held["generation"]) == ("hold", "0.048", said["id"])
    assert granted["kind"] == "grant"
    assert (held["sandbox"], granted["sandbox"]) == (True, False)


def test_seed_zero_is_a_seed(ada: Person) -> None:
    said = submit(client_of(ada), {**WISH, "seed": 0}).json()
    assert said["parameters"]["seed"] == 0


def test_addresses_to_upload_to_are_told_to_the_gateway_and_to_nobody_else(
    person: Person, engine: Net, gateways: Control
) -> None:
    client = client_of(person)
    places = [f"https://bucket.example/{n}?signature=telltale{n}" for n in range(2)]
    wish = {**WISH, "provider": "runware", "count": 2, "upload_urls": places}
    key = "a key that is used twice"
    answers = [submit(client, wish, key=key), submit(client, wish, key=key)]
    made = ended(Generation.objects.get())
    sent = [note["fields"][0]["uploadEndpoint"] for note in gateways.requests("runware", "submit")]
    assert sorted(sent) == places

    again = send(client, "POST", f"/api/v1/generations/{made.id}/retry", {}, {"idempotency-key": "again"})
    ended(Generation.objects.get(retry_of=made))
    assert len(gateways.requests("runware", "submit")) == 3, "the new one uploads nothing, so asks at once"
    ids = [str(asset.id) for asset in made.assets.all()]
    zipped = send(client, "POST", "/api/v1/assets/download", {"ids": ids})
    lists = zipfile.ZipFile(io.BytesIO(zipped.getvalue()))
    shown = [*answers, again, client.get("/api/v1/generations"), client.get(f"/api/v1/generations/{made.id}")]
    assert [answer.status_code for answer in shown] == [202, 202, 202, 200, 200]
    told = [answer.content for answer in shown] + [lists.read(name) for name in lists.namelist()]
    assert len(told) == 5 + 2 + 2, "two pictures and two lists are in the download"
    assert not [one for one in told if b"telltale" in one or b"upload_urls" in one]


def test_without_enough_credit_nothing_is_held(shop: None) -> None:
    poor = make_person("poor@example.com", credit=10_000)
    answer = submit(client_of(poor))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (402, "insufficient_credit")
    assert (error["needed"], error["available"], error["held"]) == ("0.012", "0.010", "0.000")
    assert (poor.wallet.held, Generation.objects.count()) == (0, 0)


def test_a_price_above_the_limit_is_refused_with_the_price(ada: Person) -> None:
    answer = submit(client_of(ada), {**WISH, "max_price": "0.011"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["price"]) == (409, "price_above_max", "0.012")


def test_what_a_provider_cannot_do_is_refused_by_field(ada: Person) -> None:
    answer = submit(client_of(ada), {**WISH, "provider": "threedai", "negative_prompt": "rain"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported")
    assert "negative_prompt" in answer.json()["error"]["fields"]
    assert ada.wallet.held == 0


def test_what_nobody_can_do_is_refused_with_each_gateway_and_why(ada: Person) -> None:
    answer = submit(client_of(ada), {"prompt": "x", "aspect_ratio": "21:9", "negative_prompt": "rain"})
    assert answer.json()["error"]["code"] == "unsupported"
    message = answer.json()["error"]["message"]
    assert "Bytespike (aspect_ratio: does not make 21:9)" in message
    assert "Runware (negative_prompt: not offered)" in message
    assert all(profile.name in message for profile in registry.profiles())
    assert len(message) < 400


def test_a_provider_that_rests_is_503_with_a_time(ada: Person) -> None:
    ProviderAccount.objects.filter(provider="bytespike").update(
        paused_until="2099-01-01T00:00:00Z", pause_level=1, pause_reason="provider_key_refused"
    )
    answer = submit(client_of(ada))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "provider_paused")
    assert int(answer.headers["Retry-After"]) > 0
    assert ada.wallet.held == 0
    assert submit(client_of(ada), {"prompt": "elsewhere"}).status_code == 202


def test_the_same_key_and_body_is_answered_again(ada: Person) -> None:
    client = client_of(ada)
    first = submit(client, key="once")
    again = submit(client, key="once")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Generation.objects.count() == 1
    assert ada.wallet.held == 12_000


def test_the_same_key_with_another_body_is_refused(ada: Person) -> None:
    client = client_of(ada)
    submit(client, key="once")
    answer = submit(client, {**WISH, "prompt": "another"}, key="once")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert Generation.objects.count() == 1


def test_a_refusal_is_not_kept_so_the_key_may_be_used_again(shop: None) -> None:
    poor = make_person("poor@example.com", credit=0)
    client = client_of(poor)
    assert submit(client, key="once").status_code == 402
    assert not KeptAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_unusable_idempotency_key_is_refused(ada: Person, key: str) -> None:
    assert submit(client_of(ada), key=key).status_code == 400
    assert not Generation.objects.exists()


def test_two_people_may_use_the_same_key(ada: Person, stranger: Person) -> None:
    for person in (ada, stranger):
        assert "Idempotency-Replayed" not in submit(client_of(person), key="one").headers
    assert Generation.objects.count() == 2


def test_a_retry_names_the_old_one_and_is_done_once(ada: Person) -> None:
    client = client_of(ada)
    old = submit(client).json()
    address = f"/api/v1/generations/{old['id']}/retry"
    first = send(client, "POST", address, {}, {"idempotency-key": "again"})
    again = send(client, "POST", address, {}, {"idempotency-key": "again"})
    assert first.json()["retry_of"] == old["id"]
    assert first.json()["id"] != old["id"]
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Generation.objects.count() == 2


def test_a_retry_takes_no_wishes(ada: Person) -> None:
    client = client_of(ada)
    address = f"/api/v1/generations/{submit(client).json()['id']}/retry"
    assert send(client, "POST", address, {}, {"idempotency-key": "again"}).status_code == 202
    for headers in ({}, {"idempotency-key": "again"}):
        refused = send(client, "POST", address, {"count": 8}, headers)
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["count"])
    assert Generation.objects.count() == 2


def test_canceling_before_it_is_sent_gives_the_money_back(ada: Person) -> None:
    client = client_of(ada)
    made = submit(client).json()
    canceled = send(client, "POST", f"/api/v1/generations/{made['id']}/cancel", {})
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert canceled.json()["price"]["held"] == "0.000"
    assert ada.wallet.available == 100 * DOLLAR
    assert send(client, "POST", f"/api/v1/generations/{made['id']}/cancel", {}).json()["status"] == "canceled"


def test_quotes_compare_every_provider_for_exactly_this_request(ada: Person) -> None:
    answer = send(client_of(ada), "POST", "/api/v1/quotes", {"prompt": "x", "count": 2, "seed": 0})
    found = {quote["provider"]: quote for quote in answer.json()["results"]}
    assert len(found) == 5
    assert (found["prospolabs"]["price"], found["prospolabs"]["unit_price"]) == ("0.028", "0.014")
    assert found["prospolabs"]["available"]
    assert not found["aigateway"]["available"]
    assert "seed" in found["aigateway"]["fields"]
    assert not Generation.objects.exists()


def test_the_catalogue_is_data(ada: Person) -> None:
    client = client_of(ada)
    [model] = client.get("/api/v1/models").json()["results"]
    assert client.get(f"/api/v1/models/{model['id']}").json() == model
    prices = {offer["provider"]: offer["price"] for offer in model["offers"]}
    assert prices == {
        "aigateway": "0.035",
        "bytespike": "0.012",
        "threedai": "0.040",
        "runware": "0.035",
        "prospolabs": "0.014",
    }


def test_a_list_is_paged_both_ways_without_gaps(ada: Person) -> None:
    client = client_of(ada)
    made = [submit(client, {**WISH, "prompt": f"boat {n}"}).json()["id"] for n in range(7)]
    found: list[str] = []
    backwards: list[str] = []
    address = "/api/v1/generations?limit=3&provider=bytespike"
    while address:
        page = client.get(address).json()
        found += [row["id"] for row in page["results"]]
        last, address = page, page["next"]
        assert address is None or address.startswith("http")
    assert found == made[::-1]
    address = last["previous"]
    while address:
        page = client.get(address).json()
        backwards = [row["id"] for row in page["results"]] + backwards
        address = page["previous"]
    assert backwards == made[:0:-1]


def test_a_list_is_read_with_the_same_number_of_queries_however_long(
    ada: Person, django_assert_max_num_queries: Any
) -> None:
    client = client_of(ada)
    for n in range(12):
        submit(client, {**WISH, "prompt": f"boat {n}"})
    client.get("/api/v1/generations")
    with django_assert_max_num_queries(6):
        assert len(client.get("/api/v1/generations").json()["results"]) == 12


def test_filters_narrow_a_list(ada: Person) -> None:
    client = client_of(ada)
    boat = submit(client).json()
    other = submit(client, {"prompt": "x", "provider": "runware"}).json()
    send(client, "POST", f"/api/v1/generations/{boat['id']}/cancel", {})

    def ids(query: str) -> list[str]:
        return [row["id"] for row in client.get(f"/api/v1/generations?{query}").json()["results"]]

    assert ids("provider=runware") == [other["id"]]
    assert ids("status=canceled,failed") == [boat["id"]]
    assert ids(f"user={ada.user.id}&project={ada.project.id}&model=seedream-5-lite") == [
        other["id"],
        boat["id"],
    ]
    assert ids("created_after=2999-01-01") == []
    assert len(ids("created_before=2999-01-01T00:00:00%2B01:00")) == 2
