"""A server that follows what is published: new, broken, older and vanished indexes, while questions are asked."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from qa.bot import Bot
from qa.builds import roll_back
from qa.errors import IndexDamagedError
from qa.index import Index, load_index
from qa.live import LiveBot
from qa.manifest import MANIFEST_FILE
from qa.publish import CURRENT_FILE
from qa.reload import FIRST_RETRY, LAST_RETRY, Reloader
from qa.web import create_app
from tests.archives import QUESTIONS, Archive, archive, said, until, until_more
from tests.fakes import WordEncoder
from tests.sites import listening
from tests.test_ui import Session


class Clock:
    """A clock that goes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def place(tmp_path: Path) -> Archive:
    return archive(tmp_path, rate=1_000_000, rate_all=1_000_000, reload_seconds=0.05)


def follower(place: Archive, **options: Any) -> tuple[LiveBot, Reloader]:
    bot = LiveBot(place.encoder, threshold=0.0)
    return bot, Reloader(bot, place.settings, **options)


def rewrite(path: Path, content: bytes) -> None:
    """Put other bytes in a file's place; the file itself may belong to the build before, too."""
    path.unlink()
    path.write_bytes(content)


def damage(folder: Path) -> None:
    content = bytearray((folder / "corpus.db").read_bytes())
    content[len(content) // 2] ^= 1
    rewrite(folder / "corpus.db", bytes(content))


def other_schema(folder: Path) -> None:
    record = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    del record["sha256"]
    rewrite(folder / MANIFEST_FILE, json.dumps(record | {"schema": 1}).encode())


def truncated(folder: Path) -> None:
    rewrite(folder / "dense.faiss", (folder / "dense.faiss").read_bytes()[:100])


def gone(folder: Path) -> None:
    next((folder / "keys").iterdir()).unlink()


def test_the_first_build_and_each_later_one_are_taken_into_use(place: Archive) -> None:
    bot, reloader = follower(place)
    assert reloader.look() is False
    assert (bot.index_id, reloader.state.error) == (None, None)
    for number in range(1, 4):
        manifest = place.edition(number)
        assert reloader.look() is True
        assert bot.index_id == manifest.build_id
        assert reloader.look() is False
    assert (reloader.state.loaded, reloader.state.refused, reloader.state.error) == (3, 0, None)
    bot.close()


def test_going_back_to_an_earlier_build_is_followed(place: Archive) -> None:
    first, second = place.edition(1), place.edition(2)
    bot, reloader = follower(place)
    reloader.look()
    assert bot.index_id == second.build_id
    roll_back(place.settings, place.encoder)
    assert reloader.look() is True
    assert bot.index_id == first.build_id
    bot.close()


@pytest.mark.parametrize(
    ("breaking", "reason"),
    [
        (damage, r"corpus\.db is damaged \(its checksum differs\) - qa build"),
        (truncated, r"dense\.faiss is damaged"),
        (gone, r"keys/\d+ cannot be read: No such file"),
        (other_schema, r"has index schema 1, this version writes \d+ - qa build"),
    ],
)
def test_a_broken_index_leaves_the_old_one_and_is_told_once(
    place: Archive, caplog: pytest.LogCaptureFixture, breaking: Callable[[Path], None], reason: str
) -> None:
    first = place.edition(1)
    bot, reloader = follower(place)
    reloader.look()
    before = said(bot.ask(QUESTIONS[0]).to_dict())
    place.edition(2)
    breaking(place.folder)
    with caplog.at_level(logging.INFO, "qa.reload"):
        for _ in range(20):
            assert reloader.look() is False
    assert bot.index_id == first.build_id
    assert said(bot.ask(QUESTIONS[0]).to_dict()) == before
    assert reloader.state.refused == 1
    (told,) = [record.getMessage() for record in caplog.records]
    assert f"{reloader.state.error}; {first.build_id} stays in use" == told
    assert re.search(reason, told)
    third = place.edition(3)
    assert reloader.look() is True
    assert (bot.index_id, reloader.state.error) == (third.build_id, None)
    bot.close()


def test_an_index_of_another_encoder_is_refused(place: Archive) -> None:
    first = place.edition(1)
    bot, reloader = follower(place)
    reloader.look()
    other = replace(place, encoder=WordEncoder(salt="other"))
    other.edition(2)
    assert reloader.look() is False
    assert bot.index_id == first.build_id
    assert "was built otherwise (encoder_sha256" in str(reloader.state.error)
    bot.close()


def test_an_index_that_vanished_stays_in_use_until_it_is_back(place: Archive, caplog: pytest.LogCaptureFixture) -> None:
    first = place.edition(1)
    bot, reloader = follower(place)
    reloader.look()
    pointer = place.settings.index / CURRENT_FILE
    pointer.rename(pointer.with_name("kept"))
    reloader.look()
    assert str(reloader.state.error).startswith("no index in ")
    assert bot.ask(QUESTIONS[0]).index_id == first.build_id
    pointer.with_name("kept").rename(pointer)
    with caplog.at_level(logging.INFO, "qa.reload"):
        assert reloader.look() is False
    assert (reloader.state.error, reloader.state.loaded) == (None, 1)
    assert "published one again" in caplog.text
    bot.close()


def test_what_was_refused_is_tried_again_ever_more_seldom(place: Archive, caplog: pytest.LogCaptureFixture) -> None:
    place.edition(1)
    clock, tries = Clock(), []

    def load(*_: object) -> Index:
        tries.append(clock.now)
        raise IndexDamagedError("the disk lags behind", "wait")

    _, reloader = follower(place, load=load, clock=clock)
    for _ in range(3000):
        reloader.look()
        clock.now += 1
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits == [FIRST_RETRY, 60, 120, 240, 480, LAST_RETRY, LAST_RETRY]
    assert len(caplog.records) == reloader.state.refused == 1
    assert "there is none to answer from" in caplog.text


def test_what_mends_itself_is_taken_into_use_without_another_build(place: Archive) -> None:
    manifest = place.edition(1)
    hidden = place.folder.with_name("elsewhere")
    place.folder.rename(hidden)
    clock = Clock()
    bot, reloader = follower(place, clock=clock)
    assert reloader.look() is False
    assert "which is not there" in str(reloader.state.error)
    hidden.rename(place.settings.index / manifest.build_id)
    assert reloader.look() is False
    clock.now += FIRST_RETRY
    assert reloader.look() is True
    assert (bot.index_id, reloader.state.error) == (manifest.build_id, None)
    bot.close()


def test_a_build_that_is_replaced_while_it_is_read_is_no_damage(place: Archive) -> None:
    place.edition(1)

    def load(*_: object) -> Index:
        if len(tries) == 0:
            tries.append(place.edition(2).build_id)
            raise IndexDamagedError("a file is missing")
        return load_index(place.settings, place.encoder)

    tries: list[str] = []
    bot, reloader = follower(place, load=load)
    assert reloader.look() is True
    assert bot.index_id == tries[0]
    assert (reloader.state.refused, reloader.state.error) == (0, None)
    bot.close()


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), MemoryError(), RuntimeError("faiss says no")])
def test_whatever_loading_raises_the_old_index_answers(place: Archive, error: Exception) -> None:
    def load(*_: object) -> Index:
        raise error

    first = place.edition(1)
    bot = LiveBot(place.encoder, load_index(place.settings, place.encoder))
    reloader = Reloader(bot, place.settings, load=load)
    place.edition(2)
    assert reloader.look() is False
    assert bot.ask(QUESTIONS[0]).index_id == first.build_id
    assert type(error).__name__ in str(reloader.state.error)
    bot.close()


@contextmanager
def serving(place: Archive) -> Iterator[httpx.Client]:
    """A real server over the archive that follows its index, and a client of it."""
    bot = LiveBot(place.encoder, threshold=0.0)
    reloader = Reloader(bot, place.settings)
    reloader.look()
    with (
        contextlib.closing(bot),
        listening(create_app(bot, settings=place.settings, reloader=reloader)) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
    ):
        yield client


@dataclass
class Asked:
    """What clients of a server were told by several threads."""

    client: httpx.Client
    answers: list[dict[str, Any]] = field(default_factory=list)
    failures: list[object] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def ask(self, number: int) -> None:
        while not self.stop.is_set():
            question, streamed = QUESTIONS[number % len(QUESTIONS)], number % 2 == 0
            try:
                reply = self.client.post("/api/ask", json={"question": question, "stream": streamed})
                if reply.status_code != 200:
                    self.failures.append((reply.status_code, reply.text))
                data = reply.text.rpartition("data: ")[2] if streamed else reply.text
                self.answers.append(json.loads(data))
                listed = self.client.get("/api/articles").json()
                assert {one["title"] for one in listed["articles"]} > {"Soldaten"}
            except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
                self.failures.append(error)

    @contextmanager
    def asking(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.ask, args=(number,), daemon=True) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(30)


def test_questions_over_ten_builds_are_all_answered_each_from_one_index(place: Archive) -> None:
    expected: dict[tuple[str, str], dict[str, Any]] = {}

    def publish(number: int) -> str:
        manifest = place.edition(number)
        alone = Bot(load_index(place.settings, place.encoder), place.encoder, threshold=0.0)
        expected.update({(manifest.build_id, one): said(alone.ask(one).to_dict()) for one in QUESTIONS})
        return manifest.build_id

    publish(0)
    with serving(place) as client:
        asked = Asked(client)
        with asked.asking():
            for number in range(1, 12):
                build_id = publish(number)
                until(lambda wanted=build_id: client.get("/readyz").json()["index_id"] == wanted)
                until_more(asked.answers, 4, asked.failures)
        assert asked.failures == []
        measured = client.get("/metrics").text
        assert 'article_qa_index_loads_total{result="loaded"} 12.0' in measured
        assert 'article_qa_index_loads_total{result="refused"} 0.0' in measured
    assert len({answer["index_id"] for answer in asked.answers}) >= 11
    for answer in asked.answers:
        assert said(answer) == json.loads(json.dumps(expected[answer["index_id"], answer["question"]]))


def test_a_server_without_an_index_waits_for_the_first_and_keeps_it(place: Archive) -> None:
    with serving(place) as client:
        waiting = client.get("/readyz")
        assert (waiting.status_code, waiting.json()["status"]) == (503, "no-index")
        assert client.get("/healthz").status_code == 200
        answer = client.post("/api/ask", json={"question": QUESTIONS[0]}).json()
        assert (answer["status"], answer["index_id"]) == ("empty_index", None)
        assert client.get("/api/articles").json()["total"] == 0
        assert "tagline" in client.get("/config").text
        first = place.edition(1)
        until(lambda: client.get("/readyz").status_code == 200)
        ready = client.get("/readyz").json()
        assert (ready["index_id"], ready["articles"], ready["reload_error"]) == (first.build_id, 2, None)
        assert ready["since"] >= ready["built"]
        place.edition(2)
        damage(place.folder)
        until(lambda: client.get("/readyz").json()["reload_error"] is not None)
        broken = client.get("/readyz")
        assert (broken.status_code, broken.json()["index_id"]) == (200, first.build_id)
        assert "is damaged" in broken.json()["reload_error"]
        assert "article_qa_index_refused 1.0" in client.get("/metrics").text
        assert client.post("/api/ask", json={"question": QUESTIONS[0]}).json()["index_id"] == first.build_id


def shown(client: httpx.Client) -> dict[str, Any]:
    """What the page tells a browser that loads it: the title line, starters, outlets."""
    config = client.get("/config").json()
    parts = [part["props"] for part in config["components"] if part["props"].get("visible", True)]
    assert json.dumps(config["i18n_translations"]["en"]["tagline"]) in client.get("/").text
    return {
        "tagline": config["i18n_translations"]["en"]["tagline"],
        "starters": [part["value"] for part in parts if part.get("elem_classes") == ["qa-starter"]],
        "outlets": [part["choices"] for part in parts if part.get("elem_id") == "qa-filter-outlets"],
        "dates": len([part for part in parts if "qa-date" in (part.get("elem_classes") or [])]),
    }


def test_everything_that_tells_of_the_index_follows_it(place: Archive) -> None:
    with serving(place) as client:
        nothing = shown(client)
        assert nothing["tagline"].startswith("Word-for-word quotes from your articles.")
        assert (nothing["starters"], nothing["outlets"], nothing["dates"]) == ([], [], 0)

        place.edition(1)
        until(lambda: client.get("/readyz").status_code == 200)
        first = shown(client)
        assert first["tagline"].startswith("Word-for-word quotes from 2 articles.")
        assert first["starters"] == ["Brücke 1", "Soldaten"]
        assert (first["outlets"], first["dates"]) == ([[["Hafenbote 1", "Hafenbote 1"]]], 2)
        cited = {one["title"]: one["id"] for one in client.get("/api/articles").json()["articles"]}
        opened = Session(client)  # type: ignore[arg-type]  # a client of another library with the same methods

        (place.settings.articles / "soldaten.md").unlink()
        place.write("bruecke.md", "Die Brücke ist fertig.", "Fertig", "Elbebote")
        place.write("neu.md", "Ein Kuchen wurde gebacken.", "Kuchen")
        place.write("neuer.md", "Noch ein Kuchen wurde gebacken.", "Mehr Kuchen")
        second = place.build()
        until(lambda: client.get("/readyz").json()["index_id"] == second.build_id)
        now = shown(client)
        assert now["tagline"].startswith("Word-for-word quotes from 3 articles.")
        assert now["starters"] == ["Fertig", "Kuchen", "Mehr Kuchen"]
        assert (now["outlets"], now["dates"]) == ([[["Elbebote", "Elbebote"]]], 0)
        assert f'article_qa_index_info{{index_id="{second.build_id}"}} 1.0' in client.get("/metrics").text
        assert "article_qa_articles 3.0" in client.get("/metrics").text
        _links_still_lead(client, cited["Brücke 1"], cited["Soldaten"])
        _an_open_page_goes_on(opened)


def _an_open_page_goes_on(opened: Session) -> None:
    """It was loaded when there were other articles: what it asks is answered from those of now, or it is told why not."""
    opened.filter = ["", "", ["Hafenbote 1"]]
    assert "No article is from “Hafenbote 1”. There are: Elbebote." in unescape(
        opened.ask("Ist die Brücke fertig?")[-1]
    )
    opened.filter = ["", "", ["Elbebote"]]
    assert "Die Brücke ist fertig." in re.sub("<.*?>", "", unescape(opened.ask("Ist die Brücke fertig?")[-1]))
    opened.filter = []
    assert "Brücke 1" in unescape(opened.start(0)[-2])


def _links_still_lead(client: httpx.Client, stays: str, gone: str) -> None:
    """A link to an article that is still there opens what it says now; one to an article that has gone says so."""
    for address in (f"/article/{stays}", f"/article/{stays}/panel", f"/api/articles/{stays}"):
        reply = client.get(address)
        assert reply.status_code == 200
        assert "Die Brücke ist fertig." in unescape(reply.text)
    page = client.get(f"/article/{gone}", headers={"Accept-Language": "en"})
    panel = client.get(f"/article/{gone}/panel", headers={"Accept-Language": "de"})
    assert (page.status_code, panel.status_code) == (404, 404)
    assert "It may have been removed or renamed." in unescape(page.text)
    assert "Vielleicht wurde er entfernt oder umbenannt." in unescape(panel.text)
    reply = client.get(f"/api/articles/{gone}")
    assert reply.status_code == 404
    assert reply.json()["detail"] == "There is no such article; it may have been removed or renamed"
