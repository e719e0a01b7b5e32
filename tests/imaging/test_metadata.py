"""What goes to a provider does not say where it was taken."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from generations.imaging import Flaw, Rejected, strip_location

from .corpus import FORMATS, encoded, located, noise, swapped_profile, written


def pixels(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB").tobytes()


def stripped(folder: Path, content: bytes) -> bytes:
    out = folder / "out"
    assert strip_location(written(folder, content), out) == out
    return out.read_bytes()


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_only_which_way_up_stays_of_the_metadata_and_every_pixel(
    kind: str, orientation: int, tmp_path: Path
) -> None:
    profile = swapped_profile()
    before = encoded(noise(), kind, exif=located(orientation), icc_profile=profile)
    after = stripped(tmp_path, before)
    assert b"TellTale" in before
    assert b"TellTale" not in after
    assert pixels(after) == pixels(before)
    with Image.open(io.BytesIO(after)) as image:
        assert dict(image.getexif()) == ({} if orientation == 1 else {0x0112: orientation})
        assert image.info["icc_profile"] == profile


def test_progressive_jpegs_with_many_scans_are_walked_through(tmp_path: Path) -> None:
    before = encoded(
        noise(), "jpeg", exif=located(), progressive=True, quality=95, comment=b"TellTale comment"
    )
    after = stripped(tmp_path, before)
    assert b"TellTale" not in after
    assert pixels(after) == pixels(before)


def test_a_jpeg_with_restart_markers_keeps_them(tmp_path: Path) -> None:
    before = encoded(noise(), "jpeg", exif=located(), restart_marker_blocks=4)
    assert pixels(stripped(tmp_path, before)) == pixels(before)


def test_a_second_picture_behind_a_jpeg_goes_too(tmp_path: Path) -> None:
    before = encoded(noise(), "jpeg")
    assert stripped(tmp_path, before + encoded(noise(), "jpeg", exif=located())) == before


def test_adobe_colours_stay_what_they_are(tmp_path: Path) -> None:
    before = encoded(noise().convert("CMYK"), "jpeg", exif=located())
    assert pixels(stripped(tmp_path, before)) == pixels(before)


def test_words_in_a_png_go(tmp_path: Path) -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("parameters", "TellTale prompt")
    words.add_itxt("XML:com.adobe.xmp", "<x>TellTale</x>")
    words.add_text("Comment", "TellTale " * 100, zip=True)
    before = encoded(noise(), "png", pnginfo=words) + b"TellTale tail"
    after = stripped(tmp_path, before)
    assert not {b"tEXt", b"iTXt", b"zTXt"} & {after[at : at + 4] for at in range(len(after))}
    assert b"TellTale" not in after
    assert pixels(after) == pixels(before)


def test_xmp_in_a_webp_goes(tmp_path: Path) -> None:
    before = encoded(noise(), "webp", xmp=b"<x>TellTale</x>", exif=located(8))
    after = stripped(tmp_path, before)
    assert b"TellTale" not in after
    assert pixels(after) == pixels(before)


def test_an_avif_that_tells_is_made_again_upright(tmp_path: Path) -> None:
    before = encoded(noise(), "avif", exif=located(6), xmp=b"<x>TellTale</x>")
    after = stripped(tmp_path, before)
    assert b"TellTale" in before
    assert b"TellTale" not in after
    with Image.open(io.BytesIO(after)) as image:
        assert image.size == (400, 600)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_that_tells_nothing_stays_byte_for_byte(kind: str, tmp_path: Path) -> None:
    before = encoded(noise(), kind)
    assert stripped(tmp_path, before) == before


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_cut_short_is_rejected(kind: str, share: float, tmp_path: Path) -> None:
    content = encoded(noise(), kind, exif=located(6))
    with pytest.raises(Rejected) as caught:
        stripped(tmp_path, content[: int(len(content) * share)])
    assert caught.value.reason in {Flaw.TRUNCATED, Flaw.UNDECODABLE}


def test_what_is_no_picture_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(Rejected):
        stripped(tmp_path, b"<html>")
