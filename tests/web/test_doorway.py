"""Who gets in, and to what."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.core import mail as post
from django.test import Client

from accounts.models import Role
from generations.web.urls import urlpatterns
from tests.conftest import Person, ask
from tests.web.conftest import brought, browser_of, form_of, htmx, let_in, text_of

PAGES = ["/", "/library", "/wallet", "/spend", "/projects", "/settings", "/trash", "/oversight"]


@pytest.mark.parametrize("path", [*PAGES, "/library?q=boat"])
def test_a_page_asks_who_you_are_and_leads_back(path: str, ada: Person) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in?next=%2F")
    signed_in = Client().post(
        answer["Location"], {"login": "ada@example.com", "password": "a long enough password", "next": path}
    )
    assert signed_in["Location"] == path


def test_a_wrong_password_says_so_and_keeps_the_address(ada: Person) -> None:
    answer = Client().post("/sign-in", {"login": "ada@example.com", "password": "wrong"})
    assert answer.status_code == 200
    assert "are not correct" in text_of(answer)
    assert 'value="ada@example.com"' in answer.content.decode()


def test_nobody_signs_themselves_up(db: None) -> None:
    answer = Client().post("/sign-up", {"email": "new@example.com", "password1": "a long enough password"})
    assert "By invitation" in text_of(answer)


def test_a_session_that_ended_does_not_take_away_what_was_typed(ada: Person) -> None:
    form = form_of(ada)
    answer = htmx(Client(), "post", "/generations", form)
    assert answer.status_code == 422
    assert answer["HX-Retarget"] == "#notices"
    assert "Nothing you typed is lost" in text_of(answer)


def test_a_forgotten_password_is_set_anew_by_mail_and_nobody_learns_who_signs_in(
    ada: Person, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://pictures.example.com"  # and not whatever host is named in the request
    pages = [
        text_of(Client().post("/password/reset", {"email": email}, follow=True))
        for email in ("ada@example.com", "nobody@example.com")
    ]
    assert pages[0] == pages[1]
    assert "Check your e-mail" in pages[0]
    [mail] = [mail for mail in post.outbox if mail.to == ["ada@example.com"]]
    link = re.search(r"https://pictures\.example\.com(/password/reset/\S+)", str(mail.body))
    assert link is not None
    client = Client()
    form = client.get(link.group(1), follow=True)
    new = {"password1": "an even longer password", "password2": "an even longer password"}
    done = client.post(form.request["PATH_INFO"], new, follow=True)
    assert "Your password is changed" in text_of(done)
    assert "no longer valid" in text_of(Client().get(link.group(1), follow=True))
    ada.user.refresh_from_db()
    assert ada.user.check_password("an even longer password")


def test_signing_out_takes_a_click_and_ends_the_session(ada: Person) -> None:
    client = browser_of(ada)
    client.post("/sign-out")
    assert client.get("/").status_code == 302


def _addresses(person: Person) -> list[tuple[str, str]]:
    generation, asset = ask(person), brought(person)
    project = person.project.id
    return [
        ("get", f"/?project={project}"),
        ("get", f"/older?project={project}"),
        ("get", f"/library?project={project}"),
        ("get", f"/generations/{generation.id}"),
        ("post", f"/generations/{generation.id}/cancel"),
        ("post", f"/generations/{generation.id}/retry"),
        ("get", f"/pictures/{asset.id}"),
        ("post", f"/pictures/{asset.id}/trash"),
        ("post", f"/pictures/{asset.id}/restore"),
        ("get", f"/projects/{project}"),
        ("post", f"/projects/{project}/name"),
        ("post", f"/projects/{project}/members"),
        ("post", f"/projects/{project}/members/{person.user.id}/remove"),
        ("post", f"/projects/{project}/archive"),
    ]


def test_what_is_not_mine_looks_as_if_it_did_not_exist(ada: Person, stranger: Person) -> None:
    client = browser_of(stranger)
    for method, path in _addresses(ada):
        assert getattr(client, method)(path).status_code == 404, (method, path)
        nothing = path.replace(str(ada.project.id), str(uuid.uuid4()))
        assert getattr(client, method)(nothing).status_code == 404, (method, nothing)


def test_work_and_words_for_a_foreign_project_are_refused(ada: Person, stranger: Person) -> None:
    form = {**form_of(stranger), "project": str(ada.project.id)}
    for path in ("/generations", "/quotes", "/references"):
        assert browser_of(stranger).post(path, form).status_code == 404, path


def test_a_foreign_picture_is_no_reference(ada: Person, stranger: Person) -> None:
    asset = brought(ada)
    page = browser_of(stranger).get("/", {"reference": str(asset.id)})
    assert f"/api/v1/assets/{asset.id}" not in page.content.decode()
    answer = browser_of(stranger).post("/generations", form_of(stranger, references=[f"asset:{asset.id}"]))
    assert answer.status_code == 422
    assert "no such picture" in text_of(answer)


def test_a_viewer_sees_everything_and_may_make_nothing(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.VIEWER)
    asset, generation = brought(ada), ask(ada)
    client = browser_of(stranger)
    home = client.get("/", {"project": str(ada.project.id)})
    assert "You may look, not make" in text_of(home)
    assert 'id="composer"' not in home.content.decode()
    assert client.get(f"/pictures/{asset.id}").status_code == 200
    refused: list[tuple[str, dict[str, Any]]] = [
        ("/generations", {**form_of(stranger), "project": str(ada.project.id)}),
        ("/references", {"project": str(ada.project.id)}),
        (f"/pictures/{asset.id}/trash", {}),
        (f"/generations/{generation.id}/cancel", {}),
        (f"/generations/{generation.id}/retry", {}),
        (f"/projects/{ada.project.id}/name", {"name": "mine"}),
    ]
    for path, data in refused:
        answer = client.post(path, data)
        assert answer.status_code == 403, path
        assert "Not yours to open" in text_of(answer)


def test_an_editor_makes_and_does_not_manage(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.EDITOR)
    client = browser_of(stranger)
    assert 'id="composer"' in client.get("/", {"project": str(ada.project.id)}).content.decode()
    assert client.post(f"/projects/{ada.project.id}/archive").status_code == 403
    assert client.post(f"/pictures/{brought(ada).id}/trash").status_code == 302


def test_oversight_is_for_staff(ada: Person, staff: Person) -> None:
    answer = browser_of(ada).get("/oversight")
    assert answer.status_code == 403
    assert "for staff" in text_of(answer)
    assert browser_of(staff).get("/oversight").status_code == 200


def test_a_form_without_its_token_is_refused_with_a_way_on(ada: Person) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(ada.user)
    answer = client.post("/settings/name", {"name": "Mallory"})
    assert answer.status_code == 403
    assert "too old" in text_of(answer)
    ada.user.refresh_from_db()
    assert ada.user.name == ""


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/settings/keys", "/settings"),
        ("/settings/keys/{id}/revoke", "/settings/keys"),
        ("/settings/password", "/settings"),
        ("/searches/{id}/name", "/searches"),
        ("/searches", "/"),
        ("/references", "/"),
        ("/collections/new", "/collections"),
        ("/library/bulk", "/library"),
        ("/theme", "/"),
    ],
)
def test_opening_where_only_a_form_leads_leads_to_its_page(path: str, page: str, ada: Person) -> None:
    answer = browser_of(ada).get(path.format(id=uuid.uuid4()))
    assert (answer.status_code, answer.get("Location")) == (302, page)


def test_no_address_of_the_pages_leaves_a_browser_with_nothing(staff: Person) -> None:
    client = browser_of(staff)
    for pattern in urlpatterns:
        path = re.sub(r"<uuid:\w+>", str(uuid.uuid4()), str(pattern.pattern))
        answer = client.get(f"/{path}", follow=True)
        assert answer.status_code != 405, path
        assert answer.streaming or answer.content or answer.status_code == 204, path
