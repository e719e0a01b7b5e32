"""Asks our own web server how it is."""

from __future__ import annotations

from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import Request, urlopen


def answers(port: int, page: str, public_url: str) -> bool:
    """Whether a health page (`live`, `ready`) on this machine says yes. It is asked by its public name."""
    name = urlsplit(public_url).netloc or "localhost"
    request = Request(f"http://127.0.0.1:{port}/health/{page}", headers={"Host": name})
    try:
        with urlopen(request, timeout=4) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False
