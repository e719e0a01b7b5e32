"""Asking for pictures over HTTP: what is held, what is answered again, what is waited for."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.db import connection

from generations import waiting
from generations.models import Generation, KeptAnswer
from providers.models import ProviderAccount
from providers.sandbox.client import Control
from tests.api.conftest import client_of, secret_of, send
from tests.conftest import DOLLAR, Person, ended, eventually, make_person

WISH = {"prompt": "a red boat", "model": "seedream-5-lite", "provider": "bytespike"}


def submit(client: Any, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return send(client, "POST", "/api/v1/generations", WISH if body is None else body, **headers)


def api(server: str, person: Person, **settings: Any) -> httpx.Client:
    headers = {"Authorization": f"Bearer {secret_of(person)}"}
    return httpx.Client(base_url=server, headers=headers, timeout=30, trust_env=False, **settings)


def test_a_generation_is_queued_and_its_price_is_held(ada: Person) -> None:
    client = client_of(ada)
    answer = submit(client, {**WISH, "count": 4, "tags": ["boats"], "metadata": {"a": 1}})
    assert answer.status_code == 202
    said = answer.json()
    assert set(said) >= {"id", "object", "status", "progress", "project", "user", "model", "provider", "prompt"}
    assert (said["object"], said["status"], said["requested"], said["delivered"]) == ("generation", "queued", 4, 0)
    assert said["price"] == {"quoted": "0.048", "held": "0.048", "charged": "0.000", "currency": "USD"}
    assert (said["assets"], said["error"], said["retry_of"], said["finished_at"]) == ([], None, None, None)
    assert said["parameters"]["tags"] == ["boats"]
    assert client.get(f"/api/v1/generations/{said['id']}").json() == said
    wallet = client.get("/api/v1/wallet").json()
    assert (wallet["held"], wallet["available"]) == ("0.048", "99.952")
    [held, granted] = client.get("/api/v1/wallet/transfers").json()["results"]
    assert (held["kind"], held["amount"], held["generation"]) == ("hold", "0.048", said["id"])
    assert granted["kind"] == "grant"


def test_seed_zero_is_a_seed(ada: Person) -> None:
    said = submit(client_of(ada), {**WISH, "seed": 0}).json()
    assert said["parameters"]["seed"] == 0


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
    first = submit(client, **{"idempotency-key": "once"})
    again = submit(client, **{"idempotency-key": "once"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Generation.objects.count() == 1
    assert ada.wallet.held == 12_000


def test_the_same_key_with_another_body_is_refused(ada: Person) -> None:
    client = client_of(ada)
    submit(client, **{"idempotency-key": "once"})
    answer = submit(client, {**WISH, "prompt": "another"}, **{"idempotency-key": "once"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert Generation.objects.count() == 1


def test_a_refusal_is_not_kept_so_the_key_may_be_used_again(shop: None) -> None:
    poor = make_person("poor@example.com", credit=0)
    client = client_of(poor)
    assert submit(client, **{"idempotency-key": "once"}).status_code == 402
    assert not KeptAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_unusable_idempotency_key_is_refused(ada: Person, key: str) -> None:
    assert submit(client_of(ada), **{"idempotency-key": key}).status_code == 400
    assert not Generation.objects.exists()


def test_two_people_may_use_the_same_key(ada: Person, stranger: Person) -> None:
    for person in (ada, stranger):
        assert "Idempotency-Replayed" not in submit(client_of(person), **{"idempotency-key": "one"}).headers
    assert Generation.objects.count() == 2


def test_a_retry_names_the_old_one_and_is_done_once(ada: Person) -> None:
    client = client_of(ada)
    old = submit(client).json()
    address = f"/api/v1/generations/{old['id']}/retry"
    first = send(client, "POST", address, {}, **{"idempotency-key": "again"})
    again = send(client, "POST", address, {}, **{"idempotency-key": "again"})
    assert first.json()["retry_of"] == old["id"]
    assert first.json()["id"] != old["id"]
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
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
    found, backwards, address = [], [], "/api/v1/generations?limit=3&provider=bytespike"
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
    assert ids(f"user={ada.user.id}&project={ada.project.id}&model=seedream-5-lite") == [other["id"], boat["id"]]
    assert ids("created_after=2999-01-01") == []
    assert len(ids("created_before=2999-01-01T00:00:00%2B01:00")) == 2


def test_twenty_at_once_with_one_key_are_one_generation(server: str, gateways: Control, person: Person) -> None:
    start = threading.Barrier(20)
    answers: list[httpx.Response] = []

    def one() -> None:
        with api(server, person) as client:
            start.wait()
            answers.append(client.post("/api/v1/generations", json=WISH, headers={"Idempotency-Key": "one"}))

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert sum("Idempotency-Replayed" not in a.headers for a in answers if a.status_code == 202) == 1
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 409)
    assert Generation.objects.count() == 1
    assert person.wallet.held == 12_000


def test_who_hangs_up_before_the_answer_gets_it_with_the_key(
    server: str, gateways: Control, person: Person
) -> None:
    body = json.dumps(WISH)
    host = urlsplit(server)
    link = http.client.HTTPConnection(host.hostname or "", host.port)
    headers = {"Authorization": f"Bearer {secret_of(person)}", "Idempotency-Key": "cut"}
    link.request("POST", "/api/v1/generations", body, {**headers, "Content-Type": "application/json"})
    link.close()
    eventually(lambda: Generation.objects.count() == 1, what="the generation of a caller who hung up")
    with api(server, person) as client:
        again = client.post("/api/v1/generations", content=body, headers={**headers, "Content-Type": "application/json"})
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
    assert Generation.objects.count() == 1


def test_waiting_answers_at_the_end_with_the_pictures(running: str, person: Person) -> None:
    with api(running, person) as client:
        answer = client.post("/api/v1/generations", json={**WISH, "count": 2}, headers={"Prefer": "wait=30"})
        assert (answer.status_code, answer.headers["Preference-Applied"]) == (201, "wait=30")
        said = answer.json()
        assert (said["status"], said["delivered"], len(said["assets"])) == ("succeeded", 2, 2)
        assert said["price"] == {"quoted": "0.024", "held": "0.000", "charged": "0.024", "currency": "USD"}
        assert said["finished_at"]
        assert said["duration_ms"] >= 0
        asset = said["assets"][0]
        content = client.get(asset["url"])
        assert (content.status_code, len(content.content)) == (200, asset["bytes"])
        assert content.headers["ETag"] == f'"{asset["sha256"]}"'
        assert client.get(asset["thumbnail_url"]).headers["Content-Type"] == "image/webp"
        read = client.get(f"/api/v1/assets/{asset['id']}").json()
        assert read == asset
        assert (read["prompt"], read["provider"], read["charged"]) == ("a red boat", "bytespike", "0.012")
        assert client.get("/api/v1/usage?group_by=provider,model").json() == {
            "results": [
                {
                    "provider": "bytespike",
                    "model": "seedream-5-lite",
                    "charged": "0.024",
                    "provider_cost": client.get("/api/v1/usage").json()["total"]["provider_cost"],
                    "images": 2,
                    "generations": 1,
                }
            ],
            "total": client.get("/api/v1/usage").json()["total"],
        }


def test_the_kept_answer_of_a_waiting_request_is_the_final_one(running: str, person: Person) -> None:
    headers = {"Prefer": "wait=30", "Idempotency-Key": "final"}
    with api(running, person) as client:
        first = client.post("/api/v1/generations", json=WISH, headers=headers)
        again = client.post("/api/v1/generations", json=WISH, headers={"Idempotency-Key": "final"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_wait_that_runs_out_is_202_and_the_work_goes_on(running: str, control: Control, person: Person) -> None:
    control.settings(gateway="bytespike", picture="tiny", latency=2)
    with api(running, person) as client:
        answer = client.post("/api/v1/generations", json=WISH, headers={"Prefer": "respond-async, wait=1"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=1")
    assert ended(Generation.objects.get(id=answer.json()["id"])).status == "succeeded"


def test_beyond_the_limit_of_waiters_nobody_is_kept(
    server: str, gateways: Control, person: Person, settings: Any
) -> None:
    settings.WAITERS_MAX = 1
    with api(server, person) as client, waiting.watching():
        answer = client.post("/api/v1/generations", json=WISH, headers={"Prefer": "wait=30"})
        assert answer.status_code == 202
        assert "Preference-Applied" not in answer.headers
        stream = client.get(f"/api/v1/generations/{answer.json()['id']}/events")
        assert (stream.status_code, stream.json()["error"]["code"]) == (503, "too_many_waiting")
        assert int(stream.headers["Retry-After"]) > 0


def test_waiters_hold_no_database_connection(server: str, gateways: Control, person: Person) -> None:
    def one() -> None:
        with api(server, person) as client:
            client.post("/api/v1/generations", json=WISH, headers={"Prefer": "wait=3"})

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(waiting._watches) == 8, what="eight waiters")
    pool = connection.pool  # type: ignore[attr-defined]
    for _ in range(6):
        import time; time.sleep(.2); print(len(waiting._watches), pool.get_stats())
    eventually(lambda: pool.get_stats()["pool_size"] - pool.get_stats()["pool_available"] <= 2, within=2)
    assert waiting._watches
    for thread in threads:
        thread.join()


def test_events_tell_the_course_until_the_end(running: str, person: Person) -> None:
    with api(running, person) as client:
        made = client.post("/api/v1/generations", json={**WISH, "provider": "threedai"}).json()
        told = []
        with client.stream("GET", f"/api/v1/generations/{made['id']}/events") as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    told.append(json.loads(line.removeprefix("data: ")))
    assert told[-1]["status"] == "succeeded"
    assert len(told[-1]["assets"]) == 1
    assert len(told) >= 2
    assert all(one != other for one, other in zip(told, told[1:], strict=False))


def test_who_leaves_a_stream_gives_the_seat_back(server: str, gateways: Control, person: Person) -> None:
    with api(server, person) as client:
        made = client.post("/api/v1/generations", json=WISH).json()
        with client.stream("GET", f"/api/v1/generations/{made['id']}/events") as stream:
            next(stream.iter_lines())
            assert len(waiting._watches) == 1
        Generation.objects.filter(id=made["id"]).update(progress=10)
        Generation.objects.filter(id=made["id"]).update(progress=20)

        def told_again() -> bool:
            # Only a write finds out that nobody reads.
            found = Generation.objects.get(id=made["id"])
            Generation.objects.filter(id=made["id"]).update(progress=(found.progress or 0) % 99 + 1)
            return not waiting._watches

        eventually(told_again, what="the seat of a caller who left")
