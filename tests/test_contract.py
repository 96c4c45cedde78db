from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from qa.web import STATIC
from tests.sites import site

DOCS = Path(__file__).resolve().parent.parent / "docs" / "API.md"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    kept = tmp_path_factory.mktemp("feedback") / "feedback.sqlite"
    return site(rate=1_000_000, rate_all=1_000_000, feedback_file=kept)


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    return client.get("/openapi.json").json()


#: What may be generated against the document, too: only where there is something that can be wrong.
MODES = {
    "POST /api/ask": [GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
    "GET /api/articles": [GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
}


def test_no_request_makes_the_server_fail_or_break_its_contract(client: TestClient, document: dict[str, Any]) -> None:
    """Schemathesis makes requests from the document; its checks compare status, type and schema of the replies."""
    schema = schemathesis.openapi.from_dict(document)
    schema.app = client.app
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in MODES.get(operation.label, [GenerationMode.POSITIVE]):
            attempt(operation, mode)


def attempt(operation: Any, mode: GenerationMode) -> None:
    seen = []

    @given(operation.as_strategy(generation_mode=mode))
    @settings(max_examples=20, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    def ask(case: Any) -> None:
        reply = case.call()
        seen.append(reply.status_code)
        # A schema cannot say that there is no 30 February, nor that since must not lie after until.
        case.validate_response(reply, excluded_checks=[positive_data_acceptance])

    ask()
    assert seen
    assert max(seen) < 500


def test_every_operation_is_in_the_docs(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {
        "/api/ask",
        "/api/articles",
        "/api/articles/{article_id}",
        "/api/feedback",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    docs = DOCS.read_text(encoding="utf-8")
    for path, operations in document["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path.replace('{article_id}', '{id}')}" in docs
    for field in document["components"]["schemas"]["AskRequest"]["properties"]:
        assert f"| `{field}` |" in docs


def test_every_reply_that_is_an_error_is_a_problem(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, reply in operation["responses"].items():
                if status >= "400" and path != "/readyz":
                    assert list(reply["content"]) == ["application/problem+json"]


def test_the_document_names_the_credentials(tmp_path: Path, document: dict[str, Any]) -> None:
    assert "securitySchemes" not in document["components"]
    (tmp_path / "key").write_text("s" * 32, encoding="utf-8")
    app = site(auth="jwt", jwt_key=tmp_path / "key").app
    made = app.openapi()  # type: ignore[attr-defined]
    assert made["components"]["securitySchemes"]["signed"]["bearerFormat"] == "JWT"
    assert made["paths"]["/api/ask"]["post"]["security"] == [{"signed": []}]
    assert made["paths"]["/healthz"]["get"]["security"] == []


def test_the_page_of_the_document_is_ours(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert client.get(address).status_code == 200
    script = (STATIC / "api.js").read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|eval|document\.write", script)
