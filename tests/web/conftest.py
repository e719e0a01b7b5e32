"""People at the pages: signed in with a test client, in a transaction that is rolled back."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from PIL import Image

from accounts import actions
from accounts.models import Role
from generations.actions import uploads
from generations.models import Asset, Generation, Kind
from generations.web import composer
from tests.conftest import Person, make_person


@pytest.fixture(autouse=True)
def _plain_and_quick(settings: Any) -> None:
    """Static files under their own names, and passwords hashed once."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where there is none
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def shop(db: None) -> None:
    """Prices, and sandbox accounts at all five gateways."""
    call_command("seed", verbosity=0)


@pytest.fixture
def ada(shop: None) -> Person:
    return make_person("ada@example.com")


@pytest.fixture
def stranger(shop: None) -> Person:
    return make_person("stranger@example.com")


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


def png(color: str = "teal", width: int = 64, height: int = 48) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "PNG")
    return out.getvalue()


def brought(person: Person, color: str = "teal", name: str = "boat.png") -> Asset:
    """A picture that the person uploaded."""
    return uploads.upload(
        principal=person.principal, project_id=person.project.id, chunks=[png(color)], name=name
    )


def made(generation: Generation, color: str = "plum", **facts: Any) -> Asset:
    """A picture as the engine leaves it behind for a generation."""
    person = Person(generation.user, generation.project)
    asset = brought(person, color)
    changes = {
        "kind": Kind.GENERATED,
        "generation": generation,
        "prompt": generation.prompt,
        "provider": generation.provider,
        "model": generation.model,
        "name": "",
        **facts,
    }
    Asset.objects.filter(id=asset.id).update(**changes)
    return Asset.objects.get(id=asset.id)


def text_of(answer: Any) -> str:
    """What a page says, without its markup."""
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))
