"""Pictures as bytes: what they are, whether they are whole, and smaller ones made of them. No Django."""

from __future__ import annotations

from generations.imaging.bounded import run_bounded
from generations.imaging.flaws import Crashed, Flaw, Rejected, explain
from generations.imaging.formats import EXTENSIONS, HEAD_BYTES, MEDIA_TYPES, sniff
from generations.imaging.likeness import ALIKE, NOTHING
from generations.imaging.metadata import nameless, strip_location
from generations.imaging.pictures import (
    SIZES,
    Look,
    Picture,
    convert,
    inspect_and_derive,
    likenesses_of,
    look,
)
from generations.imaging.provenance import Origin, Said

__all__ = [
    "ALIKE",
    "EXTENSIONS",
    "HEAD_BYTES",
    "MEDIA_TYPES",
    "NOTHING",
    "SIZES",
    "Crashed",
    "Flaw",
    "Look",
    "Origin",
    "Picture",
    "Rejected",
    "Said",
    "convert",
    "explain",
    "inspect_and_derive",
    "likenesses_of",
    "look",
    "nameless",
    "run_bounded",
    "sniff",
    "strip_location",
]
