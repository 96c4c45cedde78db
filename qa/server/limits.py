"""How often a client and all clients together may ask: token buckets held in memory, one process each."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Clients remembered at once. A full bucket is forgotten without loss; 10,000 buckets take about 2 MB.
REMEMBERED: Final = 10_000

_MINUTE: Final = 60.0


@dataclass(slots=True)
class _Bucket:
    """``left`` requests at the time ``at`` (seconds)."""

    left: float
    at: float


class RateLimiter:
    """Lets through ``per_client`` requests a minute of each client, and ``together`` of all.

    A client that was quiet may send a minute's worth at once; afterwards its share comes back evenly (a token
    bucket: it holds one minute's worth and is refilled with rate / 60 a second).

    Args:
        per_client: Requests of one client in a minute.
        together: Requests of all clients in a minute.
        clock: Seconds, growing.
    """

    def __init__(self, per_client: int, together: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_client = per_client
        self._clock = clock
        self._together = together
        self._all = _Bucket(together, clock())
        self._clients: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many clients it remembers."""
        return len(self._clients)

    def wait(self, client: str) -> int:
        """Take one request of ``client``: 0 where it may go on, else the seconds until it may, from 1."""
        with self._lock:
            now = self._clock()
            if client not in self._clients:
                self._forget(now)
                self._clients[client] = _Bucket(self._per_client, now)
            own = self._clients[client]
            self._refill(own, self._per_client, now)
            self._refill(self._all, self._together, now)
            lacking = max(_seconds(own, self._per_client), _seconds(self._all, self._together))
            if lacking > 0:
                return math.ceil(lacking)
            own.left -= 1
            self._all.left -= 1
            return 0

    def _forget(self, now: float) -> None:
        if len(self._clients) < REMEMBERED:
            return
        for name, bucket in list(self._clients.items()):
            self._refill(bucket, self._per_client, now)
            if bucket.left >= self._per_client:
                del self._clients[name]
        while len(self._clients) >= REMEMBERED:  # none was quiet: the one that came first goes
            del self._clients[next(iter(self._clients))]

    @staticmethod
    def _refill(bucket: _Bucket, rate: int, now: float) -> None:
        bucket.left = min(rate, bucket.left + (now - bucket.at) * rate / _MINUTE)
        bucket.at = now


def _seconds(bucket: _Bucket, rate: int) -> float:
    return max(0.0, (1 - bucket.left) * _MINUTE / rate)


def client_of_address(address: str) -> str:
    """The name that an address counts under: itself, or the /64 network of an IPv6 address, which is one customer."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address
