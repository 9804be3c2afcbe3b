"""Who may be asked for an address that a stranger has written."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from unskew.curate.sources.base import SourceError


def refuse_private(url: str) -> None:
    """Raises SourceError where the host of `url` is this machine or lies in a network of its own.

    A name may resolve to several addresses: one that is not of the internet is enough. A name that
    does not resolve is left to the request. Raises what httpx does of an address that is none.
    """
    import httpx

    host = httpx.URL(url).raw_host.decode("ascii")  # as the connection will take it
    for address in addresses(host):
        if not address.is_global or address.is_multicast:
            raise SourceError(f"{host} is not on the internet, but of this machine or its network")


def addresses(host: str) -> list[IPv4Address | IPv6Address]:
    """What a name resolves to; nothing where it does not."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return [ip_address(each[4][0]) for each in found]
