"""The address at which a rank waits for the others.

Gloo by itself takes what the machine's name resolves to, which on Debian and Ubuntu is 127.0.1.1:
no other machine reaches that. So a rank offers the address from which it reaches rank 0, and rank 0
the one from which it reaches the others.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from torch.distributed import ProcessGroupGloo

from .store import RankError, first_line

CHOSEN = "GLOO_SOCKET_IFNAME"
"""Gloo's own variable, which names a network device; where it is set, it decides."""


def towards(host: str, port: int) -> str | None:
    """This machine's address on the way to a host; None where there is no way."""
    with suppress(OSError):
        for family, kind, protocol, _, place in socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM
        ):
            with suppress(OSError), socket.socket(family, kind, protocol) as probe:
                probe.connect(place)  # of UDP: it asks for the route, and sends nothing
                return probe.getsockname()[0]
    return None


def towards_all(addresses: Iterable[str | None], port: int) -> str | None:
    """Rank 0's address on the way to the others, of which some may be on its own machine.
    addresses: which the others offer"""
    told = sorted((address for address in addresses if address), key=is_loopback)
    return towards(told[0], port) if told else None


def offered(own: str | None, leaders: str | None) -> str | None:
    """What a rank offers: one that reaches rank 0 inside its machine is reached as rank 0 is."""
    return leaders if own is None or is_loopback(own) else own


def is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


def group_at(
    address: str | None, keys: Any, place: int, ranks: int, wait: timedelta
) -> ProcessGroupGloo:
    """The group of those who meet by the same keys. Raises RankError where this machine does not
    have the address, RuntimeError where another does not come."""
    if address is None or os.environ.get(CHOSEN) or not hasattr(ProcessGroupGloo, "create_device"):
        return ProcessGroupGloo(keys, place, ranks, wait)
    options: Any = ProcessGroupGloo._Options()  # pyright: ignore  the one way to name a device
    options._timeout = wait
    try:
        options._devices = [ProcessGroupGloo.create_device(hostname=address)]
    except RuntimeError as error:
        raise RankError(
            f"This rank cannot be reached at {address} ({first_line(error)}); set {CHOSEN} to the "
            "name of the network device by which it reaches the others."
        ) from error
    return ProcessGroupGloo(keys, place, ranks, options)
