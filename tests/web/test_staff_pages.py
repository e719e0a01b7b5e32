"""What staff see and do: oversight, accounts, credit, prices. The admin reads; its buttons grant once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from uuid6 import uuid7

from accounts.models import User
from billing import ledger
from billing.models import Price, Transfer
from generations.models import Generation, move_generation
from generations.states import GenerationStatus
from providers.models import ProviderAccount, Source
from providers.sandbox.client import Control
from providers.sandbox.server import Sandbox
from tests.conftest import Person, ask, connect_gateways
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
    )
    said = text_of(office.get("/oversight"))
    assert "a lost heron" in said
    assert "Paid by the platform: $0.035" in said


def test_a_connection_is_tested_by_asking_what_is_left(
    office: Client, sandbox: Sandbox, control: Control
) -> None:
    connect_gateways(sandbox, control)
    account = ProviderAccount.objects.get(provider="runware")
    page = office.post(f"/oversight/accounts/{account.id}/test", follow=True)
    assert "answers. It has" in text_of(page)
    control.fault("unauthorized", gateway="runware", operation="any")
    page = office.post(f"/oversight/accounts/{account.id}/test", follow=True)
    assert "answers. It has" not in text_of(page)
    assert f"{account.name}: " in text_of(page)


def test_an_account_is_switched_off_and_on(office: Client) -> None:
    account = ProviderAccount.objects.get(provider="runware")
    for wanted, enabled in (("off", False), ("on", True)):
        office.post(f"/oversight/accounts/{account.id}/switch", {"enabled": wanted})
        account.refresh_from_db()
        assert account.enabled is enabled


def test_switches_and_tests_are_for_staff(ada: Person) -> None:
    account = ProviderAccount.objects.get(provider="runware")
    for verb in ("test", "switch"):
        assert browser_of(ada).post(f"/oversight/accounts/{account.id}/{verb}").status_code == 403
    account.refresh_from_db()
    assert account.enabled


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


def grant_form(office: Client, person: Person, **typed: str) -> dict[str, str]:
    html = office.get("/admin/billing/wallet/grant/").content.decode()
    key = re.search(r'name="key" value="([0-9a-f-]+)"', html)
    assert key is not None
    return {"user": str(person.user.id), "amount": "2.50", "memo": "for May", "key": key.group(1), **typed}


def test_a_grant_sent_twice_is_granted_once(office: Client, ada: Person) -> None:
    form = grant_form(office, ada)
    for _ in range(2):
        assert office.post("/admin/billing/wallet/grant/", form).status_code == 302
    assert ada.wallet.available == 102_500_000
    office.post("/admin/billing/wallet/grant/", grant_form(office, ada))
    assert ada.wallet.available == 105_000_000


@pytest.mark.parametrize("amount", ["0", "-1", "lots", "0.0000001", "NaN", "9999999"])
def test_an_amount_that_is_none_grants_nothing(amount: str, office: Client, ada: Person) -> None:
    answer = office.post("/admin/billing/wallet/grant/", grant_form(office, ada, amount=amount))
    assert answer.status_code == 200
    assert ada.wallet.available == 100_000_000


def test_credit_is_granted_by_staff_alone(ada: Person, office: Client) -> None:
    browser_of(ada).post("/admin/billing/wallet/grant/", grant_form(office, ada))
    assert ada.wallet.available == 100_000_000


def test_a_price_is_a_new_version_from_a_moment_on(office: Client) -> None:
    before = Price.objects.count()
    said = {"model": "seedream-5-lite", "provider": "runware", "dollars": "0.05", "memo": "dearer"}
    moment = {"effective_from_0": "2020-01-01", "effective_from_1": "00:00:00"}
    assert office.post("/admin/billing/price/add/", said | moment).status_code == 302
    assert Price.objects.count() == before + 1
    assert Price.objects.get(memo="dearer").unit == 50_000


def test_a_key_goes_in_and_never_comes_out(office: Client) -> None:
    said = {
        "provider": "runware",
        "name": "Ours",
        "position": "0",
        "enabled": "on",
        "key": "very-secret-1234",
    }
    assert office.post("/admin/providers/provideraccount/add/", said).status_code == 302
    account = ProviderAccount.objects.get(name="Ours")
    assert account.open_key() == "very-secret-1234"
    html = office.get(f"/admin/providers/provideraccount/{account.id}/change/").content.decode()
    assert "very-secret" not in html
    assert "Ends in 1234" in html
    office.post(
        f"/admin/providers/provideraccount/{account.id}/change/", {**said, "name": "Theirs", "key": ""}
    )
    account.refresh_from_db()
    assert (account.name, account.open_key()) == ("Theirs", "very-secret-1234")


def test_a_providers_switches_have_names(office: Client) -> None:
    account = ProviderAccount.objects.create(provider="bytespike", name="Ours", source=Source.ADMIN)
    path = f"/admin/providers/provideraccount/{account.id}/change/"
    assert "found again by our id" in office.get(path).content.decode()
    said = {"name": "Ours", "position": "0", "enabled": "on", "setting_tasks_api": "on"}
    assert office.post(path, said).status_code == 302
    account.refresh_from_db()
    assert account.settings["tasks_api"] is True


def test_a_switch_the_adapter_cannot_read_is_refused(office: Client) -> None:
    account = ProviderAccount.objects.create(provider="threedai", name="Ours", source=Source.ADMIN)
    said = {"name": "Ours", "position": "0", "setting_usd_per_credit": "cheap", "setting_wallet_path": "/x/"}
    answer = office.post(f"/admin/providers/provideraccount/{account.id}/change/", said)
    assert answer.status_code == 200
    account.refresh_from_db()
    assert account.settings == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "ключ"),
        ("key", "two words"),
        ("base_url", "ftp://api.runware.ai"),
        ("base_url", "https://api.runware.ai/v1"),
        ("base_url", "https://me@api.runware.ai"),
    ],
)
def test_an_account_that_could_send_nothing_is_refused(office: Client, name: str, value: str) -> None:
    said = {"provider": "runware", "name": "Ours", "position": "0", "enabled": "on", "key": "k", name: value}
    answer = office.post("/admin/providers/provideraccount/add/", said)
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [name]
    assert not ProviderAccount.objects.filter(name="Ours").exists()


def test_accounts_of_the_environment_are_changed_there(office: Client) -> None:
    account = ProviderAccount.objects.get(provider="runware", source=Source.SANDBOX)
    path = f"/admin/providers/provideraccount/{account.id}/change/"
    assert office.post(path, {"name": "Mine", "position": "0", "key": "x"}).status_code == 403


def test_a_person_made_in_the_admin_can_sign_in_and_has_a_project(office: Client) -> None:
    said = {"email": "new@example.com", "name": "New", "password": "a long enough password"}
    assert office.post("/admin/accounts/user/add/", said).status_code == 302
    client = Client()
    client.post("/sign-in", {"login": "new@example.com", "password": "a long enough password"})
    assert "New's pictures" in text_of(client.get("/"))
    weak = office.post("/admin/accounts/user/add/", said | {"email": "b@example.com", "password": "x"})
    assert weak.status_code == 200
    assert not User.objects.filter(email="b@example.com").exists()


def test_a_password_link_works_where_no_mail_is_sent(office: Client, ada: Person) -> None:
    said = {"action": "show_password_link", "_selected_action": [str(ada.user.id)]}
    page = office.post("/admin/accounts/user/", said, follow=True)
    link = re.search(r"http://testserver(/password/reset/\S+)", text_of(page))
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
