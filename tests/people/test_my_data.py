"""A person's data: taken along whole, and erased without taking anybody else's pictures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core import serializers
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.models import ApiKey, AuditEvent, Membership, Project, Role, User
from accounts.principal import Principal
from billing import ledger
from generations.actions import assets, commenting, generate, sharing
from generations.actions import person as person_data
from generations.engine import purging
from generations.models import Asset, Comment, Move, Notice, Preset, ShareLink
from tests.api.conftest import client_of, secret_of, send
from tests.conftest import Person, ask, make_person
from tests.library.test_one_behind_another import behind
from tests.people.conftest import link_to
from tests.people.test_notices import finish
from tests.web.conftest import brought, browser_of, let_in, text_of

PASSWORD = {"password": "a long enough password"}


def test_everything_of_me_comes_as_one_document_and_nothing_of_others(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.EDITOR)
    mine, theirs = brought(ada, "teal"), brought(Person(stranger.user, ada.project), "plum")
    work = ask(ada, "一艘红船")
    secret = secret_of(ada)
    comment = commenting.say(principal=ada.principal, asset_id=theirs.id, text="good")
    answer: Any = browser_of(ada).get("/settings/data")
    assert "attachment" in answer["Content-Disposition"]
    body = b"".join(answer.streaming_content).decode()
    data = json.loads(body)
    assert data["person"]["email"] == "ada@example.com"
    assert [one["role"] for one in data["projects"]] == ["owner"]
    assert [one["id"] for one in data["pictures"]] == [str(mine.id)]
    assert [(one["id"], one["prompt"]) for one in data["generations"]] == [(str(work.id), "一艘红船")]
    assert [one["id"] for one in data["comments"]] == [str(comment.id)]
    assert {one["kind"] for one in data["transfers"]} == {"grant", "hold"}
    assert len(data["keys"]) == 1
    assert secret not in body
    assert stranger.user.email not in body
    same: Any = client_of(ada).get("/api/v1/me/export")
    again = json.loads(b"".join(same.streaming_content))
    made_since = {name: data[name] for name in ("keys", "acts")}
    assert {**again, **made_since} == data


def test_nobody_who_reads_their_data_slowly_holds_a_connection_to_the_database(person: Person) -> None:
    for colour in ("teal", "plum"):
        brought(person, colour)
    ask(person)
    answer: Any = browser_of(person).get("/settings/data")
    held = [piece for piece in answer.streaming_content if connection.connection is not None]
    assert held == []


def test_a_key_of_one_project_neither_takes_nor_erases_the_whole_person(ada: Person) -> None:
    bound = client_of(ada, project_id=ada.project.id)
    assert bound.get("/api/v1/me/export").status_code == 403
    assert send(bound, "post", "/api/v1/me/erase", PASSWORD).status_code == 403
    assert User.objects.get(id=ada.user.id).is_active


def test_who_is_erased_is_gone_and_what_they_made_stays(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.EDITOR)
    there = Person(stranger.user, ada.project)
    picture = brought(there)
    commenting.say(principal=there.principal, asset_id=picture.id, text="mine")
    Preset.objects.create(user=stranger.user, name="secret set-up")
    shared = Preset.objects.create(user=stranger.user, project=ada.project, name="shared set-up")
    secret = secret_of(stranger)
    other_device, client = browser_of(stranger), browser_of(stranger)
    assert "“a former member”" in text_of(client.get("/settings/erase"))

    page = client.post("/settings/erase", PASSWORD, follow=True)

    assert "Your account has been erased" in text_of(page)
    assert Client().post("/sign-in", {"login": "stranger@example.com", **PASSWORD}).status_code == 200
    assert other_device.get("/wallet").status_code == 302
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    gone = User.objects.get(id=stranger.user.id)
    assert (gone.is_active, gone.name, gone.display_name) == (False, "", "a former member")
    assert "stranger" not in gone.email
    assert not Membership.objects.filter(user=gone).exists()
    assert not ApiKey.objects.exclude(name="").exists()
    assert list(Preset.objects.all()) == [shared]
    assert Asset.objects.get(id=picture.id).project == ada.project
    assert Comment.objects.get().text == "mine"
    ada_sees = browser_of(ada)
    shown = text_of(ada_sees.get(f"/pictures/{picture.id}")) + text_of(
        ada_sees.get(f"/projects/{ada.project.id}/activity")
    )
    assert "a former member" in shown
    assert "stranger" not in shown
    assert ledger.wallet_of(gone).granted == 100_000_000, "the books stay"
    stranger.project.refresh_from_db()
    assert stranger.project.archived_at is not None


def test_no_favourite_link_or_name_of_who_is_erased_is_left_behind(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.EDITOR)
    liked, purged = brought(ada, "teal"), brought(ada, "plum")
    for one in (liked, purged):
        for person in (ada, stranger):
            assets.update(principal=person.principal, asset_id=one.id, favorite=True)
    link = sharing.share(principal=stranger.principal, asset_id=liked.id, expires_in="never")
    work = ask(ada)
    generate.cancel(principal=stranger.principal, generation_id=work.id)
    ivy = make_person("ivy@example.com", staff=True)
    let_in(ada, ivy, Role.VIEWER)
    assert "stranger" in text_of(browser_of(ivy).get(f"/generations/{work.id}"))
    Asset.objects.filter(id=purged.id).update(trashed_at=timezone.now() - purging.KEPT * 2)
    purging.purge()
    data = json.loads("".join(person_data.export(stranger.principal)))
    assert [one["id"] for one in data["favorites"]] == [str(liked.id)]
    assert [one["id"] for one in data["shares"]] == [str(link.id)]
    assert "cancel_generation" in {one["verb"] for one in data["acts"]}

    browser_of(stranger).post("/settings/erase", PASSWORD)

    assert {one: Asset.objects.get(id=one.id).favorite_of for one in (liked, purged)} == {
        liked: [ada.user.id],
        purged: [],
    }
    assert not ShareLink.objects.exists()
    everything = serializers.serialize(
        "json", [*Move.objects.all(), *AuditEvent.objects.all(), *Project.objects.all()]
    )
    assert "stranger" not in everything


def test_the_address_is_free_again_for_another_person(ada: Person) -> None:
    browser_of(ada).post("/settings/erase", PASSWORD)
    again = actions.create_user(email="ada@example.com", password="a long enough password")
    assert again.id != ada.user.id


def test_a_wrong_password_erases_nobody(ada: Person) -> None:
    page = browser_of(ada).post("/settings/erase", {"password": "a guess"})
    assert page.status_code == 422
    assert "This is not your password." in text_of(page)
    assert User.objects.get(id=ada.user.id).is_active


def test_nobody_is_erased_while_their_work_is_running(ada: Person) -> None:
    work = ask(ada)
    client = browser_of(ada)
    assert "still running" in text_of(client.get("/settings/erase"))
    assert client.post("/settings/erase", PASSWORD).status_code == 422
    refused = send(client_of(ada), "post", "/api/v1/me/erase", PASSWORD)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_yet")
    assert User.objects.get(id=ada.user.id).is_active
    finish(work, after=1)
    assert send(client_of(ada), "post", "/api/v1/me/erase", PASSWORD).status_code == 204
    assert not User.objects.get(id=ada.user.id).is_active


def test_the_only_owner_hands_a_shared_project_over_or_archives_it_first(
    ada: Person, stranger: Person
) -> None:
    let_in(ada, stranger, Role.EDITOR)
    client = browser_of(ada)
    assert "You alone own ada's pictures" in text_of(client.get("/settings/erase"))
    client.post("/settings/erase", PASSWORD)
    assert User.objects.get(id=ada.user.id).is_active
    let_in(ada, stranger, Role.OWNER)
    client.post("/settings/erase", PASSWORD)
    assert not User.objects.get(id=ada.user.id).is_active
    ada.project.refresh_from_db()
    assert ada.project.archived_at is None, "others go on in it"


def _leave(owner: Person, project: Project) -> None:
    actions.remove_member(principal=owner.principal, project_id=project.id, user_id=owner.user.id)


def _erase(owner: Person, project: Project) -> None:
    person_data.erase(principal=owner.principal, **PASSWORD)


@pytest.mark.parametrize("go", [_leave, _erase])
def test_of_two_owners_who_go_at_once_the_one_to_be_erased_stays(live: str, person: Person, go: Any) -> None:
    other, viewer = make_person("other@example.com"), make_person("viewer@example.com")
    let_in(person, other, Role.OWNER)
    let_in(person, viewer, Role.VIEWER)
    with behind(lambda: _erase(person, person.project)) as erasing:
        go(other, person.project)
    assert "You alone own ada's pictures" in str(erasing[0].exception())
    assert Membership.objects.get(project=person.project, role=Role.OWNER).user == person.user
    assert User.objects.get(id=person.user.id).is_active


def test_invitations_of_and_to_who_is_erased_let_nobody_in(ada: Person, stranger: Person) -> None:
    to_them = link_to(ada, "stranger@example.com")
    from_them = link_to(stranger)
    browser_of(stranger).post("/settings/erase", PASSWORD)
    for path in (to_them, from_them):
        assert Client().get(path).status_code == 404
    assert not Notice.objects.filter(user=stranger.user).exists()


@pytest.mark.parametrize("body", [{}, {"password": 7}, {"pass": "x"}])
def test_a_malformed_wish_to_be_erased_is_named(ada: Person, body: dict[str, object]) -> None:
    answer = send(client_of(ada), "post", "/api/v1/me/erase", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"]
    assert Principal(User.objects.get(id=ada.user.id)).user.is_active
