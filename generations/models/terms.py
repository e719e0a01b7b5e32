"""What a picture is found by: the words of its prompt and name in any script, and its facets.

Han, kana, Hangul, Thai and their like are written without spaces, so their runs are cut into
pairs of letters; everything else into words; each pictograph is a word of its own. All are
folded alike when kept and when looked for.
A facet is one term such as ``=provider:runware``: no word begins with ``=``, so none can be
mistaken for it, and a search over words and facets is one question to one index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.db.models import Func, TextField, Value

LONGEST = 60
"""Letters of a word that count; more are a code or a link, found by its beginning."""
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana, without the dot between names
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_VOWELS = "\u0900-\u0963\u0971-\u0dff"  # Indic scripts write most vowels as marks, which \w leaves out
_PICTURES = "\u2600-\u27bf\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff"
_RUN = re.compile(rf"[{_UNSPACED}]+|(?:[^\W_{_UNSPACED}]|[{_VOWELS}])+|[{_PICTURES}]")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_IGNORED = re.compile(
    "[\u0300-\u036f"  # accents on Latin, Greek, Cyrillic; marks of other scripts (か, が) tell words apart
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0610-\u061a\u0640\u064b-\u065f\u0670"  # Arabic vowels and the stroke that stretches a word
    "\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]"  # joiners, variants, tones of skin
)
_UNFINISHED = re.compile("[\u1100-\u115f]+$")
"""Consonants after the last syllable: the next one, still being typed."""
MOST_PARTS = 40


class Words(Func):
    """Words as a tsvector, for an INSERT or UPDATE."""

    function = "array_to_tsvector"
    output_field = SearchVectorField()

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__(Value(sorted(set(words)), output_field=ArrayField(TextField())))


def words_of(*texts: str) -> set[str]:
    """Every term under which the texts are found."""
    found: set[str] = set()
    for run in _runs(" ".join(texts)):
        found.update(_pairs(run) if _IS_UNSPACED.match(run) else [run[:LONGEST]])
    return found


def facet(name: str, value: object) -> str:
    """The term of a facet, as the database's trigger writes it."""
    return f"={name}:{value}"


def question(typed: str) -> list[str]:
    """What was typed as parts of a tsquery that must all be true; a word may still be growing.

    Nothing that can be looked for gives an empty list.
    """
    parts: list[str] = []
    for run in _runs(typed):
        if not _IS_UNSPACED.match(run):
            parts.append(f"{quoted(run[:LONGEST])}:*")
            continue
        run = _UNFINISHED.sub("", run) or run
        if len(run) == 1:
            parts.append(f"{quoted(run)}:*")
        else:
            parts += [quoted(run[at : at + 2]) for at in range(len(run) - 1)]
    return list(dict.fromkeys(parts))[:MOST_PARTS]


def quoted(term: str) -> str:
    """A term as it stands in a tsquery."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def _runs(text: str) -> Iterator[str]:
    if text.isascii():
        return (found.group() for found in _RUN.finditer(text.lower()))
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = unicodedata.normalize("NFC", _IGNORED.sub("", folded))
    return (found.group() for found in _RUN.finditer(bare))


def _pairs(run: str) -> Iterator[str]:
    """Each pair, and the last letter alone: one letter is then found as a beginning."""
    yield from (run[at : at + 2] for at in range(len(run) - 1))
    yield run[-1]
