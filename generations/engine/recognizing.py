"""Which picture of a list is which, where keys are mere places: lists grow in front, and links are renewed.

Where nothing tells, no picture may be lost: what may be another is another, up to as many as were asked for.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from providers.values import Promised

_DIGITS = 16


def link_of(url: str | None) -> str:
    """What tells an address from others: digests of its file and of all of it, for it is a secret."""
    return _digest(url.partition("?")[0]) + _digest(url) if url else ""


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:_DIGITS]


def _address(link: str) -> str:
    return link


def _file(link: str) -> str:
    """Without what follows the question mark, where a signature is, or all that names the picture."""
    return link[:_DIGITS]


def keys_of(
    listed: Sequence[Promised], known: Mapping[str, str], waiting: Collection[str], asked: int
) -> list[str]:
    """The key of the picture that each entry is; ``known`` are the links so far, by key, in order.

    A gateway's own id says it. Else the address does, then the file it leads to, then the place. What is
    left are renewed links of those ``waiting`` to be fetched that the list does not name otherwise; then
    new pictures, while there are fewer than were ``asked`` for or than are listed.
    """
    links = [link_of(one.url) for one in listed]
    keys = ["" if one.key.isdigit() else one.key for one in listed]
    absent = {key: link for key, link in known.items() if key not in keys}
    for part in (_address, _file):
        _match(part, links, keys, absent)
    for place, one in enumerate(listed):
        if not keys[place] and one.key in absent:
            keys[place] = _taken(one.key, absent)
    for place, one in enumerate(listed):
        if not keys[place]:
            short = len({*known, *filter(None, keys)}) < asked
            free = [key for key in absent if key in waiting or not short]
            new = one.key if one.key not in known else f"{one.key} {links[place] or len(known)}"
            keys[place] = _taken(free[0], absent) if free else new
    return keys


def _match(part: Callable[[str], str], links: list[str], keys: list[str], absent: dict[str, str]) -> None:
    """Give keys to the entries whose ``part`` is that of one known picture, and of no other entry."""
    times = Counter(part(link) for link, key in zip(links, keys, strict=True) if link and not key)
    owners = Counter(part(link) for link in absent.values() if link)
    mine = {part(link): key for key, link in absent.items() if link}
    for place, link in enumerate(links):
        alone = times[part(link)] == owners[part(link)] == 1
        if link and not keys[place] and alone:
            keys[place] = _taken(mine[part(link)], absent)


def _taken(key: str, absent: dict[str, str]) -> str:
    del absent[key]
    return key
