"""What a picture that we make says of where it came from: XMP, in PNG, JPEG, WebP and AVIF alike.

Names are those of the IPTC Photo Metadata Standard 2025.1 (digital source type, AI system used,
AI prompt information), and two ids of our own by which the picture is recognised again. An
original is never touched: its upstream signature (C2PA) covers every byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

VERSION = 1
"""Of what is said here; part of the key of every converted picture that is kept."""
SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
MADE, EDITED = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
NAMESPACE = "urn:seedbank:provenance:1#"
_MOST = 60_000
"""Bytes of a prompt, escaped: one segment of JPEG holds 65,502 bytes of XMP."""
_PNG_KEYWORD = "XML:com.adobe.xmp"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ID = rb"""seedbank:%s\s*(?:=\s*["']|>\s*)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"""
_ASSET, _GENERATION = (re.compile(_ID % name) for name in (b"AssetID", b"GenerationID"))
_DECLARED = re.compile(rb"cv\.iptc\.org/newscodes/digitalsourcetype/([A-Za-z]{1,60})")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a picture came from. ``source`` is the end of IPTC's term; empty: as the file says."""

    asset: str
    source: str = ""
    generation: str = ""
    model: str = ""
    prompt: str = ""
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What a file's own XMP says: our ids, and IPTC's term for how it came about. Anybody can write it."""

    asset: str = ""
    generation: str = ""
    source: str = ""


def packet(origin: Origin, declared: str = "") -> bytes:
    """The XMP of a picture; ``declared`` is what the original says, where we know nothing.

    If no picture is named, the packet says only how it was made.
    """
    source = origin.source or declared
    said = {
        "Iptc4xmpExt:DigitalSourceType": source and SOURCES + source,
        "Iptc4xmpExt:AISystemUsed": origin.model,
        "Iptc4xmpExt:AIPromptInformation": _shortened(origin.prompt),
        "xmp:CreatorTool": origin.asset and "Seedbank",
        "seedbank:AssetID": origin.asset,
        "seedbank:GenerationID": origin.generation,
        "seedbank:Sandbox": "True" if origin.sandbox else "",
    }
    lines = "".join(f"<{name}>{_text(value)}</{name}>" for name, value in said.items() if value)
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' xmlns:seedbank="{NAMESPACE}">{lines}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def saved_with(kind: str, xmp: bytes) -> dict[str, Any]:
    """The options with which Pillow writes it into a file of this kind; none without it."""
    if not xmp:
        return {}
    if kind != "png":
        return {"xmp": xmp}
    chunks = PngInfo()
    chunks.add_itxt(_PNG_KEYWORD, xmp.decode())
    return {"pnginfo": chunks}


def said_in(image: Image.Image) -> Said:
    """What a picture that was loaded says of itself."""
    xmp = image.info.get("xmp", b"")
    return said_by(xmp.encode(errors="replace") if isinstance(xmp, str) else bytes(xmp or b""))


def said_by(xmp: bytes) -> Said:
    asset, generation, source = (found.search(xmp) for found in (_ASSET, _GENERATION, _DECLARED))
    return Said(*(found[1].decode() if found else "" for found in (asset, generation, source)))


def _text(value: str) -> str:
    """As text between tags; a carriage return stays one only if it is written as a number."""
    return escape(_NOT_XML.sub("\ufffd", value), quote=False).replace("\r", "&#13;")


def _shortened(prompt: str) -> str:
    while len(_text(prompt).encode()) > _MOST:
        prompt = prompt[: len(prompt) * 9 // 10] + "…"
    return prompt
