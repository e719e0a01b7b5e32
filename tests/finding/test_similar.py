"""What is like a picture, and why; what older pictures look like is filled in."""

from __future__ import annotations

from typing import Any

from celery import current_app

from generations.models import Asset
from generations.models.alike import apart
from generations.storage import originals
from tests.api.conftest import client_of
from tests.conftest import Person
from tests.finding.conftest import encoded, keep, landscape
from tests.web.conftest import browser_of, htmx, text_of


def similar(person: Person, asset: Asset) -> Any:
    return client_of(person).get(f"/api/v1/assets/{asset.id}/similar")


def test_what_looks_alike_comes_before_what_has_the_same_words(ada: Person, stranger: Person) -> None:
    picture = landscape("a heron in the misty reeds")
    asset = keep(ada, encoded(picture), prompt="a heron in the misty reeds")
    worded = keep(
        ada, encoded(landscape("else", 320, 480)), prompt="misty reeds, and a heron far away in the sun"
    )
    half = keep(ada, encoded(landscape("other", 300, 300)), prompt="a heron, misty morning")
    keep(ada, encoded(landscape("third", 480, 480)), prompt="a tea bowl")
    alike = keep(ada, encoded(picture.resize((240, 160)), "JPEG"))
    keep(stranger, encoded(picture.resize((120, 80))))
    matches = similar(ada, asset).json()["results"]
    assert [(one["asset"]["id"], one["by"]) for one in matches] == [
        (str(alike.id), "likeness"),
        (str(worded.id), "words"),
        (str(half.id), "words"),
    ]
    assert matches[0]["percent"] >= 84
    assert matches[1]["percent"] is None
    assert set(matches[1]["words"]) == {"heron", "misty", "reeds", "the"}
    assert set(matches[2]["words"]) == {"heron", "misty"}
    assert similar(stranger, asset).status_code == 404


def test_the_page_tells_why_each_is_there(ada: Person, stranger: Person) -> None:
    picture = landscape("a heron")
    asset = keep(ada, encoded(picture), prompt="a heron")
    alike = keep(ada, encoded(picture, "JPEG"))
    path = f"/pictures/{asset.id}/similar"
    part = htmx(browser_of(ada), "get", path)
    assert "Alike to the eye" in text_of(part)
    assert f"/pictures/{alike.id}" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert "Similar pictures" in text_of(browser_of(ada).get(path))
    assert browser_of(stranger).get(path).status_code == 404
    lonely = keep(ada, encoded(landscape("nobody", 200, 300)))
    assert "Nothing like it yet" in text_of(browser_of(ada).get(f"/pictures/{lonely.id}/similar"))


def test_older_pictures_get_their_likeness_by_and_by(ada: Person) -> None:
    first, second = (keep(ada, encoded(landscape(words))) for words in ("a heron", "a boat"))
    originals().delete(second.derivative_key(256))
    Asset.objects.update(likeness=None)
    current_app.tasks["generations.tasks.tidy"].apply(throw=True)
    filled = dict(Asset.objects.values_list("id", "likeness"))
    assert apart(filled[first.id] or 0, first.likeness or 0) <= 4  # a thumbnail is a little lossy
    assert filled[second.id] == 0, "without a thumbnail it is like no other, and not tried again"
