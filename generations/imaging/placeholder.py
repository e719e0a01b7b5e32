"""The blurred stand-in for a picture, as a ThumbHash (evanw.github.io/thumbhash).

A picture's colours become luminance and two colour differences (and alpha), and of each only
the lowest cosine frequencies are kept, four bits apiece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import mul
from typing import NamedTuple

from PIL import Image

from generations.imaging.waves import frequencies

SIDE = 16
"""Pixels a side that are looked at: twice as many as the finest wave kept has half waves."""


class _Channel(NamedTuple):
    """The mean of a channel, its other frequencies scaled to 0..1, and that scale."""

    mean: float
    waves: list[float]
    scale: float


def thumbhash(image: Image.Image) -> bytes:
    """The ThumbHash of an RGB or RGBA picture, at most 25 bytes."""
    sample = image.convert("RGBA")
    sample.thumbnail((SIDE, SIDE))
    width, height = sample.size
    red, green, blue, alpha = ([value / 255 for value in band.tobytes()] for band in sample.split())
    clear = min(alpha) < 1
    if clear:
        red, green, blue = (_over_its_mean(band, alpha) for band in (red, green, blue))

    bright = 5 if clear else 7
    across = max(1, round(bright * width / max(width, height)))
    down = max(1, round(bright * height / max(width, height)))
    light = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    rosy = [r - g for r, g in zip(red, green, strict=True)]

    luma = _channel(light, width, max(3, across), max(3, down))
    warm = _channel(yellow, width, 3, 3)
    pink = _channel(rosy, width, 3, 3)
    wide = width > height
    head = (
        round(63 * luma.mean)
        | round(31.5 + 31.5 * warm.mean) << 6
        | round(31.5 + 31.5 * pink.mean) << 12
        | round(31 * luma.scale) << 18
        | clear << 23
        | (down if wide else across) << 24
        | round(63 * warm.scale) << 27
        | round(63 * pink.scale) << 33
        | wide << 39
    )
    packed = head.to_bytes(5, "little")
    waves = luma.waves + warm.waves + pink.waves
    if clear:
        opacity = _channel(alpha, width, 5, 5)
        packed += bytes([round(15 * opacity.mean) | round(15 * opacity.scale) << 4])
        waves += opacity.waves
    return packed + bytes(_nibbles(waves))


def _over_its_mean(band: Sequence[float], alpha: Sequence[float]) -> list[float]:
    """A colour band laid over its own mean, so that what is transparent does not stand out."""
    mean = sum(map(mul, band, alpha)) / (sum(alpha) or 1)
    return [mean * (1 - a) + value * a for value, a in zip(band, alpha, strict=True)]


def _channel(values: Sequence[float], width: int, across: int, down: int) -> _Channel:
    """The lowest ``across`` by ``down`` cosine frequencies, those below the diagonal."""
    places = [(x, y) for y in range(down) for x in range(across) if x * down < across * (down - y)]
    mean, *waves = (wave / len(values) for wave in frequencies(values, width, places))
    scale = max(map(abs, waves))
    return _Channel(mean, [0.5 + 0.5 / scale * wave for wave in waves] if scale else waves, scale)


def _nibbles(waves: Sequence[float]) -> Iterator[int]:
    """Four bits for each wave, two to a byte, the first in the lower half."""
    levels = [round(15 * wave) for wave in waves]
    for at in range(0, len(levels), 2):
        low, high = (*levels[at : at + 2], 0)[:2]
        yield low | high << 4
