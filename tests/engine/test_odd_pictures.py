"""Odd pictures that are paid for: kept as they came, shown in right colours, served as pictures alone."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable

import pytest
from django.test import Client
from PIL import Image, ImageOps

from generations.engine.net import Net
from generations.models import Asset, Generation
from generations.storage import originals
from providers.sandbox.broken import SCRIPT
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault
from tests.api.conftest import client_of
from tests.conftest import Person, ask
from tests.engine.stage import Story, all_ended, story
from tests.imaging.corpus import encoded, near, scene, swapped_profile

PAID = Story("succeeded", "", 1, 12_000, 0, 1)


def original_of(asset: Asset) -> bytes:
    with originals().read(asset.storage_key) as file:
        return file.read()


def derivative_of(asset: Asset, size: int) -> Image.Image:
    with originals().read(asset.derivative_key(size)) as file:
        picture = Image.open(io.BytesIO(file.read()))
        picture.load()
        return picture


def upright(image: Image.Image) -> Image.Image:
    """As somebody sees it: the first frame, the right way up, in eight bits."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGB")


def looks_like(shown: Image.Image, meant: Image.Image) -> bool:
    small = (8, 8)
    pairs = zip(
        shown.convert("RGB").resize(small, Image.Resampling.BOX).tobytes(),
        meant.resize(small, Image.Resampling.BOX).tobytes(),
        strict=True,
    )
    return max(abs(one - other) for one, other in pairs) < 40


def is_untouched(image: Image.Image, fault: Fault) -> bool:
    """Whether a file still has the oddity that it was sent with."""
    told: dict[Fault, Callable[[], bool]] = {
        Fault.JPEG_CMYK: lambda: (image.format, image.mode) == ("JPEG", "CMYK"),
        Fault.PNG_16BIT: lambda: (image.format, image.mode) == ("PNG", "I;16"),
        Fault.EXIF_ROTATED: lambda: image.getexif().get(0x0112) == 6,
        Fault.WEBP_ANIMATED: lambda: (image.format, getattr(image, "n_frames", 1)) == ("WEBP", 3),
    }
    return told[fault]()


def test_every_odd_picture_is_kept_as_it_came_and_shown_in_its_colours(
    person: Person, gateways: Control, engine: Net
) -> None:
    faults = (Fault.JPEG_CMYK, Fault.PNG_16BIT, Fault.EXIF_ROTATED, Fault.WEBP_ANIMATED)
    asked: dict[Fault, Generation] = {}
    for fault in faults:
        gateways.fault(fault, gateway="bytespike", prompt_contains=fault.value)
        asked[fault] = ask(person, fault.value, provider="bytespike")
    all_ended(asked.values())

    for fault, generation in asked.items():
        assert story(gateways, generation) == PAID, fault
        asset = generation.assets.get()
        content = original_of(asset)
        assert hashlib.sha256(content).hexdigest() == asset.sha256
        with Image.open(io.BytesIO(content)) as kept:
            assert is_untouched(kept, fault), fault
            meant = upright(kept)
        assert (asset.width, asset.height) == meant.size, fault
        for size in (256, 512, 1024):
            shown = derivative_of(asset, size)
            assert (shown.format, shown.mode, getattr(shown, "n_frames", 1)) == ("WEBP", "RGB", 1), fault
            assert not shown.getexif(), fault
            assert "icc_profile" not in shown.info, fault
            assert looks_like(shown, meant), fault


def test_a_picture_in_other_colours_than_the_webs_is_shown_in_the_right_ones(
    person: Person, gateways: Control, engine: Net
) -> None:
    content = encoded(scene(), "png", icc_profile=swapped_profile())
    inline = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    gateways.fault(Fault.LINK_TO, gateway="bytespike", url=inline)
    generation = ask(person, provider="bytespike")
    all_ended([generation])

    assert story(gateways, generation) == PAID
    asset = generation.assets.get()
    assert original_of(asset) == content
    shown = derivative_of(asset, 256)
    assert "icc_profile" not in shown.info
    assert near(shown.getpixel((20, 20)), (0, 255, 0)), "what the profile says red is, is green"


@pytest.mark.parametrize(
    ("fault", "media_type", "name"),
    [(Fault.PNG_SCRIPT, "image/png", "a-boat.png"), (Fault.JPEG_AS_PNG, "image/jpeg", "a-boat.jpg")],
)
def test_a_picture_is_served_as_what_it_is_and_as_nothing_else(
    person: Person, gateways: Control, engine: Net, fault: Fault, media_type: str, name: str
) -> None:
    gateways.fault(fault, gateway="bytespike")
    generation = ask(person, "a boat", provider="bytespike")
    all_ended([generation])
    assert story(gateways, generation) == PAID
    asset = generation.assets.get()

    client: Client = client_of(person)
    for query, said in (("", "inline"), ("?download=true", "attachment")):
        got = client.get(f"/api/v1/assets/{asset.id}/content{query}")
        content = got.getvalue()
        assert (got.status_code, got.headers["Content-Type"]) == (200, media_type)
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert got.headers["Content-Disposition"] == f'{said}; filename="{name}"'
        assert content == original_of(asset)
        assert (SCRIPT in content) == (fault is Fault.PNG_SCRIPT)
    for path in ("thumbnail?size=256", "content?format=webp", "content?format=jpeg&size=512"):
        made = client.get(f"/api/v1/assets/{asset.id}/{path}")
        assert made.status_code == 200
        assert SCRIPT not in made.getvalue(), path
