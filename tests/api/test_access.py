"""Who may do what: every operation of the URL conf, called by everybody who should not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern

from accounts import actions, inviting
from accounts.models import Invitation, Membership, Project
from billing.models import Budget
from generations.actions import collecting, searches
from generations.api.urls import urlpatterns
from generations.models import (
    Asset,
    Batch,
    Collection,
    CollectionItem,
    Comment,
    Comparison,
    Generation,
    Preset,
    SavedSearch,
    ShareLink,
)
from generations.models.search import Search
from tests.api.conftest import client_of, send, upload
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
    "GET collections/<uuid:collection_id>": None,
    "PATCH collections/<uuid:collection_id>": {"name": "taken over"},
    "DELETE collections/<uuid:collection_id>": None,
    "POST collections/<uuid:collection_id>/restore": None,
    "PUT collections/<uuid:collection_id>/assets/<uuid:asset_id>": {},
    "DELETE collections/<uuid:collection_id>/assets/<uuid:asset_id>": None,
    "GET searches/<uuid:search_id>": None,
    "PATCH searches/<uuid:search_id>": {"name": "taken over"},
    "DELETE searches/<uuid:search_id>": None,
    "GET projects/<uuid:project_id>/activity": None,
    "GET projects/<uuid:project_id>/invitations": None,
    "POST projects/<uuid:project_id>/invitations": {"email": "stranger@example.com", "role": "owner"},
    "GET invitations/<uuid:invitation_id>": None,
    "DELETE invitations/<uuid:invitation_id>": None,
    "GET batches/<uuid:batch_id>": None,
    "POST batches/<uuid:batch_id>/pause": {},
    "POST batches/<uuid:batch_id>/resume": {},
    "POST batches/<uuid:batch_id>/cancel": {},
    "GET comparisons/<uuid:comparison_id>": None,
    "GET comparisons/<uuid:comparison_id>/votes": None,
    "POST comparisons/<uuid:comparison_id>/votes": {"pair": ["one", "other"], "winner": None},
    "GET comparisons/<uuid:comparison_id>/pictures/<str:mark>": None,
    "GET presets/<uuid:preset_id>": None,
    "PATCH presets/<uuid:preset_id>": {"name": "taken over"},
    "DELETE presets/<uuid:preset_id>": None,
    "POST presets/<uuid:preset_id>/restore": {},
    "GET assets/<uuid:asset_id>/similar": None,
    "GET assets/<uuid:asset_id>/comments": None,
    "POST assets/<uuid:asset_id>/comments": {"text": "seen"},
    "GET comments/<uuid:comment_id>": None,
    "PATCH comments/<uuid:comment_id>": {"text": "taken over"},
    "DELETE comments/<uuid:comment_id>": None,
    "GET assets/<uuid:asset_id>/shares": None,
    "POST assets/<uuid:asset_id>/shares": {},
    "GET shares/<uuid:share_id>": None,
    "DELETE shares/<uuid:share_id>": None,
    "DELETE budgets/<uuid:budget_id>": None,
}


# Links that let somebody in: what they say is not for viewers.
NOT_FOR_VIEWERS = {
    "GET projects/<uuid:project_id>/invitations",
    "GET invitations/<uuid:invitation_id>",
    "GET assets/<uuid:asset_id>/shares",
    "GET shares/<uuid:share_id>",
}
# A stream needs a database of its own; every member may comment and vote; what is there is not restored;
# budgets are for staff to lift.
OF_ITS_OWN = {
    "DELETE budgets/<uuid:budget_id>",
    "GET generations/<uuid:generation_id>/events",
    "POST assets/<uuid:asset_id>/comments",
    "POST comparisons/<uuid:comparison_id>/votes",
    "GET comparisons/<uuid:comparison_id>/pictures/<str:mark>",
    "POST presets/<uuid:preset_id>/restore",
    "POST collections/<uuid:collection_id>/restore",
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
    me, project_id = ada.principal, ada.project.id
    collection = collecting.create(principal=me, project_id=project_id, name="best")
    search = searches.save(principal=me, name="boats", search=Search(q="boat"), project_id=project_id)
    own = {"project": ada.project, "user": ada.user}
    asset_row = Asset.objects.get(id=asset["id"])
    rows = {
        "invitation_id": inviting.invite(principal=me, project_id=project_id),
        "batch_id": Batch.objects.create(**own, name="boats", works=1, pictures=1, quoted=1),
        "comparison_id": Comparison.objects.create(**own, prompt="a boat"),
        "preset_id": Preset.objects.create(**own, name="boats"),
        "comment_id": Comment.objects.create(asset=asset_row, user=ada.user, text="good"),
        "share_id": ShareLink.objects.create(asset=asset_row, user=ada.user),
        "budget_id": Budget.objects.create(scope="project", subject_id=project_id, amount=1_000_000),
    }
    return {
        **{name: str(row.pk) for name, row in rows.items()},
        "collection_id": str(collection.id),
        "search_id": str(search.id),
        "project_id": str(ada.project.id),
        "user_id": str(ada.user.id),
        "generation_id": str(generation.id),
        "asset_id": asset["id"],
    }


def called(client: Client, operation: str, home: dict[str, str]) -> Any:
    method, _, path = operation.partition(" ")
    for name, value in home.items():
        path = path.replace(f"<uuid:{name}>", value).replace("<str:mark>", "none")
    return send(client, method, f"/api/v1/{path}", BODIES[operation])


def as_it_was(home: dict[str, str]) -> None:
    project = Project.objects.get(id=home["project_id"])
    assert (project.name, project.archived_at) == ("ada's pictures", None)
    assert Asset.objects.get(id=home["asset_id"]).trashed_at is None
    assert Asset.objects.get(id=home["asset_id"]).name == "boat.png"
    assert Collection.objects.get(id=home["collection_id"]).name == "best"
    assert not CollectionItem.objects.exists()
    assert SavedSearch.objects.get(id=home["search_id"]).name == "boats"
    assert Generation.objects.get(id=home["generation_id"]).cancel_requested_at is None
    assert Generation.objects.count() == 1
    assert Preset.objects.get(id=home["preset_id"]).name == "boats"
    assert [one.text for one in Comment.objects.all()] == ["good"]
    assert [one.revoked_at for one in ShareLink.objects.all()] == [None]
    assert [one.revoked_at for one in Invitation.objects.all()] == [None]
    assert Budget.objects.count() == 1
    batch = Batch.objects.get()
    assert (batch.paused_at, batch.canceled_at) == (None, None)


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
    for operation in (row for row in BODIES if row not in OF_ITS_OWN):
        answer = called(client, operation, home)
        reads = operation.startswith("GET") and operation not in NOT_FOR_VIEWERS
        assert answer.status_code == (200 if reads else 403), operation
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
