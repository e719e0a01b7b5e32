"""Pictures a person can check at a glance: a landscape from the prompt's hash, with what was asked on it.

The same picture is the same bytes every time, so a file may be drawn when it is fetched.
"""

import hashlib
import math
from colorsys import hls_to_rgb
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw, ImageOps

from providers.sandbox.lettering import font, lines, needs_wide

Colour = tuple[int, int, int]
Size = tuple[int, int]

EXTENSIONS = {"png": "png", "jpeg": "jpg", "webp": "webp"}
MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
CANVAS = 720  # the longest side the landscape is painted at, before it is enlarged
TINY = 64


@dataclass(frozen=True)
class Picture:
    """What is drawn: everything that was asked of the gateway and can be shown."""

    gateway: str
    prompt: str
    width: int
    height: int
    format: str = "jpeg"
    quality: int = 90
    seed: int | None = None
    index: int = 0
    count: int = 1
    references: tuple[bytes, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    tiny: bool = False

    @property
    def luck(self) -> Random:
        """Chance that is the same for the same prompt, seed and index."""
        text = f"{self.gateway}\0{self.prompt}\0{self.seed}\0{self.index}"
        return Random(hashlib.sha256(text.encode(errors="replace")).digest())

    @property
    def facts(self) -> list[str]:
        """What is written at its foot: not the gateway, for whoever judges pictures without knowing it."""
        seed = "random" if self.seed is None else str(self.seed)
        return [
            f"{self.width}×{self.height}",
            f"seed {seed}",
            f"{self.index + 1} of {self.count}",
            *self.notes,
        ]


def render(picture: Picture) -> bytes:
    """The picture's file, at its true size."""
    if picture.tiny:
        return tiny(picture.format)
    return encode(paint(picture), picture.format, picture.quality)


@lru_cache(maxsize=3)
def tiny(kind: str) -> bytes:
    """A small valid picture, always the same: for benchmarks, where drawing would be what is measured."""
    image = Image.new("RGB", (TINY, TINY), (38, 70, 83))
    ImageDraw.Draw(image).rectangle((0, TINY * 5 // 8, TINY, TINY), (233, 196, 106))
    return encode(image.quantize(4) if kind == "png" else image, kind, 60)


def encode(image: Image.Image, kind: str, quality: int) -> bytes:
    file = BytesIO()
    if kind == "png":
        image.save(file, "PNG", compress_level=1)
    elif kind == "webp":
        image.save(file, "WEBP", quality=quality, method=0)
    else:
        image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def paint(picture: Picture) -> Image.Image:
    scale = min(1.0, CANVAS / max(picture.width, picture.height))
    small = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    image = _landscape(small, picture.luck)
    if scale < 1:
        image = image.resize((picture.width, picture.height), Image.Resampling.BICUBIC)
    _references(image, picture.references)
    _caption(image, picture)
    return image


def _tone(hue: float, light: float, strength: float) -> Colour:
    red, green, blue = hls_to_rgb(hue % 1, light, strength)
    return round(red * 255), round(green * 255), round(blue * 255)


def _landscape(size: Size, luck: Random) -> Image.Image:
    hue, night = luck.uniform(0.5, 1.08), luck.random() < 0.4  # from cyan over blue and red to orange
    warm = luck.choice((0.03, 0.08, 0.12, 0.95)) if luck.random() < 0.7 else hue + 0.12
    top = _tone(hue, 0.12 if night else 0.55, 0.6)
    glow = _tone(warm, 0.55 if night else 0.86, 0.75)
    middle = _tone((hue + warm) / 2, 0.3 if night else 0.72, 0.55)
    horizon = luck.uniform(0.48, 0.66)
    image = ImageOps.colorize(Image.linear_gradient("L"), top, glow, middle).resize(
        size, Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(image)
    if night:
        _stars(draw, size, horizon, luck)
    _sun(image, horizon, _tone(warm, 0.92, 0.9), luck)
    layers = luck.randint(4, 6)
    for layer in range(layers):
        near = (layer + 1) / layers
        light = (0.34 - 0.26 * near) if night else (0.62 - 0.44 * near)
        base = horizon + (1 - horizon) * 0.62 * (layer / layers)
        draw.polygon(_ridge(size, base, near, luck), _tone(hue + 0.06 * near, light, 0.3 + 0.2 * near))
    _water(draw, size, _tone(warm, 0.6 if night else 0.8, 0.6), luck)
    return image


def _stars(draw: ImageDraw.ImageDraw, size: Size, horizon: float, luck: Random) -> None:
    for _ in range(90):
        x, y = luck.random() * size[0], luck.random() * size[1] * horizon
        bright, radius = luck.randint(150, 255), luck.choice((0.6, 0.8, 1.3))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), (bright, bright, bright))


def _sun(image: Image.Image, horizon: float, colour: Colour, luck: Random) -> None:
    width, height = image.size
    radius = round(min(width, height) * luck.uniform(0.07, 0.14))
    x, y = round(width * luck.uniform(0.2, 0.8)), round(height * (horizon - luck.uniform(0.1, 0.3)))
    halo = radius * 7
    shine = ImageOps.invert(Image.radial_gradient("L")).point(
        [max(0, v - 76) ** 2 // 180 for v in range(256)]
    )
    image.paste(colour, (x - halo // 2, y - halo // 2), shine.resize((halo, halo)))
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), colour)


def _ridge(size: Size, base: float, near: float, luck: Random) -> list[tuple[float, float]]:
    """The outline of one range of hills: a few waves on top of each other."""
    width, height = size
    waves = [(luck.uniform(0.6, 1.4) * 2**k, luck.random() * math.tau, 0.055 / 1.7**k) for k in range(5)]
    points = [(0.0, float(height))]
    for x in range(0, width + 7, 6):
        rise = sum(tall * math.sin(math.tau * often * x / width + start) for often, start, tall in waves)
        points.append((float(x), height * (base - rise * (0.7 + 0.5 * near))))
    return [*points, (float(width + 6), float(height))]


def _water(draw: ImageDraw.ImageDraw, size: Size, colour: Colour, luck: Random) -> None:
    """Light on a lake at the foot of the hills."""
    width, height = size
    shore = 0.86
    draw.rectangle((0, height * shore, width, height), tuple(channel // 3 for channel in colour))
    for _ in range(70):
        y = luck.uniform(shore, 1.0)
        long, x = width * luck.uniform(0.02, 0.16) * (0.4 + (y - shore) * 5), luck.random() * width
        draw.line((x - long / 2, y * height, x + long / 2, y * height), colour, width=1)


def _references(image: Image.Image, references: tuple[bytes, ...]) -> None:
    """The pictures this one is made from, framed, in a row along the top right."""
    side = max(16, min(image.size) // 6)
    gap = max(2, side // 12)
    x, y = image.width - gap, gap
    for data in references:
        with Image.open(BytesIO(data)) as opened:
            shown = ImageOps.expand(
                ImageOps.contain(opened.convert("RGB"), (side, side)), gap // 2 + 1, "white"
            )
        if x - shown.width < 0:
            x, y = image.width - gap, y + side + 2 * gap
        image.paste(shown, (x - shown.width, y))
        x -= shown.width + gap


def _caption(image: Image.Image, picture: Picture) -> None:
    """A dark band at the foot with the prompt and the parameters, and the word SANDBOX above it."""
    letter = max(8, min(image.size) // 34)
    margin = letter
    face, small = font(letter, needs_wide(picture.prompt)), font(max(7, letter * 3 // 4))
    text = lines(picture.prompt, face, image.width - 2 * margin, 4)
    step = letter * 4 // 3
    top = max(0, image.height - margin * 2 - step * (len(text) + 1))
    band = image.crop((0, top, image.width, image.height)).point([v * 2 // 5 for v in range(256)] * 3)
    image.paste(band, (0, top))
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(text):
        draw.text((margin, top + margin + row * step), line, "white", face)
    draw.text((margin, top + margin + len(text) * step), " · ".join(picture.facts), (215, 215, 205), small)
    mark = font(letter)
    wide = round(mark.getlength("SANDBOX")) + 2 * margin
    draw.rounded_rectangle((margin, margin, margin + wide, margin + 2 * letter), letter, "white")
    draw.text((margin + wide / 2, margin + letter), "SANDBOX", (190, 30, 45), mark, anchor="mm")


def fit(pixels: int, width: int, height: int) -> Size:
    """The size of that many pixels and of that shape."""
    factor = math.sqrt(pixels / (width * height))
    return round(width * factor), round(height * factor)
