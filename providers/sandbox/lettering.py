"""Words on a picture: fonts found on this machine, lines broken to a width."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".fonts",
    Path.home() / ".local/share/fonts",
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
)
# Fonts that hold Chinese, Japanese and Korean, best first; then one that at least holds most alphabets.
_WIDE = ("NotoSansCJK", "SourceHanSans", "PingFang", "Hiragino Sans GB", "wqy-", "DroidSansFallback", "uming")
_NARROW = ("NotoSans-Regular", "DejaVuSans.", "Arial Unicode", "Helvetica")


@lru_cache(maxsize=2)
def _file(wide: bool) -> Path | None:
    found = [path for folder in _FOLDERS for path in _fonts(folder)]
    for name in _WIDE if wide else _NARROW:
        for path in found:
            if path.name.startswith(name):
                return path
    return None


def _fonts(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in sorted(folder.rglob("*")) if path.suffix in {".ttf", ".otf", ".ttc"})


@lru_cache(maxsize=64)
def font(size: int, wide: bool = False) -> Font:
    """A font of that many pixels; where none fits, Pillow's own, which draws boxes for what it lacks."""
    for path in (_file(wide), _file(False)):
        if path is not None:
            try:
                return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
            except OSError:
                continue  # damaged, or of a kind this FreeType cannot read
    return ImageFont.load_default(size)


def needs_wide(text: str) -> bool:
    """Whether the text has letters of Chinese, Japanese or Korean."""
    return any("\u2e80" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7af" for letter in text)


def lines(text: str, face: Font, width: int, most: int) -> list[str]:
    """Break text into at most that many lines of that width; what does not fit ends in an ellipsis."""
    text = " ".join(text[:600].split())
    done: list[str] = []
    line = ""
    for piece in _pieces(text):
        if line and face.getlength(line + piece.rstrip()) > width:
            done.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
        while len(line) > 1 and (long := face.getlength(line)) > width:
            fits = max(1, int(len(line) * width / long))
            done.append(line[:fits])
            line = line[fits:]
    done.append(line.rstrip())
    if len(done) > most:
        done = [*done[: most - 1], done[most - 1][:-1] + "…"]
    return done


def _pieces(text: str) -> Iterator[str]:
    """Words with the space behind them; letters of scripts without spaces one by one."""
    word = ""
    for letter in text:
        word += letter
        if letter == " " or ord(letter) >= 0x2E80:
            yield word
            word = ""
    if word:
        yield word
