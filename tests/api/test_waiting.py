"""Many callers at once, callers who hang up, and callers who wait, over a real socket."""

from __future__ import annotations

import http.client
import json
import threading
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.db import connection

from generations import waiting
from generations.actions import generate
from generations.models import Generation
from providers.sandbox.client import Control
from tests.api.conftest import secret_of
from tests.conftest import Person, ended, eventually

WISH = {"prompt": "a red boat", "model": "seedream-5-lite", "provider": "bytespike"}


def api(server: str, person: Person, **settings: Any) -> httpx.Client:
    headers = {"Authorization": f"Bearer {secret_of(person)}"}
    return httpx.Client(base_url=server, headers=headers, timeout=30, trust_env=False, **settings)


def test_twenty_at_once_with_one_key_are_one_generation(
    server: str, gateways: Control, person: Person
) -> None:
    start = threading.Barrier(20)
    answers: list[httpx.Response] = []

    def one(client: httpx.Client) -> None:
        with client:
            start.wait()
            answers.append(client.post("/api/v1/generations", json=WISH, headers={"Idempotency-Key": "one"}))

    threads = [threading.Thread(target=one, args=(api(server, person),)) for _ in range(20)]
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
        again = client.post(
            "/api/v1/generations", content=body, headers={**headers, "Content-Type": "application/json"}
        )
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
                    "provider_cost": "0.024",
                    "paid_elsewhere": "0.000",
                    "sandbox": "0.024",
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


def test_a_wait_that_runs_out_is_202_and_the_work_goes_on(
    running: str, control: Control, person: Person
) -> None:
    control.settings(gateway="bytespike", picture="tiny", latency=3600)
    with api(running, person) as client:
        answer = client.post("/api/v1/generations", json=WISH, headers={"Prefer": "respond-async, wait=1"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=1")
    eventually(lambda: control.bill("bytespike"), what="the gateway's taking it on")
    control.advance(3600)
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
    def one(client: httpx.Client) -> None:
        with client:
            client.post("/api/v1/generations", json=WISH, headers={"Prefer": "wait=25"})

    threads = [threading.Thread(target=one, args=(api(server, person),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(waiting._watches) == 8, what="eight waiters")
    pool = connection.pool  # type: ignore[attr-defined]
    eventually(lambda: pool.get_stats()["pool_size"] - pool.get_stats()["pool_available"] <= 2)
    assert waiting._watches
    for generation in Generation.objects.all():  # nobody need wait any longer
        generate.cancel(principal=person.principal, generation_id=generation.id)
    for thread in threads:
        thread.join()


def test_events_tell_the_course_until_the_end(running: str, control: Control, person: Person) -> None:
    control.settings(gateway="prospolabs", picture="tiny", latency=3600)
    with api(running, person) as client:
        made = client.post(
            "/api/v1/generations", json={**WISH, "provider": "prospolabs", "delivery": "poll"}
        ).json()
        told = []
        with client.stream("GET", f"/api/v1/generations/{made['id']}/events") as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    told.append(json.loads(line.removeprefix("data: ")))
                    control.advance(3600)  # not before somebody listens
    assert told[-1]["status"] == "succeeded"
    assert len(told[-1]["assets"]) == 1
    assert len(told) >= 2
    assert all(one != other for one, other in pairwise(told))


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
