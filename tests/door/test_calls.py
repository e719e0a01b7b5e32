"""Calls to a gateway's own API: sent once, as they are spelled, and their answers whole."""

from __future__ import annotations

import asyncio
import gzip
import resource
import zlib
from email.utils import parsedate_to_datetime

import pytest

from providers.door import Door, calls, send_once
from providers.values import Answer

from .calls import ask, closed_port
from .servers import Call, exchange, plain, says, serving


def test_an_answer_comes_back_whole_with_its_status_and_lower_case_headers() -> None:
    answer = ask(says(plain(b'{"ok": 1}', "418 Teapot", X_Request_Id="r1")))
    assert (answer.status, answer.headers["x-request-id"], answer.body) == (418, "r1", b'{"ok": 1}')


def test_an_answer_without_a_date_is_dated() -> None:
    told = "Sat, 21 Nov 2026 03:00:00 GMT"
    assert ask(says(plain(b"", Date=told))).headers["date"] == told
    assert parsedate_to_datetime(ask(says(plain(b""))).headers["date"]).year >= 2026


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


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_an_answer_compressed_although_it_should_not_be_is_still_read(coding: str, pack: object) -> None:
    body = pack(b'{"paid": true}')  # type: ignore[operator]
    answer = ask(says(plain(body, Content_Encoding=coding)))
    assert answer.body == b'{"paid": true}'
    assert "content-encoding" not in answer.headers


def test_a_connection_is_used_again_while_it_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "KEEP_ALIVE", 60.0)  # however slow this machine is

    async def stay(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(plain(b"."))
        await writer.drain()

    async def scenario() -> int:
        async with serving(stay) as server, Door() as door:
            for _ in range(5):
                await door.send(exchange(server.origin))
            return server.connections

    assert asyncio.run(scenario()) == 1


def test_a_header_that_is_long_or_not_ascii_does_not_cost_the_answer() -> None:
    answer = ask(says(plain(b"paid", X_Words="\u00e9" * 3, X_Long="a" * 20_000)))
    assert answer.body == b"paid"
    assert answer.headers["x-words"].encode()
    assert len(answer.headers["x-long"]) == 20_000


def test_an_url_is_sent_as_it_is_spelled() -> None:
    async def scenario() -> str:
        async with serving(says(plain(b""))) as server, Door() as door:
            await door.send(exchange(server.origin + "/a%7Eb%2Fc?signature=%41%2b+~&x="))
            return server.calls[0].path

    assert asyncio.run(scenario()) == "/a%7Eb%2Fc?signature=%41%2b+~&x="


def test_a_thousand_calls_are_on_the_wire_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Both ends are in one thread, which must not be taken for a host that does not answer.
    monkeypatch.setattr(calls, "CONNECT_TIMEOUT", 60.0)
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
