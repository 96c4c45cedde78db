"""The server: its routes, what it refuses, and that it keeps to itself."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qa.config import Settings
from qa.errors import QAError
from qa.server.guard import BODY_LIMIT
from qa.web import STATIC, PageServer, bind, create_app
from tests.browser.fakes import ARTICLES, FakeBot
from tests.loops import run
from tests.test_ui import Session

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(FakeBot(), name="Presseschau")) as client:
        yield client


def test_health_and_readiness(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "index_id": "20250314-fake",
        "built": "2025-03-14T16:05:00+00:00",
        "since": None,
        "articles": len(ARTICLES),
        "reload_error": None,
        "build_error": None,
        "bad_files": None,
    }


def test_a_bot_without_an_index_lives_but_is_not_ready() -> None:
    bot = FakeBot(())
    bot.index_id = bot.built = None
    with TestClient(create_app(bot)) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        assert client.get("/readyz").json()["status"] == "no-index"
        assert client.get("/readyz").json()["index_id"] is None
        assert client.get("/readyz").json()["articles"] == 0


def test_the_page_has_its_name(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Presseschau" in page.text


def test_an_article_has_a_page_of_its_own(client: TestClient) -> None:
    page = client.get("/article/faehrbruecke-3f2a", headers={"accept-language": "de"})
    assert page.status_code == 200
    assert '<html lang="de">' in page.text
    assert "14&#46; März 2025" in page.text
    assert "Accept-Language" in page.headers["vary"]
    panel = client.get("/article/faehrbruecke-3f2a/panel")
    assert panel.text.startswith('<article class="qa-article">')


@pytest.mark.parametrize("path", ["/article/none", "/article/none/panel", "/article/%3Cimg%20src%3Dx%3E"])
def test_an_article_that_is_not_there_is_a_friendly_404(client: TestClient, path: str) -> None:
    missing = client.get(path, headers={"accept-language": "de"})
    assert missing.status_code == 404
    assert "<img" not in missing.text
    assert "zu keinem Artikel" in missing.text


@pytest.mark.parametrize("name", ["page.css", "page.js", "mark.js", "article.js", "icon.svg"])
def test_static_files_are_ours_and_asked_for_again_only_when_changed(client: TestClient, name: str) -> None:
    first = client.get(f"/static/qa/{name}")
    assert first.content == (STATIC / name).read_bytes()
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(f"/static/qa/{name}", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


def test_an_idle_connection_stays_open_longer_than_a_proxy_keeps_it() -> None:
    server = PageServer(create_app(FakeBot()), lambda: None)
    assert server.config.timeout_keep_alive > 60


def test_no_static_file_names_another_host() -> None:
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("/**", "").replace("// ", ""), file.name


@pytest.mark.parametrize(
    "path", ["/", "/article/faehrbruecke-3f2a", "/article/none", "/healthz", "/docs", "/gradio_api/upload"]
)
def test_every_reply_keeps_the_browser_to_this_host(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert ("frame-ancestors 'self'" if path == "/" else "frame-ancestors 'none'") in policy
    assert ("unsafe-inline" in policy) == (path == "/")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_no_other_origin_may_read(client: TestClient) -> None:
    for host in ("127.0.0.1:7860", "qa.intern"):
        asked = {"origin": "https://elsewhere.example", "host": host}
        for path in ("/", "/config", "/article/faehrbruecke-3f2a", "/healthz"):
            assert "access-control-allow-origin" not in client.get(path, headers=asked).headers


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/call/ask",
        "/gradio_api/run/predict",
        "/gradio_api/api/predict",
        "/gradio_api/vibe-edit/",
        "/gradio_api/process_recording",
        "/login",
    ],
)
def test_what_the_page_does_not_use_is_shut(client: TestClient, path: str) -> None:
    assert client.post(path, json={"data": ["x", []]}).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1/",
        "/gradio_api/info",
        "/monitoring/summary",
    ],
)
def test_gradio_serves_no_files_proxies_and_documents(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_large_request_is_refused(client: TestClient) -> None:
    body = b"x" * (BODY_LIMIT + 1)
    assert client.post("/gradio_api/queue/join", content=body).status_code == 413
    assert client.post("/gradio_api/queue/join", content=body[:-1]).status_code != 413


def test_a_request_of_unknown_length_is_refused(client: TestClient) -> None:
    assert client.post("/gradio_api/queue/join", content=iter([b"x" * 10])).status_code == 411


def test_a_taken_port_says_what_to_do() -> None:
    with bind("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(QAError) as error:
            bind("127.0.0.1", port)
    assert str(error.value) == f"Port {port} on 127.0.0.1 is taken - qa serve --port {port + 1}"


def test_an_address_that_is_not_ours_says_what_to_do() -> None:
    with pytest.raises(QAError, match=r"192\.0\.2\.1, port 0.*--host 127\.0\.0\.1"):
        bind("192.0.2.1", 0)


def test_the_server_opens_no_outbound_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[object] = []
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else address
        if self.family != socket.AF_UNIX and host not in {"127.0.0.1", "::1"}:
            refused.append(address)
            raise ConnectionRefusedError(address)
        connect(self, address)

    def guarded_resolve(host: object, *args: object, **kwargs: object) -> object:
        if host not in {None, "127.0.0.1", "::1", "localhost"}:
            refused.append(host)
            raise socket.gaierror(host)
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)
    with TestClient(create_app(FakeBot(), settings=Settings(hosts=("testserver",), mcp=True))) as client:
        assert client.get("/").status_code == 200
        assert len(Session(client).ask("Wann wird die Fährbrücke gesperrt?")) == 2
        for path in ("/docs", "/openapi.json", "/metrics", "/api/articles", "/api/articles/tram-77aa"):
            assert client.get(path).status_code == 200
        asked = {"question": "When does the tram line open?", "stream": True}
        assert "event: answer" in client.post("/api/ask", json=asked).text
    assert refused == []


SERVE = """
from qa.config import Settings
from qa.web import serve
from tests.browser.fakes import FakeBot
serve(FakeBot(), Settings(port=0), on_ready=lambda address: print(address, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_when_it_listens_and_ends_quietly(number: signal.Signals) -> None:
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            host, port = address.removeprefix("http://").rstrip("/").split(":")
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                assert connection.recv(64).startswith(b"HTTP/1.1 200")
            server.send_signal(number)
            out, errors = server.communicate(timeout=20)
        finally:
            server.kill()
    assert (server.returncode, out, errors) == (0, "", "")


def test_a_reply_does_not_wait_for_the_acknowledgement_of_its_first_part() -> None:
    async def nagle_is_off() -> bool:
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there = writer.get_extra_info("socket")
            told.set_result(bool(there.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            writer.close()

        with bind("127.0.0.1", 0) as listener:
            async with await asyncio.start_server(accepted, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                off = await told
                writer.close()
                await writer.wait_closed()
        return off

    assert run(nagle_is_off())
