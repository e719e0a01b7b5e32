"""Invitations: by mail or by link, for a role, once, for a while, until taken back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as post
from django.test import Client
from django.utils import timezone

from accounts import actions, inviting
from accounts.models import AuditEvent, Invitation, Membership, Role, User
from billing.models import Wallet
from generations.models import Notice
from tests.api.conftest import client_of, send
from tests.billing.crowd import crowd
from tests.conftest import Person, make_person
from tests.people.conftest import link_to
from tests.web.conftest import browser_of, let_in, text_of

NEW = {"name": "Nell", "email": "nell@example.com", "password": "a long enough password"}


def role_of(person: Person | User, project: Any) -> str | None:
    user = person.user if isinstance(person, Person) else person
    found = Membership.objects.filter(user=user, project=project).first()
    return found.role if found else None


def test_an_invitation_by_mail_reaches_its_address_and_lets_that_person_in(
    ada: Person, stranger: Person
) -> None:
    page = browser_of(ada).post(
        f"/projects/{ada.project.id}/invitations",
        {"email": "Stranger@example.com", "role": "viewer"},
        follow=True,
    )
    assert "on its way to" in text_of(page)
    [mail] = post.outbox
    assert mail.to == ["stranger@example.com"]
    link = re.search(r"http://\S+(/invitations/\S+)", str(mail.body))
    assert link is not None
    client = browser_of(stranger)
    assert "ada invites you to ada's pictures" in text_of(client.get(link.group(1)))
    assert role_of(stranger, ada.project) is None, "looking is not accepting"
    page = client.post(link.group(1), follow=True)
    assert "You are in" in text_of(page)
    assert role_of(stranger, ada.project) == Role.VIEWER


def test_without_a_way_out_for_mail_the_link_is_shown_once_made_and_printed(
    ada: Person, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = browser_of(ada).post(
        f"/projects/{ada.project.id}/invitations", {"email": "nell@example.com", "role": "editor"}
    )
    assert "no-store" in page["Cache-Control"]
    assert inviting.address(Invitation.objects.get()) in text_of(page)
    assert inviting.address(Invitation.objects.get()) in capsys.readouterr().out


def test_a_mail_server_that_is_away_costs_the_mail_and_not_the_invitation(ada: Person, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    page = browser_of(ada).post(
        f"/projects/{ada.project.id}/invitations", {"email": "nell@example.com", "role": "editor"}
    )
    assert inviting.address(Invitation.objects.get()) in text_of(page)


def test_somebody_without_a_sign_in_sets_one_and_is_in(ada: Person) -> None:
    client, path = Client(), link_to(ada)
    assert "A password, at least ten characters" in text_of(client.get(path))
    page = client.post(path, NEW, follow=True)
    assert "You are in" in text_of(page)
    nell = User.objects.get(email="nell@example.com")
    assert (nell.name, role_of(nell, ada.project)) == ("Nell", Role.EDITOR)
    assert nell.check_password(NEW["password"])
    assert client.get("/wallet").status_code == 200, "signed in"


def test_a_mailed_invitation_is_for_its_address_whatever_a_form_says(ada: Person) -> None:
    Client().post(link_to(ada, "nell@example.com"), {**NEW, "email": "mallory@example.com"})
    assert User.objects.filter(email="nell@example.com").exists()
    assert not User.objects.filter(email="mallory@example.com").exists()


def test_an_invitation_for_another_address_says_so_and_waits(ada: Person, stranger: Person) -> None:
    path = link_to(ada, "nell@example.com")
    client = browser_of(stranger)
    assert "This invitation is for nell@example.com; you are signed in as stranger@example.com." in text_of(
        client.get(path)
    )
    assert client.post(path).status_code == 422
    assert role_of(stranger, ada.project) is None
    assert Invitation.objects.open().count() == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({**NEW, "password": "short"}, "too short"),
        ({**NEW, "email": "no address"}, "valid email"),
        ({**NEW, "email": "ada@example.com"}, "already has an account"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_the_invitation_waits(
    ada: Person, typed: dict[str, str], said: str
) -> None:
    page = Client().post(link_to(ada), typed)
    assert page.status_code == 422
    assert said in text_of(page)
    assert f'value="{typed["email"]}"' in page.content.decode()
    assert Invitation.objects.open().count() == 1


def _used(invitation: Invitation) -> None:
    Client().post(f"/invitations/{inviting.token_of(invitation)}", NEW)


def _revoked(invitation: Invitation) -> None:
    inviting.revoke(
        principal=Person(invitation.invited_by, invitation.project).principal, invitation_id=invitation.id
    )


def _expired(invitation: Invitation) -> None:
    Invitation.objects.filter(id=invitation.id).update(expires_at=timezone.now() - timedelta(seconds=1))


def _archived(invitation: Invitation) -> None:
    principal = Person(invitation.invited_by, invitation.project).principal
    actions.archive_project(principal=principal, project_id=invitation.project_id)


def _no_owner_any_more(invitation: Invitation) -> None:
    """Who invited stays on as an editor; somebody else owns the project."""
    other = make_person("other@example.com")
    let_in(Person(invitation.invited_by, invitation.project), other, Role.OWNER)
    let_in(Person(other.user, invitation.project), Person(invitation.invited_by, other.project), Role.EDITOR)


def _gone(invitation: Invitation) -> None:
    other = make_person("other@example.com")
    let_in(Person(invitation.invited_by, invitation.project), other, Role.OWNER)
    left = {"project_id": invitation.project_id, "user_id": invitation.invited_by_id}
    actions.remove_member(principal=other.principal, **left)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (_used, "has been used"),
        (_revoked, "was taken back"),
        (_expired, "has expired"),
        (_archived, "is archived"),
        (_no_owner_any_more, "was taken back"),
        (_gone, "was taken back"),
    ],
)
def test_an_invitation_that_is_over_says_why_and_lets_nobody_in(
    ada: Person, stranger: Person, end: Any, said: str
) -> None:
    path = link_to(ada)
    end(Invitation.objects.get())
    for client in (Client(), browser_of(stranger)):
        for page in (client.get(path), client.post(path, {**NEW, "email": "late@example.com"})):
            assert page.status_code == 404
            assert said in text_of(page)
    assert role_of(stranger, ada.project) is None
    assert not User.objects.filter(email="late@example.com").exists()


def test_a_key_for_one_project_takes_nobody_into_another(ada: Person, stranger: Person) -> None:
    token = link_to(ada).rpartition("/")[2]
    client = client_of(stranger, project_id=stranger.project.id)
    answer = send(client, "post", "/api/v1/invitations/accept", {"token": token})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "key_is_bound")
    assert role_of(stranger, ada.project) is None


def test_a_link_nobody_signed_is_none(ada: Person) -> None:
    link_to(ada)
    invitation = Invitation.objects.get()
    for forged in (str(invitation.id), f"{invitation.id}.AAAA", "x.y"):
        page = Client().get(f"/invitations/{forged}")
        assert page.status_code == 404
        assert "Look whether the whole link was copied." in text_of(page)


def test_of_many_who_use_a_link_at_once_one_is_in(live: str) -> None:
    ada = make_person(credit=0)
    path = link_to(ada)
    before = User.objects.count()

    def come(number: int) -> int:
        answer = Client().post(path, {**NEW, "email": f"n{number}@example.com"})
        return answer.status_code

    answers = crowd(6, come)
    assert sorted(answers.made) == [302, 404, 404, 404, 404, 404]
    assert User.objects.count() == before + 1
    assert Wallet.objects.count() <= before + 1


def test_a_new_invitation_to_an_address_replaces_the_old_one(ada: Person) -> None:
    old = link_to(ada, "nell@example.com")
    new = link_to(ada, "nell@example.com", Role.VIEWER)
    assert "was taken back" in text_of(Client().get(old))
    assert Client().get(new).status_code == 200


def test_accepting_never_takes_a_role_away_and_tells_who_invited(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.OWNER)
    browser_of(stranger).post(link_to(ada, role=Role.VIEWER))
    assert role_of(stranger, ada.project) == Role.OWNER
    notice = Notice.objects.get()
    assert (notice.user, notice.kind) == (ada.user, "invitation_accepted")


def test_an_owner_sees_open_invitations_and_takes_them_back(ada: Person) -> None:
    client, path = browser_of(ada), link_to(ada, "nell@example.com")
    page = text_of(client.get(f"/projects/{ada.project.id}"))
    assert "Open invitations" in page
    assert "nell@example.com" in page
    client.post(f"/invitations/{Invitation.objects.get().id}/revoke")
    assert "nell@example.com" not in text_of(client.get(f"/projects/{ada.project.id}"))
    assert "was taken back" in text_of(Client().get(path))


def test_who_is_in_already_is_not_invited(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.VIEWER)
    page = browser_of(ada).post(
        f"/projects/{ada.project.id}/invitations", {"email": "stranger@example.com", "role": "editor"}
    )
    assert "is in the project already" in text_of(page)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.EDITOR])
def test_only_owners_invite_see_and_revoke(ada: Person, stranger: Person, role: Role | None) -> None:
    link_to(ada, "nell@example.com")
    invitation = Invitation.objects.get()
    if role:
        let_in(ada, stranger, role)
    before, refused = AuditEvent.objects.count(), 403 if role else 404
    browser, program = browser_of(stranger), client_of(stranger)
    before += 1  # the program's key
    here = f"/projects/{ada.project.id}/invitations"
    answers = [
        browser.post(here, {"email": "x@example.com", "role": "owner"}),
        browser.post(f"/invitations/{invitation.id}/revoke"),
        send(program, "post", f"/api/v1{here}", {"email": "x@example.com"}),
        program.get(f"/api/v1{here}"),
        program.get(f"/api/v1/invitations/{invitation.id}"),
        program.delete(f"/api/v1/invitations/{invitation.id}"),
    ]
    assert [answer.status_code for answer in answers] == [refused] * len(answers)
    assert "nell@example.com" not in text_of(browser.get(f"/projects/{ada.project.id}"))
    assert Invitation.objects.open().count() == 1
    tried = 4 if role else 0  # what would have changed something, where they may know that there is something
    assert AuditEvent.objects.filter(verb="refused", actor=stranger.user).count() == tried
    assert AuditEvent.objects.count() == before + tried


def test_a_program_invites_lists_revokes_and_accepts(ada: Person, stranger: Person) -> None:
    owner, path = client_of(ada), f"/api/v1/projects/{ada.project.id}/invitations"
    made = send(owner, "post", path, {"role": "viewer"}).json()
    assert (made["email"], made["role"], made["mailed"]) == (None, "viewer", False)
    assert owner.get(path).json()["results"][0]["url"] == made["url"]
    token = made["url"].rsplit("/", 1)[-1]
    for blank in ("", " "):
        assert send(owner, "post", path, {"email": blank, "role": "owner"}).status_code == 400
    guest = client_of(stranger)
    accepted = send(guest, "post", "/api/v1/invitations/accept", {"token": token})
    assert (accepted.status_code, accepted.json()["role"]) == (201, "viewer")
    again = send(guest, "post", "/api/v1/invitations/accept", {"token": token})
    assert (again.status_code, again.json()["error"]["code"]) == (404, "invitation_over")
    other = send(owner, "post", path, {"email": "x@example.com"}).json()
    assert owner.delete(f"/api/v1/invitations/{other['id']}").status_code == 204
    assert owner.get(path).json()["results"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [({"email": "no address"}, "email"), ({"role": "king"}, "role"), ({"emial": "a@example.com"}, "emial")],
)
def test_a_malformed_invitation_names_its_field(ada: Person, body: dict[str, str], field: str) -> None:
    answer = send(client_of(ada), "post", f"/api/v1/projects/{ada.project.id}/invitations", body)
    assert answer.status_code == 400
    assert set(answer.json()["error"]["fields"]) == {field}
