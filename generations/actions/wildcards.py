"""Prompts with choices in braces, written out: ``{dawn|dusk} over {sea|hills}`` is four prompts."""

from __future__ import annotations

import itertools
import re

from django.utils.translation import gettext as _

_PART = re.compile(r"\\[{}|\\]|[{}|]|[^\\{}|]+|\\", re.S)
COUNTED = 10**40
"""So far prompts are counted: of thousands of choices the number takes seconds, and nobody could read it."""


class Malformed(ValueError):
    """The braces do not match; says which and how to mend it."""


class TooMany(ValueError):
    """It would be more prompts than may be asked for; ``args[0]`` is how many, or a number above COUNTED."""


def expand(text: str, most: int) -> list[str]:
    """Every prompt that the text stands for, the last choice changing first.

    A backslash makes a brace or bar plain text. Raises Malformed, TooMany.
    """
    groups = _groups(text)
    number = 1
    for group in groups:
        number *= len(group)
        if number > COUNTED:
            break
    if number > most:
        raise TooMany(number)
    return ["".join(choice).strip() for choice in itertools.product(*groups)]


def _groups(text: str) -> list[list[str]]:
    """The text as a row of choices; plain text is a choice of one."""
    groups: list[list[str]] = []
    inside = False
    for part in _PART.findall(text):
        if part == "{":
            if inside:
                raise Malformed(
                    _("has a { inside braces; choices cannot be nested. Write \\{ for a plain brace.")
                )
            inside = True
            groups.append([""])
        elif part == "}":
            if not inside:
                raise Malformed(_("has a } without its {; write \\} for a plain brace."))
            inside = False
        elif part == "|" and inside:
            groups[-1].append("")
        else:
            plain = part[1:] if len(part) == 2 and part[0] == "\\" else part
            if inside:
                groups[-1][-1] += plain
            else:
                groups.append([plain])
    if inside:
        raise Malformed(_("has a { without its }; close it, or write \\{ for a plain brace."))
    return groups
