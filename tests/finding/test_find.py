"""A picture is recognised wherever it has been; nobody learns of pictures that are not theirs."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image, ImageEnhance, ImageOps

from accounts import actions
from accounts.models import Role
from generations.models import Asset
from generations.models.alike import alike
from generations.storage import originals
from tests.api.conftest import client_of
from tests.conftest import Person
from tests.finding.conftest import encoded, found, keep, landscape, why
from tests.web.conftest import browser_of, htmx, text_of

OTHERS = ("two foxes in the snow", "a tea bowl", "城市的黄昏", "portrait of a sailor")


@pytest.fixture
def boat(ada: Person) -> Asset:
    """One picture among others."""
    for words in OTHERS:
        keep(ada, encoded(landscape(words)))
    return keep(ada, encoded(landscape("a red boat")), prompt="a red boat")


def _cropped(image: Image.Image, part: float) -> Image.Image:
    width, height = image.size
    x, y = round(width * part), round(height * part)
    return image.crop((x, y, width - x, height - y))


JOURNEYS: dict[str, Callable[[Image.Image], bytes]] = {
    "a quarter of the size": lambda image: encoded(image.resize((120, 80))),
    "a poor JPEG": lambda image: encoded(image, "JPEG", quality=30),
    "a small WebP": lambda image: encoded(image.resize((240, 160)), "WEBP", quality=40),
    "brighter": lambda image: encoded(ImageEnhance.Brightness(image.convert("RGB")).enhance(1.15), "JPEG"),
    "grey": lambda image: encoded(image.convert("L")),
    "without its margins": lambda image: encoded(_cropped(image, 0.03), "JPEG"),
    "in a white frame": lambda image: encoded(ImageOps.expand(image.convert("RGB"), 20, "white"), "JPEG"),
    "on a dark screen": lambda image: encoded(ImageOps.expand(image.convert("RGB"), 40, "#202020")),
}


def test_the_same_file_is_found_exactly(ada: Person, boat: Asset) -> None:
    answer = found(ada, encoded(landscape("a red boat")))
    assert why(answer)[0] == (str(boat.id), "exact")
    assert answer.json()["matches"][0]["percent"] == 100
    assert answer.json()["sha256"] == boat.sha256


@pytest.mark.parametrize("journey", sorted(JOURNEYS))
def test_a_picture_is_recognised_by_what_it_looks_like(ada: Person, boat: Asset, journey: str) -> None:
    matches = found(ada, JOURNEYS[journey](landscape("a red boat"))).json()["matches"]
    assert [(one["asset"]["id"], one["by"]) for one in matches][:1] == [(str(boat.id), "likeness")]
    assert 84 <= matches[0]["percent"] <= 100


def test_metadata_names_a_picture_that_nobody_would_recognise(ada: Person, boat: Asset) -> None:
    made = client_of(ada).get(f"/api/v1/assets/{boat.id}/content?format=jpeg").getvalue()
    with Image.open(io.BytesIO(made)) as image:
        xmp = image.info["xmp"]
    half = encoded(landscape("a red boat").crop((200, 0, 480, 200)), "JPEG", xmp=xmp)
    match = found(ada, half).json()["matches"][0]
    assert (match["asset"]["id"], match["by"]) == (str(boat.id), "metadata")
    assert match["percent"] < 84, "how little it looks like that is told, too"


def test_metadata_that_names_somebody_elses_picture_finds_nothing(stranger: Person, boat: Asset) -> None:
    xmp = f"<seedbank:AssetID>{boat.id}</seedbank:AssetID>".encode()
    assert why(found(stranger, encoded(landscape("a red boat"), "JPEG", xmp=xmp))) == []


def test_members_find_it_and_nobody_else(ada: Person, stranger: Person, boat: Asset) -> None:
    shown = encoded(landscape("a red boat"))
    assert why(found(stranger, shown)) == []
    actions.set_member(
        principal=ada.principal, project_id=ada.project.id, email=stranger.user.email, role=Role.VIEWER
    )
    assert why(found(stranger, shown))[0] == (str(boat.id), "exact")
    assert why(found(stranger, JOURNEYS["a poor JPEG"](landscape("a red boat"))))[0][0] == str(boat.id)


def test_something_else_is_not_found(ada: Person, boat: Asset) -> None:
    assert why(found(ada, encoded(Image.effect_mandelbrot((320, 200), (-2, -1, 1, 1), 50)))) == []


def test_a_picture_of_nearly_one_colour_is_like_no_other(ada: Person) -> None:
    def nearly(level: int) -> bytes:
        """The same hint of a drawing, whatever the colour."""
        return encoded(landscape("a red boat").convert("L").point(lambda value: level + value // 90))

    keep(ada, nearly(60))
    keep(ada, encoded(landscape("a red boat")))
    assert why(found(ada, nearly(200))) == []
    assert alike(ada.principal, [0]) == []


def test_a_picture_in_the_trash_is_found_only_as_itself(ada: Person, boat: Asset) -> None:
    Asset.objects.filter(id=boat.id).update(trashed_at=timezone.now())
    answer = found(ada, encoded(landscape("a red boat")))
    assert why(answer) == [(str(boat.id), "exact")]
    assert answer.json()["matches"][0]["asset"]["trashed_at"]
    assert why(found(ada, JOURNEYS["a poor JPEG"](landscape("a red boat")))) == []


def test_what_is_up_to_ten_bits_away_is_found_whichever_bits_they_are(ada: Person, boat: Asset) -> None:
    for bits in ((0, 1, 16, 17, 32, 33, 34, 48, 49, 50), (5, 6, 21, 22, 37, 38, 39, 53, 54, 63), range(10)):
        other = (boat.likeness or 0) ^ sum(1 << bit for bit in bits)
        signed = (other + (1 << 63)) % (1 << 64) - (1 << 63)
        assert (boat.id, 10) in alike(ada.principal, [signed]), bits
    far = (boat.likeness or 0) ^ sum(1 << bit for bit in range(11))
    assert boat.id not in [one for one, _bits in alike(ada.principal, [far])]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "file is empty."),
        (b"<html>hello</html>", "file is not a PNG, JPEG, WebP or AVIF picture."),
        (encoded(landscape("x"))[:2000], "file is cut off; send the whole picture."),
    ],
)
def test_what_is_no_picture_is_refused_as_an_upload_is(ada: Person, data: bytes, sentence: str) -> None:
    answer = found(ada, data)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == sentence
    page = browser_of(ada).post("/find", {"file": _upload(data)}) if data else None
    if page is not None:
        assert page.status_code == 422
        assert sentence[1:] in text_of(page)


def test_nothing_that_is_shown_is_kept(ada: Person, boat: Asset) -> None:
    def kept() -> list[str]:
        return sorted(one.key for one in originals().keys())  # noqa: SIM118

    before = kept()
    found(ada, encoded(landscape("something new")))
    assert kept() == before
    assert not list(settings.SCRATCH_DIR.iterdir())


def test_the_page_says_where_a_picture_came_from_or_that_it_did_not(ada: Person, boat: Asset) -> None:
    browser = browser_of(ada)
    assert browser.get("/find").status_code == 200
    page = browser.post("/find", {"file": _upload(encoded(landscape("a red boat")))})
    assert "The same file, byte for byte" in text_of(page)
    assert f"/pictures/{boat.id}" in page.content.decode()
    part = htmx(browser, "post", "/find", {"file": _upload(JOURNEYS["grey"](landscape("a red boat")))})
    assert "It looks like these" in text_of(part)
    assert "<html" not in part.content.decode()
    none = browser.post("/find", {"file": _upload(encoded(Image.effect_noise((99, 99), 90)))})
    assert "Not in your library" in text_of(none)
    assert "Search by words instead" in text_of(none)
    assert "File is missing" in text_of(browser.post("/find"))


def _upload(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("shown.png", data)
