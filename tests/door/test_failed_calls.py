"""Calls that fail: surely not sent, or their fate unknown; half an answer is none."""

from __future__ import annotations

import asyncio
import gzip
import socket
import tracemalloc
from pathlib import Path

import pytest

from providers.door import Door, NoAnswer, NotSent, calls

from .calls import ask, closed_port, refusal
from .servers import Authority, Call, exchange, plain, says, serving


def test_a_refused_connection_was_not_sent() -> None:
    error = refusal(exchange(f"http://127.0.0.1:{closed_port()}/?key=secret"))
    assert isinstance(error, NotSent)
    assert error.kind == "connection refused"
    assert "secret" not in str(error)


def test_an_unknown_name_was_not_sent() -> None:
    error = refusal(exchange("http://nowhere.invalid/"))
    assert isinstance(error, NotSent)
    assert error.kind == "name not found"


@pytest.mark.parametrize("header", ["k\nInjected: 1", "k\u2014y"])
def test_a_key_that_is_no_header_value_was_not_sent(header: str) -> None:
    error = refusal(exchange(f"http://127.0.0.1:{closed_port()}/", X_Api_Key=header))
    assert isinstance(error, NotSent)


def test_a_key_with_a_line_break_never_reaches_the_wire() -> None:
    async def scenario() -> int:
        async with serving(says(plain(b""))) as server, Door() as door:
            with pytest.raises(NotSent):
                await door.send(exchange(server.origin, X_Api_Key="k\r\nInjected: 1"))
            return len(server.calls)

    assert asyncio.run(scenario()) == 0


def test_a_certificate_nobody_trusts_stops_the_call_before_it_is_sent(tmp_path: Path) -> None:
    async def scenario() -> int:
        tls = Authority(tmp_path).server("127.0.0.1")
        async with serving(says(plain(b"")), tls=tls) as server, Door() as door:
            with pytest.raises(NotSent, match="certificate refused"):
                await door.send(exchange(f"https://127.0.0.1:{server.port}/"))
            return len(server.calls)

    assert asyncio.run(scenario()) == 0


def test_a_certificate_for_another_name_stops_the_call(tmp_path: Path) -> None:
    async def scenario() -> None:
        authority = Authority(tmp_path)
        tls = authority.server("other.example")
        async with serving(says(plain(b"")), tls=tls) as server, Door(tls=authority.trusted()) as door:
            with pytest.raises(NotSent, match="certificate refused"):
                await door.send(exchange(f"https://127.0.0.1:{server.port}/"))

    asyncio.run(scenario())


def test_a_host_that_never_finishes_the_handshake_was_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = refusal(exchange(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.3))
    assert isinstance(error, NotSent)


def test_a_connection_closed_after_the_request_leaves_its_fate_unknown() -> None:
    with pytest.raises(NoAnswer):
        ask(says(b""), method="POST", body=b"{}")


def test_a_connection_reset_after_the_request_leaves_its_fate_unknown() -> None:
    async def reset(_call: Call, writer: asyncio.StreamWriter) -> None:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    with pytest.raises(NoAnswer):
        ask(reset, method="POST", body=b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"rubbish\r\n\r\n",
    ],
)
def test_half_an_answer_is_none(answer: bytes) -> None:
    with pytest.raises(NoAnswer):
        ask(says(answer))


def test_of_an_answer_without_its_end_everything_that_came_is_told() -> None:
    with pytest.raises(NoAnswer) as caught:
        ask(says(b"HTTP/1.1 200 OK\r\nX-Kept: yes\r\nContent-Length: 100\r\n\r\n{}"))
    assert caught.value.came is not None
    assert (caught.value.came.status, caught.value.came.headers["x-kept"]) == (200, "yes")
    assert caught.value.came.body == b"{}"


def test_of_a_compressed_answer_without_its_end_what_can_be_unpacked_is_told() -> None:
    packed = gzip.compress(b"x" * 5_000, mtime=0)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n"
    with pytest.raises(NoAnswer) as caught:
        ask(says(head + packed[:-6]))
    assert caught.value.came is not None
    assert (caught.value.came.body, caught.value.came.whole) == (b"x" * 5_000, False)


@pytest.mark.parametrize("end", [b"", b"ngth: 100\r\n\r\n"])
def test_of_an_answer_whose_body_had_not_begun_there_is_nothing_to_tell(end: bytes) -> None:
    with pytest.raises(NoAnswer) as caught:
        ask(says(b"HTTP/1.1 200 OK\r\nContent-Le" + end))
    assert caught.value.came is None


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    async def drip(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    with pytest.raises(NoAnswer, match="deadline passed") as caught:
        ask(drip, timeout=0.3)
    assert caught.value.came is not None
    assert set(caught.value.came.body) == set(b".")


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"x" * 2000),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000,
        plain(gzip.compress(bytes(10_000_000)), Content_Encoding="gzip"),
    ],
    ids=["declared", "undeclared", "unpacked"],
)
def test_an_answer_larger_than_the_cap_is_refused(answer: bytes) -> None:
    with pytest.raises(NoAnswer, match="answer too large"):
        ask(says(answer), max_bytes=1000 if len(answer) < 9000 else 1 << 20)


def test_an_answer_that_declares_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(NoAnswer, match="answer too large"):
        ask(says(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"))


def test_a_compressed_bomb_is_not_inflated_to_find_out_how_large_it_is() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(NoAnswer, match="answer too large"):
            ask(says(plain(bomb, Content_Encoding="gzip")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", gzip.compress(b"x" * 5000, mtime=0)[:-9]), ("gzip", b"not gzip"), ("br", b"x")],
)
def test_an_answer_that_cannot_be_unpacked_is_none(coding: str, body: bytes) -> None:
    with pytest.raises(NoAnswer):
        ask(says(plain(body, Content_Encoding=coding)))


def test_a_call_whose_kept_connection_ends_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "KEEP_ALIVE", 60.0)  # however slow this machine is

    async def answer_the_first(call: Call, writer: asyncio.StreamWriter) -> None:
        if call.path == "/first":
            writer.write(plain(b"."))
            await writer.drain()
        else:
            writer.close()

    async def scenario() -> tuple[list[str], int]:
        async with serving(answer_the_first) as server, Door() as door:
            await door.send(exchange(server.origin + "/first"))
            with pytest.raises(NoAnswer):
                await door.send(exchange(server.origin + "/second"))
            return [call.path for call in server.calls], server.connections

    assert asyncio.run(scenario()) == (["/first", "/second"], 1)


def test_a_paid_call_goes_out_on_no_connection_that_may_just_be_closing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "KEEP_ALIVE", 60.0)

    async def stay(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(plain(b"."))
        await writer.drain()

    async def scenario() -> int:
        async with serving(stay) as server, Door() as door:
            for paid in (False, True, True, False):
                await door.send(exchange(server.origin, method="POST", body=b"{}"), paid=paid)
            return server.connections

    assert asyncio.run(scenario()) == 3, "the last of them, a question, took one that was there"
