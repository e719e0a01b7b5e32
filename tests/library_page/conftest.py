"""The library's page as people and its scripts ask for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Role
from tests.conftest import Person, make_person
from tests.web.conftest import _plain, browser_of, let_in

__all__ = ["_plain"]


class Script:
    """A page's script of somebody who is signed in: JSON out, JSON back."""

    def __init__(self, person: Person) -> None:
        self.client: Client = browser_of(person)

    def post(self, path: str, body: Any, *, form: bool = False) -> Any:
        kind: dict[str, Any] = {} if form else {"content_type": "application/json"}
        return self.client.post(path, body, headers={"Accept": "application/json"}, **kind)

    def bulk(self, verb: str, *pictures: Any, **more: Any) -> Any:
        ids = [str(getattr(one, "id", one)) for one in pictures]
        return self.post("/library/bulk", {"verb": verb, "ids": ids, **more})


@pytest.fixture
def script(ada: Person) -> Script:
    return Script(ada)


@pytest.fixture
def viewer(ada: Person) -> Person:
    """Somebody who may look at Ada's pictures."""
    person = make_person("vera@example.com")
    let_in(ada, person, Role.VIEWER)
    return person


@pytest.fixture
def editor(ada: Person) -> Person:
    person = make_person("eddy@example.com")
    let_in(ada, person, Role.EDITOR)
    return person
