"""What a picture says of itself survives any prompt, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zlib import crc32

import pytest
from PIL import Image

from generations.imaging import Origin, convert, inspect_and_derive, look
from generations.imaging.provenance import EDITED, MADE, NAMESPACE, SOURCES
from tests.imaging.corpus import FORMATS, encoded, noise, scene, written

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
ASSET, GENERATION = "0198c0de-0000-7000-8000-000000000001", "0198c0de-0000-7000-8000-000000000002"
ODD = [
    "a red boat",
    "Tom & Jerry <b>\"quoted\"</b> ]]> 'it' &amp; <?xpacket end?>",
    "水墨山水，黎明 🌄 ا\u202eب\u200d\n\ttab\r\nline  ",
    "山" * 8000,
    "🦊" * 8000,
    "&" * 8000,
]


def said(path: Path) -> dict[str, str]:
    """What a file's XMP says, as any XML parser reads it out of what Pillow finds."""
    with Image.open(path) as image:
        image.load()
        xmp = image.info.get("xmp", b"")
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    if not xmp:
        return {}
    start = xmp.index(b"<x:xmpmeta")
    tree = ElementTree.fromstring(xmp[start : xmp.rindex(b"<?xpacket end")])
    return {one.tag: one.text or "" for one in tree.iter() if one.text}


def converted(folder: Path, kind: str, origin: Origin, content: bytes | None = None) -> Path:
    path = written(folder, content or encoded(scene(64, 48), "png"))
    return convert(path, kind, None, folder / f"converted-{kind}", origin)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_says_what_made_it_and_which_it_is(kind: str, tmp_path: Path) -> None:
    origin = Origin(ASSET, MADE, GENERATION, "seedream-5-lite", "a red boat", sandbox=True)
    found = said(converted(tmp_path, kind, origin))
    assert found == {
        f"{IPTC}DigitalSourceType": f"{SOURCES}trainedAlgorithmicMedia",
        f"{IPTC}AISystemUsed": "seedream-5-lite",
        f"{IPTC}AIPromptInformation": "a red boat",
        "{http://ns.adobe.com/xap/1.0/}CreatorTool": "Seedbank",
        f"{{{NAMESPACE}}}AssetID": ASSET,
        f"{{{NAMESPACE}}}GenerationID": GENERATION,
        f"{{{NAMESPACE}}}Sandbox": "True",
    }


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("prompt", ODD, ids=range(len(ODD)))
def test_any_prompt_comes_back_as_it_was(kind: str, prompt: str, tmp_path: Path) -> None:
    found = said(converted(tmp_path, kind, Origin(ASSET, MADE, GENERATION, "m", prompt)))
    assert found[f"{IPTC}AIPromptInformation"] == prompt


def test_what_xml_cannot_hold_is_marked(tmp_path: Path) -> None:
    found = said(converted(tmp_path, "png", Origin(ASSET, MADE, prompt="a\x01b\x0bc\ufffe")))
    assert found[f"{IPTC}AIPromptInformation"] == "a\ufffdb\ufffdc\ufffd"


def test_a_prompt_longer_than_a_jpeg_holds_is_shortened(tmp_path: Path) -> None:
    found = said(converted(tmp_path, "jpeg", Origin(ASSET, MADE, prompt="&" * 60_000)))
    assert found[f"{IPTC}AIPromptInformation"].endswith("&…")
    assert found[f"{{{NAMESPACE}}}AssetID"] == ASSET


def test_smaller_pictures_say_the_same_but_for_the_prompt(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(noise(300, 200), "jpeg"))
    picture = inspect_and_derive(path, tmp_path, Origin(ASSET, EDITED, GENERATION, "m", "a secret"))
    for file in picture.derivatives.values():
        found = said(file)
        assert found[f"{IPTC}DigitalSourceType"] == SOURCES + EDITED
        assert found[f"{{{NAMESPACE}}}GenerationID"] == GENERATION
        assert b"a secret" not in file.read_bytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_our_ids_are_read_back(kind: str, tmp_path: Path) -> None:
    found = look(converted(tmp_path, kind, Origin(ASSET, MADE, GENERATION))).said
    assert (found.asset, found.generation, found.source) == (ASSET, GENERATION, MADE)


def test_an_upload_keeps_its_own_word_for_how_it_came_about_and_gets_none_of_ours(tmp_path: Path) -> None:
    theirs = f'<x><D d="{SOURCES}digitalCapture"/></x>'.encode()
    content = encoded(scene(64, 48), "jpeg", xmp=theirs)
    assert said(converted(tmp_path, "webp", Origin(ASSET), content))[f"{IPTC}DigitalSourceType"].endswith(
        "/digitalCapture"
    )
    assert f"{IPTC}DigitalSourceType" not in said(converted(tmp_path, "webp", Origin(ASSET)))


def test_a_file_whose_metadata_is_nonsense_is_looked_at_all_the_same(tmp_path: Path) -> None:
    for xmp in (b"\xff\xfe\x00", b"<!DOCTYPE x [<!ENTITY a 'b'>]>&a;", b"seedbank:AssetID>not-an-id<"):
        assert look(written(tmp_path, encoded(scene(), "jpeg", xmp=xmp))).said.asset == ""


def _png_with(chunk: bytes, body: bytes) -> bytes:
    data = encoded(noise(64, 48), "png")
    extra = len(body).to_bytes(4, "big") + chunk + body + crc32(chunk + body).to_bytes(4, "big")
    return data[:33] + extra + data[33:]


def _jpeg_with(marker: int, body: bytes) -> bytes:
    data = encoded(noise(64, 48), "jpeg")
    return data[:2] + bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


MANIFEST = b"\x00\x00\x00\x25jumb\x00\x00\x00\x1djumdc2pa" + bytes(12) + b"\x03c2pa\x00" + b"sig"
SIGNED: dict[str, Any] = {
    "png": _png_with(b"caBX", MANIFEST),
    "jpeg": _jpeg_with(0xEB, b"JP\x00\x01" + MANIFEST),
}


@pytest.mark.parametrize("kind", sorted(SIGNED))
def test_what_is_made_of_a_signed_picture_does_not_carry_a_signature_that_is_not_its_own(
    kind: str, tmp_path: Path
) -> None:
    path = written(tmp_path, SIGNED[kind])
    picture = inspect_and_derive(path, tmp_path, Origin(ASSET, MADE))
    assert (picture.format, picture.width, picture.height) == (kind, 64, 48)
    made = [converted(tmp_path, other, Origin(ASSET, MADE), SIGNED[kind]) for other in FORMATS]
    assert b"c2pa" in path.read_bytes()
    for file in (*picture.derivatives.values(), *made):
        assert b"c2pa" not in file.read_bytes()
        assert said(file)[f"{IPTC}DigitalSourceType"] == SOURCES + MADE
