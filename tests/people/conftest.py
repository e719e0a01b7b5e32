"""People in projects, at the pages and over HTTP, in a transaction that is rolled back."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import inviting
from accounts.models import Role
from tests.conftest import Person


@pytest.fixture(autouse=True)
def _plain(settings: Any) -> None:
    """Static files under their own names."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


def link_to(owner: Person, email: str = "", role: Role = Role.EDITOR) -> str:
    """The path of an invitation to the owner's project."""
    made = inviting.invite(principal=owner.principal, project_id=owner.project.id, email=email, role=role)
    return f"/invitations/{inviting.token_of(made)}"
