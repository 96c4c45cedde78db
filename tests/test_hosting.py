"""Builds on a Milvus server (Milvus Lite in this process): answers, alias, leftovers, rollback, copies, errors."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from qa.bot import Bot
from qa.build import build_index, ensure_index
from qa.builds import prune_builds, roll_back
from qa.config import Settings
from qa.copying import copy_index, stored
from qa.errors import IndexDamagedError, IndexStaleError, QAError, StoreError
from qa.hosting import settle
from qa.index import load_index
from qa.manifest import Manifest
from qa.milvus.client import Client, Server
from qa.milvus.store import MilvusStore
from qa.publish import build_lock, current_build
from tests.fakes import WordEncoder

if TYPE_CHECKING:
    from qa.types import Answer, Encoder, Only

TEXTS = {
    "haubitze.md": "# Haubitzen\n\nSeoul prüft die Lieferung von Haubitzen an die Ukraine.\n",
    "duma.md": "# Duma\n\nDie Duma stimmt dem Vertrag mit Nordkorea zu.\n",
}


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server for the module: each test has its own alias on it, and its own index folder."""
    client = Client(Server(str(tmp_path_factory.mktemp("lite") / "milvus.db")))
    yield client
    client.close()


@pytest.fixture
def here(lite: Client, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings over two small articles, and an alias of its own."""
    (tmp_path / "articles").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "articles" / name).write_text(text, encoding="utf-8")
    alias = f"t{abs(hash(request.node.name)) % 10**8}"
    return Settings(
        articles=tmp_path / "articles",
        index=tmp_path / "index",
        store="milvus",
        milvus_uri=lite.server.uri,
        milvus_alias=alias,
    )


def collections(client: Client, settings: Settings) -> list[str]:
    return sorted(name for name in client.collections() if name.startswith(f"{settings.milvus_alias}_"))


def change(settings: Settings, name: str, text: str) -> None:
    (settings.articles / name).write_text(text, encoding="utf-8")


def named(settings: Settings) -> dict[str, str]:
    record = json.loads((current_build(settings.index) / "manifest.json").read_text(encoding="utf-8"))
    return record["collections"]


def test_a_build_fills_a_collection_that_its_manifest_names_and_the_alias_points_to(
    lite: Client, here: Settings
) -> None:
    encoder = WordEncoder()
    index = ensure_index(here, encoder)
    assert isinstance(index.store, MilvusStore)
    name = index.manifest.collections["vectors"]
    assert collections(lite, here) == [name]
    assert lite.alias(here.milvus_alias) == name
    assert len(index.store) == index.manifest.chunk_count == 2
    keys = np.sort(np.concatenate([live.keys for live in index.live(1)]))
    vectors = {int(key): row for live in index.live(9) for key, row in zip(live.keys, live.vectors, strict=True)}
    assert np.allclose(stored(index.store, keys), [vectors[int(key)] for key in keys], atol=1e-6)
    assert not build_index(here, encoder).built


def test_an_update_fills_a_new_collection_embeds_the_change_alone_and_keeps_the_builds_that_are_kept(
    lite: Client, here: Settings
) -> None:
    encoder = WordEncoder()
    build_index(here, encoder)
    first = named(here)["vectors"]
    embedded = len(encoder.embedded)
    change(here, "kursk.md", "# Kursk\n\nSoldaten stehen bei Kursk.\n")
    assert build_index(here, encoder).embedded == 1
    assert len(encoder.embedded) == embedded + 2  # the passage and its sentence
    second = named(here)["vectors"]
    assert collections(lite, here) == sorted([first, second])
    assert lite.alias(here.milvus_alias) == second
    (here.articles / "duma.md").unlink()
    build_index(here, encoder)
    third = named(here)["vectors"]
    assert collections(lite, here) == sorted([second, third])
    assert len(load_index(here, encoder).store) == 2


def test_a_rollback_takes_the_alias_along_and_pruning_the_collections(lite: Client, here: Settings) -> None:
    encoder = WordEncoder()
    build_index(here, encoder)
    first = named(here)["vectors"]
    change(here, "kursk.md", "# Kursk\n\nSoldaten stehen bei Kursk.\n")
    build_index(here, encoder)
    roll_back(here, encoder)
    assert lite.alias(here.milvus_alias) == first == named(here)["vectors"]
    assert len(load_index(here, encoder).store) == 2
    prune_builds(here.index, 0)
    with build_lock(here.index):
        settle(here)
    assert collections(lite, here) == [first]


def full_disk(manifest: Manifest, folder: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failed_build_leaves_nothing_and_a_killed_ones_leftovers_go_with_the_next(
    lite: Client, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(here, WordEncoder())
    first = named(here)["vectors"]
    change(here, "kursk.md", "# Kursk\n\nSoldaten stehen bei Kursk.\n")
    with monkeypatch.context() as broken, pytest.raises(QAError, match="No space left"):
        broken.setattr(Manifest, "write", full_disk)
        build_index(here, WordEncoder())
    assert collections(lite, here) == [first]
    assert lite.alias(here.milvus_alias) == first
    archive = first.removeprefix(f"{here.milvus_alias}_")[:8]
    left, foreign = (f"{here.milvus_alias}_{one}_20250101T000000000000_aa" for one in (archive, "0badcafe"))
    MilvusStore.create(lite, left, 4)
    MilvusStore.create(lite, foreign, 4)
    build_index(here, WordEncoder())
    assert collections(lite, here) == sorted([first, named(here)["vectors"], foreign])


def test_a_collection_that_is_gone_is_told_and_made_again_without_embedding(lite: Client, here: Settings) -> None:
    encoder = WordEncoder()
    build_index(here, encoder)
    embedded = len(encoder.embedded)
    lite.drop(named(here)["vectors"])
    with pytest.raises(IndexDamagedError, match=r"is gone from Milvus at .* - qa index copy --to milvus"):
        load_index(here, encoder)
    again = ensure_index(here, encoder)
    assert len(again.store) == 2
    assert len(encoder.embedded) == embedded


def test_passages_that_are_missing_on_the_server_are_told(lite: Client, here: Settings) -> None:
    index = ensure_index(here, WordEncoder())
    index.store.remove(next(index.live(1)).keys)
    with pytest.raises(IndexDamagedError, match="holds 1 of 2 passages"):
        load_index(here, WordEncoder())


def test_a_copy_goes_to_milvus_and_back_without_embedding_and_answers_the_same(lite: Client, here: Settings) -> None:
    encoder = WordEncoder()
    local = replace(here, store="faiss")
    build_index(local, encoder)
    embedded, seen = len(encoder.embedded), []
    copied = copy_index(local, "milvus", progress=lambda *stage: seen.append(stage))
    assert (copied.source, copied.target, copied.compared) == ("faiss", "milvus", 2)
    assert seen[-2:] == [("copy", 2, 2), ("check", 2, 2)]
    assert collections(lite, here) == [copied.manifest.collections["vectors"]]
    assert not (current_build(here.index) / "dense.faiss").exists()
    with pytest.raises(IndexStaleError, match=r'is in milvus, not in faiss - set store = "milvus", or qa index copy'):
        load_index(local, encoder)
    query = encoder.encode_queries(["Haubitzen"])
    there = load_index(here, encoder).store.search(query, 2)
    copy_index(here, "faiss")
    back = load_index(local, encoder).store.search(query, 2)
    assert there.keys.tolist() == back.keys.tolist()
    assert np.allclose(there.scores, back.scores, atol=1e-6)
    assert lite.alias(here.milvus_alias) is None
    assert len(encoder.embedded) == embedded


def test_a_copy_that_does_not_hold_what_it_was_sent_changes_nothing(
    lite: Client, here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = WordEncoder()
    local = replace(here, store="faiss")
    build_index(local, encoder)
    before = current_build(here.index)
    add = MilvusStore.add
    monkeypatch.setattr(MilvusStore, "add", lambda store, keys, vectors: add(store, keys[1:], vectors[1:]))
    with pytest.raises(StoreError, match="the copy holds 1 of 2 vectors; nothing was changed"):
        copy_index(local, "milvus")
    monkeypatch.setattr(MilvusStore, "add", lambda store, keys, vectors: add(store, keys, -vectors))
    with pytest.raises(StoreError, match="2 of 2 vectors of the copy are not what they were"):
        copy_index(local, "milvus")
    assert current_build(here.index) == before
    assert collections(lite, here) == []
    assert len(load_index(local, encoder).store) == 2


def test_words_ranked_on_the_server_are_there_when_asked_for_and_follow_the_copy(lite: Client, here: Settings) -> None:
    encoder = WordEncoder()
    build_index(here, encoder)
    there = replace(here, milvus_bm25=True)
    with pytest.raises(IndexStaleError, match=r"the words of the index .* are not on the server"):
        load_index(there, encoder)
    copy_index(there, "milvus")
    index = load_index(there, encoder)
    assert set(index.manifest.collections) == {"vectors", "words"}
    assert index.words is not index.lexical
    ours, theirs = (one.search("Lieferung der Haubitze", 5) for one in (index.lexical, index.words))
    assert theirs.keys == ours.keys
    assert theirs.scores == pytest.approx(ours.scores, rel=0.25)
    assert load_index(here, encoder).words is not index.words


def test_a_server_that_is_away_is_no_matter_for_an_index_that_has_left_it(here: Settings, tmp_path: Path) -> None:
    encoder = WordEncoder()
    build_index(here, encoder)
    local = replace(here, store="faiss")
    copy_index(local, "faiss")
    away = replace(local, milvus_uri="http://127.0.0.1:9", milvus_timeout=0.5)
    change(here, "kursk.md", "# Kursk\n\nSoldaten stehen bei Kursk.\n")
    assert build_index(away, encoder).built
    with pytest.raises(StoreError, match="cannot be reached"):
        build_index(replace(away, store="milvus"), encoder)


QUESTIONS = (
    "Wie viele Haubitzen liefert Südkorea?",
    "Wie viele nordkoreanische Soldaten sind in Russland?",
    "Was sagt Präsident Yoon zu Waffenlieferungen?",
    "Welche Waffen könnte die Ukraine bekommen?",
    "Was hat der Kreml zu den Soldaten gesagt?",
    "Wer regiert in Frankreich?",
    "What does South Korea want to send to Ukraine?",
    "How many soldiers did North Korea send to Russia?",
    "What did the South Korean president say about weapons?",
    "Did the Duma ratify the treaty?",
    "Which air defence systems were mentioned?",
    "Who won the football match?",
)


def said(answer: Answer) -> list[Any]:
    return [
        answer.status,
        round(answer.confidence, 4),
        *((one.quote, one.article_id, one.start) for one in answer.citations),
    ]


@pytest.fixture(scope="module", params=["lite", pytest.param("server", marks=pytest.mark.milvus)])
def milvus_bot(
    request: pytest.FixtureRequest,
    lite: Client,
    encoder: Encoder,
    seeds: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bot]:
    uri = lite.server.uri if request.param == "lite" else os.environ.get("QA_MILVUS_URI")
    if uri is None:
        pytest.skip("QA_MILVUS_URI names no Milvus server")
    folder = tmp_path_factory.mktemp("seeds-on-milvus")
    settings = Settings(articles=seeds, index=folder, store="milvus", milvus_uri=uri, milvus_alias="qa_test_seeds")
    index = ensure_index(settings, encoder)
    yield Bot(index, encoder)
    index.close_stores()
    client = Client(Server.of(settings))
    client.drop(index.manifest.collections["vectors"])
    client.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_have_the_same_answers_over_both_stores(seed_bot: Bot, milvus_bot: Bot, question: str) -> None:
    assert said(milvus_bot.ask(question)) == said(seed_bot.ask(question))


@pytest.fixture(params=["outlet", "day", "none"])
def only(request: pytest.FixtureRequest, seed_bot: Bot) -> Only:
    from qa.types import Only

    day = seed_bot.days[0]
    return {"outlet": Only(outlets=seed_bot.outlets[:1]), "day": Only(day, day), "none": Only("1990", "1991")}[
        request.param
    ]


def test_filters_let_the_same_in_over_both_stores(seed_bot: Bot, milvus_bot: Bot, only: Only) -> None:
    for question in QUESTIONS[::3]:
        assert said(milvus_bot.ask(question, only=only)) == said(seed_bot.ask(question, only=only))
        ours, theirs = (bot.explain(question, 9, only).candidates for bot in (seed_bot, milvus_bot))
        assert [one.passage.chunk.id for one in theirs] == [one.passage.chunk.id for one in ours]


def test_a_server_that_cannot_be_had_is_one_line(here: Settings) -> None:
    for uri in ("http://127.0.0.1:9", "https://127.0.0.1:9"):
        with pytest.raises(StoreError, match=f"Milvus at {uri} cannot be reached - start it, or correct") as caught:
            build_index(replace(here, milvus_uri=uri, milvus_timeout=0.5), WordEncoder())
        assert "\n" not in str(caught.value)
    assert not list(here.index.glob("2*"))
    with pytest.raises(QAError, match="milvus_uri"):
        build_index(replace(here, milvus_uri=None), WordEncoder())
