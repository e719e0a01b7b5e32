"""Pictures as bytes: what they are, whether they are whole, and smaller ones made of them. No Django."""

from __future__ import annotations

from generations.imaging.bounded import run_bounded
from generations.imaging.flaws import Crashed, Flaw, Rejected, explain
from generations.imaging.formats import EXTENSIONS, HEAD_BYTES, MEDIA_TYPES, sniff
from generations.imaging.metadata import strip_location
from generations.imaging.pictures import SIZES, Picture, convert, inspect_and_derive

__all__ = [
    "EXTENSIONS",
    "HEAD_BYTES",
    "MEDIA_TYPES",
    "SIZES",
    "Crashed",
    "Flaw",
    "Picture",
    "Rejected",
    "convert",
    "explain",
    "inspect_and_derive",
    "run_bounded",
    "sniff",
    "strip_location",
]
