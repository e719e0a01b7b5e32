"""People at the pages: signed in with a test client, in a transaction that is rolled back."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts import actions
from accounts.models import Role
from generations.actions import uploads
from generations.models import Asset, AssetKind, Generation
from generations.models.terms import Words, words_of
from generations.web import composer
from tests.conftest import Person, make_person, png


@pytest.fixture(autouse=True)
def _plain(settings: Any) -> None:
    """Static files under their own names."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def staff(shop: None) -> Person:
    return make_person("staff@example.com", staff=True)


def browser_of(person: Person) -> Client:
    """A browser without JavaScript, signed in."""
    client = Client(raise_request_exception=False)
    client.force_login(person.user)
    return client


def let_in(owner: Person, guest: Person, role: Role) -> None:
    actions.set_member(
        principal=owner.principal, project_id=owner.project.id, email=guest.user.email, role=role
    )


def htmx(client: Client, method: str, path: str, data: Any = None) -> Any:
    """As htmx asks: for a part of the page."""
    return getattr(client, method)(path, data, headers={"HX-Request": "true"})


def form_of(person: Person, prompt: str = "a red boat", **fields: Any) -> dict[str, Any]:
    """What the browser sends from the composer as it is first shown, with some fields filled in."""
    page = browser_of(person).get("/", {"project": str(person.project.id)})
    shown: composer.Composer = page.context["composer"]
    hidden = {"project": str(person.project.id), "token": shown.token, "shown": str(100_000_000)}
    return {**shown.typed, **hidden, "prompt": prompt, **fields}


def brought(person: Person, color: str = "teal", name: str = "boat.png") -> Asset:
    """A picture that the person uploaded."""
    return uploads.upload(
        principal=person.principal, project_id=person.project.id, chunks=[png(color=color)], name=name
    )


def made(generation: Generation, color: str = "plum", **facts: Any) -> Asset:
    """A picture as the engine leaves it behind for a generation."""
    person = Person(generation.user, generation.project)
    asset = brought(person, color)
    changes = {
        "kind": AssetKind.GENERATED,
        "generation": generation,
        "prompt": generation.prompt,
        "provider": generation.provider,
        "model": generation.model,
        "name": "",
        **facts,
    }
    words = Words(words_of(changes["prompt"], changes["name"]))
    Asset.objects.filter(id=asset.id).update(**changes, terms=words)
    return Asset.objects.get(id=asset.id)


def text_of(answer: Any) -> str:
    """What a page says, without its markup."""
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))
