from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.sites import site

ALLOWED = "https://intern.example"
PATHS = ["/", "/config", "/docs", "/article/tram-77aa", "/api/articles", "/healthz", "/metrics", "/static/qa/page.css"]


@pytest.fixture(scope="module")
def client() -> TestClient:
    return site(allowed_origins=(ALLOWED, "https://wiki.example:8443"), hosts=("testserver", "qa.intern"))


@pytest.fixture(scope="module")
def plain() -> TestClient:
    return site()


def ancestors(client: TestClient, path: str) -> str:
    policy = client.get(path).headers["content-security-policy"]
    return policy.partition("frame-ancestors ")[2].partition(";")[0]


@pytest.mark.parametrize("path", PATHS)
def test_allowed_origins_may_embed_the_page_and_nothing_else_may_be_embedded(client: TestClient, path: str) -> None:
    wanted = f"'self' {ALLOWED} https://wiki.example:8443" if path == "/" else "'none'"
    assert ancestors(client, path) == wanted


@pytest.mark.parametrize("path", PATHS)
def test_by_default_nobody_else_embeds_anything(plain: TestClient, path: str) -> None:
    assert ancestors(plain, path) == ("'self'" if path == "/" else "'none'")


@pytest.mark.parametrize("host", ["testserver", "qa.intern", "127.0.0.1:7860"])
@pytest.mark.parametrize("path", PATHS)
def test_only_allowed_origins_may_read_and_only_the_api(client: TestClient, host: str, path: str) -> None:
    for origin in (ALLOWED, "https://elsewhere.example", "https://intern.example.evil.example", "null"):
        headers = client.get(path, headers={"origin": origin, "host": host}).headers
        may = origin == ALLOWED and path.startswith("/api/")
        assert headers.get("access-control-allow-origin") == (ALLOWED if may else None)
        assert "access-control-allow-credentials" not in headers
        assert "Origin" in headers["vary"]


def preflight(client: TestClient, path: str, origin: str, method: str = "POST"):
    asked = {"access-control-request-method": method, "access-control-request-headers": "authorization, content-type"}
    return client.options(path, headers={"origin": origin, **asked})


def test_a_preflight_lets_the_api_be_called_with_a_token(client: TestClient) -> None:
    allowed = preflight(client, "/api/ask", ALLOWED)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ALLOWED
    assert "Authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers


@pytest.mark.parametrize(
    ("path", "origin", "method"),
    [
        ("/api/ask", "https://elsewhere.example", "POST"),
        ("/api/ask", ALLOWED, "DELETE"),
        ("/gradio_api/queue/join", ALLOWED, "POST"),
        ("/config", ALLOWED, "GET"),
        ("/metrics", ALLOWED, "GET"),
    ],
)
def test_any_other_preflight_fails(client: TestClient, path: str, origin: str, method: str) -> None:
    refused = preflight(client, path, origin, method)
    assert refused.status_code == 400
    assert refused.headers.get("access-control-allow-origin") in {None, ALLOWED if path == "/api/ask" else None}


def test_a_refusal_can_be_read_by_an_allowed_page() -> None:
    client = site(auth="token", allowed_origins=(ALLOWED,))
    refused = client.post("/api/ask", json={"question": "x"}, headers={"origin": ALLOWED})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == ALLOWED
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:7860", "testserver.example", "", "[::2]:80"])
@pytest.mark.parametrize("path", ["/", "/api/articles", "/healthz", "/article/tram-77aa"])
def test_a_strange_name_for_this_machine_is_refused(plain: TestClient, host: str, path: str) -> None:
    refused = plain.get(path, headers={"host": host})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/host-not-allowed")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7860", "127.0.0.1:80", "[::1]:7860", "testserver."])
def test_its_own_names_are_not(plain: TestClient, host: str) -> None:
    assert plain.get("/healthz", headers={"host": host}).status_code == 200


def test_refusals_are_problems_with_the_headers_of_everything_else(plain: TestClient) -> None:
    large = plain.post("/api/ask", content=b"x" * 1_500_001, headers={"content-type": "application/json"})
    assert (large.status_code, large.json()["type"]) == (413, "/problems/too-large")
    assert large.headers["x-content-type-options"] == "nosniff"
    endless = plain.post("/api/ask", content=iter([b"{}"]))
    assert (endless.status_code, endless.json()["type"]) == (411, "/problems/length-required")
