"""Pictures, good and bad, drawn here."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from PIL import Image, ImageCms

FORMATS = ("png", "jpeg", "webp", "avif")


def scene(width: int = 600, height: int = 400) -> Image.Image:
    """A picture with a red, a green, a blue and a white quarter, clockwise from the top left."""
    picture = Image.new("RGB", (width, height), "red")
    picture.paste("green", (width // 2, 0, width, height // 2))
    picture.paste("blue", (width // 2, height // 2, width, height))
    picture.paste("white", (0, height // 2, width // 2, height))
    return picture


def noise(width: int = 600, height: int = 400) -> Image.Image:
    """A picture that does not compress to nothing."""
    bands = [Image.effect_noise((width, height), spread) for spread in (30, 60, 90)]
    return Image.merge("RGB", bands)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind.upper(), **options)
    return file.getvalue()


def written(folder: Path, content: bytes, name: str = "picture") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def near(pixel: object, color: tuple[int, ...], tolerance: int = 40) -> bool:
    """Whether a pixel is about this colour."""
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, color, strict=False))


def swapped_profile() -> bytes:
    """An sRGB profile whose red and green have changed places: what it says red, is green."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    entries = {}
    for number in range(struct.unpack_from(">I", profile, 128)[0]):
        at = 132 + 12 * number
        entries[bytes(profile[at : at + 4])] = at
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def located(orientation: int = 1) -> Image.Exif:
    """EXIF that tells where a picture was taken, with what, and which way up it is."""
    exif = Image.Exif()
    exif[0x010F] = "TellTale Cameras"
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (47.0, 22.0, 11.0)
    return exif
