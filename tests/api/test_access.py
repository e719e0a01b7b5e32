"""Who may do what: every operation of the URL conf, called by everybody who should not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from accounts import actions
from accounts.models import ApiKey, Membership, Project
from generations.api.urls import urlpatterns
from generations.models import Asset, Generation
from tests.api.conftest import client_of, secret_of, send, upload
from tests.conftest import Person, ask, make_person

# What each operation with an id is sent, so that only the caller is wrong with it.
BODIES: dict[str, Any] = {
    "GET projects/<uuid:project_id>": None,
    "PATCH projects/<uuid:project_id>": {"name": "taken over"},
    "DELETE projects/<uuid:project_id>": None,
    "GET projects/<uuid:project_id>/members": None,
    "POST projects/<uuid:project_id>/members": {"email": "stranger@example.com", "role": "owner"},
    "PATCH projects/<uuid:project_id>/members/<uuid:user_id>": {"role": "viewer"},
    "DELETE projects/<uuid:project_id>/members/<uuid:user_id>": None,
    "GET generations/<uuid:generation_id>": None,
    "POST generations/<uuid:generation_id>/cancel": {},
    "POST generations/<uuid:generation_id>/retry": {},
    "GET generations/<uuid:generation_id>/events": None,
    "GET assets/<uuid:asset_id>": None,
    "PATCH assets/<uuid:asset_id>": {"name": "taken over"},
    "DELETE assets/<uuid:asset_id>": None,
    "POST assets/<uuid:asset_id>/restore": {},
    "GET assets/<uuid:asset_id>/content": None,
    "GET assets/<uuid:asset_id>/thumbnail": None,
}


def operations() -> Iterator[tuple[str, str]]:
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        view = pattern.callback.view_class  # type: ignore[attr-defined]
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if hasattr(view, method.lower()):
                yield method, str(pattern.pattern)


def with_ids() -> list[str]:
    return [f"{method} {path}" for method, path in operations() if "<uuid:" in path]


@pytest.fixture
def home(ada: Person) -> dict[str, str]:
    """What Ada has: the ids that addresses are made with."""
    asset = upload(client_of(ada)).json()
    generation = ask(ada)
    return {
        "project_id": str(ada.project.id),
        "user_id": str(ada.user.id),
        "generation_id": str(generation.id),
        "asset_id": asset["id"],
    }


def called(client: Client, operation: str, home: dict[str, str]) -> Any:
    method, _, path = operation.partition(" ")
    for name, value in home.items():
        path = path.replace(f"<uuid:{name}>", value)
    return send(client, method, f"/api/v1/{path}", BODIES[operation])


def as_it_was(home: dict[str, str]) -> None:
    project = Project.objects.get(id=home["project_id"])
    assert (project.name, project.archived_at) == ("ada's pictures", None)
    assert Asset.objects.get(id=home["asset_id"]).trashed_at is None
    assert Asset.objects.get(id=home["asset_id"]).name == "boat.png"
    assert Generation.objects.get(id=home["generation_id"]).cancel_requested_at is None
    assert Generation.objects.count() == 1


def test_every_operation_with_an_id_has_a_row_here() -> None:
    assert sorted(with_ids()) == sorted(BODIES)


def test_what_belongs_to_others_does_not_exist(home: dict[str, str], stranger: Person) -> None:
    client = client_of(stranger)
    for operation in BODIES:
        answer = called(client, operation, home)
        assert answer.status_code == 404, operation
        assert answer.json()["error"]["code"].endswith("not_found"), operation
        as_it_was(home)


def test_nobody_gets_in_without_a_key(home: dict[str, str]) -> None:
    for operation in BODIES:
        answer = called(Client(), operation, home)
        assert answer.status_code == 401, operation
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        as_it_was(home)


def test_a_viewer_reads_everything_and_changes_nothing(
    home: dict[str, str], ada: Person, stranger: Person
) -> None:
    Membership.objects.create(project=ada.project, user=stranger.user, role="viewer")
    client = client_of(stranger)
    for operation in (
        row for row in BODIES if not row.endswith("events")
    ):  # a stream needs a database of its own
        answer = called(client, operation, home)
        assert answer.status_code == (200 if operation.startswith("GET") else 403), operation
        answer.getvalue()
        as_it_was(home)


def test_a_key_for_one_project_knows_no_other(home: dict[str, str], ada: Person) -> None:
    other = actions.create_project(principal=ada.principal, name="another")
    client = client_of(ada, project_id=other.id)
    for operation in BODIES:
        assert called(client, operation, home).status_code == 404, operation
        as_it_was(home)


def test_a_key_without_the_scope_is_refused(home: dict[str, str], ada: Person) -> None:
    cannot_read, cannot_write = client_of(ada, "generate", "write"), client_of(ada, "read")
    for operation in BODIES:
        answer = called(cannot_read if operation.startswith("GET") else cannot_write, operation, home)
        assert answer.status_code == 403, operation
        assert answer.json()["error"]["code"] == "missing_scope"
        as_it_was(home)


def test_a_viewer_cannot_generate_in_the_project(ada: Person, stranger: Person) -> None:
    Membership.objects.create(project=ada.project, user=stranger.user, role="viewer")
    answer = send(
        client_of(stranger), "POST", "/api/v1/generations", {"prompt": "x", "project": str(ada.project.id)}
    )
    assert answer.status_code == 403
    assert not Generation.objects.exists()


def test_a_project_of_others_named_in_a_body_is_not_found(ada: Person, stranger: Person) -> None:
    client = client_of(stranger)
    project = str(ada.project.id)
    assert send(client, "POST", "/api/v1/generations", {"prompt": "x", "project": project}).status_code == 404
    assert upload(client, project=project).status_code == 404
    assert not Generation.objects.exists()
    assert not Asset.objects.exists()


def test_a_picture_of_others_cannot_be_a_reference(home: dict[str, str], stranger: Person) -> None:
    answer = send(
        client_of(stranger),
        "POST",
        "/api/v1/generations",
        {"prompt": "x", "references": [f"asset:{home['asset_id']}"]},
    )
    assert answer.status_code == 400
    assert "references" in answer.json()["error"]["fields"]


def test_filters_do_not_open_what_belongs_to_others(home: dict[str, str], stranger: Person) -> None:
    client = client_of(stranger)
    for path in ("assets", "generations"):
        answer = client.get(f"/api/v1/{path}?project={home['project_id']}&user={home['user_id']}")
        assert answer.json()["results"] == []


def test_a_key_that_is_wrong_in_any_way_gets_the_same_answer(ada: Person) -> None:
    good = secret_of(ada)
    key, revoked = actions.create_api_key(user=ada.user, name="revoked")
    actions.revoke_api_key(principal=ada.principal, key_id=key.id)
    expired = secret_of(ada, expires_at=timezone.now() - timedelta(seconds=1))
    unknown = good[:-8] + ("AA" if good[-8:-6] != "AA" else "BB") + good[-6:]
    headers = [f"Bearer {word}" for word in (revoked, expired, unknown, good[:-1], "sb_", "x", "ü", "")]
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


def test_two_people_share_a_project(ada: Person) -> None:
    client, bob = client_of(ada), make_person("bob@example.com")
    made = send(client, "POST", "/api/v1/projects", {"name": "Boats"}).json()
    members = f"/api/v1/projects/{made['id']}/members"
    added = send(client, "POST", members, {"email": "bob@example.com", "role": "viewer"})
    assert (added.status_code, added.json()["role"]) == (201, "viewer")
    theirs = client_of(bob)
    assert theirs.get(f"/api/v1/projects/{made['id']}").json()["role"] == "viewer"
    assert send(theirs, "POST", members, {"email": "bob@example.com", "role": "owner"}).status_code == 403
    changed = send(client, "PATCH", f"{members}/{bob.user.id}", {"role": "editor"})
    assert changed.json()["role"] == "editor"
    assert [row["role"] for row in client.get(members).json()["results"]] == ["editor", "owner"]
    assert theirs.delete(f"{members}/{bob.user.id}").status_code == 204
    assert theirs.get(f"/api/v1/projects/{made['id']}").status_code == 404
    alone = client.delete(f"{members}/{ada.user.id}")
    assert (alone.status_code, alone.json()["error"]["code"]) == (409, "last_owner")
    assert client.delete(f"/api/v1/projects/{made['id']}").status_code == 204
    assert client.get(f"/api/v1/projects/{made['id']}").json()["archived_at"]


def test_me_says_who_what_and_how_much(ada: Person) -> None:
    said = client_of(ada, "read").get("/api/v1/me").json()
    assert said["email"] == "ada@example.com"
    assert said["wallet"]["available"] == "100.000"
    assert said["projects"] == [{"id": str(ada.project.id), "name": ada.project.name, "role": "owner"}]
    assert said["key"]["scopes"] == ["read"]
    assert "digest" not in str(said)
    assert ApiKey.objects.get(id=said["key"]["id"]).last_used_at is not None
