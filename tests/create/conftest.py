"""People who make pictures: through the API and at the pages."""

from __future__ import annotations

from typing import Any

import pytest

from generations.models import Batch
from tests.api.conftest import client_of, send
from tests.conftest import Person

MATRIX = {"prompts": ["{dawn|dusk} over {sea|hills}", "", "a heron"], "count": 2, "provider": "bytespike"}
"""A batch of five works, ten pictures, 0.120 USD."""


@pytest.fixture(autouse=True)
def _plain(settings: Any) -> None:
    """Static files under their own names."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


def api(person: Person, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """One request with a key of this person; names of headers are written with underscores."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(client_of(person), method, f"/api/v1{path}", body, sent or None)


def run(person: Person, **fields: Any) -> Batch:
    """The batch of ``MATRIX`` with other ``fields``, asked for and taken on."""
    answer = api(person, "post", "/batches", {**MATRIX, "project": str(person.project.id), **fields})
    assert answer.status_code == 202, answer.content
    return Batch.objects.get(id=answer.json()["id"])
