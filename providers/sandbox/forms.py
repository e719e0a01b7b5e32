"""Multipart forms, parsed from bytes that were read (and hashed) already: RFC 7578."""

from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser


@dataclass(frozen=True)
class Part:
    name: str
    data: bytes
    filename: str | None


def parse(body: bytes, content_type: str) -> list[Part]:
    """The parts in order. Raises ValueError where the form is not well formed."""
    head = Message()
    head["Content-Type"] = content_type
    boundary = head.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise ValueError("A multipart form needs a boundary.")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise ValueError("The multipart form is cut short.")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, empty, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    disposition = BytesHeaderParser().parsebytes(head)
    name = disposition.get_param("name", header="content-disposition")
    if not empty or not isinstance(name, str):
        raise ValueError("A part of the form has no name.")
    return Part(name, data, disposition.get_filename())
