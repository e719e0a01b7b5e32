"""Which shape a picture will have, before it is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.offer import SEEDREAM_SIZES
from providers.values import ASPECTS


def frame_of(parameters: Mapping[str, Any]) -> tuple[int, int]:
    """Width and height in pixels of the tile that waits for a picture asked with these parameters."""
    width, height = parameters.get("width"), parameters.get("height")
    if width and height:
        return int(width), int(height)
    aspect = str(parameters.get("aspect_ratio") or "1:1")
    resolution = str(parameters.get("resolution") or "2K")
    found = SEEDREAM_SIZES.get((aspect, resolution)) or SEEDREAM_SIZES.get((aspect, "2K"))
    return found or ASPECTS.get(aspect) or (1, 1)
