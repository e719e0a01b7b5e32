"""Pictures that are not what they say, or not what anybody wants: bytes for the file host's faults."""

import gzip
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageOps

from providers.sandbox.drawing import Picture, encode, paint, render
from providers.sandbox.faults import Fault, Order

SCRIPT = b"<script>document.title = 'it ran'</script>"
PAGE = b"<!doctype html><html><body><h1>502 Bad Gateway</h1>" + SCRIPT + b"</body></html>"
ZEROS = 200_000_000  # bytes a gzip bomb unfolds to


def spoil(picture: Picture, order: Order) -> tuple[bytes, str] | None:
    """The file's bytes and the type it claims, or None when this fault is not about bytes."""
    make = _MAKERS.get(order.fault)
    return make(picture, order) if make else None


def _as(picture: Picture, kind: str) -> Image.Image:
    with Image.open(BytesIO(render(picture))) as opened:
        return opened.convert("RGB") if kind == "RGB" else opened.convert("RGB").convert(kind)


def _png_script(picture: Picture, _: Order) -> tuple[bytes, str]:
    return encode(_as(picture, "RGB"), "png", 0) + SCRIPT, "image/png"


def _jpeg_cut(picture: Picture, _: Order) -> tuple[bytes, str]:
    whole = encode(paint(picture), "jpeg", 90)
    return whole[: len(whole) * 2 // 3], "image/jpeg"


def _jpeg_cmyk(picture: Picture, _: Order) -> tuple[bytes, str]:
    return encode(_as(picture, "CMYK"), "jpeg", 90), "image/jpeg"


def _jpeg_as_png(picture: Picture, _: Order) -> tuple[bytes, str]:
    return encode(_as(picture, "RGB"), "jpeg", 90), "image/png"


def _png_16bit(picture: Picture, _: Order) -> tuple[bytes, str]:
    grey = _as(picture, "L").convert("I").point(lambda value: value * 257).convert("I;16")
    return encode(grey, "png", 0), "image/png"


def _exif_rotated(picture: Picture, _: Order) -> tuple[bytes, str]:
    lying = _as(picture, "RGB").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turn 90 degrees clockwise to see it upright (EXIF 2.3, table 4)
    file = BytesIO()
    lying.save(file, "JPEG", quality=90, exif=exif)
    return file.getvalue(), "image/jpeg"


def _webp_animated(picture: Picture, _: Order) -> tuple[bytes, str]:
    frame = _as(picture, "RGB")
    others = [ImageOps.invert(frame), frame.transpose(Image.Transpose.ROTATE_180)]
    file = BytesIO()
    frame.save(file, "WEBP", save_all=True, append_images=others, duration=100, method=0)
    return file.getvalue(), "image/webp"


def _png_bomb(_: Picture, order: Order) -> tuple[bytes, str]:
    return png_bomb(order.whole("side", 20_000)), "image/png"


@lru_cache(maxsize=2)
def png_bomb(side: int) -> bytes:
    """A valid black PNG of one bit a pixel: small here, side × side pixels for whoever decodes it."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@lru_cache(maxsize=1)
def gzip_bomb() -> bytes:
    """About 0.2 MB that unfold to 200 MB."""
    file = BytesIO()
    block = bytes(1_000_000)
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=9, mtime=0) as packer:
        for _ in range(ZEROS // len(block)):
            packer.write(block)
    return file.getvalue()


def _always(data: bytes, media_type: str) -> Callable[[Picture, Order], tuple[bytes, str]]:
    return lambda _picture, _order: (data, media_type)


_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">' + SCRIPT + b"</svg>"
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
_GIF = b"GIF89a/*" + bytes(8) + b"*/=1;" + PAGE

_MAKERS: dict[Fault, Callable[[Picture, Order], tuple[bytes, str]]] = {
    Fault.HTML_AS_PICTURE: _always(PAGE, "image/png"),
    Fault.SVG: _always(_SVG, "image/svg+xml"),
    Fault.PDF: _always(_PDF + b"trailer<</Root 1 0 R>>\n%%EOF\n", "application/pdf"),
    Fault.GIF_HTML: _always(_GIF, "image/gif"),
    Fault.PNG_SCRIPT: _png_script,
    Fault.JPEG_CUT: _jpeg_cut,
    Fault.JPEG_CMYK: _jpeg_cmyk,
    Fault.JPEG_AS_PNG: _jpeg_as_png,
    Fault.PNG_16BIT: _png_16bit,
    Fault.EXIF_ROTATED: _exif_rotated,
    Fault.WEBP_ANIMATED: _webp_animated,
    Fault.PNG_BOMB: _png_bomb,
}
