"""Why bytes are not a picture that can be kept, and what it means when a decoder dies of them."""

from __future__ import annotations

from enum import StrEnum


class Flaw(StrEnum):
    """What is wrong with a file."""

    NOT_AN_IMAGE = "not_an_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    TRUNCATED = "truncated"
    UNDECODABLE = "undecodable"


_EXPLAINED = {
    Flaw.NOT_AN_IMAGE: "is not a PNG, JPEG, WebP or AVIF picture.",
    Flaw.TOO_MANY_PIXELS: "has too many pixels; at most 50 million can be kept.",
    Flaw.TOO_MANY_FRAMES: "has too many frames; at most 200 can be kept.",
    Flaw.TRUNCATED: "is cut off; send the whole picture.",
    Flaw.UNDECODABLE: "is damaged and cannot be shown.",
}


def explain(flaw: Flaw) -> str:
    """What is wrong, for a person: the end of a sentence that begins with what the file is called."""
    return _EXPLAINED[flaw]


class Rejected(Exception):
    """The file is not a picture we keep, however often it is tried."""

    def __init__(self, reason: Flaw, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value


class Crashed(Exception):
    """The process that worked on the file ended before it was done: killed, out of memory, out of time.

    It says nothing certain about the file; trying once more is reasonable.
    """

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how
