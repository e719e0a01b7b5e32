"""Where a request comes from, and the networks from which a key may be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.errors import wrong

MOST = 20


def address_of(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """The peer's address or, behind TRUSTED_PROXIES proxies, the one that reached the outermost."""
    try:
        address = ip_address(get_adapter().get_client_ip(request))
    except PermissionDenied:  # there is none, or a header that our proxies would have lengthened is too short
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def networks_in(texts: Iterable[str]) -> list[str]:
    """Addresses and networks as they are kept, such as 203.0.113.0/24. Raises Invalid."""
    found = []
    for text in filter(None, (text.strip() for text in texts)):
        try:
            found.append(str(ip_network(text, strict=False)))
        except ValueError:
            sentence = _("must be like 203.0.113.0/24, several with commas between them, not %(text)s.")
            raise wrong("networks", sentence % {"text": text[:50]}) from None
    if len(found) > MOST:
        raise wrong("networks", _("may be %(most)s at most.") % {"most": MOST})
    return list(dict.fromkeys(found))


def lies_in(address: IPv4Address | IPv6Address | None, networks: Sequence[str]) -> bool:
    """Whether a request from this address is near enough: anywhere, if no network is named."""
    return not networks or (address is not None and any(address in ip_network(one) for one in networks))
