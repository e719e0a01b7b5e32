"""Colours and transparency, as they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from .corpus import encoded, near, scene, swapped_profile
from .inspecting import inspected, shown


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_keeps_its_brightness(mode: str, tmp_path: Path) -> None:
    picture = Image.new("L", (200, 100), 0)
    picture.paste(255, (100, 0, 200, 100))
    if mode == "I;16":
        picture = Image.frombytes("I;16", (200, 100), (b"\x00\x00" * 100 + b"\xff\xff" * 100) * 100)
    elif mode == "PA":
        picture = picture.convert("P").convert("PA")
    else:
        picture = picture.convert(mode)
    content = (
        encoded(picture, "png") if mode != "PA" else encoded(picture.convert("P"), "png", transparency=7)
    )
    small = shown(inspected(tmp_path, content)).convert("RGB")
    assert near(small.getpixel((20, 50)), (0, 0, 0))
    assert near(small.getpixel((180, 50)), (255, 255, 255))


def test_sixteen_bits_a_channel_become_eight(tmp_path: Path) -> None:
    grey = Image.frombytes("I;16", (64, 64), b"\x00\x80" * 4096)
    assert near(shown(inspected(tmp_path, encoded(grey, "png"))).getpixel((9, 9)), (128, 128, 128), 4)


def test_ink_colours_are_shown_as_light(tmp_path: Path) -> None:
    content = encoded(scene().convert("CMYK"), "jpeg", quality=95)
    small = shown(inspected(tmp_path, content))
    assert near(small.getpixel((20, 20)), (255, 0, 0))
    assert near(small.getpixel((236, 150)), (0, 0, 255))


def test_a_colour_profile_is_applied_and_dropped(tmp_path: Path) -> None:
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    small = shown(inspected(tmp_path, encoded(red, "png", icc_profile=swapped_profile())))
    assert near(small.getpixel((9, 9)), (0, 255, 0))
    assert "icc_profile" not in small.info


def test_a_broken_colour_profile_is_ignored(tmp_path: Path) -> None:
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    small = shown(inspected(tmp_path, encoded(red, "png", icc_profile=b"not a profile" * 20)))
    assert near(small.getpixel((9, 9)), (255, 0, 0))


def test_transparency_survives_and_is_noticed(tmp_path: Path) -> None:
    clear = scene().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    small = shown(inspected(tmp_path, encoded(clear, "png")))
    assert small.mode == "RGBA"
    assert small.getchannel("A").getextrema() == pytest.approx((0, 255), abs=4)


def test_an_alpha_channel_that_hides_nothing_is_no_transparency(tmp_path: Path) -> None:
    assert shown(inspected(tmp_path, encoded(scene().convert("RGBA"), "png"))).mode == "RGB"


def test_transparent_pixels_lend_no_colour_to_their_neighbours(tmp_path: Path) -> None:
    edge = Image.new("RGBA", (2048, 64), (0, 255, 0, 0))
    edge.paste((255, 0, 0, 255), (1001, 0, 2048, 64))
    small = shown(inspected(tmp_path, encoded(edge, "png")), 1024)
    greens = [small.getpixel((x, 16)) for x in range(496, 510)]
    assert all(pixel[1] < 60 for pixel in greens if isinstance(pixel, tuple) and pixel[3] > 128)
