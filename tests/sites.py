"""A whole site, as a client of it sees it: in this process, or listening on a port."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from starlette.testclient import TestClient

from qa.config import Settings
from qa.web import PageServer, bind, create_app
from tests.browser.fakes import FakeBot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI


def site(bot: FakeBot | None = None, address: str = "127.0.0.1", **settings: object) -> TestClient:
    """A client at ``address`` of a server with these settings, which knows the name that the client uses."""
    wanted = Settings(**{"hosts": ("testserver",), **settings})
    return TestClient(create_app(bot or FakeBot(), settings=wanted), client=(address, 50000))


@contextlib.contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port of 127.0.0.1 and give its address, without a slash at its end."""
    ready = threading.Event()
    with bind("127.0.0.1", 0) as listener:
        server = PageServer(app, ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert ready.wait(30), "the server did not start"
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
