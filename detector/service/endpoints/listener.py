"""Listening sockets of `http.host` and `http.port`: IPv4, IPv6, both, or every address of a host name.

Only a host name is resolved, once, at the start. The standard library's HTTPServer knows one family, and asks the
resolver for the name of its own address at every start.
"""

import errno
import ipaddress
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from detector.config.checks import is_ip_address
from detector.config.schema import Http
from detector.errors import ConfigError

BACKLOG = 128
"""Connections that wait to be accepted. Clients beyond it try again after a second."""

PORT_ATTEMPTS = 20
"""Attempts to find a free port that is free at each address of a host name."""

FIRST_UNPRIVILEGED_PORT = 1024

Address = tuple[socket.AddressFamily, tuple[Any, ...]]
"""Family and address, whose form depends on the family, as the resolver returns them."""


def open_listeners(http: Http) -> list[socket.socket]:
    """Return one listening socket for each address of the host, all with the same port.

    An address that this host lacks is left out where the name has another one. Raises ConfigError if none is left.
    """
    addresses = _resolve(http)
    for attempt in range(PORT_ATTEMPTS):
        try:
            return _listen(addresses, http)
        except OSError as error:
            is_taken_by_chance = error.errno == errno.EADDRINUSE and http.port == 0 and len(addresses) > 1
            if not is_taken_by_chance or attempt == PORT_ATTEMPTS - 1:
                raise ConfigError(_sentence(http, error)) from None
    raise AssertionError("the last attempt returns or raises")


def url_host(host: str) -> str:
    """Return the host as a URL has it: an IPv6 address in brackets, with an escaped scope (RFC 6874)."""
    bare_host = _without_brackets(host)
    return f"[{bare_host.replace('%', '%25')}]" if ":" in bare_host else bare_host


def _listen(addresses: Sequence[Address], http: Http) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    port, last_error = http.port, OSError(errno.EADDRNOTAVAIL, "no address")
    for family, address in addresses:
        try:
            listeners.append(_open_listener(family, (address[0], port, *address[2:])))
        except OSError as error:
            last_error = error
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue
            for listener in listeners:
                listener.close()
            raise
        port = listeners[0].getsockname()[1]
    if not listeners:
        raise last_error
    return listeners


def _open_listener(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            with suppress(OSError):  # a system that cannot do both keeps to IPv6
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _resolve(http: Http) -> list[Address]:
    """Return the addresses of the host, without asking the resolver for one that is written in digits."""
    host = _without_brackets(http.host)
    is_numeric = is_ip_address(host)
    if not (_is_listenable(host) if is_numeric else _is_host_name(host)):
        raise ConfigError(
            f"http: {http.host!r} at http.host is no address and no host name; set it to an address of this host, such"
            " as 127.0.0.1 or ::1, to 0.0.0.0 for all of IPv4, or to :: for all, and give the port in http.port."
        )
    try:
        answers = socket.getaddrinfo(
            host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST if is_numeric else 0
        )
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no host name"
        remedy = "give an interface of this host after the %" if is_numeric else "set it to an address of this host"
        raise ConfigError(f"http: {http.host!r} at http.host cannot be resolved ({reason}); {remedy}.") from None
    addresses: list[Address] = [(family, address) for family, _, _, _, address in answers]
    return list(dict.fromkeys(addresses))


def _without_brackets(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") and ":" in host else host


def _is_listenable(host: str) -> bool:
    """Return whether an address can be one of a host's. Linux listens on a multicast address, in vain."""
    address = ipaddress.ip_address(host)
    return not address.is_multicast and str(address) != "255.255.255.255"


def _is_host_name(host: str) -> bool:
    """Return whether the text can be a host name.

    A last label of digits is none (RFC 1123); the C library takes `0` and `127.1` for addresses, and `0` is all of
    them.
    """
    last_label = host.rstrip(".").rpartition(".")[2]
    return bool(re.fullmatch(r"[^\W_]([\w.-]*\w)?\.?", host)) and not re.fullmatch(r"\d+|0[xX][0-9a-fA-F]*", last_label)


def _sentence(http: Http, error: OSError) -> str:
    """Return the reason and the remedy for an address that cannot be listened on."""
    refusal = f"http: cannot listen on {url_host(http.host)}:{http.port}"
    host = _without_brackets(http.host)
    match error.errno:
        case errno.EADDRINUSE:
            return f"{refusal}: another process listens there; stop it, or set http.port to a free port."
        case errno.EACCES | errno.EPERM if 0 < http.port < FIRST_UNPRIVILEGED_PORT:
            return (
                f"{refusal}: this user may not use a port below {FIRST_UNPRIVILEGED_PORT}; set http.port to a port from"
                f" {FIRST_UNPRIVILEGED_PORT} to 65535, or grant CAP_NET_BIND_SERVICE."
            )
        case errno.EAFNOSUPPORT:
            return f"{refusal}: this host has no IPv6; set http.host to an IPv4 address, such as 0.0.0.0 for all."
        case errno.EINVAL if host.lower().startswith("fe80:") and "%" not in host:
            return f"{refusal}: a link-local address needs its interface; set http.host to {host}%INTERFACE."
        case errno.EADDRNOTAVAIL | errno.EINVAL | errno.ENODEV:
            return (
                f"{refusal}: this host does not have that address; set http.host to one of its own, to 0.0.0.0 for all"
                " of IPv4, or to :: for all."
            )
        case _:
            return (
                f"{refusal} ({error.strerror}); set http.host to an address of this host, and http.port to a free port."
            )
