"""A picture's page, as the tests of the pages see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from accounts.models import Role
from generations.models import Asset
from tests.api.conftest import client_of
from tests.conftest import Person, make_person
from tests.web.conftest import brought, browser_of, let_in


@pytest.fixture(autouse=True)
def _plain(settings: Any) -> None:
    """Static files under their own names."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@dataclass(frozen=True)
class Team:
    """Ada's project with somebody of every role, and somebody of none."""

    owner: Person
    editor: Person
    viewer: Person
    stranger: Person
    asset: Asset

    def __getitem__(self, role: str) -> Person:
        found: Person = getattr(self, role)
        return found

    def browser(self, role: str) -> Client:
        return browser_of(self[role])

    def program(self, role: str) -> Client:
        return client_of(self[role])


@pytest.fixture
def team(ada: Person, stranger: Person) -> Team:
    editor, viewer = make_person("editor@example.com"), make_person("viewer@example.com")
    let_in(ada, editor, Role.EDITOR)
    let_in(ada, viewer, Role.VIEWER)
    return Team(ada, editor, viewer, stranger, brought(ada))
