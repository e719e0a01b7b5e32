"""Set-ups worth keeping: a person's own or a project's, one of which its composer opens with."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEvent, Role
from generations.actions import assets
from generations.models import Preset
from tests.conftest import Person, ask
from tests.create.conftest import api
from tests.web.conftest import brought, browser_of, form_of, htmx, let_in, text_of

BODY = {
    "model": "seedream-5-lite",
    "provider": "prospolabs",
    "aspect_ratio": "16:9",
    "resolution": "3K",
    "count": 4,
    "negative_prompt": "people",
    "seed": 7,
    "output_format": "webp",
    "max_price": "0.300",
}


def kept(person: Person, name: str = "Ink", *, shared: bool = False, **body: Any) -> Preset:
    project = str(person.project.id) if shared else None
    answer = api(person, "post", "/presets", {"name": name, "body": {**BODY, **body}, "project": project})
    assert answer.status_code == 201, answer.content
    return Preset.objects.get(id=answer.json()["id"])


def opened(person: Person, query: str = "") -> Any:
    page = browser_of(person).get(f"/?project={person.project.id}{query}")
    return page.context["composer"]


def test_a_preset_keeps_the_whole_set_up_and_gives_it_back(ada: Person) -> None:
    asset = brought(ada)
    preset = kept(ada, references=[f"asset:{asset.id}"])
    assert preset.body == {**BODY, "references": [f"asset:{asset.id}"]}
    form = opened(ada, f"&preset={preset.id}")
    asked = {name: form.typed[name] for name in ("provider", "aspect", "resolution", "count", "seed")}
    assert asked == {
        "provider": "prospolabs",
        "aspect": "16:9",
        "resolution": "3K",
        "count": "4",
        "seed": "7",
    }
    assert form.typed["negative_prompt"] == "people"
    assert [one.id for one in form.tray] == [asset.id]
    assets.trash(principal=ada.principal, asset_id=asset.id)
    assert opened(ada, f"&preset={preset.id}").references == []


def test_the_form_is_kept_and_put_back_with_the_words_typed_meanwhile(ada: Person) -> None:
    form = form_of(
        ada, prompt="a boat", count="3", seed="9", provider="prospolabs", preset_name="  Quick  ones "
    )
    answer = htmx(browser_of(ada), "post", "/presets", form)
    assert "The preset Quick ones is kept." in text_of(answer)
    preset = Preset.objects.get()
    assert (preset.name, preset.project, preset.body.get("prompt")) == ("Quick ones", None, None)
    assert (preset.body["count"], preset.body["seed"]) == (3, 9)
    other = form_of(ada, prompt="a heron", count="1")
    applied = htmx(browser_of(ada), "post", f"/presets/{preset.id}/apply", other)
    shown = applied.context["composer"]
    assert (shown.typed["prompt"], shown.typed["count"], shown.typed["seed"]) == ("a heron", "3", "9")
    changed = form_of(ada, count="5", preset=str(preset.id), keep="1")
    htmx(browser_of(ada), "post", f"/presets/{preset.id}", changed)
    assert Preset.objects.get().body["count"] == 5


def test_without_script_a_preset_is_a_link_and_a_button(ada: Person) -> None:
    form = form_of(ada, prompt="a boat", preset_name="Mine", preset_prompt="1", preset_shared="1")
    answer = browser_of(ada).post("/presets", form)
    preset = Preset.objects.get()
    assert answer["Location"] == f"/?project={ada.project.id}&preset={preset.id}"
    assert (preset.project, preset.body["prompt"]) == (ada.project, "a boat")
    assert opened(ada, f"&preset={preset.id}").typed["prompt"] == "a boat"


def test_a_preset_without_a_name_is_said_beside_its_field_and_nothing_is_lost(ada: Person) -> None:
    ask(ada, "an older work")
    form = form_of(ada, prompt="many words", count="99", preset_name=" ")
    for answer in (htmx(browser_of(ada), "post", "/presets", form), browser_of(ada).post("/presets", form)):
        assert answer.status_code == 422
        assert "many words" in answer.content.decode()
    assert "an older work" in text_of(answer), "the page of a browser without script is whole"
    named = htmx(browser_of(ada), "post", "/presets", {**form, "count": "1"})
    assert "Give the preset a name" in text_of(named)
    assert not Preset.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [({"count": 99}, "count"), ({"colour": "red"}, "colour"), ({"references": ["asset:none"]}, "references")],
)
def test_a_set_up_that_cannot_be_read_is_not_kept(body: dict[str, Any], field: str, ada: Person) -> None:
    answer = api(ada, "post", "/presets", {"name": "Bad", "body": body})
    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]


def test_somebody_elses_picture_cannot_be_kept_in_a_preset(ada: Person, stranger: Person) -> None:
    theirs = brought(stranger)
    answer = api(ada, "post", "/presets", {"name": "Peek", "body": {"references": [f"asset:{theirs.id}"]}})
    assert answer.status_code == 400


def test_one_default_per_project_and_the_composer_opens_with_it(ada: Person) -> None:
    first, second = kept(ada, "One", shared=True), kept(ada, "Two", shared=True, count=2)
    for one in (first, second):
        assert api(ada, "patch", f"/presets/{one.id}", {"is_default": True}).status_code == 200
    assert [one.id for one in Preset.objects.filter(is_default=True)] == [second.id]
    assert opened(ada).typed["count"] == "2"
    assert opened(ada, "&count=3").typed["count"] == "3"
    api(ada, "patch", f"/presets/{second.id}", {"is_default": False})
    assert opened(ada).typed["count"] == "1"
    own = kept(ada, "Own")
    assert api(ada, "patch", f"/presets/{own.id}", {"is_default": True}).status_code == 400


def test_deleting_is_undone_by_one_press(ada: Person) -> None:
    preset = kept(ada, shared=True)
    client = browser_of(ada)
    client.post(f"/presets/{preset.id}", {"is_default": "true"})
    page = client.post(f"/presets/{preset.id}/delete", follow=True)
    assert "is deleted" in text_of(page)
    assert f'action="/presets/{preset.id}/restore"' in page.content.decode()
    assert api(ada, "get", f"/presets/{preset.id}").status_code == 404
    assert opened(ada).typed["count"] == "1"
    client.post(f"/presets/{preset.id}/delete")
    assert AuditEvent.objects.filter(verb="delete_preset").count() == 1, "twice changes nothing"
    client.post(f"/presets/{preset.id}/restore")
    assert opened(ada).typed["count"] == "4"


def test_a_default_chosen_meanwhile_stays_when_the_old_one_comes_back(ada: Person) -> None:
    first, second = kept(ada, "One", shared=True), kept(ada, "Two", shared=True)
    api(ada, "patch", f"/presets/{first.id}", {"is_default": True})
    api(ada, "delete", f"/presets/{first.id}")
    api(ada, "patch", f"/presets/{second.id}", {"is_default": True})
    assert api(ada, "post", f"/presets/{first.id}/restore", {}).json()["is_default"] is False


ROLES = {  # who: see, save shared, change another's, make default
    Role.OWNER: (200, 201, 200, 200),
    Role.EDITOR: (200, 201, 403, 403),
    Role.VIEWER: (200, 403, 403, 403),
    None: (404, 404, 404, 404),
}


@pytest.mark.parametrize("role", list(ROLES))
def test_viewers_see_editors_keep_owners_manage(role: Role | None, ada: Person, stranger: Person) -> None:
    preset = kept(ada, shared=True)
    if role:
        let_in(ada, stranger, role)
    see, save, change, default = ROLES[role]
    new = {"name": "New", "body": {}, "project": str(ada.project.id)}
    assert api(stranger, "get", f"/presets/{preset.id}").status_code == see
    assert api(stranger, "post", "/presets", new).status_code == save
    assert api(stranger, "patch", f"/presets/{preset.id}", {"name": "Other"}).status_code == change
    assert api(stranger, "patch", f"/presets/{preset.id}", {"is_default": True}).status_code == default
    page = browser_of(stranger)
    assert page.post(f"/presets/{preset.id}", {"name": "Third"}).status_code == (
        302 if change == 200 else change
    )
    gone = {200: 302}.get(change, change)
    assert page.post(f"/presets/{preset.id}/delete").status_code == gone
    back = page.post(f"/presets/{preset.id}/restore").status_code
    assert back == (302 if change == 200 else 404)


def test_my_own_presets_are_mine_alone(ada: Person, stranger: Person) -> None:
    let_in(ada, stranger, Role.OWNER)
    preset = kept(ada, "Secret")
    assert api(stranger, "get", f"/presets/{preset.id}").status_code == 404
    assert "Secret" not in text_of(browser_of(stranger).get("/presets"))
    assert "Secret" in text_of(browser_of(ada).get("/presets"))
    assert [one["name"] for one in api(ada, "get", "/presets").json()["results"]] == ["Secret"]


def test_what_the_composer_opens_with_is_chosen_in_the_composer_by_those_who_rule_there(
    ada: Person, stranger: Person
) -> None:
    let_in(ada, stranger, Role.EDITOR)
    preset = kept(ada, shared=True)
    form = {**form_of(ada), "prompt": "a heron", "preset": str(preset.id)}
    path = f"/presets/{preset.id}"
    assert "Make it the default" not in text_of(browser_of(ada).get("/"))
    used = htmx(browser_of(ada), "post", f"{path}/apply", form)
    assert "Make it the default" in text_of(used)
    said = htmx(browser_of(ada), "post", path, {**form, "is_default": "true"})
    assert "The composer opens with Ink now." in text_of(said)
    assert "No longer the default" in text_of(said)
    assert said.context["composer"].typed["prompt"] == "a heron"
    assert opened(ada).typed["negative_prompt"] == "people"
    assert "the default" not in text_of(htmx(browser_of(stranger), "post", f"{path}/apply", form))
    assert browser_of(stranger).post(path, {"is_default": "false"}).status_code == 403
    assert "is no longer the default" in text_of(
        htmx(browser_of(ada), "post", path, {**form, "is_default": "false"})
    )
    assert "negative_prompt" not in opened(ada).typed
