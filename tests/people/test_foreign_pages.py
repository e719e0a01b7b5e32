"""The pages that are everybody's own, given ids of others: they tell nothing and change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from accounts import actions
from accounts.models import ApiKey
from generations.models import Asset, Comment, Generation, Notice
from tests.api.test_foreign_ids import MARK, Things, everything, things_of
from tests.conftest import Person
from tests.people.test_roles import OF_ONESELF
from tests.web.conftest import browser_of


@pytest.fixture
def hers(ada: Person) -> Things:
    found = things_of(ada, MARK, "teal")
    Asset.objects.filter(id=found.picture).update(prompt=f"a {MARK}", rating=4)
    Comment.objects.create(asset_id=found.picture, user=ada.user, text=MARK)
    Notice.objects.filter(id=found.notice).update(project=ada.project)
    actions.create_api_key(user=ada.user, name=MARK)
    return found


@pytest.fixture
def mine(stranger: Person, hers: Things) -> Things:
    return things_of(stranger, "heron", "plum")


Said = Callable[[Things, Things], dict[str, Any]]


def nothing(hers: Things, mine: Things) -> dict[str, Any]:
    return {}


def place(hers: Things, mine: Things) -> dict[str, Any]:
    return {"project": hers.project, "collection": hers.collection, "user": hers.user}


@dataclass(frozen=True)
class Visit:
    """A page, its ids, and what is asked of it or sent to it: a form, or JSON."""

    name: str
    ids: Said = nothing
    asked: Said | None = None
    form: Said | None = None
    script: Said | None = None


def picked(**more: Any) -> Said:
    return lambda hers, mine: {"verb": "rate", "rating": 1, "ids": [hers.picture], **more}


VISITS = [
    Visit("live", asked=lambda hers, mine: {"seen": f"{_work(hers)}:", "batch": hers.batch}),
    Visit("reference_tray", asked=lambda hers, mine: {"reference": f"asset:{hers.picture}"}),
    Visit("pick_references", asked=place),
    Visit("batches", asked=place),
    Visit("library", asked=place),
    Visit("library", asked=lambda hers, mine: {"near": hers.picture, "before": hers.picture}),
    Visit("narrowing", asked=place),
    Visit("every_id", asked=place),
    Visit("tags", asked=lambda hers, mine: {"project": hers.project, "start": MARK[:3]}),
    Visit("bulk", script=picked()),
    Visit("undo", script=lambda hers, mine: {"undo": [picked()(hers, mine)]}),
    Visit("collections", asked=place),
    Visit(
        "place_in_collection",
        lambda hers, mine: {"collection_id": hers.collection},
        script=lambda hers, mine: {"ids": [mine.picture]},
    ),
    Visit(
        "place_in_collection",
        lambda hers, mine: {"collection_id": mine.collection},
        script=lambda hers, mine: {"ids": [hers.picture]},
    ),
    Visit(
        "place_in_collection",
        lambda hers, mine: {"collection_id": mine.collection},
        script=lambda hers, mine: {"ids": [mine.picture], "before": hers.picture},
    ),
    Visit("trash", asked=place),
    Visit("restore_chosen", form=lambda hers, mine: {"id": hers.picture}),
    Visit("wallet", asked=place),
    Visit("spend", asked=place),
    Visit("export_spend", asked=place),
    Visit("projects", asked=place),
    Visit("notices", asked=place),
    Visit("read_notices", form=lambda hers, mine: {"id": hers.notice}),
    Visit("new_notices", asked=lambda hers, mine: {"after": hers.notice}),
    Visit("settings", asked=place),
    Visit("download", asked=lambda hers, mine: {"project": hers.project}),
    Visit("download", form=lambda hers, mine: {"ids": hers.picture}),
    Visit("download", form=lambda hers, mine: {"search": f"project={hers.project}"}),
    Visit("create_key", form=lambda hers, mine: {"name": "spy", "project": hers.project}),
    Visit("revoke_key", lambda hers, mine: {"key_id": _key(hers)}, form=nothing),
    Visit("export_person", asked=place),
    Visit("models", asked=place),
    Visit("model", lambda hers, mine: {"model_id": "seedream-5-lite"}, asked=place),
    Visit(
        "edit_comment",
        lambda hers, mine: {"asset_id": hers.picture, "comment_id": _comment(hers)},
        form=lambda hers, mine: {"text": "taken over"},
    ),
    Visit(
        "edit_comment",
        lambda hers, mine: {"asset_id": mine.picture, "comment_id": _comment(hers)},
        form=lambda hers, mine: {"text": "taken over"},
    ),
]
# No id can be said to them, or it is a secret: what a link opens is for whoever has it.
TAKES_NO_ID = {
    "invitation", "shared", "shared_picture", "shared_download", "rename", "change_password", "erase_person",
    "choose_theme", "choose_language",
}  # fmt: skip
# tests/finding/test_find.py shows a picture of somebody else's; tests/create/test_live_events.py listens.
ELSEWHERE = {"find", "live_events"}


def _work(things: Things) -> str:
    return str(Generation.objects.get(user=things.person.user).id)


def _key(things: Things) -> str:
    return str(ApiKey.objects.get(user=things.person.user, name=MARK).id)


def _comment(things: Things) -> UUID:
    return Comment.objects.get(user=things.person.user).pk


def test_every_page_of_ones_own_has_a_row_here() -> None:
    assert {visit.name for visit in VISITS} | TAKES_NO_ID | ELSEWHERE == OF_ONESELF


def called(client: Client, visit: Visit, hers: Things, mine: Things) -> Any:
    path = reverse(visit.name, kwargs=visit.ids(hers, mine))
    if visit.script is not None:
        body = json.dumps(visit.script(hers, mine))
        return client.post(
            path, body, content_type="application/json", headers={"accept": "application/json"}
        )
    if visit.form is not None:
        return client.post(path, visit.form(hers, mine))
    return client.get(path, visit.asked(hers, mine) if visit.asked else {})


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.name)
def test_a_page_of_ones_own_tells_nothing_of_others_and_leaves_theirs_alone(
    visit: Visit, hers: Things, mine: Things
) -> None:
    client = browser_of(mine.person)
    before, keys = everything(), list(ApiKey.objects.order_by("id").values())
    answer = called(client, visit, hers, mine)
    assert answer.status_code < 500
    said = answer.getvalue() if answer.streaming else answer.content
    assert MARK not in said.decode(errors="replace")
    assert everything() == before
    assert list(ApiKey.objects.order_by("id").values()) == keys


def test_a_marked_page_is_told_to_its_owner(hers: Things) -> None:
    client = browser_of(hers.person)
    telling = {"pick_references", "library", "narrowing", "tags", "collections", "projects", "settings"}
    for visit in VISITS:
        if visit.name in telling and visit.asked is not None:
            assert MARK in called(client, visit, hers, hers).content.decode(), visit.name
