"""What staff see and do: oversight, accounts, credit, prices. The admin reads; its buttons grant once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from uuid6 import uuid7

from accounts.models import AuditEvent, User
from billing import ledger
from billing.ledger import Line
from billing.models import Price, Transfer
from generations.models import Generation, Submission, move_generation
from generations.states import GenerationStatus
from providers.models import ProviderAccount
from tests.conftest import Person, ask
from tests.web.conftest import browser_of, made, text_of


@pytest.fixture
def office(staff: Person) -> Client:
    return browser_of(staff)


def test_unresolved_work_and_absorbed_costs_are_in_sight(office: Client, ada: Person) -> None:
    generation = ask(ada, "a lost heron")
    move_generation(generation, GenerationStatus.UNRESOLVED)
    ledger.absorb(
        key="lost",
        amount=35_000,
        provider="runware",
        model=generation.model,
        generation_id=generation.id,
        project_id=ada.project.id,
        memo="abandoned",
        sandbox=True,
    )
    said = text_of(office.get("/oversight"))
    assert "a lost heron" in said
    assert "Paid by the platform: $0.035" in said
    assert "Runware sandbox abandoned" in said
    assert "for samples" not in said, "all of it is, here"
    ProviderAccount.objects.create(provider="runware", name="ours")
    assert "$0.035 of it was for samples" in text_of(office.get("/oversight"))


def test_every_list_and_page_of_the_admin_opens(office: Client, ada: Person) -> None:
    made(ask(ada))
    for model, site in admin.site._registry.items():
        place = f"/admin/{model._meta.app_label}/{model._meta.model_name}"
        assert office.get(f"{place}/").status_code == 200, model
        row = model._default_manager.first()
        if row is not None:
            assert office.get(f"{place}/{row.pk}/change/").status_code == 200, model
        if site.has_add_permission(office.get(f"{place}/").wsgi_request):
            assert office.get(f"{place}/add/").status_code == 200, model


def test_a_request_is_shown_to_staff_without_the_address_to_upload_to(office: Client, ada: Person) -> None:
    ask(ada, "a heron", provider="runware", ttl=4170, upload_urls=["https://bucket.example/1?sign=telltale"])
    row = Submission.objects.get()
    assert row.asked["upload_url"].endswith("telltale")
    said = office.get(f"/admin/generations/submission/{row.id}/change/").content.decode()
    assert "4170" in said
    assert "telltale" not in said


def test_money_is_listed_under_its_persons_address_without_more_questions(
    office: Client, ada: Person
) -> None:
    for book in ("transfer", "hold"):
        ask(ada)
        with CaptureQueriesContext(connection) as few:
            assert "ada@example.com" in text_of(office.get(f"/admin/billing/{book}/"))
        ask(ada)
        with CaptureQueriesContext(connection) as more:
            office.get(f"/admin/billing/{book}/")
        assert len(more) == len(few)
    page = office.get(f"/admin/billing/wallet/{ada.wallet.id}/change/")
    assert "ada@example.com" in text_of(page)
    assert "wallet of" not in text_of(page)


def test_books_and_work_cannot_be_edited_in_the_admin(office: Client, ada: Person) -> None:
    generation = ask(ada)
    rows: dict[str, Any] = {
        "generations/generation": generation,
        "generations/submission": generation.submissions.get(),
        "billing/wallet": ada.wallet,
        "billing/transfer": Transfer.objects.all()[0],
        "billing/price": Price.objects.all()[0],
    }
    for place, row in rows.items():
        assert office.post(f"/admin/{place}/{row.pk}/change/", {"charged": "0"}).status_code == 403, place
        assert office.post(f"/admin/{place}/{row.pk}/delete/", {"post": "yes"}).status_code == 403, place


def credit_form(office: Client, person: Person, *, verb: str = "grant", **typed: str) -> dict[str, str]:
    html = office.get(f"/admin/billing/wallet/{verb}/").content.decode()
    key = re.search(r'name="key" value="([0-9a-f-]+)"', html)
    assert key is not None
    return {"user": str(person.user.id), "amount": "2.50", "memo": "for May", "key": key.group(1), **typed}


def test_a_grant_sent_twice_is_granted_once(office: Client, ada: Person) -> None:
    form = credit_form(office, ada)
    for _ in range(2):
        assert office.post("/admin/billing/wallet/grant/", form).status_code == 302
    assert ada.wallet.available == 102_500_000
    office.post("/admin/billing/wallet/grant/", credit_form(office, ada))
    assert ada.wallet.available == 105_000_000


def test_credit_is_taken_back_once_and_never_what_is_held(office: Client, ada: Person) -> None:
    place = "/admin/billing/wallet/revoke/"
    form = credit_form(office, ada, verb="revoke")
    for _ in range(2):
        assert f"$2.500 taken back from {ada.user}" in text_of(office.post(place, form, follow=True))
    assert ada.wallet.available == ada.wallet.granted == 97_500_000
    assert AuditEvent.objects.get(verb="revoke").actor != ada.user
    ask(ada)
    answer = office.post(place, credit_form(office, ada, verb="revoke", amount="97.50"))
    assert "what is held or spent cannot be taken back" in text_of(answer)
    assert ada.wallet.granted == 97_500_000


def test_what_was_captured_is_given_back_once(office: Client, ada: Person) -> None:
    generation = ask(ada)
    with transaction.atomic():
        line = Line(generation.provider, generation.model, pictures=1, amount=generation.quoted)
        ledger.settle(generation_id=generation.id, lines=[line])
    everything = [str(one.id) for one in Transfer.objects.all()]
    for said in (f"given back to {ada.user}", "was refunded already"):
        form = {"action": "refund", "_selected_action": everything}
        assert said in text_of(office.post("/admin/billing/transfer/", form, follow=True))
        assert (ada.wallet.available, ada.wallet.spent) == (100_000_000, 0)


@pytest.mark.parametrize("amount", ["0", "-1", "lots", "0.0000001", "NaN", "9999999"])
def test_an_amount_that_is_none_grants_nothing(amount: str, office: Client, ada: Person) -> None:
    answer = office.post("/admin/billing/wallet/grant/", credit_form(office, ada, amount=amount))
    assert answer.status_code == 200
    assert ada.wallet.available == 100_000_000


@pytest.mark.parametrize("verb", ["grant", "revoke"])
def test_credit_is_given_and_taken_back_by_staff_alone(ada: Person, office: Client, verb: str) -> None:
    browser_of(ada).post(f"/admin/billing/wallet/{verb}/", credit_form(office, ada, verb=verb))
    assert ada.wallet.available == 100_000_000


def test_a_price_is_a_new_version_from_a_moment_on(office: Client) -> None:
    before = Price.objects.count()
    said = {"model": "seedream-5-lite", "provider": "runware", "dollars": "0.05", "memo": "dearer"}
    moment = {"effective_from_0": "2020-01-01", "effective_from_1": "00:00:00"}
    assert office.post("/admin/billing/price/add/", said | moment).status_code == 302
    assert Price.objects.count() == before + 1
    assert Price.objects.get(memo="dearer").unit == 50_000


def test_staff_sign_in_where_everybody_does_and_tries_are_counted(ada: Person) -> None:
    form = Client().get("/admin/")
    assert form.status_code == 302
    shown = Client().get(form["Location"])
    assert (shown.status_code, shown["Location"].split("?")[0]) == (302, "/sign-in")
    typed = {"username": ada.user.email, "password": "a long enough password", "next": "/admin/"}
    tried = Client().post("/admin/login/", typed)
    assert (tried.status_code, tried["Location"].split("?")[0]) == (302, "/sign-in")
    assert browser_of(ada).get("/admin/login/").status_code == 403


def test_a_person_made_in_the_admin_can_sign_in_and_has_a_project(office: Client) -> None:
    said = {"email": "new@example.com", "name": "New", "password": "a long enough password"}
    assert office.post("/admin/accounts/user/add/", said).status_code == 302
    client = Client()
    client.post("/sign-in", {"login": "new@example.com", "password": "a long enough password"})
    assert "New's pictures" in text_of(client.get("/"))
    weak = office.post("/admin/accounts/user/add/", said | {"email": "b@example.com", "password": "x"})
    assert weak.status_code == 200
    assert not User.objects.filter(email="b@example.com").exists()


def test_a_password_link_works_where_no_mail_is_sent(office: Client, ada: Person, settings: Any) -> None:
    settings.PUBLIC_URL = "https://pictures.example.com"
    said = {"action": "show_password_link", "_selected_action": [str(ada.user.id)]}
    page = office.post("/admin/accounts/user/", said, follow=True)
    link = re.search(r"https://pictures\.example\.com(/password/reset/\S+)", text_of(page))
    assert link is not None
    client = Client()
    form = client.get(link.group(1), follow=True)
    new = {"password1": "an even longer password", "password2": "an even longer password"}
    client.post(form.request["PATH_INFO"], new)
    ada.user.refresh_from_db()
    assert ada.user.check_password("an even longer password")


def test_a_generation_shows_its_raw_answer_to_staff(office: Client, ada: Person) -> None:
    submission = Generation.objects.get(id=ask(ada).id).submissions.get()
    type(submission).objects.filter(id=submission.id).update(raw='{"taskUUID": "T-1"}', theirs=str(uuid7()))
    html = office.get(f"/admin/generations/submission/{submission.id}/change/").content.decode()
    assert "T-1" in html
    assert submission.webhook_token not in html
