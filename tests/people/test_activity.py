"""Activity: who did what in a project, in words, for its members, page by page."""

from __future__ import annotations

import ast
from typing import Any

from accounts import actions
from accounts.models import Role
from config.env import BASE_DIR
from generations.actions import activity, commenting
from generations.models import Generation
from generations.states import GenerationStatus
from tests.api.conftest import client_of, send
from tests.conftest import Person, ask
from tests.people.conftest import link_to
from tests.people.test_notices import finish
from tests.web.conftest import brought, browser_of, let_in

# Verbs that happen in no project, or concern nobody else in it.
QUIET = {
    "create_user", "create_api_key", "revoke_api_key", "change_password", "erase_person", "update_user",
    "show_password_link", "test_account", "switch_account", "vote", "refused",
}  # fmt: skip


def sentences(person: Person) -> list[str]:
    page = browser_of(person).get(f"/projects/{person.project.id}/activity")
    return [entry.sentence for entry in page.context["entries"]]


def test_what_people_did_is_told_newest_first(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.EDITOR)
    picture = brought(ada)
    commenting.say(principal=stranger.principal, asset_id=picture.id, text="good")
    actions.update_project(principal=ada.principal, project_id=ada.project.id, name="Herons")
    link_to(ada, role=Role.VIEWER)
    actions.remove_member(principal=stranger.principal, project_id=ada.project.id, user_id=stranger.user.id)
    assert sentences(ada) == [
        "stranger left the project",
        "ada invited somebody as viewer",
        "ada changed the project's settings",
        "stranger commented on a picture",
        "ada uploaded a picture",
        "ada made stranger editor",
        "ada created the project",
    ]


def test_work_that_ended_is_told_with_its_prompt_and_running_work_is_not(ada: Person) -> None:
    finish(ask(ada, "a heron", count=2), after=5, delivered=2)
    finish(ask(ada, "a stork"), after=5, status=GenerationStatus.FAILED)
    ask(ada, "a crane that is still drawn")
    assert sentences(ada)[:2] == [
        "What ada asked for could not be made: “a stork”",
        "ada made 2 pictures: “a heron”",
    ]


def test_an_invitation_in_the_feed_names_no_address(ada: Person) -> None:
    link_to(ada, "nell@example.com")
    assert "nell" not in " ".join(sentences(ada))


def test_pages_of_the_feed_meet_without_a_gap(ada: Person) -> None:
    for number in range(4):
        finish(ask(ada, f"heron {number}"), after=5)
        actions.update_project(principal=ada.principal, project_id=ada.project.id, name=f"Herons {number}")
    whole = [one.id for one in activity.read(ada.project, limit=50)]
    program = client_of(ada)
    path: str | None = f"/api/v1/projects/{ada.project.id}/activity?limit=4"
    seen: list[str] = []
    back: list[str] = []
    while path:
        page = program.get(path).json()
        seen += [one["id"] for one in page["results"]]
        before, path = page["previous"], page["next"]
    assert seen == [str(one) for one in whole]
    while before:
        page = program.get(before).json()
        back = [one["id"] for one in page["results"]] + back
        before = page["previous"]
    assert back == seen[: len(back)]
    assert len(back) == 8


def test_strangers_and_keys_of_other_projects_see_no_feed(ada: Person, stranger: Person) -> None:
    path = f"/projects/{ada.project.id}/activity"
    assert browser_of(stranger).get(path).status_code == 404
    assert client_of(stranger).get(f"/api/v1{path}").status_code == 404
    other = actions.create_project(principal=ada.principal, name="other")
    assert client_of(ada, project_id=other.id).get(f"/api/v1{path}").status_code == 404
    let_in(ada, stranger, Role.VIEWER)
    assert browser_of(stranger).get(path).status_code == 200


def test_a_cursor_somebody_made_up_is_named(ada: Person) -> None:
    answer = client_of(ada).get(f"/api/v1/projects/{ada.project.id}/activity?cursor=older-7")
    assert set(answer.json()["error"]["fields"]) == {"cursor"}


def verbs_written() -> set[str]:
    """Every verb that some action writes into the audit trail, as far as it is written out."""
    found = set()
    for room in ("accounts", "generations"):
        for path in (BASE_DIR / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _is_audit(node.func) and len(node.args) > 1:
                    verb: Any = node.args[1]
                    found |= {one.value for one in ast.walk(verb) if isinstance(one, ast.Constant)}
    return {verb for verb in found if isinstance(verb, str)}


def _is_audit(called: ast.expr) -> bool:
    return getattr(called, "id", None) == "audit" or getattr(called, "attr", None) == "audit"


def test_every_verb_of_the_audit_trail_has_its_sentence() -> None:
    from_bulk = {"_assets"}
    missing = verbs_written() - set(activity.SENTENCES) - QUIET - from_bulk
    assert missing == set()


def test_every_sentence_holds_with_nothing_but_the_facts_there_are(ada: Person) -> None:
    for verb in activity.SENTENCES:
        actions.audit(ada.user, verb, ada.project.id, ada.project.id)
    program = client_of(ada)
    path = f"/api/v1/projects/{ada.project.id}/activity?limit=200"
    assert len(program.get(path).json()["results"]) >= len(activity.SENTENCES)
    assert send(program, "get", path).status_code == 200
    assert not Generation.objects.exists()
