from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa.server.problems import KINDS, Problem, describe, from_status

DOCS = Path(__file__).resolve().parent.parent / "docs" / "API.md"


def test_a_problem_is_a_document_of_rfc_9457() -> None:
    reply = Problem("busy", "Sixty wait", {"Retry-After": "2"}, {"waiting": 60}).response()
    assert reply.status_code == 503
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["retry-after"] == "2"
    assert json.loads(reply.body) == {
        "type": "/problems/busy",
        "title": "All places are taken and the queue is full",
        "status": 503,
        "detail": "Sixty wait",
        "waiting": 60,
    }


def test_halves_of_surrogates_can_be_told() -> None:
    body = Problem("invalid", members={"errors": [{"at": "body.\ud800", "message": "x"}]}).response().body
    assert json.loads(body)["errors"][0]["at"] == "body.\ud800"


@pytest.mark.parametrize(
    ("status", "name"), [(404, "not-found"), (405, "method-not-allowed"), (418, "bad-request"), (502, "internal")]
)
def test_a_status_that_a_library_chose_gets_a_kind(status: int, name: str) -> None:
    assert from_status(status).name == name


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_documented_and_has_its_page(name: str) -> None:
    assert f"| `{KINDS[name].type}` | {KINDS[name].status} |" in DOCS.read_text(encoding="utf-8")
    assert KINDS[name].help in (describe(name) or "")


def test_there_is_no_page_for_a_kind_that_is_not() -> None:
    assert describe("nonsense") is None
