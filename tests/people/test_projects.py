"""Projects put away and taken out again, and what their downloads say."""

from __future__ import annotations

import re
from html import unescape

import pytest

from accounts.models import Role
from tests.api.conftest import client_of, send
from tests.conftest import Person
from tests.web.conftest import browser_of, form_of, let_in, text_of


def test_an_archived_project_takes_no_work_until_it_is_taken_out(ada: Person) -> None:
    client, here = browser_of(ada), f"/projects/{ada.project.id}"
    form = form_of(ada)
    page = client.post(f"{here}/archive", follow=True)
    assert f'action="{here}/unarchive"' in page.content.decode(), "with an undo"
    refused = client.post("/generations", form)
    assert "is archived" in text_of(refused) or refused.status_code == 403
    client.post(f"{here}/unarchive")
    assert client.post("/generations", form).status_code == 302
    ada.project.refresh_from_db()
    assert ada.project.archived_at is None


def test_prompts_in_downloads_are_switched_by_page_and_program(ada: Person) -> None:
    browser_of(ada).post(f"/projects/{ada.project.id}/prompts", {"prompts_in_pictures": "0"})
    program, path = client_of(ada), f"/api/v1/projects/{ada.project.id}"
    assert program.get(path).json()["prompts_in_pictures"] is False
    changed = send(program, "patch", path, {"prompts_in_pictures": True, "archived": True}).json()
    assert (changed["prompts_in_pictures"], changed["archived_at"] is None) == (True, False)
    assert send(program, "patch", path, {"archived": False}).json()["archived_at"] is None


@pytest.mark.parametrize("field", ["archived", "prompts_in_pictures"])
def test_a_switch_that_is_no_switch_is_named(ada: Person, field: str) -> None:
    answer = send(client_of(ada), "patch", f"/api/v1/projects/{ada.project.id}", {field: "yes"})
    assert set(answer.json()["error"]["fields"]) == {field}


def test_who_was_removed_comes_back_as_what_they_were_by_undo(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.EDITOR)
    client, here = browser_of(ada), f"/projects/{ada.project.id}"
    page = client.post(f"{here}/members/{stranger.user.id}/remove", follow=True).content.decode()
    there = ada.project.memberships.filter(user=stranger.user)
    assert not there.exists()
    undo = re.search(rf'action="({here}/members\?[^"]+)"', page)
    assert undo
    assert browser_of(stranger).post(unescape(undo[1])).status_code == 404, "an owner's alone"
    client.post(unescape(undo[1]))
    assert there.get().role == Role.EDITOR


def test_the_page_of_a_project_leads_to_its_presets(ada: Person) -> None:
    page = browser_of(ada).get(f"/projects/{ada.project.id}").content.decode()
    assert f'href="/presets?project={ada.project.id}"' in page


def test_whoever_alone_owns_a_project_is_told_beforehand_why_they_cannot_leave(
    ada: Person, stranger: Person
) -> None:
    client, here = browser_of(ada), f"/projects/{ada.project.id}"
    leave = f'action="{here}/members/{ada.user.id}/remove"'
    let_in(ada, stranger, Role.EDITOR)
    alone = client.get(here)
    assert "You alone own this project." in text_of(alone)
    assert "Leave this project" not in text_of(alone)
    let_in(ada, stranger, Role.OWNER)
    shared = client.get(here)
    assert "Leave this project" in text_of(shared)
    assert leave in shared.content.decode()
    assert "Only an owner can let you in again." in text_of(shared)
