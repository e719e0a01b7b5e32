"""Keys that may be used from some networks alone, and whose word counts for where a request comes from."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import actions
from accounts.errors import Invalid
from accounts.models import ApiKey
from tests.conftest import Person, make_person

OFFICE = "203.0.113.0/24"


def answer_to(secret: str, peer: str, forwarded: str | None = None) -> int:
    more: Any = {"REMOTE_ADDR": peer}
    if forwarded is not None:
        more["HTTP_X_FORWARDED_FOR"] = forwarded
    return Client().get("/api/v1/me", headers={"authorization": f"Bearer {secret}"}, **more).status_code


@pytest.fixture
def secret(ada: Person) -> str:
    """Of a key for the office and one machine elsewhere."""
    networks = [OFFICE, "2001:db8::7", OFFICE]
    _, secret = actions.create_api_key(user=ada.user, name="office", networks=networks)
    return secret


@pytest.mark.parametrize("peer", ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::7"])
def test_a_key_works_from_its_networks(secret: str, peer: str) -> None:
    assert answer_to(secret, peer) == 200


@pytest.mark.parametrize("peer", ["203.0.114.9", "2001:db8::8", "127.0.0.1", "", "unix:"])
def test_and_from_nowhere_else(secret: str, peer: str) -> None:
    assert answer_to(secret, peer) == 401


def test_what_a_header_says_counts_only_as_far_as_our_own_proxies_wrote_it(
    secret: str, settings: Any
) -> None:
    assert answer_to(secret, "10.0.0.1", "203.0.113.9") == 401
    assert answer_to(secret, "203.0.113.9", "10.0.0.1") == 200
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert answer_to(secret, "10.0.0.1", "203.0.113.9") == 200
    assert answer_to(secret, "10.0.0.1", "198.51.100.4, 203.0.113.9") == 200
    assert answer_to(secret, "10.0.0.1", "203.0.113.9:51000") == 200
    forged = "203.0.113.9, 198.51.100.4"  # the caller's own, and then what our proxy saw
    assert answer_to(secret, "10.0.0.1", forged) == 401
    assert answer_to(secret, "203.0.113.9") == 200
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    assert answer_to(secret, "10.0.0.1", "203.0.113.9, 10.0.0.2") == 200
    assert answer_to(secret, "203.0.113.9", "203.0.113.9") == 401  # shorter than ours leave it


def test_networks_are_kept_in_one_form_and_told(secret: str) -> None:
    key = ApiKey.objects.get()
    assert key.networks == [OFFICE, "2001:db8::7/128"]
    more: Any = {"REMOTE_ADDR": "203.0.113.1"}
    said = Client().get("/api/v1/me", headers={"authorization": f"Bearer {secret}"}, **more).json()
    assert said["key"]["networks"] == key.networks


def test_the_metrics_are_told_from_the_networks_of_a_key_alone(db: None) -> None:
    staff = make_person("staff@example.com", credit=0, staff=True)
    _, secret = actions.create_api_key(user=staff.user, name="gauge", networks=[OFFICE])
    near: Any = {"REMOTE_ADDR": "203.0.113.9"}
    far: Any = {"REMOTE_ADDR": "198.51.100.4"}
    bearer = {"authorization": f"Bearer {secret}"}
    assert Client().get("/metrics", headers=bearer, **near).status_code == 200
    assert Client().get("/metrics", headers=bearer, **far).status_code != 200


@pytest.mark.parametrize("wrong", [["office"], ["203.0.113.0/33"], [f"10.0.{one}.0/24" for one in range(21)]])
def test_what_is_no_network_or_too_many_is_refused_by_field(ada: Person, wrong: list[str]) -> None:
    with pytest.raises(Invalid) as refusal:
        actions.create_api_key(user=ada.user, name="office", networks=wrong)

    assert list(refusal.value.fields) == ["networks"]
    assert not ApiKey.objects.exists()


def test_the_page_and_the_command_make_such_keys(ada: Person) -> None:
    browser = Client()
    browser.force_login(ada.user)
    typed = {"name": "office", "scopes": ["read"], "networks": "203.0.113.9/24, 2001:db8::7"}
    chosen = {"project": str(ada.project.id), "days": "90"}
    answer = browser.post("/settings/keys", typed)
    assert "only from 203.0.113.0/24, 2001:db8::7/128" in answer.content.decode()
    refused = browser.post("/settings/keys", {**typed, **chosen, "networks": "our office"})
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "Must be like 203.0.113.0/24, several with commas between them, not our office." in page
    assert 'value="our office"' in page
    assert f'value="{ada.project.id}" selected' in page
    assert 'value="90" selected' in page
    assert re.findall(r'name="scopes" value="(\w+)" checked', page) == ["read"]

    out = StringIO()
    call_command("create_api_key", "ada@example.com", "--name", "ci", "--network", OFFICE, stdout=out)
    assert answer_to(out.getvalue().strip(), "203.0.113.9") == 200
    assert answer_to(out.getvalue().strip(), "198.51.100.4") == 401
    with pytest.raises(CommandError):
        call_command("create_api_key", "ada@example.com", "--name", "ci", "--network", "office")


def test_tries_to_sign_in_are_counted_by_caller_and_not_by_proxy(ada: Person, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    def told(caller: str, login: str) -> str:
        more: Any = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": caller}
        said = {"login": login, "password": "wrong and wrong"}
        return Client().post("/sign-in", said, **more).content.decode()

    answers = [told("198.51.100.4", f"nobody{number}@example.com") for number in range(12)]
    assert "Too many" not in answers[0]
    assert "Too many" in answers[-1]
    assert "Too many" not in told("203.0.113.9", "ada@example.com")
