"""Many prompts asked for as one: all or nothing, by those who may, steered and canceled."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from accounts.models import AuditEvent, Role
from billing.models import Budget, BudgetPeriod, Every, Hold, Subject
from billing.pricing import set_price
from generations.actions import steering
from generations.engine import stopping, sweeping
from generations.models import Batch, Generation, Notice
from tests.conftest import DOLLAR, Person, make_person
from tests.create.conftest import MATRIX, api, run
from tests.web.conftest import browser_of, form_of, htmx, let_in, text_of


def test_the_whole_is_priced_before_it_runs_and_held_exactly(ada: Person) -> None:
    quote = api(ada, "post", "/batches/quotes", MATRIX).json()
    assert (quote["works"], quote["pictures"], quote["price"]) == (5, 10, "0.120")
    assert quote["prompts"][:2] == ["dawn over sea", "dawn over hills"]
    assert not Generation.objects.exists()
    batch = run(ada)
    assert ada.wallet.held == batch.quoted == 120_000
    assert Hold.objects.count() == 5
    said = api(ada, "get", f"/batches/{batch.id}").json()
    assert said["status"] == "running"
    assert said["counts"] == {"queued": 5}
    assert said["price"] == {"quoted": "0.120", "held": "0.120", "charged": "0.000", "currency": "USD"}
    prompts = list(Generation.objects.filter(batch=batch).order_by("id").values_list("prompt", flat=True))
    assert prompts == ["dawn over sea", "dawn over hills", "dusk over sea", "dusk over hills", "a heron"]
    listed = api(ada, "get", f"/generations?batch={batch.id}").json()["results"]
    assert [one["batch"] for one in listed] == [str(batch.id)] * 5


def test_too_little_credit_is_402_for_the_whole_and_holds_nothing(shop: None) -> None:
    poor = make_person("poor@example.com", credit=119_999)
    answer = api(poor, "post", "/batches", MATRIX)
    assert answer.status_code == 402
    error = answer.json()["error"]
    assert (error["code"], error["needed"], error["available"]) == (
        "insufficient_credit",
        "0.120",
        "0.119999",
    )
    assert not Batch.objects.exists()
    assert not Generation.objects.exists()
    assert poor.wallet.held == 0


def test_a_budget_without_room_for_all_of_it_takes_none_of_it(ada: Person) -> None:
    Budget.objects.create(scope=Subject.PROJECT, subject_id=ada.project.id, every=Every.MONTH, amount=100_000)
    answer = api(ada, "post", "/batches", MATRIX)
    assert answer.status_code == 402
    said = answer.json()["error"]
    assert (said["needed"], said["left"], said["held"]) == ("0.120", "0.100", "0.000"), "as if none had begun"
    assert "reserved by running work" not in said["message"]
    assert not Generation.objects.exists()
    assert not BudgetPeriod.objects.filter(reserved__gt=0).exists()
    assert ada.wallet.held == 0


def test_the_same_key_runs_it_once(ada: Person) -> None:
    first = api(ada, "post", "/batches", MATRIX, Idempotency_Key="once")
    again = api(ada, "post", "/batches", MATRIX, Idempotency_Key="once")
    other = api(ada, "post", "/batches", {**MATRIX, "count": 1}, Idempotency_Key="once")
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert Batch.objects.count() == 1
    assert ada.wallet.held == 120_000


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"prompts": []}, "prompts", "must not be empty"),
        ({"prompts": "a boat"}, "prompts", "must be a list"),
        ({"prompts": ["a", "{b"]}, "prompts", "number 2 has a { without its }"),
        ({"prompts": ["{a|b}" * 12]}, "prompts", "number 1 stands for 4,096 prompts"),
        ({"prompts": ["a"] * 501}, "prompts", "are 501 in all"),
        ({"prompts": ["a"] * 101, "count": 20}, "count", "2,020 pictures"),
        ({"prompts": ["{|}" * 20_000]}, "prompts", "number 1 stands for more than 10,000,000"),
        ({"prompts": ["a", "{a|b}" * 13_000]}, "prompts", "number 2 may be at most 64,000 characters"),
        ({"prompts": ["x" * 8001] * 500}, "prompts", "may be at most 4,000,000 characters; it has 4,"),
        ({"prompts": ["a {b"] * 501}, "prompts", "are 501 in all"),
        ({"prompts": ["{a|b|c}"] * 200}, "prompts", "are 600 in all"),
        ({"prompts": ["x" * 8001]}, "prompts", "number 1 may be at most 8,000"),
        ({"prompts": ["a"], "prompt": "b"}, "prompt", "give prompts"),
        ({"prompts": ["a"], "upload_urls": ["https://a/b"]}, "upload_urls", "leave it out"),
        ({"prompts": ["a"], "colour": "red"}, "colour", "is not a field"),
        ({"prompts": ["a"], "count": 99}, "count", "from 1 to 20"),
    ],
)
def test_what_is_wrong_with_a_batch_is_named(
    body: dict[str, Any], field: str, said: str, ada: Person
) -> None:
    answer = api(ada, "post", "/batches", body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["fields"][field][0]


def test_plain_braces_stay_where_wildcards_are_off(ada: Person) -> None:
    batch = run(ada, prompts=['{"boat": "red|blue"}'], wildcards=False)
    assert Generation.objects.get(batch=batch).prompt == '{"boat": "red|blue"}'


def test_a_price_above_what_i_will_pay_for_all_of_it_is_refused(ada: Person) -> None:
    answer = api(ada, "post", "/batches", {**MATRIX, "max_price": "0.119"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "price_above_max")
    assert not Generation.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_who_may_not_make_may_not_run_or_steer_a_batch(
    role: Role | None, ada: Person, stranger: Person
) -> None:
    if role:
        let_in(ada, stranger, role)
    batch = run(ada)
    seen = 200 if role else 404
    done = 403 if role else 404
    assert api(stranger, "get", f"/batches/{batch.id}").status_code == seen
    assert browser_of(stranger).get(f"/batches/{batch.id}").status_code == seen
    mine = {**MATRIX, "project": str(ada.project.id)}
    assert api(stranger, "post", "/batches", mine).status_code == done
    for verb in ("pause", "resume", "cancel"):
        assert api(stranger, "post", f"/batches/{batch.id}/{verb}", {}).status_code == done
        assert browser_of(stranger).post(f"/batches/{batch.id}/{verb}").status_code == done
    assert api(stranger, "get", "/batches").json()["results"] == ([] if role is None else [
        api(ada, "get", f"/batches/{batch.id}").json()
    ])  # fmt: skip
    assert ada.wallet.held == 120_000


def test_an_editor_may_steer_what_somebody_else_runs(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.EDITOR)
    batch = run(ada)
    assert api(stranger, "post", f"/batches/{batch.id}/pause", {}).json()["status"] == "paused"
    assert api(stranger, "post", f"/batches/{batch.id}/resume", {}).json()["status"] == "running"
    assert api(stranger, "post", f"/batches/{batch.id}/cancel", {}).json()["status"] == "canceled"
    verbs = AuditEvent.objects.filter(project_id=ada.project.id, subject=str(batch.id))
    assert set(verbs.values_list("verb", flat=True)) == {
        "run_batch", "pause_batch", "resume_batch", "cancel_batch"
    }  # fmt: skip


def test_canceling_gives_everything_back_that_was_not_sent(ada: Person) -> None:
    batch = run(ada)
    said = api(ada, "post", f"/batches/{batch.id}/cancel", {}).json()
    assert (said["status"], said["counts"]) == ("canceled", {"canceled": 5})
    assert (ada.wallet.held, ada.wallet.available) == (0, 100 * DOLLAR)
    assert api(ada, "post", f"/batches/{batch.id}/pause", {}).status_code == 409
    assert api(ada, "post", f"/batches/{batch.id}/cancel", {}).status_code == 200


def test_a_batch_that_was_canceled_counts_what_was_made(ada: Person) -> None:
    batch = run(ada)
    assert "Charged so far" in text_of(browser_of(ada).get(f"/batches/{batch.id}"))
    first = Generation.objects.filter(batch=batch).order_by("id")[:2]
    Generation.objects.filter(id__in=first).update(status="succeeded", delivered=2, finished_at=Now())
    assert "2 of 5 prompts" in text_of(browser_of(ada).get(f"/batches/{batch.id}"))
    steering.cancel(principal=ada.principal, batch_id=batch.id)
    said = text_of(browser_of(ada).get(f"/batches/{batch.id}"))
    assert "Canceled 2 of 5 prompts" in said
    assert "Charged $" in said
    assert "Charged so far" not in said


def test_a_cancel_that_is_killed_half_way_is_finished_by_the_sweep(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = run(ada)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stopping, "stop_batch", killed)
    with pytest.raises(KeyboardInterrupt):
        steering.cancel(principal=ada.principal, batch_id=batch.id)
    assert ada.wallet.held == 120_000
    sweeping.sweep()
    assert ada.wallet.held == 0
    assert set(Generation.objects.values_list("status", flat=True)) == {"canceled"}
    assert not Notice.objects.exists()


def test_five_hundred_works_are_one_transaction(ada: Person) -> None:
    batch = run(ada, prompts=["{a|b|c|d|e} {a|b|c|d|e} {a|b|c|d|e} {a|b|c|d}"], count=4)
    assert (batch.works, batch.pictures) == (500, 2000)
    assert ada.wallet.held == batch.quoted == 24 * DOLLAR
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM generations_generation")
        assert cursor.fetchone() == (1,)


def test_the_form_shows_the_price_of_all_and_runs_it_at_that_price(ada: Person) -> None:
    form = form_of(ada, prompt="{dawn|dusk}\na heron", many="1", count="2", provider="prospolabs")
    shown = text_of(htmx(browser_of(ada), "post", "/quotes", form))
    assert "Run batch · $0.084" in shown
    assert "3 prompts · 6 pictures" in shown
    answer = htmx(browser_of(ada), "post", "/generations", {**form, "shown": "84000"})
    batch = Batch.objects.get()
    assert answer.headers["HX-Redirect"] == f"/batches/{batch.id}"
    assert htmx(browser_of(ada), "post", "/generations", {**form, "shown": "84000"}).status_code == 200
    assert Batch.objects.count() == 1
    plain = browser_of(ada).post("/generations", {**form, "token": "another", "shown": "84000"})
    assert plain.status_code == 302
    page = text_of(browser_of(ada).get(f"/batches/{batch.id}"))
    assert "0 of 3 prompts" in page
    assert "dusk" in page
    home = text_of(browser_of(ada).get("/"))
    assert "0 of 3 prompts" in home
    assert "0 of 3 prompts" in text_of(browser_of(ada).get("/batches"))


def test_a_batch_dearer_than_its_button_is_not_run_and_nothing_typed_is_lost(ada: Person) -> None:
    form = form_of(ada, prompt="{dawn|dusk}\na {heron", many="1", provider="prospolabs")
    answer = htmx(browser_of(ada), "post", "/generations", {**form, "shown": "1"})
    assert answer.status_code == 422
    assert "Number 2 has a { without its }" in text_of(answer)
    assert "{dawn|dusk}\na {heron" in answer.content.decode()
    set_price(model="seedream-5-lite", provider="prospolabs", unit=20_000)
    form["prompt"] = "{dawn|dusk}"
    answer = htmx(browser_of(ada), "post", "/generations", {**form, "shown": "28000"})
    assert "This costs $0.040" in text_of(answer)
    assert not Batch.objects.exists()


def test_a_page_that_watches_a_batch_is_told_what_changed(ada: Person) -> None:
    batch = run(ada)
    page = browser_of(ada).get(f"/batches/{batch.id}")
    version = page.context["going"].version
    path = f"/live?batch={batch.id}:{version}"
    assert htmx(browser_of(ada), "get", path).status_code == 204
    answer = htmx(browser_of(ada), "post", f"/batches/{batch.id}/pause")
    assert "Resume" in text_of(answer)
    assert 'id="batch-head"' in htmx(browser_of(ada), "get", path).content.decode()
