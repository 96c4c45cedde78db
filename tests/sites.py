"""A whole site over a fake bot, as a client of it sees it."""

from __future__ import annotations

from starlette.testclient import TestClient

from qa.config import Settings
from qa.web import create_app
from tests.browser.fakes import FakeBot


def site(bot: FakeBot | None = None, address: str = "127.0.0.1", **settings: object) -> TestClient:
    """A client at ``address`` of a server with these settings, which knows the name that the client uses."""
    wanted = Settings(**{"hosts": ("testserver",), **settings})
    return TestClient(create_app(bot or FakeBot(), settings=wanted), client=(address, 50000))
