"""Which addresses a stranger's URL may lead to: public ones only.

The lists follow the IANA IPv4 and IPv6 special-purpose address registries. They are spelled
out because ``ipaddress.is_global`` changes between Python releases and lets through multicast
and the ranges that carry an IPv4 address inside an IPv6 one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses in the order to try them; raises OSError if there are none."""

AddressRule = Callable[[str], bool]

_DENIED_V4 = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT, and Alibaba Cloud's metadata
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's host agent, though formally a public address
            "169.254.0.0/16",  # link-local, and most clouds' metadata
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments, and Oracle Cloud's metadata
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",
        ),
    )
)
# Only global unicast is looked at further, which already shuts out NAT64, IPv4-compatible,
# unique-local, link-local, site-local and multicast addresses.
_GLOBAL_UNICAST = ip_network("2000::/3")
_DENIED_V6 = tuple(
    map(
        ip_network,
        (
            "2001::/23",  # protocol assignments, with Teredo and ORCHID
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)
# Names that only ever mean this machine or this network, whatever a resolver says.
_INTERNAL_NAMES = ("localhost", "local", "internal", "intranet", "home.arpa", "lan")


def is_public(address: str) -> bool:
    """Whether ``address`` belongs to a host on the open internet."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return parsed in _GLOBAL_UNICAST and not any(parsed in network for network in _DENIED_V6)
        parsed = parsed.ipv4_mapped
    return not any(parsed in network for network in _DENIED_V4)


def is_internal_name(host: str) -> bool:
    """Whether ``host`` is a name that must not be looked up for a stranger at all."""
    name = host.lower().rstrip(".")
    return any(name == internal or name.endswith("." + internal) for internal in _INTERNAL_NAMES)


def is_reachable(host: str) -> bool:
    """Whether somebody on the open internet may reach ``host``, a name or an address, as far as it tells."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return "." in host.strip(".") and not is_internal_name(host)
    return is_public(host.strip("[]"))


async def resolve(host: str, port: int) -> list[str]:
    """The system's resolver, without blocking the loop."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
