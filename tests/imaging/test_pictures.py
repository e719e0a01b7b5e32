"""Checking pictures, and what is made of them."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
import thumbhash
from PIL import Image, ImageOps

from generations.imaging import SIZES, Flaw, Picture, Rejected, convert, explain, inspect_and_derive

from .corpus import FORMATS, encoded, located, near, noise, scene, swapped_profile, written


def inspected(folder: Path, content: bytes) -> Picture:
    return inspect_and_derive(written(folder, content), folder)


def flaw(folder: Path, content: bytes) -> Flaw:
    with pytest.raises(Rejected) as caught:
        inspected(folder, content)
    return caught.value.reason


def shown(picture: Picture, longest: int = 256) -> Image.Image:
    """The derivative, as a browser would decode it."""
    with Image.open(picture.derivatives[longest]) as image:
        image.load()
        return image


# ── what is kept ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", FORMATS)
def test_a_whole_picture_is_measured_and_shrunk(kind: str, tmp_path: Path) -> None:
    picture = inspected(tmp_path, encoded(noise(1500, 900), kind))
    assert (picture.width, picture.height, picture.format, picture.frames) == (1500, 900, kind, 1)
    assert not picture.has_alpha
    assert set(picture.derivatives) == set(SIZES) == {256, 512, 1024}
    for longest in SIZES:
        small = shown(picture, longest)
        assert (small.format, small.size) == ("WEBP", (longest, round(longest * 0.6)))


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
    picture = inspected(tmp_path, content)
    assert picture.frames == 3
    assert near(shown(picture).getpixel((32, 32)), (255, 0, 0))


# ── colours ─────────────────────────────────────────────────────────────────────


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
    picture = inspected(tmp_path, encoded(red, "png", icc_profile=swapped_profile()))
    small = shown(picture)
    assert near(small.getpixel((9, 9)), (0, 255, 0))
    assert "icc_profile" not in small.info
    assert near(tuple(bytes.fromhex(picture.mean_color[1:])), (0, 255, 0))


def test_a_broken_colour_profile_is_ignored(tmp_path: Path) -> None:
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    small = shown(inspected(tmp_path, encoded(red, "png", icc_profile=b"not a profile" * 20)))
    assert near(small.getpixel((9, 9)), (255, 0, 0))


def test_transparency_survives_and_is_noticed(tmp_path: Path) -> None:
    clear = scene().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    picture = inspected(tmp_path, encoded(clear, "png"))
    small = shown(picture)
    assert picture.has_alpha
    assert small.mode == "RGBA"
    assert small.getchannel("A").getextrema() == pytest.approx((0, 255), abs=4)


def test_an_alpha_channel_that_hides_nothing_is_no_transparency(tmp_path: Path) -> None:
    picture = inspected(tmp_path, encoded(scene().convert("RGBA"), "png"))
    assert not picture.has_alpha
    assert shown(picture).mode == "RGB"


def test_transparent_pixels_lend_no_colour_to_their_neighbours(tmp_path: Path) -> None:
    edge = Image.new("RGBA", (2048, 64), (0, 255, 0, 0))
    edge.paste((255, 0, 0, 255), (1001, 0, 2048, 64))
    small = shown(inspected(tmp_path, encoded(edge, "png")), 1024)
    greens = [small.getpixel((x, 16)) for x in range(496, 510)]
    assert all(pixel[1] < 60 for pixel in greens if isinstance(pixel, tuple) and pixel[3] > 128)


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
    sample.thumbnail((32, 32))
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
    assert near(tuple(bytes.fromhex(picture.mean_color[1:])), (200, 100, 50), 3)


def test_a_picture_of_one_pixel_has_a_placeholder(tmp_path: Path) -> None:
    assert inspected(tmp_path, encoded(Image.new("RGB", (1, 1), "teal"), "png")).thumbhash


# ── what is refused ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_cut_short_is_rejected(kind: str, share: float, tmp_path: Path) -> None:
    content = encoded(noise(), kind)
    found = flaw(tmp_path, content[: int(len(content) * share)])
    assert found in {Flaw.TRUNCATED, Flaw.UNDECODABLE}
    if kind in {"png", "jpeg"}:
        assert found is Flaw.TRUNCATED


def test_a_large_jpeg_cut_short_is_rejected_although_it_is_read_at_a_smaller_scale(tmp_path: Path) -> None:
    content = encoded(noise(4096, 2048), "jpeg")
    assert flaw(tmp_path, content[: int(len(content) * 0.95)]) is Flaw.TRUNCATED


@pytest.mark.parametrize("side", [10_000, 20_000])
def test_a_picture_with_too_many_pixels_is_rejected_undecoded(side: int, tmp_path: Path) -> None:
    bomb = _png_of(side, side)
    assert len(bomb) < 100_000
    assert flaw(tmp_path, bomb) is Flaw.TOO_MANY_PIXELS


def _png_of(width: int, height: int) -> bytes:
    """A PNG whose head promises that many pixels, and has none."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    pixels = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_an_endless_animation_is_rejected(tmp_path: Path) -> None:
    frames = [Image.new("L", (8, 8), number) for number in range(201)]
    content = encoded(frames[0], "png", save_all=True, append_images=frames[1:])
    assert flaw(tmp_path, content) is Flaw.TOO_MANY_FRAMES


@pytest.mark.parametrize(
    "content", [b"", b"<html>expired</html>", b"GIF89a/*<script>*/", b"<svg><script/></svg>", b"%PDF-1.7"]
)
def test_what_is_no_picture_is_rejected(content: bytes, tmp_path: Path) -> None:
    assert flaw(tmp_path, content) is Flaw.NOT_AN_IMAGE


@pytest.mark.parametrize("kind", FORMATS)
def test_a_head_without_a_picture_is_rejected(kind: str, tmp_path: Path) -> None:
    assert flaw(tmp_path, encoded(scene(), kind)[:32] + bytes(500)) in {Flaw.UNDECODABLE, Flaw.TRUNCATED}


def test_another_format_behind_a_png_head_is_not_decoded(tmp_path: Path) -> None:
    photo_cd = (b"\x89PNG\r\n\x1a\n" + b"?" * 2048)[:2048] + b"PCD_" + bytes(3_000_000)
    assert flaw(tmp_path, photo_cd) is Flaw.UNDECODABLE


def test_a_file_that_is_missing_is_not_a_bad_picture(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspect_and_derive(tmp_path / "nowhere", tmp_path)


def test_a_folder_that_cannot_be_written_is_not_a_bad_picture(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        inspect_and_derive(written(tmp_path, encoded(scene(), "png")), tmp_path / "nowhere")


def test_every_flaw_is_explained_to_a_person() -> None:
    assert all(explain(one).endswith(".") for one in Flaw)


# ── other formats ───────────────────────────────────────────────────────────────


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
