"""Checking pictures, and what is made of them: sizes, the way up, placeholders."""

from __future__ import annotations

from pathlib import Path

import pytest
import thumbhash
from PIL import Image, ImageOps

from generations.imaging import SIZES, inspect_and_derive

from .corpus import FORMATS, encoded, located, near, noise, scene, written
from .inspecting import inspected, shown

# ── what is kept ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_picture_is_measured_and_shrunk(kind: str, tmp_path: Path) -> None:
    picture = inspected(tmp_path, encoded(noise(1500, 900), kind))
    assert (picture.width, picture.height, picture.format) == (1500, 900, kind)
    assert set(picture.derivatives) == set(SIZES) == {256, 512, 1024}
    for longest in SIZES:
        small = shown(picture, longest)
        assert (small.format, small.mode, small.size) == ("WEBP", "RGB", (longest, round(longest * 0.6)))


def test_a_tall_picture_fits_by_its_height(tmp_path: Path) -> None:
    assert shown(inspected(tmp_path, encoded(scene(300, 1200), "png"))).size == (64, 256)


def test_a_line_one_pixel_high_keeps_its_pixel(tmp_path: Path) -> None:
    assert shown(inspected(tmp_path, encoded(scene(4000, 1), "png"))).size == (256, 1)


def test_a_small_picture_is_never_made_larger(tmp_path: Path) -> None:
    picture = inspected(tmp_path, encoded(scene(300, 200), "png"))
    assert [shown(picture, longest).size for longest in (1024, 512, 256)] == [
        (300, 200),
        (300, 200),
        (256, 171),
    ]
    assert len(set(picture.derivatives.values())) == 3


def test_the_right_half_of_a_large_jpeg_stays_right(tmp_path: Path) -> None:
    small = shown(inspected(tmp_path, encoded(scene(4096, 4096), "jpeg")), 1024)
    assert small.size == (1024, 1024)
    assert near(small.getpixel((100, 100)), (255, 0, 0))
    assert near(small.getpixel((900, 100)), (0, 128, 0))


def test_the_declared_name_means_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(scene(), "jpeg"), "picture.png")
    assert inspect_and_derive(path, tmp_path).format == "jpeg"


def test_what_follows_a_picture_is_not_in_what_is_made_of_it(tmp_path: Path) -> None:
    script = b"<script>alert(document.domain)</script>"
    picture = inspected(tmp_path, encoded(scene(), "png") + script)
    assert all(script not in path.read_bytes() for path in picture.derivatives.values())


def test_an_animation_is_shown_by_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 64), color) for color in ("red", "green", "blue")]
    content = encoded(frames[0], "webp", save_all=True, append_images=frames[1:], lossless=True)
    small = shown(inspected(tmp_path, content))
    assert getattr(small, "n_frames", 1) == 1
    assert near(small.getpixel((32, 32)), (255, 0, 0))


# ── which way up ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_a_picture_taken_sideways_is_shown_upright(orientation: int, kind: str, tmp_path: Path) -> None:
    content = encoded(scene(), kind, exif=located(orientation))
    with Image.open(written(tmp_path, content)) as raw:
        upright = ImageOps.exif_transpose(raw).convert("RGB").resize((6, 6))
    picture = inspected(tmp_path, content)
    assert (picture.width, picture.height) == ((400, 600) if orientation >= 5 else (600, 400))
    small = shown(picture).resize((6, 6))
    for corner in ((0, 0), (5, 0), (5, 5), (0, 5)):
        expected = upright.getpixel(corner)
        assert isinstance(expected, tuple)
        assert near(small.getpixel(corner), expected)


def test_broken_metadata_does_not_spoil_a_picture(tmp_path: Path) -> None:
    picture = inspected(tmp_path, encoded(scene(), "jpeg", exif=b"Exif\x00\x00rubbish" * 9))
    assert (picture.width, picture.height) == (600, 400)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "avif"])
def test_nothing_made_of_a_picture_says_where_it_was_taken(kind: str, tmp_path: Path) -> None:
    picture = inspected(tmp_path, encoded(scene(), kind, exif=located()))
    assert b"TellTale" in (tmp_path / "picture").read_bytes()
    for path in picture.derivatives.values():
        assert b"TellTale" not in path.read_bytes()
        assert b"EXIF" not in path.read_bytes()


# ── placeholders ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [(600, 400), (400, 600), (500, 500), (1000, 90)])
def test_a_placeholder_is_what_the_reference_makes_of_the_same_pixels(
    size: tuple[int, int], tmp_path: Path
) -> None:
    picture = inspected(tmp_path, encoded(scene(*size), "png"))
    sample = shown(picture).convert("RGBA")
    sample.thumbnail((16, 16))
    reference = bytes(thumbhash.rgba_to_thumb_hash(*sample.size, list(sample.tobytes())))
    # The sample went through WebP once more than ours, so that levels may differ by one.
    assert len(picture.thumbhash) == len(reference)
    levels = [
        level for pair in zip(picture.thumbhash[5:], reference[5:], strict=True) for level in _apart(pair)
    ]
    assert max(levels) <= 1
    ratio = thumbhash.thumb_hash_to_approximate_aspect_ratio(picture.thumbhash)
    assert ratio == thumbhash.thumb_hash_to_approximate_aspect_ratio(reference)


def _apart(pair: tuple[int, int]) -> tuple[int, int]:
    """How far two bytes of two four-bit levels each are apart."""
    ours, theirs = pair
    return abs((ours & 15) - (theirs & 15)), abs((ours >> 4) - (theirs >> 4))


def test_a_placeholder_has_the_mean_colour_and_opacity(tmp_path: Path) -> None:
    half = Image.new("RGBA", (64, 64), (200, 100, 50, 128))
    picture = inspected(tmp_path, encoded(half, "png"))
    red, green, blue, alpha = thumbhash.thumb_hash_to_average_rgba(picture.thumbhash)
    assert (red * 255, green * 255, blue * 255) == pytest.approx((200, 100, 50), abs=12)
    assert alpha == pytest.approx(0.5, abs=0.05)
    assert len(picture.thumbhash) <= 25


def test_a_picture_of_one_pixel_has_a_placeholder(tmp_path: Path) -> None:
    assert inspected(tmp_path, encoded(Image.new("RGB", (1, 1), "teal"), "png")).thumbhash
