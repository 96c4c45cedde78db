"""The writer on the command line: `qa ask`, `qa doctor`, and what a bad setting says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.llm_server import LanguageServer, says, serving
from tests.test_cli import place, qa  # noqa: F401 - fixtures

ASKED = ("ask", "Which howitzers could Seoul deliver to Ukraine?", "--articles", "texts")


@pytest.fixture
def server(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LanguageServer]:  # noqa: F811
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving(says("Seoul is considering K9 howitzers for Ukraine [1]. Nobody agreed.")) as server:
        (place / "qa.toml").write_text(
            f"writer = 'openai'\nbase_url = '{server.url}'\nmodel = 'tiny'\nwriter_timeout = 20", encoding="utf-8"
        )
        yield server


def test_prose_is_printed_above_the_quotes(server: LanguageServer, qa) -> None:  # noqa: F811
    ran = qa(*ASKED)
    lines = ran.out.splitlines()
    assert lines[0] == "Seoul is considering K9 howitzers for Ukraine [1]."
    assert "tiny" in lines[1]
    assert "One sentence was left out" in lines[1]
    assert lines[2] == ""
    assert lines[3].startswith("[1] Seoul prüft")


def test_json_holds_the_documented_prose(server: LanguageServer, qa) -> None:  # noqa: F811
    prose = json.loads(qa(*ASKED, "--json").out)["prose"]
    text = (Path(__file__).resolve().parent.parent / "docs" / "ANSWER.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in prose)
    assert prose == {
        "text": "Seoul is considering K9 howitzers for Ukraine [1].",
        "model": "tiny",
        "complete": True,
        "faults": ["no citation"],
        "dropped": 1,
        "reason": "",
        "message": "",
    }


def test_no_writer_leaves_it_out(server: LanguageServer, qa) -> None:  # noqa: F811
    assert qa(*ASKED, "--no-writer").out.startswith("[1] ")
    assert json.loads(qa(*ASKED, "--no-writer", "--json").out)["prose"] is None
    assert server.requests == []


def test_a_server_that_fails_leaves_the_quotes_and_a_line(server: LanguageServer, qa) -> None:  # noqa: F811
    server.answer = lambda connection, _: connection.start(404)
    ran = qa(*ASKED)
    assert ran.status == 0
    assert ran.out.startswith(
        "The language model's server reports an error (HTTP 404). The quotes stand alone.\n\n[1] "
    )


def test_the_doctor_tells_the_settings_and_asks_only_when_told_to(
    server: LanguageServer,
    qa,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QA_WRITER_API_KEY", "sk-secret")
    told = qa("doctor", "--articles", "texts").out
    assert f"ok   writer: tiny at {server.url}, key from QA_WRITER_API_KEY; not asked" in told
    assert server.requests == []
    told = qa("doctor", "--articles", "texts", "--ask-writer").out
    assert "ok   writer: tiny at" in told
    assert "characters in" in told
    assert len(server.requests) == 1
    server.answer = lambda connection, _: connection.start(401)
    told = qa("doctor", "--articles", "texts", "--ask-writer").out
    assert "FAIL writer: the writer's server answered with HTTP 401" in told
    assert "mend: set QA_WRITER_API_KEY" in told
    assert "sk-secret" not in told


def test_the_doctor_without_a_writer_says_so(place: Path, qa) -> None:  # noqa: F811
    assert "ok   writer: none: answers are quotes alone" in qa("doctor", "--articles", "texts").out


def test_a_key_in_the_file_is_refused_in_one_line(server: LanguageServer, place: Path, qa) -> None:  # noqa: F811
    with (place / "qa.toml").open("a", encoding="utf-8") as file:
        file.write("\napi_key = 'sk-secret'\n")
    ran = qa(*ASKED)
    assert ran.status == 2
    assert ran.err == (
        "qa: api_key in qa.toml: a key is never kept there - delete that line; export QA_WRITER_API_KEY=... instead\n"
    )
