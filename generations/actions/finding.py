"""Where a picture came from: found by its bytes, by what it says of itself, by what it looks like.

What is looked for is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import rows
from accounts.actions import as_uuid
from accounts.errors import wrong
from accounts.principal import Principal
from generations import imaging
from generations.actions import assets, uploads
from generations.engine import keeping
from generations.models import Asset
from generations.models.alike import alike, apart, percent
from generations.models.finding import page_of
from generations.models.search import Search

EXACT, METADATA, LIKENESS, WORDS = "exact", "metadata", "likeness", "words"
MOST = 24
_MOST_WORDS = 12
"""Words of a prompt that are asked for together; then half as many, and so on."""
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Match:
    """A picture of the library, and why it is one.

    ``by``: the same bytes, named by metadata, alike to the eye, or the same words. ``percent`` is
    how alike they look, None where that is not known; ``words`` are those of a prompt.
    """

    asset: Asset
    by: str
    percent: int | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """The picture that was looked for, and what was found, the surest first."""

    sha256: str
    width: int
    height: int
    format: str
    matches: list[Match]


def find(*, principal: Principal, chunks: Iterable[bytes]) -> Finding:
    """Look for the picture that somebody shows. Raises Invalid (not a picture, too large)."""
    with keeping.scratch() as folder:
        path = folder / "shown"
        sha256 = uploads.receive(path, chunks)
        rows.give_back()  # pictures are decoded a few at a time, and the rest wait
        try:
            look = imaging.run_bounded(imaging.look, path)
        except imaging.Rejected as error:
            raise wrong("file", _(imaging.explain(error.reason))) from None
    # In the trash it is still where it came from, and can be taken back.
    same = Asset.objects.visible_to(principal).filter(sha256=sha256).order_by("trashed_at", "-id")
    matches = [Match(asset, EXACT, 100) for asset in same[:MOST]]
    matches += _named(principal, look, matches)
    known = [match.asset.id for match in matches]
    matches += _alike(principal, look.likenesses, known)
    return Finding(sha256, look.width, look.height, look.format, matches)


def similar(*, principal: Principal, asset_id: UUID) -> list[Match]:
    """Pictures like one of the library: alike to the eye, then with the same words. Raises NotFound."""
    asset = assets.visible(principal, asset_id)
    seen = [asset.id]
    found = _alike(principal, [asset.likeness] if asset.likeness else [], seen)
    seen += [match.asset.id for match in found]
    return found + _same_words(principal, asset, set(seen), MOST - len(found))


def _named(principal: Principal, look: imaging.Look, matches: Sequence[Match]) -> list[Match]:
    """The picture that the file's metadata names. Anybody can write that: how alike it is, is said too."""
    asset_id, generation_id = as_uuid(look.said.asset), as_uuid(look.said.generation)
    mine = Asset.objects.visible_to(principal).exclude(id__in=[match.asset.id for match in matches])
    named = list(mine.filter(id=asset_id)) if asset_id else []
    if not named and generation_id and not matches:
        named = list(mine.filter(generation=generation_id).order_by("id")[:MOST])
    return [Match(asset, METADATA, _percent(look.likenesses, asset)) for asset in named]


def _percent(likenesses: Sequence[int], asset: Asset) -> int | None:
    if not likenesses or not asset.likeness:
        return None
    return percent(min(apart(one, asset.likeness) for one in likenesses))


def _alike(principal: Principal, likenesses: Sequence[int], but: Sequence[UUID]) -> list[Match]:
    near = alike(principal, likenesses, but=but, limit=MOST)
    rows = Asset.objects.in_bulk([one for one, _bits in near])
    return [Match(rows[one], LIKENESS, percent(bits)) for one, bits in near if one in rows]


def _same_words(principal: Principal, asset: Asset, seen: set[UUID], most: int) -> list[Match]:
    """Of its project: with all the long words of its prompt, then with half of them, while there are some.

    The longest words first: they are the rarest, as a rule.
    """
    words = _words(asset.prompt)
    found: list[Match] = []
    while words and len(found) < most:
        search = Search(project=asset.project_id, q=" ".join(words))
        page = page_of(principal, search, limit=most + len(seen))
        for one in page.assets():
            if one.id not in seen and len(found) < most:
                seen.add(one.id)
                found.append(Match(one, WORDS, words=tuple(words)))
        if len(words) == 1:
            break
        words = words[: max(1, len(words) // 2)] if len(words) > 2 else []
    return found


def _words(prompt: str) -> list[str]:
    bare = ("".join(letter if letter.isalnum() else " " for letter in prompt)).split()
    distinct = dict.fromkeys(word.lower() for word in bare if len(word) >= _SHORTEST or not word.isascii())
    return [word[:60] for word in sorted(distinct, key=len, reverse=True)[:_MOST_WORDS]]
