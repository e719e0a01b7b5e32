"""Settings, keys, projects and how the pages look."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, Membership, Project, Role
from tests.conftest import Person
from tests.web.conftest import browser_of, htmx, let_in, text_of


def focused(page: Any) -> list[str]:
    """The fields of a page that ask to be mended at once, all of them said to be wrong."""
    found = re.findall(r"<input[^>]* autofocus[^>]*>", page.content.decode())
    assert all('aria-invalid="true"' in field for field in found)
    return [re.findall(r'id="([^"]*)"', field)[0] for field in found]


def test_a_key_is_shown_once_and_works(ada: Person) -> None:
    client = browser_of(ada)
    page = client.post("/settings/keys", {"name": "farm", "scopes": ["read"], "days": "30"})
    secret = re.search(r"sb_\w{8}_\w{43}_\w{6}", page.content.decode())
    assert secret is not None
    assert "no-store" in page["Cache-Control"]
    key = ApiKey.objects.get()
    assert key.scopes == ["read"]
    assert key.expires_at is not None
    assert secret.group() not in client.get("/settings").content.decode()
    me = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret.group()}"})
    assert me.status_code == 200


def test_a_revoked_key_is_gone_and_a_foreign_one_untouched(ada: Person, stranger: Person) -> None:
    browser_of(ada).post("/settings/keys", {"name": "farm"})
    key = ApiKey.objects.get()
    assert browser_of(stranger).post(f"/settings/keys/{key.id}/revoke").status_code == 404
    page = browser_of(ada).post(f"/settings/keys/{key.id}/revoke", follow=True)
    assert "no longer works" in text_of(page)
    assert "farm" not in text_of(page)


def test_a_key_without_a_name_or_with_a_foreign_project_is_not_made(ada: Person, stranger: Person) -> None:
    page = browser_of(ada).post("/settings/keys", {"name": " "})
    assert page.status_code == 422
    assert "Give the key a name." in text_of(page)
    assert focused(page) == ["key-name"]
    browser_of(ada).post("/settings/keys", {"name": "spy", "project": str(stranger.project.id)})
    assert not ApiKey.objects.exists()


def test_the_password_changes_only_for_who_knows_it(ada: Person) -> None:
    client = browser_of(ada)
    new = {"password1": "an even longer password", "password2": "an even longer password"}
    wrong = client.post("/settings/password", {"oldpassword": "guess", **new})
    assert wrong.status_code == 422
    assert "That is not your present password." in text_of(wrong)
    assert focused(wrong) == ["oldpassword"]
    unlike = {"oldpassword": "a long enough password", **new, "password2": "something else"}
    assert focused(client.post("/settings/password", unlike)) == ["password2"]
    assert focused(client.get("/settings")) == []
    client.post("/settings/password", {"oldpassword": "a long enough password", **new})
    ada.user.refresh_from_db()
    assert ada.user.check_password("an even longer password")
    assert client.get("/settings").status_code == 200


def test_a_name_is_kept(ada: Person) -> None:
    page = browser_of(ada).post("/settings/name", {"name": " Ada Lovelace "}, follow=True)
    assert "Ada Lovelace" in text_of(page)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/settings/name", {"name": "Ada\0"}),
        ("/settings/keys", {"name": "CI\0"}),
        ("/settings/keys", {"name": "CI", "days": "99999999999"}),
        ("/projects", {"name": "Campaign\0"}),
        ("/projects/{project}/name", {"name": "Campaign\0"}),
        ("/projects/{project}/members", {"email": "nobody\0@example.com", "role": "viewer"}),
    ],
)
def test_what_no_form_sends_and_no_database_keeps_is_no_error_of_ours(
    path: str, form: dict[str, str], ada: Person
) -> None:
    answer = browser_of(ada).post(path.format(project=ada.project.id), form)
    assert answer.status_code < 500


def test_a_key_for_as_long_as_nobody_offered_is_not_one_for_ever(ada: Person) -> None:
    browser_of(ada).post("/settings/keys", {"name": "CI", "days": "for ever"})
    assert ApiKey.objects.get(name="CI").expires_at is not None


def test_light_or_dark_is_in_the_page_before_any_script(ada: Person) -> None:
    client = browser_of(ada)
    assert "data-theme" not in client.get("/wallet").content.decode()
    answer = client.post("/theme", {"theme": "dark", "next": "/wallet"})
    assert answer["Location"] == "/wallet"
    assert 'data-theme="dark"' in client.get("/wallet").content.decode()
    client.post("/theme", {"theme": ""})
    assert "data-theme" not in client.get("/wallet").content.decode()


def test_a_theme_is_chosen_without_leaving_the_page_where_scripts_run(ada: Person) -> None:
    client = browser_of(ada)
    assert htmx(client, "post", "/theme", {"theme": "dark"}).status_code == 204
    assert 'data-theme="dark"' in client.get("/wallet").content.decode()


def test_choosing_a_language_beside_a_new_key_leads_to_a_page(ada: Person) -> None:
    client = browser_of(ada)
    made = client.post("/settings/keys", {"name": "farm"})
    beside = re.search(r'name="next" value="([^"]*)"', made.content.decode())
    assert beside is not None
    answer = client.post("/language", {"language": "zh-hans", "next": beside.group(1)}, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == "/settings"


def test_a_cookie_somebody_made_up_is_no_theme(ada: Person) -> None:
    client = browser_of(ada)
    client.cookies["theme"] = '"><script>'
    assert "data-theme" not in client.get("/wallet").content.decode()


def test_a_new_project_opens_empty(ada: Person) -> None:
    page = browser_of(ada).post("/projects", {"name": "Autumn"}, follow=True)
    assert page.context["project"] == Project.objects.get(name="Autumn")
    assert "Nothing here yet" in text_of(page)


def test_archived_projects_stand_last(ada: Person) -> None:
    client = browser_of(ada)
    for name in ("Aachen", "Zwickau"):
        client.post("/projects", {"name": name})
    client.post(f"/projects/{Project.objects.get(name='Aachen').id}/archive")
    listed = [one.project.name for one in client.get("/projects").context["memberships"]]
    assert listed == [*sorted([ada.project.name, "Zwickau"]), "Aachen"]


def test_a_project_without_a_name_is_mended_beside_its_field(ada: Person) -> None:
    page = browser_of(ada).post("/projects", {"name": "  "})
    assert page.status_code == 422
    assert '<p class="error" id="error-name">Give the project a name.</p>' in page.content.decode()


def test_an_owner_lets_people_in_changes_and_removes_them(ada: Person, stranger: Person) -> None:
    client, path = browser_of(ada), f"/projects/{ada.project.id}"
    client.post(f"{path}/members", {"email": "stranger@example.com", "role": "viewer"})
    assert Membership.objects.get(project=ada.project, user=stranger.user).role == Role.VIEWER
    page = client.post(f"{path}/members", {"email": "stranger@example.com", "role": "editor"}, follow=True)
    assert "stranger@example.com is now editor." in text_of(page)
    client.post(f"{path}/members/{stranger.user.id}/remove")
    assert not Membership.objects.filter(project=ada.project, user=stranger.user).exists()


def test_an_address_nobody_signs_in_with_stays_in_the_form(ada: Person) -> None:
    page = browser_of(ada).post(
        f"/projects/{ada.project.id}/members", {"email": "typo@example.com", "role": "editor"}
    )
    assert page.status_code == 422
    assert "Nobody signs in with this address." in text_of(page)
    assert 'value="typo@example.com"' in page.content.decode()


def test_the_last_owner_cannot_leave_or_step_down(ada: Person) -> None:
    client, path = browser_of(ada), f"/projects/{ada.project.id}"
    page = client.post(f"{path}/members/{ada.user.id}/remove", follow=True)
    assert "make somebody else owner first" in text_of(page)
    page = client.post(f"{path}/members", {"email": "ada@example.com", "role": "viewer"})
    assert "make somebody else owner first" in text_of(page)
    assert Membership.objects.get(project=ada.project, user=ada.user).role == Role.OWNER


def test_anybody_may_leave(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.VIEWER)
    page = browser_of(stranger).post(
        f"/projects/{ada.project.id}/members/{stranger.user.id}/remove", follow=True
    )
    assert "You have left the project" in text_of(page)
    assert ada.project.name not in text_of(page)
