"""The file host: links that die, and pictures that are not what they say."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from providers.sandbox.client import Control
from providers.sandbox.server import Sandbox
from tests.sandbox.conftest import get, opened


@pytest.mark.parametrize(
    ("fault", "media_type", "begins"),
    [
        ("html_as_picture", "image/png", b"<!doctype html>"),
        ("svg", "image/svg+xml", b"<svg"),
        ("pdf", "application/pdf", b"%PDF"),
        ("gif_html", "image/gif", b"GIF89a"),
        ("jpeg_as_png", "image/png", b"\xff\xd8"),
    ],
)
def test_a_file_is_not_what_it_says(
    link: str, control: Control, fault: str, media_type: str, begins: bytes
) -> None:
    control.fault(fault)
    answer = get(link)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content.startswith(begins)
    assert opened(get(link).content).format == "JPEG"


def test_pictures_of_unusual_kinds(link: str, control: Control) -> None:
    for fault in ("png_script", "jpeg_cmyk", "png_16bit", "exif_rotated", "webp_animated", "jpeg_cut"):
        control.fault(fault)
    tail = get(link).content
    assert tail.endswith(b"</script>")
    assert opened(tail).format == "PNG"
    assert opened(get(link).content).mode == "CMYK"
    assert opened(get(link).content).mode == "I;16"
    assert opened(get(link).content).getexif()[0x0112] == 6
    assert getattr(opened(get(link).content), "n_frames") == 3  # noqa: B009 - the stubs do not know it
    with pytest.raises(OSError, match="truncated"):
        opened(get(link).content)


def test_bombs_are_small_on_the_wire(link: str, control: Control) -> None:
    control.fault("png_bomb", side=10_000)
    bomb = get(link).content
    assert len(bomb) < 200_000
    assert bomb[16:24] == (10_000).to_bytes(4, "big") * 2
    control.fault("gzip_bomb")
    with httpx.stream("GET", link, timeout=60) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) < 1_000_000


@pytest.mark.parametrize(("fault", "length"), [("ten_gigabytes", "10000000000"), ("endless", None)])
def test_files_without_an_end(link: str, control: Control, fault: str, length: str | None) -> None:
    control.fault(fault)
    with httpx.stream("GET", link, timeout=60) as answer:
        assert answer.headers.get("content-length") == length
        pieces = answer.iter_raw()
        assert sum(len(next(pieces)) for _ in range(30)) > 100_000


def test_files_fail_expire_and_redirect(link: str, control: Control) -> None:
    control.fault("file_status", status=404, times=2)
    assert [get(link).status_code for _ in range(3)] == [404, 404, 200]
    control.fault("expired")
    assert get(link).json() == {"code": "output_expired"}
    control.fault("redirect", to="http://10.0.0.1/a.png")
    assert get(link).headers["Location"] == "http://10.0.0.1/a.png"
    control.fault("redirect", hops=4)
    answer = get(link, follow_redirects=True)
    assert (answer.status_code, len(answer.history)) == (200, 4)
    control.fault("short_body", operation="file")
    with pytest.raises(httpx.RemoteProtocolError):
        get(link)


def test_a_file_is_reset_with_a_tcp_reset(link: str, control: Control) -> None:
    control.fault("reset_after", operation="file")
    parts = urlsplit(link)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as raw:
        raw.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            raw.recv(1000)


def test_nobody_guesses_a_link(sandbox: Sandbox, link: str) -> None:
    assert get(sandbox.origin("prospolabs") + "/files/guessed/picture.jpg").status_code == 404
    assert len(urlsplit(link).path.split("/")[2]) >= 32
