from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from qa.server.door import OPEN_FOLDERS, OPEN_PATHS
from qa.server.tokens import TokenFile
from tests.sites import site

#: Every route that answers without credentials. Nothing else may.
OPEN = {"/healthz", "/readyz", "/problems/{name}", "/static/qa/page.css", "/widget", "/widget.js"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> TokenFile:
    return TokenFile(tmp_path_factory.mktemp("keys") / "tokens.json")


@pytest.fixture(scope="module")
def client(keys: TokenFile) -> Iterator[TestClient]:
    with site(auth="token", token_file=keys.path, mcp=True, widget=True) as client:
        yield client


@pytest.fixture(scope="module")
def key(keys: TokenFile) -> str:
    return keys.add("intranet")


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def routes(of: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route, those of included routers and mounted applications too."""
    for context in iter_route_contexts(of.routes):
        route = context.original_route
        path = prefix + context.path
        if not isinstance(route, Mount):
            yield from ((method, path) for method in sorted(context.methods or {"GET"}))
        elif route.app.__class__ is StaticFiles:
            yield "GET", f"{path}/page.css"
        else:
            yield from routes(route.app, path)


def test_every_route_is_behind_the_door_but_for_a_short_list(client: TestClient) -> None:
    found = sorted(set(routes(client.app)))
    assert len(found) > 60
    for known in ("/", "/config", "/api/ask", "/metrics", "/article/{article_id}", "/mcp", "/docs", "/openapi.json"):
        assert known in {path for _, path in found}
    assert any(path.startswith("/gradio_api/queue/join") for _, path in found)
    assert any(path.startswith("/gradio_api/file=") for _, path in found)
    for method, path in found:
        address = path.replace("{name}", "busy")
        address = re.sub(r"\{[^}]*\}", "x", address)
        status = client.request(method, address).status_code
        assert (status not in {401, 403}) == (path in OPEN), (method, path, status)


def test_what_is_open_is_what_the_door_says() -> None:
    assert {"/healthz", "/readyz", "/widget", "/widget.js"} == OPEN_PATHS
    assert OPEN_FOLDERS == ("/static/qa/", "/problems/")


@pytest.mark.parametrize(
    "path", ["//", "/static/qa", "/static/qa/../../config", "/static/qa/%2e%2e/%2e%2e/config", "/healthz/", "/HEALTHZ"]
)
def test_no_spelling_of_an_open_path_opens_another(client: TestClient, path: str) -> None:
    assert client.get(path, follow_redirects=False).status_code in {401, 404}
    assert "Fähr" not in client.get(path).text


def test_a_key_opens_page_api_articles_and_tool(client: TestClient, key: str) -> None:
    for path in ("/", "/config", "/docs", "/api/articles", "/article/tram-77aa", "/openapi.json"):
        assert client.get(path, headers=bearer(key)).status_code == 200
    assert client.post("/api/ask", json={"question": "tram"}, headers=bearer(key)).status_code == 200
    assert client.get("/article/tram-77aa", auth=("me", key)).status_code == 200


def test_the_refusal_says_how_to_come_in(client: TestClient) -> None:
    refused = client.get("/api/articles")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["www-authenticate"] == 'Bearer realm="article-qa"'
    assert refused.json()["type"] == "/problems/unauthenticated"
    assert client.get("/", headers={"accept": "text/html"}).headers["www-authenticate"].startswith("Basic")


def test_a_revoked_key_is_refused_at_once(client: TestClient, keys: TokenFile) -> None:
    leaver = keys.add("leaver")
    assert client.get("/api/articles", headers=bearer(leaver)).status_code == 200
    keys.revoke("leaver")
    assert client.get("/api/articles", headers=bearer(leaver)).status_code == 401


def test_a_key_for_measurements_reads_nothing_else_and_no_other_reads_them(
    client: TestClient, keys: TokenFile, key: str
) -> None:
    prometheus = keys.add("prometheus", "metrics")
    assert client.get("/metrics", headers=bearer(prometheus)).status_code == 200
    for path in ("/", "/api/articles", "/article/tram-77aa", "/gradio_api/queue/data", "/mcp"):
        refused = client.get(path, headers=bearer(prometheus))
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-permitted")
    assert client.get("/metrics", headers=bearer(key)).status_code == 403


def test_readiness_tells_strangers_no_more_than_yes(client: TestClient, key: str) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/readyz", headers=bearer(key)).json()["articles"] == 3


def test_nobody_opens_a_websocket(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/gradio_api/queue/join"):
        pass


def test_a_proxys_user_counts_only_from_the_proxy() -> None:
    settings = {"auth": "proxy", "proxies": ("10.0.0.1/32",), "user_header": "Remote-User"}
    named = {"remote-user": "ada", "x-forwarded-for": "10.0.0.1"}
    assert site(address="10.0.0.1", **settings).get("/api/articles", headers=named).status_code == 200
    stranger = site(address="10.0.0.2", **settings)
    for path in ("/", "/api/articles", "/article/tram-77aa", "/metrics", "/config"):
        assert stranger.get(path, headers=named).status_code == 401


def test_a_signed_token_opens_the_api_and_is_not_taken_from_the_address(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s" * 32, encoding="utf-8")
    client = site(auth="jwt", jwt_key=tmp_path / "key")
    now = int(time.time())
    token = jwt.encode({"aud": "article-qa", "iat": now, "exp": now + 60}, "s" * 32, "HS256")
    assert client.get("/api/articles", headers=bearer(token)).status_code == 200
    assert client.get("/api/articles", params={"token": token, "access_token": token}).status_code == 401


def test_the_rate_counts_questions_of_every_way_in_by_client() -> None:
    client = site(rate=2)
    assert client.post("/api/ask", json={"question": "tram"}).status_code == 200
    assert client.post("/gradio_api/queue/join", json={}).status_code != 429
    refused = client.get("/api/articles")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert refused.json()["type"] == "/problems/rate-limited"
    assert client.get("/article/tram-77aa").status_code == 200
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://testserver.example", "testserver", ""])
def test_a_page_of_another_site_cannot_send_anything(origin: str) -> None:
    client = site()
    for path in ("/api/ask", "/gradio_api/queue/join", "/mcp"):
        refused = client.post(path, json={"question": "tram"}, headers={"origin": origin})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/origin-not-allowed")


def test_our_own_pages_may_send_and_allowed_ones_to_the_api_only() -> None:
    client = site(allowed_origins=("https://intern.example",))
    asked = {"question": "tram"}
    assert client.post("/api/ask", json=asked, headers={"origin": "http://testserver"}).status_code == 200
    allowed = {"origin": "https://intern.example"}
    assert client.post("/api/ask", json=asked, headers=allowed).status_code == 200
    assert client.post("/gradio_api/queue/join", json={}, headers=allowed).status_code == 403
