"""A sentence that can be said again in another language. Providers know no Django, and so no reader."""

from __future__ import annotations

from collections.abc import Mapping


class Sentence(str):
    """English as it reads. ``pattern`` has ``%(name)s`` where ``facts`` stand: what a translation needs."""

    __slots__ = ("facts", "pattern")

    pattern: str
    facts: Mapping[str, object]

    def __new__(cls, pattern: str, **facts: object) -> Sentence:
        said = super().__new__(cls, pattern % facts)
        said.pattern, said.facts = pattern, facts
        return said
