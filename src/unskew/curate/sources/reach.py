"""Who may be asked for an address that a stranger has written."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import httpx

from unskew.curate.sources.base import SourceError


def only_public(request: httpx.Request) -> None:
    """A hook of httpx before every request, also of a redirect: it asks the internet alone.

    A name may resolve to several addresses: one that is not of the internet is enough to refuse
    it. It may resolve to another one a moment later: the address that a connection has reached is
    looked at again, before anything is sent. A name that does not resolve is left to the request.

    Raises:
        SourceError: the host is this machine or lies in a network of its own.
    """
    host = request.url.raw_host.decode("ascii")  # as the connection will take it
    for address in addresses(host):
        _refuse_private(host, address)
    request.extensions["trace"] = _looking_at_connections(host)


def addresses(host: str) -> list[IPv4Address | IPv6Address]:
    """What a name resolves to; nothing where it does not."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return [ip_address(each[4][0]) for each in found]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether anybody on the internet may be there."""
    return address.is_global and not address.is_multicast


def _looking_at_connections(host: str) -> Callable[[str, Mapping[str, Any]], None]:
    """What httpcore is to call at every step of a request, by the name of the step."""
    direct = False

    def trace(step: str, about: Mapping[str, Any]) -> None:
        nonlocal direct
        if step == "connection.connect_tcp.started":
            direct = about["host"] == host  # and not a proxy of the user's, which resolves it
        elif step == "connection.connect_tcp.complete" and direct:
            stream = about["return_value"]
            try:
                reached = stream.get_extra_info("server_addr")[0]
                _refuse_private(host, ip_address(reached))
            except SourceError:
                stream.close()
                raise
            except OSError as error:  # it has gone again
                stream.close()
                raise httpx.ConnectError(str(error)) from error

    return trace


def _refuse_private(host: str, address: IPv4Address | IPv6Address) -> None:
    if not is_public(address):
        raise SourceError(f"{host} is not on the internet, but of this machine or its network")
