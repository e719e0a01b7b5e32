"""What a file is, by its first bytes."""

from __future__ import annotations

import pytest

from generations.imaging import HEAD_BYTES, sniff

from .corpus import FORMATS, encoded, scene


@pytest.mark.parametrize("kind", FORMATS)
def test_each_kind_of_picture_is_known_by_its_head(kind: str) -> None:
    assert sniff(encoded(scene(), kind)[:HEAD_BYTES]) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG",
        b"<!doctype html><title>502</title>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"%PDF-1.7\n",
        b'{"error": "expired"}',
        b"GIF89a/*<html><script>alert(1)</script>*/",
        b"BM" + bytes(60),
        b"II*\x00" + bytes(60),
        b"8BPS" + bytes(60),
        b"RIFF\x10\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
        b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42",
        b"\x00\x00\x00\x10ftypmp42\x00\x00\x00\x00avif",
        b" \x89PNG\r\n\x1a\n",
        b"ftypavif",
    ],
)
def test_everything_else_is_no_picture(content: bytes) -> None:
    assert sniff(content) is None


def test_avif_may_be_the_second_brand_of_a_file() -> None:
    assert sniff(b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00miafavif") == "avif"
