"""Many programs ask the web process at the same moment: what the money allows, and one answer for one key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx

from billing.models import Hold
from generations.models import Generation, Submission
from generations.states import SubmissionState
from providers.sandbox.client import Control
from tests.billing.books import assert_books_add_up, balances
from tests.conftest import Person, eventually, make_person
from tests.kill.conftest import Serve

PRICE = 12_000
PATIENCE = 60.0
WISH = {"prompt": "a red boat", "provider": "bytespike"}


def all_at_once(size: int, client: httpx.Client, key: Callable[[int], str]) -> list[httpx.Response]:
    """Each sends the same wish under its key, and again as long as it is told to come back."""
    start = Barrier(size)

    def one(number: int) -> httpx.Response:
        headers = {**client.headers, "Idempotency-Key": key(number)}
        with httpx.Client(base_url=client.base_url, headers=headers, timeout=PATIENCE) as program:
            start.wait(PATIENCE)

            def answered() -> httpx.Response | None:
                answer = program.post("/api/v1/generations", json=WISH)
                if answer.status_code not in {409, 503}:
                    return answer
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.json()["error"]["code"] in {"idempotency_key_in_use", "try_again"}
                return None

            found: httpx.Response = eventually(answered, within=PATIENCE, what="an answer")
            return found

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(one, range(size)))


def test_fifty_programs_with_credit_for_ten_are_answered_ten_times_yes_and_forty_times_no(
    serve: Serve, gateways: Control
) -> None:
    person = make_person("ben@example.com", credit=10 * PRICE)
    answers = all_at_once(50, serve(person), key=str)

    assert Counter(answer.status_code for answer in answers) == {202: 10, 402: 40}
    refused = [answer.json()["error"] for answer in answers if answer.status_code == 402]
    assert {(error["code"], error["needed"]) for error in refused} == {("insufficient_credit", "0.012")}
    assert balances(person.wallet) == (10 * PRICE, 0, 10 * PRICE, 0)
    assert Generation.objects.count() == Hold.objects.count() == 10
    assert Submission.objects.filter(state=SubmissionState.PLANNED, due_at__isnull=False).count() == 10
    assert_books_add_up()


def test_one_key_sent_by_twenty_programs_is_one_order_and_one_answer(
    serve: Serve, person: Person, gateways: Control
) -> None:
    answers = all_at_once(20, serve(person), key=lambda _: "the same order")

    assert {answer.status_code for answer in answers} == {202}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert ["Idempotency-Replayed" in answer.headers for answer in answers].count(False) == 1
    assert Generation.objects.count() == Hold.objects.count() == 1
    assert person.wallet.held == PRICE
    assert_books_add_up()
