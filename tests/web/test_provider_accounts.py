"""Accounts at gateways, as staff keep them: keys go in and never come out, switches have names."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from generations.engine import pace
from providers import registry
from providers.models import ProviderAccount, Source
from providers.sandbox.client import Control
from providers.sandbox.server import Sandbox
from tests.conftest import Person, ask, connect_gateways
from tests.web.conftest import browser_of, text_of


def connection_test(office: Client, account: ProviderAccount) -> str:
    """What staff read who test its connection."""
    return text_of(office.post(f"/oversight/accounts/{account.id}/test", follow=True))


@pytest.fixture
def office(staff: Person) -> Client:
    return browser_of(staff)


def test_a_connection_is_tested_by_asking_what_is_left(
    office: Client, sandbox: Sandbox, control: Control
) -> None:
    connect_gateways(sandbox, control)
    account = ProviderAccount.objects.get(provider="runware")
    said = connection_test(office, account)
    assert re.search(r"answers\. It has \$[\d.]+ left\.", said)
    assert "A picture takes $0.035 there." in said
    assert (control.count("runware"), control.totals("runware")["charged"]) == (0, 0), "asked, not ordered"


@pytest.mark.parametrize("provider", registry.ADAPTERS)
@pytest.mark.parametrize(
    ("fault", "remedy"),
    [("unauthorized", "refuses this key; enter another one"), ("html", "check the address, or try again")],
)
def test_a_connection_that_fails_its_test_says_what_can_be_done(
    office: Client, sandbox: Sandbox, control: Control, provider: str, fault: str, remedy: str
) -> None:
    connect_gateways(sandbox, control)
    control.fault(fault, gateway=provider, operation="any")
    account = ProviderAccount.objects.get(provider=provider)
    assert f"{account.name}: " in (said := connection_test(office, account))
    assert remedy in said
    assert "answers. It has" not in said


def test_a_connection_to_nowhere_and_one_without_its_key_are_told_apart(
    office: Client, sandbox: Sandbox, control: Control, settings: Any
) -> None:
    connect_gateways(sandbox, control)
    account = ProviderAccount.objects.get(provider="prospolabs")
    ProviderAccount.objects.update(base_url="http://127.0.0.1:9")
    assert "nothing answers at http://127.0.0.1:9 (connection refused)" in connection_test(office, account)
    settings.FIELD_KEYS = {"k2": b"another key, which opens nothing"}
    assert "check FIELD_KEYS" in connection_test(office, account)
    ProviderAccount.objects.filter(id=account.id).update(provider="another")
    assert "There is no provider 'another'" in connection_test(office, account)


def test_an_account_is_switched_off_and_on(office: Client) -> None:
    account = ProviderAccount.objects.get(provider="runware")
    for wanted, enabled in (("off", False), ("on", True)):
        office.post(f"/oversight/accounts/{account.id}/switch", {"enabled": wanted})
        account.refresh_from_db()
        assert account.enabled is enabled


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_an_accounts_buttons_are_called_begins_with_what_is_on_them(
    office: Client, language: str
) -> None:
    ProviderAccount.objects.filter(provider="runware").update(enabled=False)
    office.cookies["language"] = language
    page = office.get("/oversight", headers={"Accept-Language": language}).content.decode()
    called = re.findall(
        r'<(?:button|a)[^>]* aria-label="([^"]*)"[^>]*>([^<]+)<', page.split('class="acts"', 1)[1]
    )
    assert len(called) == 3 * ProviderAccount.objects.count()
    for name, words in called:
        assert re.match(rf"{words}[:：]", name), (name, words)


def test_switches_and_tests_are_for_staff(ada: Person) -> None:
    account = ProviderAccount.objects.get(provider="runware")
    for verb in ("test", "switch"):
        assert browser_of(ada).post(f"/oversight/accounts/{account.id}/{verb}").status_code == 403
    account.refresh_from_db()
    assert account.enabled


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


def test_why_an_account_is_paused_is_shown_for_as_long_as_it_is(office: Client) -> None:
    account = ProviderAccount.objects.get(provider="bytespike")
    listed = "/admin/providers/provideraccount/"
    pages = (listed, f"{listed}{account.id}/change/")

    def shown(reason: str) -> list[bool]:
        return [re.search(rf">{reason}<", office.get(page).content.decode()) is not None for page in pages]

    def over() -> None:
        ProviderAccount.objects.update(paused_until=timezone.now() - timedelta(seconds=1))

    pace.pause(account.id, pace.BUSY, seconds=60)
    assert shown(pace.BUSY) == [True, True]
    over()
    assert shown(pace.BUSY) == [False, False]
    pace.pause(account.id, pace.BROKEN)
    over()
    assert shown(pace.BROKEN) == [True, True], "until a call goes well"


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


def test_of_an_account_of_the_environment_staff_change_what_the_environment_does_not_say(
    office: Client,
) -> None:
    account = ProviderAccount.objects.get(provider="bytespike", source=Source.SANDBOX)
    before = (account.name, account.base_url, account.open_key())
    path = f"/admin/providers/provideraccount/{account.id}/change/"
    said = {"name": "Mine", "key": "x", "base_url": "http://127.0.0.1:9", "enabled": "on"}
    said |= {"position": "3", "setting_tasks_api": "on", "call_timeout": "45"}
    assert office.post(path, said).status_code == 302
    account.refresh_from_db()
    assert (account.name, account.base_url, account.open_key()) == before
    assert (account.position, account.settings["tasks_api"], account.call_timeout) == (3, True, 45)
    assert office.post(path, {**said, "call_timeout": "0"}).status_code == 200
    assert office.post(path, {**said, "call_timeout": ""}).status_code == 302
    account.refresh_from_db()
    assert account.call_timeout == math.inf


def test_a_secret_setting_goes_in_and_never_comes_out(office: Client) -> None:
    account = ProviderAccount.objects.create(provider="prospolabs", name="Ours", source=Source.ADMIN)
    path = f"/admin/providers/provideraccount/{account.id}/change/"
    said = {"name": "Ours", "position": "0"}
    for typed, kept in (("whsec-4711", "whsec-4711"), ("", "whsec-4711"), ("-", "")):
        assert office.post(path, {**said, "setting_webhook_secret": typed}).status_code == 302
        account.refresh_from_db()
        assert account.opened().settings["webhook_secret"] == kept
        assert "4711" not in office.get(path).content.decode()
        assert "4711" not in str(account.settings)


def test_a_key_entered_in_the_admin_takes_the_sandboxs_place(office: Client, ada: Person) -> None:
    said = {"provider": "runware", "name": "Ours", "position": "0", "enabled": "on", "key": "bought"}
    office.post("/admin/providers/provideraccount/add/", said)
    ours = ProviderAccount.objects.get(name="Ours")
    made = ask(ada, provider="runware")
    assert (made.sandbox, made.submissions.get().account) == (False, ours)
    assert ask(ada).provider == "runware", "who has bought a key wants no samples, however cheap"
    assert ask(ada, seed=0).sandbox, "what no bought one can do, the sandbox shows"
    office.post(f"/oversight/accounts/{ours.id}/switch", {"enabled": "off"})
    assert ask(ada, provider="runware").sandbox
