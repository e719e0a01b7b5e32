"""Pictures converted to another format: upright, and without their past."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from generations.imaging import Flaw, Rejected, convert

from .corpus import FORMATS, encoded, located, near, noise, scene, swapped_profile, written


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_is_converted_upright_and_without_its_past(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, encoded(scene(), "jpeg", exif=located(6), icc_profile=swapped_profile()))
    out = convert(path, kind, 80, tmp_path / "out")
    assert b"TellTale" not in out.read_bytes()
    with Image.open(out) as image:
        assert (image.format, image.size) == (kind.upper(), (400, 600))
        assert "icc_profile" not in image.info
        assert not image.getexif()
        assert near(image.convert("RGB").getpixel((380, 20)), (0, 255, 0), 60)


def test_a_png_made_of_a_png_has_the_same_pixels(tmp_path: Path) -> None:
    picture = noise(300, 200)
    out = convert(written(tmp_path, encoded(picture, "png")), "png", None, tmp_path / "out")
    with Image.open(out) as image:
        assert image.tobytes() == picture.tobytes()


def test_what_was_transparent_becomes_white_in_a_jpeg(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    out = convert(written(tmp_path, encoded(clear, "png")), "jpeg", None, tmp_path / "out")
    with Image.open(out) as image:
        assert near(image.getpixel((9, 9)), (255, 255, 255), 3)


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif"])
def test_a_lower_quality_is_a_smaller_file(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, encoded(noise(), "png"))
    small = convert(path, kind, 20, tmp_path / "small").stat().st_size
    assert small * 2 < convert(path, kind, 95, tmp_path / "large").stat().st_size


def test_a_picture_too_long_for_webp_is_said_to_be(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(Image.new("L", (20_000, 2)), "png"))
    with pytest.raises(Rejected) as caught:
        convert(path, "webp", None, tmp_path / "out")
    assert caught.value.reason is Flaw.TOO_MANY_PIXELS


def test_a_picture_cut_short_is_not_converted(tmp_path: Path) -> None:
    content = encoded(noise(), "jpeg")
    with pytest.raises(Rejected):
        convert(written(tmp_path, content[: len(content) // 2]), "png", None, tmp_path / "out")
    assert not (tmp_path / "out").exists()
