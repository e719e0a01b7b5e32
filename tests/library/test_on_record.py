"""What was done to many pictures at once, as the audit trail tells it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.models import AuditEvent
from tests.library.conftest import Shelf, do


def test_what_was_done_is_on_record_in_its_project(shelf: Shelf) -> None:
    three = [shelf.put().id for _ in range(3)]
    do(shelf.ada, "move", three, project=shelf.other.id)
    told = AuditEvent.objects.filter(verb="move_assets")
    assert {event.project_id for event in told} == {shelf.ada.project.id, shelf.other.id}
    assert all(event.detail["pictures"] == 3 for event in told)


@pytest.mark.parametrize(
    ("verb", "what", "told"),
    [
        ("tag", {"tags": ["x", " x ", "x"] * 1000}, {"tags": ["x"]}),
        ("rate", {"rating": 0, "tags": ["x" * 100_000]}, {"rating": 0}),
        ("favorite", {"rating": {"junk": "x" * 100_000}, "project": uuid4(), "collection": uuid4()}, {}),
    ],
)
def test_only_what_the_verb_went_by_is_on_record(
    shelf: Shelf, verb: str, what: dict[str, Any], told: dict[str, Any]
) -> None:
    one = shelf.put(rating=3)
    do(shelf.ada, verb, [one.id], **what)
    detail = AuditEvent.objects.get(verb=f"{verb}_assets").detail
    assert detail == {**told, "pictures": 1, "ids": [str(one.id)]}
