"""The HTTP of the writer: no request takes longer or brings more than it may, and it says no more than it must.

The openai package sends which system it runs on, and reads an organisation, further headers and an administrator's key
from the environment. None of that is the server's business: of its headers only `SENT` go out.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Final

import httpx2

#: Header names that are sent; the key is set here and not taken from the package.
SENT: Final = frozenset({"host", "content-type", "content-length", "accept", "accept-encoding", "connection"})
#: Bytes of a response: a hundred times what four sentences take as single tokens.
MOST_BYTES: Final = 4 * 2**20


class BoundedTransport(httpx2.BaseTransport):
    """Sends requests with few headers and ends responses that take too long or grow too large."""

    def __init__(self, key: str | None, seconds: float, proxy: str | None) -> None:
        """For a server that wants ``key``; ``seconds`` from a request to the end of its response."""
        self._inner = httpx2.HTTPTransport(
            trust_env=False, proxy=proxy, retries=0, limits=httpx2.Limits(max_keepalive_connections=0)
        )
        self._key = key
        self._seconds = seconds

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request."""
        deadline = monotonic() + self._seconds
        for name in [name for name in request.headers if name.lower() not in SENT]:
            del request.headers[name]
        request.headers["User-Agent"] = "article-qa"
        if self._key is not None:
            request.headers["Authorization"] = f"Bearer {self._key}"
        response = self._inner.handle_request(request)
        if not isinstance(response.stream, httpx2.SyncByteStream):
            raise httpx2.ReadError("a response without a stream", request=request)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_BoundedStream(response.stream, request, deadline),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._inner.close()


class _BoundedStream(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, request: httpx2.Request, deadline: float) -> None:
        self._inner = inner
        self._request = request
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._inner:
            if monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the response takes too long", request=self._request)
            size += len(part)
            if size > MOST_BYTES:
                raise httpx2.ReadError("the response is too large", request=self._request)
            yield part

    def close(self) -> None:
        self._inner.close()
