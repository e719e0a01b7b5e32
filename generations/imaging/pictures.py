"""Checking, shrinking and converting pictures. Run it through ``run_bounded``: the bytes may be hostile.

Every picture is decoded completely, because only that notices a missing end: in Pillow,
``verify()`` accepts a JPEG cut at two thirds.
"""

from __future__ import annotations

import io
import shutil
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageCms, ImageFile

from generations.imaging.flaws import Flaw, Rejected
from generations.imaging.formats import HEAD_BYTES, sniff
from generations.imaging.likeness import NOTHING, likeness, likenesses
from generations.imaging.placeholder import thumbhash
from generations.imaging.provenance import Origin, Said, packet, said_in, saved_with

MAX_PIXELS = 50_000_000
MAX_FRAMES = 200
SIZES = (1024, 512, 256)
_WEBP_LONGEST = 16_383
_QUALITY = 90

Image.MAX_IMAGE_PIXELS = MAX_PIXELS
ImageFile.LOAD_TRUNCATED_IMAGES = False

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's decoders raise on bytes they cannot make sense of.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of a picture once it has been decoded.

    ``width`` and ``height`` are in pixels as it is to be seen, its EXIF orientation applied.
    ``format`` is what the bytes are. ``derivatives`` maps the longest side in pixels to a WebP
    file: upright, sRGB, the first frame, never larger than the original, with no metadata but where
    it came from. ``likeness`` are the 64 bits by which alike pictures are found.
    """

    width: int
    height: int
    format: str
    thumbhash: bytes
    derivatives: dict[int, Path]
    likeness: int


@dataclass(frozen=True, slots=True)
class Look:
    """A picture that is looked for: what it looks like (first as it is), and what it says of itself."""

    width: int
    height: int
    format: str
    likenesses: list[int]
    said: Said


def inspect_and_derive(path: Path, out_dir: Path, origin: Origin | None = None) -> Picture:
    """Check a picture and make what pages show of it, in one decode.

    Writes ``1024.webp``, ``512.webp`` and ``256.webp`` into ``out_dir``; what they say of
    ``origin`` is never the prompt, which may have to become a secret later. Raises Rejected.
    """
    with opened(path) as (image, kind):
        width, height, turned = _checked(image, kind)
        xmp = packet(replace(origin, prompt=""), said_in(image).source) if origin else b""
        small = _shown(_shrunk(_plain(image), SIZES[0]), image.info.get("icc_profile"), turned)
        derivatives, smallest = _derived(small, out_dir, xmp)
    return Picture(
        width=width,
        height=height,
        format=kind,
        thumbhash=thumbhash(smallest),
        derivatives=derivatives,
        likeness=likeness(smallest),
    )


def look(path: Path) -> Look:
    """Check a picture as one that is kept would be, and say by what it can be found. Raises Rejected."""
    with opened(path) as (image, kind):
        width, height, turned = _checked(image, kind)
        said = said_in(image)
        small = _shown(_shrunk(_plain(image), SIZES[0]), image.info.get("icc_profile"), turned)
    for longest in SIZES:
        small = _shrunk(small, longest)
    return Look(width, height, kind, likenesses(small), said)


def likenesses_of(paths: Sequence[Path]) -> list[int]:
    """The likeness of pictures from their smallest derivatives; NOTHING of one that cannot be decoded."""
    found = []
    for path in paths:
        try:
            with opened(path) as (image, _):
                found.append(likeness(_plain(image)))
        except Rejected:
            found.append(NOTHING)
    return found


def convert(
    path: Path,
    kind: str,
    quality: int | None,
    out: Path,
    origin: Origin | None = None,
    longest: int | None = None,
) -> Path:
    """Write a picture as ``png``, ``jpeg``, ``webp`` or ``avif``: upright, sRGB, saying only its ``origin``.

    ``quality`` is 1 to 100 (90 without); PNG has none. ``longest`` is the most pixels a side (as
    many as it has without). JPEG has no transparency, so it gets a white ground. Raises Rejected.
    """
    with opened(path) as (image, _):
        image.load()
        xmp = packet(origin, said_in(image).source) if origin else b""
        plain = _shrunk(_plain(image), longest or max(image.size))
        whole = _shown(plain, image.info.get("icc_profile"), _orientation(image))
    if kind == "webp" and max(whole.size) > _WEBP_LONGEST:
        raise Rejected(Flaw.TOO_MANY_PIXELS, f"WebP holds {_WEBP_LONGEST} pixels a side")
    if kind == "jpeg" and whole.mode == "RGBA":
        ground = Image.new("RGB", whole.size, "white")
        ground.paste(whole, mask=whole.getchannel("A"))
        whole = ground
    quality = quality or _QUALITY
    options: dict[str, dict[str, object]] = {
        "png": {},
        "jpeg": {"quality": quality, "subsampling": 0 if quality >= _QUALITY else 2, "optimize": True},
        "webp": {"quality": quality, "method": 4},
        "avif": {"quality": quality, "speed": 8},
    }
    whole.save(out, kind.upper(), **options[kind], **saved_with(kind, xmp))
    return out


@contextmanager
def opened(path: Path) -> Iterator[tuple[Image.Image, str]]:
    """A picture whose head is sound and small enough; what its decoder trips over becomes Rejected."""
    with path.open("rb") as file, warnings.catch_warnings():
        kind = sniff(file.read(HEAD_BYTES))
        if kind is None:
            raise Rejected(Flaw.NOT_AN_IMAGE)
        file.seek(0)
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=[kind.upper()]) as image:
                yield image, kind
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise Rejected(Flaw.TOO_MANY_PIXELS) from error
        except _DECODER_ERRORS as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # this machine's trouble, not the picture's
            flaw = Flaw.TRUNCATED if "truncated" in str(error).lower() else Flaw.UNDECODABLE
            raise Rejected(flaw, type(error).__name__) from error


def _checked(image: Image.Image, kind: str) -> tuple[int, int, int]:
    """Decode all of it, as small as it may be; width and height as seen, and how it is turned."""
    width, height = image.size
    frames = getattr(image, "n_frames", 1) if kind != "jpeg" else 1
    if frames > MAX_FRAMES:
        raise Rejected(Flaw.TOO_MANY_FRAMES, str(frames))
    # A JPEG's coefficients are all read whatever the scale, so this loses nothing of the check.
    image.draft(None, (SIZES[0], SIZES[0]))
    image.load()
    turned = _orientation(image)
    return (height, width, turned) if turned >= 5 else (width, height, turned)


def _orientation(image: Image.Image) -> int:
    """1 to 8 as EXIF counts, 1 where there is none or the metadata is broken."""
    try:
        turned = image.getexif().get(_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1
    return turned if turned in _UPRIGHT else 1


def _plain(image: Image.Image) -> Image.Image:
    """The same picture in a mode that shrinks well: L, RGB, CMYK, or RGBA if any pixel is transparent."""
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value / 256).convert("L")
    if image.mode in {"I", "F"}:
        _, high = image.getextrema()
        scale = 256 if isinstance(high, int | float) and high > 255 else 1
        return image.point(lambda value: value / scale).convert("L")
    if image.has_transparency_data:
        full = image if image.mode == "RGBA" else image.convert("RGBA")
        return full if full.getchannel("A").getextrema()[0] != 255 else full.convert("RGB")
    if image.mode in {"L", "RGB", "CMYK"}:
        return image
    return image.convert("L" if image.mode in {"1", "LA", "La"} else "RGB")


def _shrunk(image: Image.Image, longest: int) -> Image.Image:
    """Fit within a square of ``longest`` pixels a side; never larger than it was."""
    width, height = image.size
    if max(width, height) <= longest:
        return image
    scale = longest / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Whole-number halving first is several times faster than filtering every pixel.
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=1.0)


def _shown(image: Image.Image, profile: bytes | None, turned: int) -> Image.Image:
    """RGB or RGBA in sRGB, upright, carrying nothing but its pixels."""
    image = _in_srgb(image, profile)
    if turned in _UPRIGHT:
        image = image.transpose(_UPRIGHT[turned])
    image.info.clear()
    return image


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None  # a profile that is broken or for other colours is no profile
        if converted is not None:
            return converted
    return image if image.mode == mode else image.convert(mode)


def _derived(image: Image.Image, out_dir: Path, xmp: bytes) -> tuple[dict[int, Path], Image.Image]:
    """One WebP for each size, each made from the next larger, and the smallest picture itself."""
    files: dict[int, Path] = {}
    encoded: tuple[Image.Image, Path] | None = None
    for longest in SIZES:
        image = _shrunk(image, longest)
        file = out_dir / f"{longest}.webp"
        if encoded and encoded[0] is image:
            shutil.copyfile(encoded[1], file)
        else:
            image.save(file, "WEBP", quality=80, method=0, **saved_with("webp", xmp))
        files[longest] = file
        encoded = (image, file)
    return files, image
