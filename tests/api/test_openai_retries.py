"""OpenAI requests that take too long, are cut off, or are repeated: paid once, kept always."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import openai
import pytest
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import actions
from accounts.errors import Conflict
from accounts.models import Role
from generations.actions import asking, generate, uploads
from generations.actions.idempotency import Key
from generations.api.openai import making
from generations.api.openai.reading import read
from generations.engine.net import Net
from generations.models import Asset, Generation, KeptAnswer
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.api.conftest import Sdk, client_of, secret_of, send, wish
from tests.conftest import Person, ended, eventually, make_person, png
from tests.library.conftest import do, patient
from tests.web.conftest import let_in

PATH = "/v1/images/generations"


def test_a_caller_who_hangs_up_still_gets_the_picture_kept(
    sdk: Sdk, running: str, control: Control, person: Person
) -> None:
    control.settings(gateway="bytespike", picture="tiny", latency=3600)
    client = sdk(running, person, timeout=0.4)
    with pytest.raises(openai.APITimeoutError):
        client.images.generate(prompt="x", model="seedream-5-lite@bytespike")
    generation = eventually(Generation.objects.first, what="a generation")
    eventually(lambda: control.bill("bytespike"), what="the gateway's taking it on")
    control.advance(3600)
    assert ended(generation).delivered == 1
    assert person.wallet.spent == 12_000


def test_the_sdks_own_retries_pay_once(sdk: Sdk, running: str, control: Control, person: Person) -> None:
    control.settings(gateway="bytespike", picture="tiny", latency=2)
    made = sdk(running, person, timeout=1.5, max_retries=4).images.generate(
        prompt="x", model="seedream-5-lite@bytespike"
    )
    assert made.data
    assert Generation.objects.count() == 1
    assert person.wallet.spent == 12_000


def test_the_sdk_does_not_ask_again_for_what_has_failed(
    sdk: Sdk, running: str, control: Control, person: Person
) -> None:
    control.settings(gateway="bytespike", picture="tiny")
    control.fault(Fault.FAILS, gateway="bytespike")
    answers: list[httpx.Response] = []
    seen = httpx.Client(event_hooks={"response": [answers.append]}, trust_env=False)
    with pytest.raises(openai.APIStatusError) as failed:
        sdk(running, person, max_retries=2, http_client=seen).images.generate(
            prompt="x", model="seedream-5-lite@bytespike"
        )
    assert failed.value.status_code == 502
    assert [answer.headers.get("X-Should-Retry") for answer in answers] == ["false"]


def test_a_retry_joins_the_oldest_unclaimed_and_never_the_same_twice(
    running: str, control: Control, person: Person
) -> None:
    secret = secret_of(person)
    first, second = wish(running, secret), wish(running, secret)
    ids = [answer.headers["Seedbank-Generation"] for answer in (first, second)]
    assert len(set(ids)) == 2
    joined = [wish(running, secret, 1).headers["Seedbank-Generation"] for _ in range(2)]
    assert joined == ids
    assert wish(running, secret, 2).headers["Seedbank-Generation"] == ids[0]
    assert wish(running, secret, 1).headers["Seedbank-Generation"] not in ids  # none is left: a new one
    assert Generation.objects.count() == 3


def test_a_retry_joins_only_its_own_key_body_and_quarter_of_an_hour(running: str, person: Person) -> None:
    secret = secret_of(person)
    first = wish(running, secret).headers["Seedbank-Generation"]
    assert wish(running, secret_of(person), 1).headers["Seedbank-Generation"] != first
    assert wish(running, secret, 1, prompt="another").headers["Seedbank-Generation"] != first
    KeptAnswer.objects.filter(subject_id=first).update(created_at=timezone.now() - timedelta(minutes=16))
    assert wish(running, secret, 1).headers["Seedbank-Generation"] != first
    KeptAnswer.objects.filter(subject_id=first).update(created_at=timezone.now() - timedelta(minutes=14))
    assert wish(running, secret, 1).headers["Seedbank-Generation"] == first


def test_a_retry_joins_although_one_before_it_was_lost_on_its_way(running: str, person: Person) -> None:
    secret = secret_of(person)
    first, second = (wish(running, secret).headers["Seedbank-Generation"] for _ in range(2))
    assert wish(running, secret, 1).headers["Seedbank-Generation"] == first
    assert wish(running, secret, 3).headers["Seedbank-Generation"] == first, "the nearest count comes first"
    assert wish(running, secret, 3).headers["Seedbank-Generation"] == second
    assert Generation.objects.count() == 2


def test_a_retry_that_found_no_place_to_wait_is_known_to_the_next(
    running: str, control: Control, person: Person, settings: Any
) -> None:
    control.settings(gateway="bytespike", picture="tiny", latency=3600)
    secret = secret_of(person)
    with ThreadPoolExecutor(1) as caller:
        first = caller.submit(wish, running, secret)
        eventually(lambda: control.bill("bytespike"), what="the gateway's taking it on")
        places, settings.WAITERS_MAX = getattr(settings, "WAITERS_MAX", 16), 0
        for count in (1, 2):
            assert wish(running, secret, count).json()["error"]["code"] == "too_many_waiting"
        settings.WAITERS_MAX = places
        control.advance(3600)
        last = wish(running, secret, 3).headers["Seedbank-Generation"]
        assert first.result().headers["Seedbank-Generation"] == last
    assert person.wallet.spent == 12_000


def asked_by_sdk(person: Person, count: int, bring: Callable[[], tuple[str, ...]]) -> Response:
    """An edit as it is made, once its form is read: ``bring`` gives its pictures."""
    request = Request(
        RequestFactory().post("/v1/images/edits", headers={"x-stainless-retry-count": str(count)})
    )
    body = {"prompt": "x", "model": "seedream-5-lite@runware", "files": ["a", "b"]}
    wished = read({"prompt": "x", "model": "seedream-5-lite@runware"}, ["asset:to come"])
    return making.make(request, person.principal, body, wished, bring)


def test_a_retry_waits_for_the_request_whose_pictures_are_still_being_brought(
    engine: Net, person: Person, gateways: Control
) -> None:
    picture = uploads.upload(principal=person.principal, project_id=None, chunks=[png()], name="a.png")
    may_go_on = threading.Event()

    def bring() -> tuple[str, ...]:
        assert may_go_on.wait(60)
        return (f"asset:{picture.id}",)

    def again() -> tuple[str, ...]:
        raise AssertionError("brought again")

    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(patient, lambda: asked_by_sdk(person, 0, bring))
        eventually(lambda: KeptAnswer.objects.filter(answer__asked=0).exists(), what="the first noted")
        retry = callers.submit(patient, lambda: asked_by_sdk(person, 1, again))
        eventually(lambda: KeptAnswer.objects.filter(answer__asked=1).exists(), what="the retry noted")
        assert not Generation.objects.exists()
        may_go_on.set()
        told = {answer.result().headers["Seedbank-Generation"] for answer in (first, retry)}
    assert told == {str(Generation.objects.get().id)}
    assert person.wallet.spent == 35_000


def test_a_request_that_was_refused_is_asked_anew_by_its_retry(running: str, person: Person) -> None:
    secret = secret_of(person)
    assert wish(running, secret, model="seedream-5-lite@bytespike", n=20, size="3000x3000").status_code == 400
    assert not KeptAnswer.objects.exists()
    assert wish(running, secret, 1).status_code == 200


def test_whoever_died_before_the_generation_was_there_is_not_waited_for(running: str, person: Person) -> None:
    secret = secret_of(person)
    first = wish(running, secret).headers["Seedbank-Generation"]
    note = KeptAnswer.objects.get(subject_id=first)
    note.subject_id, note.created_at = None, timezone.now() - timedelta(minutes=4)
    note.save()
    key = Key(person.user, note.key, PATH, {}, begun=True)
    assert wish(running, secret, 1).headers["Seedbank-Generation"] != first

    # It had not died; but it comes too late, and nothing is paid for it.
    asked = asking.read({"prompt": "a red boat", "provider": "bytespike"})
    held = person.wallet.held
    with pytest.raises(Conflict):
        generate.submit(principal=person.principal, asked=asked, render=lambda made: {}, key=key)
    assert Generation.objects.count() == 2
    assert person.wallet.held == held


def test_retries_at_once_share_nothing(running: str, person: Person) -> None:
    secret = secret_of(person)
    firsts = {wish(running, secret).headers["Seedbank-Generation"] for _ in range(4)}
    joined: list[str] = []
    start = threading.Barrier(4)

    def retry() -> None:
        start.wait()
        joined.append(wish(running, secret, 1).headers["Seedbank-Generation"])

    threads = [threading.Thread(target=retry) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(joined) == firsts
    assert Generation.objects.count() == 4


def test_an_idempotency_key_is_honoured_where_it_is_sent(sdk: Sdk, running: str, person: Person) -> None:
    client = sdk(running, person)
    headers = {"Idempotency-Key": "mine"}
    for _ in range(2):
        assert client.images.generate(
            prompt="x", model="seedream-5-lite@bytespike", extra_headers=headers
        ).data
    assert Generation.objects.count() == 1
    with pytest.raises(openai.UnprocessableEntityError):
        client.images.generate(prompt="y", model="seedream-5-lite@bytespike", extra_headers=headers)


def test_a_repeated_request_hands_out_nothing_that_was_moved_out_of_its_project(
    running: str, person: Person
) -> None:
    guest = make_person("guest@example.com")
    let_in(person, guest, Role.EDITOR)
    client, key = client_of(guest, project_id=person.project.id), {"Idempotency-Key": "mine"}
    wanted = {"prompt": "x", "model": "seedream-5-lite@bytespike"}
    assert send(client, "POST", PATH, wanted, key).json()["data"]
    private = actions.create_project(principal=person.principal, name="Private")
    do(person, "move", [Asset.objects.get().id], project=private.id)
    replayed = send(client, "POST", PATH, wanted, key)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert replayed.json()["data"] == []


def test_who_waits_too_long_is_told_where_the_picture_will_be(
    sdk: Sdk, running: str, control: Control, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "PATIENCE", 0.3)
    control.settings(gateway="bytespike", picture="tiny", latency=3600)
    with pytest.raises(openai.APIStatusError) as slow:
        sdk(running, person).images.generate(prompt="x", model="seedream-5-lite@bytespike")
    generation = Generation.objects.get()
    assert (slow.value.status_code, slow.value.code) == (504, "still_running")
    assert str(generation.id) in str(slow.value)
    eventually(lambda: control.bill("bytespike"), what="the gateway's taking it on")
    control.advance(3600)
    assert ended(generation).delivered == 1


def test_nothing_is_begun_that_nobody_could_wait_for(ada: Person, settings: Any) -> None:
    settings.WAITERS_MAX = 0
    answer = send(client_of(ada), "POST", PATH, {"prompt": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many_waiting")
    assert not Generation.objects.exists()
