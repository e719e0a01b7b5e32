"""Who a caller is: by a key or a session, what it may, and how often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.models import ApiKey, Project
from generations.models import Notice
from tests.api.conftest import client_of, secret_of, send
from tests.api.test_foreign_ids import MARK, things_of
from tests.conftest import Person


def test_a_key_that_is_wrong_in_any_way_gets_the_same_answer(ada: Person) -> None:
    good = secret_of(ada)
    key, revoked = actions.create_api_key(user=ada.user, name="revoked")
    actions.revoke_api_key(principal=ada.principal, key_id=key.id)
    expired = secret_of(ada, expires_at=timezone.now() - timedelta(seconds=1))
    elsewhere = secret_of(ada, networks=["203.0.113.0/24"])
    unknown = good[:-8] + ("AA" if good[-8:-6] != "AA" else "BB") + good[-6:]
    words = (revoked, expired, elsewhere, unknown, good[:-1], "sb_", "x", "ü", "")
    headers = [f"Bearer {word}" for word in words]
    bodies = []
    for value in [*headers, "Bearer a b", "Basic eDp5"]:
        answer = Client(raise_request_exception=False).get(
            "/api/v1/me", headers={"authorization": value, "x-request-id": "same"}
        )
        assert answer.status_code == 401, value
        bodies.append(answer.content)
    assert len(set(bodies)) == 1
    assert Client().get("/api/v1/me", headers={"authorization": f"Bearer {good}"}).status_code == 200


def test_a_key_of_somebody_who_was_shut_out_is_worth_nothing(ada: Person) -> None:
    client = client_of(ada)
    ada.user.is_active = False
    ada.user.save()
    assert client.get("/api/v1/me").status_code == 401


def test_a_browser_session_may_read_and_needs_a_csrf_token_to_write(ada: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada.user)
    assert client.get("/api/v1/me").json()["key"] is None
    answer = send(client, "POST", "/api/v1/projects", {"name": "forged"})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "csrf_failed"
    assert not Project.objects.filter(name="forged").exists()


def test_me_says_who_what_and_how_much(ada: Person) -> None:
    said = client_of(ada, "read").get("/api/v1/me").json()
    assert said["email"] == "ada@example.com"
    assert said["wallet"]["available"] == "100.000"
    assert said["projects"] == [{"id": str(ada.project.id), "name": ada.project.name, "role": "owner"}]
    assert said["key"]["scopes"] == ["read"]
    assert "digest" not in str(said)
    assert ApiKey.objects.get(id=said["key"]["id"]).last_used_at is not None


def test_a_key_above_its_rate_is_told_when_to_come_back(ada: Person, settings: Any) -> None:
    settings.API_RATE = 2
    client: Client = client_of(ada)
    answers = []
    for _ in range(5):  # two minutes of the clock at most
        cache.clear()  # what one process remembers is not what counts
        answers.append(send(client, "GET", "/api/v1/me"))
    refused = answers[-1]
    assert answers[0].status_code == 200
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert f"in {refused.headers['Retry-After']} s" in refused.json()["error"]["message"]


def test_no_list_tells_a_key_for_one_project_of_another(schema: dict[str, Any], ada: Person) -> None:
    hers = things_of(ada, MARK, "teal")
    Notice.objects.filter(id=hers.notice).update(project=hers.person.project)
    other = actions.create_project(principal=hers.person.principal, name="Other")
    whole, bound = client_of(hers.person), client_of(hers.person, project_id=other.id)
    known = (MARK, hers.picture, hers.project, hers.collection, hers.notice)
    telling = set()
    for path, item in schema["paths"].items():
        if "get" not in item or "{" in path:
            continue
        told, answer = whole.get(path), bound.get(path)
        assert answer.status_code in {200, 403, 404}, path
        texts = [(one.getvalue() if one.streaming else one.content).decode() for one in (told, answer)]
        telling |= {path} if any(one in texts[0] for one in known) else set()
        assert not any(one in texts[1] for one in known), path
    assert len(telling) >= 12, "a key for all projects is told"
