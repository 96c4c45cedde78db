"""Verdicts: none is lost between threads and processes, and nothing more is kept than is said."""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from qa.config import Settings
from qa.feedback import Feedback, FeedbackError, FeedbackFile, Quoted
from qa.web import create_app
from tests.browser.fakes import BRIDGE, FakeBot

ONE = Feedback(
    id="0" * 32,
    verdict="wrong",
    reason="out of date",
    remark="seit Mai „offen“; DROP TABLE feedback",
    question="Wann öffnet die Brücke?",
    searched_for="Wann öffnet die Brücke?",
    lang="de",
    status="answered",
    filtered=False,
    index_id="20250314-fake",
    quotes=(Quoted("faehrbruecke-3f2a", 0, 5, "Die 😀"),),
)


def test_what_is_kept_comes_back_and_a_second_verdict_replaces_the_first(tmp_path: Path) -> None:
    kept = FeedbackFile(tmp_path / "feedback.sqlite")
    assert kept.rows() == ()
    assert not kept.path.exists()
    kept.keep(replace(ONE, verdict="right", reason=None))
    kept.keep(ONE)
    (row,) = kept.rows()
    assert replace(row, at="") == ONE
    assert row.at.endswith("+00:00")
    assert kept.path.stat().st_mode & 0o077 == 0


def test_rows_since_a_day(tmp_path: Path) -> None:
    kept = FeedbackFile(tmp_path / "feedback.sqlite")
    kept.keep(ONE)
    with sqlite3.connect(kept.path) as database:
        database.execute("UPDATE feedback SET at = '2025-03-14T10:00:00+00:00'")
    assert len(kept.rows("2025-03-14")) == len(kept.rows("2025-03")) == len(kept.rows("2025")) == 1
    assert kept.rows("2025-03-15") == ()


WRITER = """
import pickle, sys, threading
from dataclasses import replace
from pathlib import Path
from qa.feedback import FeedbackFile
kept, name, one = FeedbackFile(Path(sys.argv[1])), sys.argv[2], pickle.loads(bytes.fromhex(sys.argv[3]))
def write(thread):
    for n in range(10):
        kept.keep(replace(one, id=f"{name}{thread}{n:030d}"))
threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_two_processes_of_four_threads_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    one = pickle.dumps(ONE).hex()
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, one]) for name in "ab"]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert len(FeedbackFile(path).rows()) == 80


def test_what_is_deleted_is_gone_from_the_disk(tmp_path: Path) -> None:
    kept = FeedbackFile(tmp_path / "feedback.sqlite")
    assert kept.clear() == 0
    kept.keep(ONE)
    assert kept.clear() == 1
    assert kept.rows() == ()
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert "öffnet".encode() not in left


def test_a_file_that_is_none_or_of_a_newer_version_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_text("no database " * 100)
    with pytest.raises(FeedbackError, match=r"cannot be kept in .*broken\.sqlite.* - make it writable"):
        FeedbackFile(broken).keep(ONE)
    with pytest.raises(FeedbackError):
        FeedbackFile(tmp_path / "missing" / "feedback.sqlite").keep(ONE)
    newer = tmp_path / "newer.sqlite"
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(FeedbackError, match="newer article-qa"):
        FeedbackFile(newer).rows()


SENT = {
    "id": "ab" * 16,
    "verdict": "right",
    "question": "Wann wird die Brücke gesperrt?",
    "lang": "de",
    "status": "answered",
    "citations": [{"article_id": "faehrbruecke-3f2a", "start": 0, "end": 62}],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feedback.sqlite"


@pytest.fixture
def client(path: Path):
    with TestClient(
        create_app(FakeBot(), settings=Settings(feedback_file=path)), base_url="http://localhost"
    ) as client:
        yield client


def test_the_server_keeps_the_text_of_the_article_whatever_is_sent(client: TestClient, path: Path) -> None:
    strange = {"article_id": "nobody", "start": 0, "end": 9}
    beyond = {"article_id": "faehrbruecke-3f2a", "start": 9**9, "end": 9**10}
    sent = {**SENT, "citations": [*SENT["citations"], strange, beyond], "remark": " \0 ja "}
    assert client.post("/api/feedback", json=sent).status_code == 204
    (row,) = FeedbackFile(path).rows()
    assert row.quotes == (Quoted("faehrbruecke-3f2a", 0, 62, BRIDGE[:62]),)
    assert row.remark == "\ufffd ja"


def test_nothing_of_whoever_asked_is_kept(client: TestClient, path: Path) -> None:
    client.post("/api/feedback", json=SENT, headers={"User-Agent": "Somebody/1.0", "X-Forwarded-For": "192.0.2.7"})
    stored = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"Somebody" not in stored
    assert b"192.0.2.7" not in stored
    assert b"testclient" not in stored


@pytest.mark.parametrize(
    "change",
    [
        {"id": "short"},
        {"verdict": "perhaps"},
        {"reason": "out of date"},
        {"remark": "x" * 501},
        {"status": "smalltalk"},
        {"address": "192.0.2.7"},
        {"question": " "},
        {"citations": [{"article_id": "a", "start": -1, "end": 2}]},
    ],
)
def test_what_cannot_be_is_refused(client: TestClient, path: Path, change: dict) -> None:
    reply = client.post("/api/feedback", json={**SENT, **change})
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert not path.exists()


def test_turned_off_there_is_no_such_address_and_no_thumb(path: Path) -> None:
    settings = Settings(feedback=False, feedback_file=path)
    with TestClient(create_app(FakeBot(), settings=settings), base_url="http://localhost") as client:
        assert client.post("/api/feedback", json=SENT).status_code == 404
        assert "/api/feedback" not in client.get("/openapi.json").json()["paths"]
    assert not path.exists()
