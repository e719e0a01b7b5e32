"""Pictures worth telling apart, and what happens to pictures on their way through the world."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from generations.actions import uploads
from generations.models import Asset
from providers.sandbox.drawing import Picture, paint
from tests.api.conftest import client_of
from tests.conftest import Person


@pytest.fixture(autouse=True)
def _plain(settings: Any) -> None:
    """Static files under their own names."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


def landscape(words: str, width: int = 480, height: int = 320) -> Image.Image:
    return paint(Picture("runware", words, width, height))


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, kind, **options)
    return out.getvalue()


def keep(person: Person, data: bytes, name: str = "picture.png", prompt: str = "") -> Asset:
    asset = uploads.upload(principal=person.principal, project_id=person.project.id, chunks=[data], name=name)
    if prompt:
        asset.prompt, asset.kind, asset.model, asset.name = prompt, "generated", "seedream-5-lite", ""
        asset.save()
    return asset


def found(person: Person, data: bytes) -> Any:
    """What the API answers to a picture that is shown to it."""
    file = SimpleUploadedFile("what is this.png", data)
    return client_of(person, "read").post("/api/v1/assets/find", {"file": file})


def why(answer: Any) -> list[tuple[str, str]]:
    """Which pictures, and by what."""
    assert answer.status_code == 200, answer.content
    return [(match["asset"]["id"], match["by"]) for match in answer.json()["matches"]]
