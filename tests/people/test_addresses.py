"""An address lets its account into other people's projects only once it is proved to be theirs."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.core import mail as post
from django.test import Client

from accounts import inviting
from accounts.models import Invitation, Membership, Role, User
from tests.api.conftest import client_of, send
from tests.conftest import Person
from tests.people.conftest import link_to
from tests.web.conftest import browser_of, text_of

BOSS = "boss@example.com"
UNPROVED = "Nobody has proved that this address is theirs; invite them instead."
FORM = {"name": "Boss", "email": BOSS, "password": "a long enough password"}


def joined(path: str) -> User:
    """Somebody without a sign-in has come by this link, as the boss."""
    assert Client().post(path, FORM).status_code == 302
    return User.objects.get(email=BOSS)


def mailed(owner: Person) -> str:
    """The path in the mail of an invitation that a program sent to the boss."""
    path = f"/api/v1/projects/{owner.project.id}/invitations"
    assert send(client_of(owner), "post", path, {"email": BOSS}).json()["mailed"]
    link = re.search(r"http://\S+(/invitations/\S+)", str(post.outbox[-1].body))
    assert link
    return link[1]


def let_in(owner: Person, email: str = BOSS) -> Any:
    path = f"/api/v1/projects/{owner.project.id}/members"
    return send(client_of(owner), "post", path, {"email": email, "role": "editor"})


def is_in(user: User, owner: Person) -> bool:
    return Membership.objects.filter(user=user, project=owner.project).exists()


def test_whoever_came_by_a_link_is_invited_and_not_let_in_by_the_address_they_wrote(
    ada: Person, stranger: Person
) -> None:
    boss = joined(link_to(stranger))
    answer = let_in(ada)
    assert answer.status_code == 400
    assert answer.json()["error"]["fields"] == {"email": [UNPROVED]}
    page = browser_of(ada).post(f"/projects/{ada.project.id}/members", {"email": BOSS, "role": "editor"})
    assert UNPROVED in text_of(page)
    assert not is_in(boss, ada)


@pytest.mark.parametrize("seen", ["on the page", "in the answer"])
def test_whoever_invites_proves_no_address_by_the_link_they_see(
    ada: Person, stranger: Person, seen: str
) -> None:
    in_mail = mailed(stranger)
    page = browser_of(stranger).get(f"/projects/{stranger.project.id}").content.decode()
    program = client_of(stranger).get(f"/api/v1/projects/{stranger.project.id}/invitations").content.decode()
    shown = re.search(r"(/invitations/[\w.-]+)[<\"]", page if seen == "on the page" else program)
    assert shown
    assert in_mail not in page + program
    boss = joined(shown[1])
    assert let_in(ada).status_code == 400
    assert not is_in(boss, ada)


def test_nor_does_a_link_that_was_printed_for_want_of_a_way_out(
    ada: Person, stranger: Person, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    invited = inviting.invite(principal=stranger.principal, project_id=stranger.project.id, email=BOSS)
    assert not inviting.send(invited)
    printed = re.search(r"http://\S+(/invitations/\S+)", capsys.readouterr().out)
    assert printed
    joined(printed[1])
    assert let_in(ada).status_code == 400


def test_the_link_in_a_mail_proves_the_address_it_was_sent_to(ada: Person, stranger: Person) -> None:
    boss = joined(mailed(stranger))
    assert Invitation.objects.get().accepted_by == boss
    assert let_in(ada).status_code == 201
    assert is_in(boss, ada)


def test_whoever_is_in_already_gets_another_role_and_comes_back_by_undo(ada: Person) -> None:
    boss, client, here = joined(link_to(ada)), browser_of(ada), f"/projects/{ada.project.id}"
    page = client.post(f"{here}/members", {"email": BOSS, "role": "viewer"}, follow=True)
    assert f"{BOSS} is now viewer." in text_of(page)
    page = client.post(f"{here}/members/{boss.id}/remove", follow=True)
    undo = re.search(rf'action="({here}/members\?[^"]+)"', page.content.decode())
    assert undo
    client.post(unescape(undo[1]))
    assert Membership.objects.get(user=boss, project=ada.project).role == Role.VIEWER
