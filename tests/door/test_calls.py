"""Calls to a gateway's own API: sent once, and surely known whether they left."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import ssl
import tracemalloc
import zlib
from pathlib import Path

import pytest

from providers.door import Door, DoorError, NoAnswer, NotSent, send_once
from providers.values import Answer, Exchange

from .servers import Authority, Call, Script, exchange, plain, says, serving


def ask(script: Script, *, max_bytes: int = 1 << 20, **how: object) -> Answer:
    """One call to a server that follows ``script``."""

    async def scenario() -> Answer:
        async with serving(script) as server, Door() as door:
            return await door.send(exchange(server.origin + "/x", **how), max_bytes=max_bytes)  # type: ignore[arg-type]

    return asyncio.run(scenario())


def refusal(wanted: Exchange[Answer], *, tls: ssl.SSLContext | None = None) -> DoorError:
    """What a call that cannot succeed raises."""

    async def scenario() -> DoorError:
        async with Door(tls=tls) as door:
            with pytest.raises(DoorError) as caught:
                await door.send(wanted)
        return caught.value

    return asyncio.run(scenario())


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_an_answer_comes_back_whole_with_its_status_and_lower_case_headers() -> None:
    answer = ask(says(plain(b'{"ok": 1}', "418 Teapot", X_Request_Id="r1")))
    assert (answer.status, answer.headers["x-request-id"], answer.body) == (418, "r1", b'{"ok": 1}')


def test_method_headers_and_body_arrive_as_given() -> None:
    async def scenario() -> Call:
        async with serving(says(plain(b""))) as server, Door() as door:
            await door.send(
                exchange(server.origin + "/a?b=c", method="POST", body=b"\x00\xff", X_Api_Key="k")
            )
            return server.calls[0]

    call = asyncio.run(scenario())
    assert (call.method, call.path, call.body, call.headers["x-api-key"]) == (
        "POST",
        "/a?b=c",
        b"\x00\xff",
        "k",
    )
    assert call.headers["accept-encoding"] == "identity"


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    answer = ask(says(plain(b"", "307 Elsewhere", Location="http://127.0.0.1:1/")))
    assert answer.status == 307


def test_a_cookie_is_never_sent_back() -> None:
    async def scenario() -> list[Call]:
        async with serving(says(plain(b"", Set_Cookie="who=first; Path=/"))) as server, Door() as door:
            for _ in range(2):
                await door.send(exchange(server.origin))
            return server.calls

    assert all("cookie" not in call.headers for call in asyncio.run(scenario()))


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    assert ask(says(plain(b"direct"))).body == b"direct"


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


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    async def drip(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    with pytest.raises(NoAnswer, match="deadline passed"):
        ask(drip, timeout=0.3)


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


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_an_answer_compressed_although_it_should_not_be_is_still_read(coding: str, pack: object) -> None:
    body = pack(b'{"paid": true}')  # type: ignore[operator]
    answer = ask(says(plain(body, Content_Encoding=coding)))
    assert answer.body == b'{"paid": true}'
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("coding", "body"),
    [("gzip", gzip.compress(b"x" * 5000, mtime=0)[:-9]), ("gzip", b"not gzip"), ("br", b"x")],
)
def test_an_answer_that_cannot_be_unpacked_is_none(coding: str, body: bytes) -> None:
    with pytest.raises(NoAnswer):
        ask(says(plain(body, Content_Encoding=coding)))


def test_a_connection_is_used_again_while_it_is_fresh() -> None:
    async def stay(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(plain(b"."))
        await writer.drain()

    async def scenario() -> int:
        async with serving(stay) as server, Door() as door:
            for _ in range(5):
                await door.send(exchange(server.origin))
            return server.connections

    assert asyncio.run(scenario()) == 1


def test_a_thousand_calls_are_on_the_wire_at_once() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2500:
        pytest.skip("fewer than 2,500 open files allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2500), hard))

    async def scenario() -> tuple[int, set[int]]:
        everyone = asyncio.Barrier(1000)

        async def meet(_call: Call, writer: asyncio.StreamWriter) -> None:
            await everyone.wait()
            writer.write(plain(b"."))
            await writer.drain()

        async with serving(meet) as server, Door() as door:
            wanted = exchange(server.origin, timeout=120.0)
            answers = await asyncio.gather(*(door.send(wanted) for _ in range(1000)))
            return len(server.calls), {answer.status for answer in answers}

    assert asyncio.run(scenario()) == (1000, {200})


def test_a_canceled_call_frees_its_place() -> None:
    async def scenario() -> bytes:
        hung = asyncio.Barrier(26)

        async def hang_first(call: Call, writer: asyncio.StreamWriter) -> None:
            if call.path == "/hang":
                await hung.wait()
                await asyncio.Event().wait()
            writer.write(plain(b"done"))
            await writer.drain()

        async with serving(hang_first) as server, Door() as door:
            hanging = [asyncio.create_task(door.send(exchange(server.origin + "/hang"))) for _ in range(25)]
            await hung.wait()
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)
            return (await door.send(exchange(server.origin + "/"))).body

    assert asyncio.run(scenario()) == b"done"


def test_a_thread_without_a_loop_can_send_too() -> None:
    async def scenario() -> Answer:
        async with serving(says(plain(b"12.5"))) as server:
            return await asyncio.to_thread(send_once, exchange(server.origin + "/balance"))

    assert asyncio.run(scenario()).body == b"12.5"
