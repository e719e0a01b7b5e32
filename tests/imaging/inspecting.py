"""What is said of a picture, and shown of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from generations.imaging import Flaw, Picture, Rejected, inspect_and_derive

from .corpus import written


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
