"""What is refused as a picture, and why."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from PIL import Image

from generations.imaging import Flaw, explain, inspect_and_derive

from .corpus import FORMATS, encoded, noise, scene, written
from .inspecting import flaw


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
