"""What a picture looks like, in 64 bits: alike pictures differ in few, whatever their size and format.

Each bit says whether one of the 64 lowest cosine frequencies of the brightness lies above their
median. Scaling, encoding and small changes of colour move few of them across it.
"""

from __future__ import annotations

import statistics

from PIL import Image, ImageChops, ImageStat

from generations.imaging.waves import frequencies

SIDE = 32
ALIKE = 10
"""So many bits apart at most: by chance, one pair in a hundred million."""
NOTHING = 0
"""The value for a blank picture, which is like no other."""
_FLAT = 1.5
"""Levels of brightness, of 256, by which a picture must vary (standard deviation)."""
_WAVES = 64
_HIGHEST = 10
_PLACES = [(x, sum_ - x) for sum_ in range(1, _HIGHEST + 1) for x in range(sum_ + 1)][:_WAVES]
_MARGINS = (0.02, 0.04)


def likeness(image: Image.Image) -> int:
    """64 bits as a signed whole number; NOTHING where there is nothing to go by."""
    bright = _brightness(image)
    if ImageStat.Stat(bright).stddev[0] < _FLAT:
        return NOTHING
    waves = frequencies(bright.tobytes(), SIDE, _PLACES)
    middle = statistics.median(waves)
    bits = sum(1 << place for place, wave in enumerate(waves) if wave > middle)
    return bits - (1 << 64) if bits >> 63 else bits


def likenesses(image: Image.Image) -> list[int]:
    """Of the picture, then of it as it might have been before somebody cut its margins or framed it."""
    trimmed = _trimmed(image)
    variants = [image, *([trimmed] if trimmed is not None else [])]
    for margin in _MARGINS:
        variants += [_cut(image, margin), _widened(image, margin)]
    found = dict.fromkeys(likeness(one) for one in variants)
    return [one for one in found if one != NOTHING]


def _brightness(image: Image.Image) -> Image.Image:
    if image.mode == "RGBA":  # on white, as pages and JPEG show it
        ground = Image.new("RGB", image.size, "white")
        ground.paste(image, mask=image.getchannel("A"))
        image = ground
    return image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)


def _trimmed(image: Image.Image) -> Image.Image | None:
    """Without a frame of one colour, if it has one and something is left."""
    plain = image.convert("RGB")
    frame = Image.new("RGB", plain.size, plain.getpixel((0, 0)))
    box = ImageChops.difference(plain, frame).convert("L").point(lambda value: 255 * (value > 12)).getbbox()
    if box is None or box == (0, 0, *image.size) or min(box[2] - box[0], box[3] - box[1]) < SIDE:
        return None
    return image.crop(box)


def _cut(image: Image.Image, margin: float) -> Image.Image:
    width, height = image.size
    x, y = round(width * margin), round(height * margin)
    return image.crop((x, y, width - x, height - y)) if width > 2 * x and height > 2 * y else image


def _widened(image: Image.Image, margin: float) -> Image.Image:
    """With margins that go on as its edge does."""
    width, height = image.size
    x, y = max(1, round(width * margin)), max(1, round(height * margin))
    size = (width + 2 * x, height + 2 * y)
    # The edge's pixels are drawn out to where the margin ends.
    return image.transform(
        size,
        Image.Transform.MESH,
        [
            ((0, 0, x, size[1]), _quad(0, 0, 1, height)),
            ((x, 0, size[0], y), _quad(0, 0, width, 1)),
            ((size[0] - x, 0, *size), _quad(width - 1, 0, width, height)),
            ((0, size[1] - y, *size), _quad(0, height - 1, width, height)),
            ((x, y, x + width, y + height), _quad(0, 0, width, height)),
        ],
    )


def _quad(left: int, top: int, right: int, bottom: int) -> tuple[int, ...]:
    return (left, top, left, bottom, right, bottom, right, top)
