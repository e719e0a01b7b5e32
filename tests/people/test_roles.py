"""Viewers see, editors make, owners manage: every page and verb, for each role and for strangers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils import timezone

from accounts import inviting
from accounts.models import Invitation, Role
from generations.actions import collecting, commenting, searches
from generations.models import Asset, Batch, Comment, Comparison, Generation, Preset, SavedSearch, ShareLink
from generations.models.search import Search
from generations.web import urls
from tests.conftest import Person, ask, make_person, png
from tests.people.test_notices import finish
from tests.web.conftest import brought, browser_of, form_of, let_in, made

SEES, MAKES, RULES = 1, 2, 3
RANKS = {None: 0, Role.VIEWER: SEES, Role.EDITOR: MAKES, Role.OWNER: RULES}


@dataclass
class Stage:
    """A project with one of everything in it."""

    ada: Person
    cleo: Person
    form: dict[str, Any]
    work: Generation
    live: Generation
    picture: Asset
    trashed: Asset
    batch: Batch
    preset: Preset
    deleted: Preset
    comment: Comment
    link: ShareLink
    search: SavedSearch
    collection: Any
    gone: Any
    invitation: Invitation
    comparison: Comparison

    @property
    def project(self) -> str:
        return str(self.ada.project.id)


@pytest.fixture
def stage(ada: Person) -> Stage:
    cleo = make_person("cleo@example.com", credit=0)
    let_in(ada, cleo, Role.VIEWER)
    work = finish(ask(ada, "a heron"), after=5, delivered=1)
    batch = Batch.objects.create(
        project=ada.project, user=ada.user, name="herons", works=1, pictures=1, quoted=1
    )
    live = ask(ada, "a stork")
    picture, trashed = made(work), brought(ada, "coral")
    Generation.objects.filter(id=live.id).update(batch=batch)
    Asset.objects.filter(id=trashed.id).update(trashed_at=timezone.now())
    held = collecting.create(principal=ada.principal, project_id=ada.project.id, name="best")
    second = collecting.create(principal=ada.principal, project_id=ada.project.id, name="second best")
    collecting.place(principal=ada.principal, collection_id=held.id, asset_id=picture.id)
    return Stage(
        ada=ada,
        cleo=cleo,
        form=form_of(ada),
        work=work,
        live=live,
        picture=picture,
        trashed=trashed,
        batch=batch,
        preset=Preset.objects.create(project=ada.project, user=ada.user, name="ink", body={"count": 2}),
        deleted=Preset.objects.create(
            project=ada.project, user=ada.user, name="old", deleted_at=timezone.now()
        ),
        comment=commenting.say(principal=ada.principal, asset_id=picture.id, text="good"),
        link=ShareLink.objects.create(
            asset=picture, user=ada.user, expires_at=timezone.now() + timedelta(days=1)
        ),
        search=searches.save(
            principal=ada.principal, name="herons", search=Search(q="heron"), project_id=ada.project.id
        ),
        collection=held,
        gone=collecting.delete(principal=ada.principal, collection_id=second.id),
        comparison=Comparison.objects.create(project=ada.project, user=ada.user, prompt="a heron"),
        invitation=inviting.invite(principal=ada.principal, project_id=ada.project.id),
    )


Said = Callable[[Stage], dict[str, Any]]


@dataclass(frozen=True)
class Verb:
    """A page's address, what is sent to it, and the least role that may."""

    name: str
    least: int
    ids: Said = lambda stage: {}
    sent: Said | None = None
    asked: Said = lambda stage: {}


def project(stage: Stage) -> dict[str, Any]:
    return {"project_id": stage.project}


def picture(stage: Stage) -> dict[str, Any]:
    return {"asset_id": stage.picture.id}


def collection(stage: Stage) -> dict[str, Any]:
    return {"collection_id": stage.collection.id}


def a_comment(stage: Stage) -> dict[str, Any]:
    return {"asset_id": stage.picture.id, "comment_id": stage.comment.id}


def in_project(**more: Any) -> Said:
    return lambda stage: {"project": stage.project, **more}


def a_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("new.png", png(color="gold"), "image/png")


def nothing(stage: Stage) -> dict[str, Any]:
    return {}


# What somebody else shared or said is changed by its author and by owners.
VERBS = [
    Verb("home", SEES, asked=in_project()),
    Verb("older", SEES, asked=in_project()),
    Verb("ask", MAKES, sent=lambda stage: stage.form),
    Verb("quote", MAKES, sent=lambda stage: stage.form),
    Verb("composer_mode", MAKES, sent=lambda stage: stage.form),
    Verb("add_references", MAKES, sent=in_project()),
    Verb("make_final", MAKES, picture, lambda stage: {"shown": "100000000", "token": "t"}),
    Verb("generation", SEES, lambda stage: {"generation_id": stage.work.id}),
    Verb("cancel", MAKES, lambda stage: {"generation_id": stage.live.id}, nothing),
    Verb(
        "retry", MAKES, lambda stage: {"generation_id": stage.work.id}, lambda stage: {"shown": "100000000"}
    ),
    Verb("apply_preset", MAKES, lambda stage: {"preset_id": stage.preset.id}, lambda stage: stage.form),
    Verb("update_preset", RULES, lambda stage: {"preset_id": stage.preset.id}, lambda stage: {"name": "new"}),
    Verb("delete_preset", RULES, lambda stage: {"preset_id": stage.preset.id}, nothing),
    Verb("restore_preset", RULES, lambda stage: {"preset_id": stage.deleted.id}, nothing),
    Verb("presets", MAKES, sent=lambda stage: {**stage.form, "preset_name": "mine", "preset_shared": "1"}),
    Verb("batch", SEES, lambda stage: {"batch_id": stage.batch.id}),
    Verb("pause_batch", MAKES, lambda stage: {"batch_id": stage.batch.id}, nothing),
    Verb("resume_batch", MAKES, lambda stage: {"batch_id": stage.batch.id}, nothing),
    Verb("cancel_batch", MAKES, lambda stage: {"batch_id": stage.batch.id}, nothing),
    Verb("bring", MAKES, sent=lambda stage: {"project": stage.project, "file": a_file()}),
    Verb("create_collection", MAKES, sent=in_project(name="new")),
    Verb("rename_collection", MAKES, collection, lambda stage: {"name": "new"}),
    Verb("delete_collection", MAKES, collection, nothing),
    Verb("restore_collection", MAKES, lambda stage: {"collection_id": stage.gone.id}, nothing),
    Verb("choose_cover", MAKES, collection, lambda stage: {"asset": str(stage.picture.id)}),
    Verb("save_search", MAKES, sent=in_project(name="new", search="q=heron")),
    Verb("rename_search", RULES, lambda stage: {"search_id": stage.search.id}, lambda stage: {"name": "new"}),
    Verb("delete_search", RULES, lambda stage: {"search_id": stage.search.id}, nothing),
    Verb("picture", SEES, picture),
    Verb("tag_choices", SEES, picture),
    Verb("similar", SEES, picture),
    Verb("trash_picture", MAKES, picture, nothing),
    Verb("restore_picture", MAKES, lambda stage: {"asset_id": stage.trashed.id}, nothing),
    Verb("change_picture", MAKES, picture, lambda stage: {"verb": "rate", "rating": "4"}),
    Verb("comment", SEES, picture, lambda stage: {"text": "better"}),
    Verb("delete_comment", RULES, a_comment, nothing),
    Verb("share_picture", MAKES, picture, lambda stage: {"expires_in": "1d"}),
    Verb(
        "revoke_share",
        MAKES,
        lambda stage: {"asset_id": stage.picture.id, "share_id": stage.link.id},
        nothing,
    ),
    Verb("compare", MAKES, sent=lambda stage: {"project": stage.project, "prompt": "a heron"}),
    Verb("quote_comparison", MAKES, sent=lambda stage: {"project": stage.project, "prompt": "a heron"}),
    Verb("comparison", SEES, lambda stage: {"comparison_id": stage.comparison.id}),
    Verb(
        "judge_comparison",
        SEES,
        lambda stage: {"comparison_id": stage.comparison.id},
        lambda stage: {"best": "none"},
    ),
    Verb("arena", SEES, asked=in_project()),
    Verb("ranking", SEES, asked=in_project()),
    Verb("project", SEES, project),
    Verb("activity", SEES, project),
    Verb("rename_project", RULES, project, lambda stage: {"name": "new"}),
    Verb("set_member", RULES, project, lambda stage: {"email": stage.cleo.user.email, "role": "editor"}),
    Verb("remove_member", RULES, lambda stage: {**project(stage), "user_id": stage.cleo.user.id}, nothing),
    Verb("invite", RULES, project, lambda stage: {"email": "x@example.com", "role": "viewer"}),
    Verb("revoke_invitation", RULES, lambda stage: {"invitation_id": stage.invitation.id}, nothing),
    Verb("choose_prompts", RULES, project, lambda stage: {"prompts_in_pictures": "0"}),
    Verb("archive_project", RULES, project, nothing),
    Verb("unarchive_project", RULES, project, nothing),
]
# They show or change what is the person's own, or only what they may see; their own tests say how.
OF_ONESELF = {
    "live", "live_events", "reference_tray", "pick_references", "batches", "library", "narrowing", "every_id",
    "tags", "bulk", "undo", "collections", "place_in_collection", "trash", "restore_chosen", "wallet",
    "spend", "export_spend",
    "projects", "invitation", "notices", "read_notices", "new_notices", "settings", "rename",
    "download", "find", "change_password", "create_key", "revoke_key", "export_person", "erase_person",
    "choose_theme",
    "choose_language", "models", "model", "shared", "shared_picture", "shared_download", "edit_comment",
}  # fmt: skip
FOR_STAFF = {"oversight", "test_account", "switch_account", "set_budget", "remove_budget"}


def test_every_page_and_verb_is_in_the_table() -> None:
    named = {
        pattern.name
        for pattern in urls.urlpatterns
        if isinstance(pattern, URLPattern) and pattern.name and not pattern.name.startswith("account_")
    }
    assert named == {verb.name for verb in VERBS} | OF_ONESELF | FOR_STAFF


def answer_of(client: Client, verb: Verb, stage: Stage) -> int:
    """What the verb answers; whatever it did is undone."""
    path = reverse(verb.name, kwargs=verb.ids(stage))
    with transaction.atomic():
        if verb.sent is None:
            answer = client.get(path, verb.asked(stage))
        else:
            answer = client.post(path, verb.sent(stage))
        transaction.set_rollback(True)
    return int(answer.status_code)


@pytest.mark.parametrize("role", RANKS, ids=str)
def test_each_role_may_do_its_own_and_no_more_at_every_page(
    stage: Stage, stranger: Person, role: Role | None
) -> None:
    if role:
        let_in(stage.ada, stranger, role)
    client = browser_of(stranger)
    wrong = {}
    for verb in VERBS:
        answered = answer_of(client, verb, stage)
        if RANKS[role] >= verb.least:
            right = answered in {200, 204, 302, 409, 422}
        else:
            right = answered == (403 if role else 404)
        if not right:
            wrong[verb.name] = answered
    assert wrong == {}


@pytest.mark.parametrize("role", RANKS, ids=str)
def test_bulk_verbs_change_pictures_for_those_who_make_there(
    stage: Stage, stranger: Person, role: Role | None
) -> None:
    if role:
        let_in(stage.ada, stranger, role)
    client, there = browser_of(stranger), str(stranger.project.id)
    before = Asset.objects.values().get(id=stage.picture.id)
    changed = set()
    verbs: dict[str, dict[str, Any]] = {
        "tag": {"tags": ["heron"]},
        "rate": {"rating": 4},
        "trash": {},
        "move": {"project": there},
    }
    for verb, more in verbs.items():
        with transaction.atomic():
            body = {"verb": verb, "ids": [str(stage.picture.id)], **more}
            client.post("/library/bulk", body, content_type="application/json")
            if Asset.objects.values().get(id=stage.picture.id) != before:
                changed.add(verb)
            transaction.set_rollback(True)
    assert changed == ({"tag", "rate", "trash", "move"} if RANKS[role] >= MAKES else set())


def test_staff_alone_open_the_staff_pages(ada: Person) -> None:
    assert browser_of(ada).get("/oversight").status_code == 403
