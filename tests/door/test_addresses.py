"""Where a stranger's URL may not lead."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from providers.door import Door, DownloadError, Trouble, fetch_public, is_public, is_reachable
from providers.door.addresses import resolve

ANSWERS: dict[str, Sequence[str]] = {
    "metadata.example": ["169.254.169.254"],
    "loop.example": ["127.0.0.1"],
    "loop6.example": ["::1"],
    "nat64.example": ["64:ff9b::a9fe:a9fe"],
    "sixtofour.example": ["2002:7f00:1::"],
    "multicast.example": ["224.0.0.1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "mixed.example": ["93.184.215.14", "10.0.0.1"],
    "mixed6.example": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "fe80::1%eth0"],
    "odd.example": ["not an address"],
}

FORBIDDEN_URLS = [
    # another way to speak
    "http://93.184.215.14/",
    "ftp://93.184.215.14/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "//93.184.215.14/",
    "/etc/passwd",
    "",
    "https://",
    "https:///path",
    "https:93.184.215.14",
    "https://93.184.215.14:99999/",
    "https://93.184.215.14:x/",
    "https://[::1/",
    "https://exam\nple.com/",
    "https://" + "a" * 9000 + ".example/",
    "https://" + "a" * 70 + ".example/",
    # a user name that looks like a host
    "https://user@93.184.215.14/",
    "https://user:secret@93.184.215.14/",
    "https://93.184.215.14@127.0.0.1/",
    "https://93.184.215.14\\@127.0.0.1/",
    "https://:@93.184.215.14/",
    # names that mean this machine or this network
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://localhost:8443/",
    "https://a.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://db.internal/",
    "https://router.lan/",
    "https://nas.home.arpa/",
    # every spelling of an IPv4 address
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0x7F.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://127\u30020\u30020\u30021/",
    "https://\u2460\u2461\u2466.0.0.1/",
    # networks that are not the internet
    "https://10.1.2.3/",
    "https://100.64.0.1/",
    "https://100.100.100.200/latest/meta-data/",
    "https://168.63.129.16/metadata",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/v2/credentials",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.0.0.8/",
    "https://192.0.0.192/opc/v2/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://192.168.0.1/",
    "https://198.18.0.1/",
    "https://203.0.113.7/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    # IPv6, plain and with an IPv4 address inside
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:53aa:64c::]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[5f00::1]/",
    # names that lead there
    *(f"https://{host}/picture.png" for host in ANSWERS),
]


async def directory(host: str, port: int) -> Sequence[str]:
    """Names of this table; what is no name goes to the system, which knows the odd spellings."""
    return ANSWERS[host] if host in ANSWERS else await resolve(host, port)


@pytest.mark.parametrize("url", FORBIDDEN_URLS, ids=lambda url: url[:60] or "empty")
def test_a_url_that_leads_inside_is_refused(url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Door(resolver=directory) as door:
            await door.download(url, tmp_path / "picture")

    with pytest.raises(DownloadError) as caught:
        asyncio.run(scenario())
    assert caught.value.reason is Trouble.FORBIDDEN_ADDRESS
    assert not caught.value.retryable
    assert list(tmp_path.iterdir()) == []


def test_a_thread_without_a_loop_is_held_to_the_same_rules(tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch_public("https://127.0.0.1/", tmp_path / "picture")
    assert caught.value.reason is Trouble.FORBIDDEN_ADDRESS


def test_refusing_names_neither_the_query_nor_the_address(tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch_public("https://10.0.0.1/?signature=secret", tmp_path / "picture")
    assert "secret" not in str(caught.value)
    assert "10.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.215.14",
        "172.32.0.1",
        "100.128.0.1",
        "192.0.1.1",
        "2606:4700::1111",
        "2a00:1450::1",
    ],
)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)
    if ":" not in address:
        assert is_public(f"::ffff:{address}")


@pytest.mark.parametrize(
    ("host", "reachable"),
    [
        ("pictures.example.com", True),
        ("8.8.8.8", True),
        ("[2606:4700::1111]", True),
        ("192.168.1.5", False),
        ("127.0.0.1", False),
        ("[::1]", False),
        ("localhost", False),
        ("nas.local", False),
        ("nas", False),
        ("", False),
    ],
)
def test_a_gateway_is_told_to_write_only_where_it_may_get_through(host: str, reachable: bool) -> None:
    assert is_reachable(host) is reachable
