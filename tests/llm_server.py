"""A server that speaks OpenAI's chat protocol over real sockets, and misbehaves on demand."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: How long anything here may wait for a test that has lost its way.
PATIENCE = 30.0


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][1]["content"])


@dataclass
class LanguageServer:
    """What the server does with the next request, what it was asked, and the events by which a test steers it.

    Attributes:
        answer: Called in the server's thread with the connection and the request.
        arrived: Set when a request is there.
        released: What `hold` waits for; a test that holds a reply back sets it when it has seen enough.
        left: Set when a reply could not be written because the client had hung up.
    """

    answer: Callable[[Connection, Asked], None]
    url: str = ""
    requests: list[Asked] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)


class Connection:
    """The server's side of one request."""

    def __init__(self, handler: BaseHTTPRequestHandler, server: LanguageServer) -> None:
        self._handler = handler
        self._server = server

    def start(self, status: int = 200, content_type: str = "text/event-stream; charset=utf-8", **headers: str) -> None:
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", content_type)
        self._handler.send_header("Connection", "close")
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def raw(self, data: bytes) -> None:
        try:
            self._handler.wfile.write(data)
            self._handler.wfile.flush()
        except OSError:
            self._server.left.set()
            raise

    def event(self, record: object) -> None:
        self.raw(f"data: {json.dumps(record, ensure_ascii=False)}\n\n".encode())

    def piece(self, text: str | None = None, *, finish: str | None = None, **delta: str) -> None:
        self.event(
            {
                "id": "c1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "tiny",
                "choices": [
                    {"index": 0, "delta": delta | ({"content": text} if text else {}), "finish_reason": finish}
                ],
            }
        )

    def end(self, finish: str = "stop") -> None:
        self.piece(finish=finish)
        self.raw(b"data: [DONE]\n\n")

    def hold(self) -> None:
        """Wait until the test releases the server."""
        if not self._server.released.wait(PATIENCE):
            raise TimeoutError("nobody released the server")

    def hang_up(self) -> None:
        """Drop the connection where it stands."""
        self._handler.connection.close()


def says(*pieces: str, finish: str = "stop") -> Callable[[Connection, Asked], None]:
    """A well-behaved answer in these pieces."""

    def answer(connection: Connection, _: Asked) -> None:
        connection.start()
        connection.piece(role="assistant")
        for piece in pieces:
            connection.piece(piece)
        connection.end(finish)

    return answer


def letter_by_letter(text: str) -> Sequence[str]:
    """A text in pieces of one to three characters, as tokens come."""
    return re.findall(r".{1,3}", text, re.DOTALL)


@contextlib.contextmanager
def serving(answer: Callable[[Connection, Asked], None]) -> Iterator[LanguageServer]:
    """The server on a free port of 127.0.0.1, for as long as the block lasts."""
    state = LanguageServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            state.requests.append(asked)
            state.arrived.set()
            with contextlib.suppress(OSError):  # the client may hang up at any time
                state.answer(Connection(self, state), asked)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # the block ends when every reply has

        def handle_error(self, *_: object) -> None:
            pass  # a connection that was closed on purpose

    with Server(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.released.set()
            server.shutdown()
            thread.join(PATIENCE)
