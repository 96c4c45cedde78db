"""An index brought up to date answers as one built from nothing, and leaves the build before it as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa import ingest, segments
from qa.bot import Bot
from qa.build import BuildSummary, build_index
from qa.config import Settings
from qa.index import load_index
from qa.text import content_words
from qa.types import Only
from tests.fakes import PieceEncoder
from tests.test_build import content
from tests.test_duplicates import report

REPORTS = [report(seed, 12) for seed in range(4)]
#: Texts that are copies, near copies and neither of one another; with heads that change what is filtered by alone.
BODIES = [
    *(" ".join(text) for text in REPORTS),
    " ".join(REPORTS[0]).upper(),
    " ".join(REPORTS[0][1:]),
    " ".join([*REPORTS[1][:2], *REPORTS[0][2:]]),
    "Seoul prüft Lieferungen von Haubitzen an die Ukraine. Das dauert.",
    "The embassy said nothing. Nobody was surprised by that.",
    "",
]
HEADS = ["", "---\ndate: 2024-10-24\noutlet: Bote\n---\n", "---\noutlet: bote\n---\n", "---\ndate: 2023-01-01\n---\n"]
QUESTIONS = [
    "Was prüft Seoul für die Ukraine?",
    "Wer sperrt den Hafen?",
    "What did the embassy say?",
    "Was meldet der Minister über Kosten und Frist?",
]
EDIT = st.tuples(
    st.sampled_from("abcdef"), st.one_of(st.none(), st.tuples(st.sampled_from(HEADS), st.sampled_from(BODIES)))
)
FILTERS = [Only(outlets=("Bote",)), Only(since="2024"), Only(until="2023-06"), Only(since="2024", outlets=("Bote",))]


@pytest.fixture
def folders(tmp_path: Path) -> Settings:
    (tmp_path / "articles").mkdir()
    return Settings(articles=tmp_path / "articles", index=tmp_path / "index", chunk_words=40)


def edit(folders: Settings, name: str, body: tuple[str, str] | None) -> None:
    path = folders.articles / f"{name}.md"
    if body is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text("".join(body), encoding="utf-8")


def answers(folders: Settings) -> list[dict[str, Any]]:
    """Everything the index gives away, build name and clock left out."""
    encoder = PieceEncoder()
    index = load_index(folders, encoder)
    bot = Bot(index, encoder, threshold=0.0)
    found: list[dict[str, Any]] = [content(folders, encoder), {"outlets": index.outlets, "days": index.days()}]
    found += [bot.ask(question).to_dict() | {"index_id": "", "timings_ms": {}} for question in QUESTIONS]
    for only in FILTERS:
        allowed = index.allowed(only)
        query = encoder.encode_queries([QUESTIONS[1]])
        hits = index.store.search(query, 100, allowed.selection)
        lexical = index.lexical.search(QUESTIONS[1], 20, allowed.ranges)
        scores = [hits.keys.tolist(), hits.scores.tolist(), lexical.keys, lexical.scores]
        found.append({"only": only, "count": allowed.count, "scores": scores})
    words = [index.lexical.frequency(word) for word in ("hafen", "seoul", "embassy")]
    found.append({"words": words, "starting": index.lexical.starting("s")})
    passages = [record for one in index.corpus.articles() for record in index.corpus.chunks_of(one.id)]
    cut = index.corpus.words_of([record.chunk.key for record in passages])
    for record in passages:
        own = cut[record.chunk.key]
        assert own.row == record.row
        words = index.corpus.word_list.words(own.words)
        assert words == list(dict.fromkeys(content_words(record.chunk.text, own.lang)))
        assert (own.piece_row, own.pieces) == (record.piece_row, record.pieces)
    found.append({"pieces": [(index.pieces_of([one]).codes.tolist(), one.piece_counts) for one in passages]})
    manifest = index.manifest
    found.append(
        {"counts": (manifest.article_count, manifest.chunk_count, manifest.sentence_count, manifest.piece_count)}
    )
    found.append({"bad": manifest.bad_files, "digest": manifest.articles_digest})
    found.append({"stored": (len(index.store), len(index.lexical), index.corpus.copy_count())})
    return found


@pytest.mark.parametrize("files", ["as they come", "many and small"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(builds=st.lists(st.lists(EDIT, min_size=1, max_size=4), min_size=2, max_size=5))
def test_any_updates_end_where_a_fresh_build_does(
    tmp_path_factory: pytest.TempPathFactory, files: str, builds: list[list[tuple[str, tuple[str, str] | None]]]
) -> None:
    root = tmp_path_factory.mktemp("edits")
    (root / "articles").mkdir()
    updated = Settings(articles=root / "articles", index=root / "updated", chunk_words=40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _descriptor: None)  # most of the time on a busy disk
        if files == "many and small":
            patch.setattr(segments, "SMALL_BYTES", 1)
            patch.setattr(segments, "FULL_BYTES", 5000)
            patch.setattr(ingest, "WASTE", 0.9)
        for edits in builds:
            for name, body in edits:
                edit(updated, name, body)
            build_index(updated, PieceEncoder())
    fresh = Settings(articles=root / "articles", index=root / "fresh", chunk_words=40)
    build_index(fresh, PieceEncoder())
    assert answers(updated) == answers(fresh)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fill(folders: Settings, count: int) -> BuildSummary:
    for number in range(count):
        edit(folders, f"n{number:03}", ("", " ".join(report(number, 6))))
    return build_index(folders, PieceEncoder())


@pytest.mark.parametrize("change", [("new", ("", BODIES[7])), ("n001", ("", BODIES[8])), ("n002", None)])
def test_the_build_before_stays_as_it_was(folders: Settings, change: tuple[str, tuple[str, str] | None]) -> None:
    old = fill(folders, 40).folder
    before = contents(old)
    edit(folders, *change)
    assert build_index(folders, PieceEncoder()).built
    assert contents(old) == before


def test_an_update_embeds_and_writes_what_is_new_alone(folders: Settings) -> None:
    old = fill(folders, 40)
    edit(folders, "new", ("", BODIES[7]))
    encoder = PieceEncoder()
    new = build_index(folders, encoder)
    assert new.embedded == 1
    assert all("Seoul" in text or "dauert" in text for text in encoder.embedded)
    shared = {path.name for path in new.folder.rglob("*") if path.is_file() and path.stat().st_nlink > 1}
    assert {path.name for path in (old.folder / "lexical").iterdir() if path.suffix != ".json"} <= shared
    assert new.manifest.files["corpus.db"] != old.manifest.files["corpus.db"]


def test_a_reader_of_a_pruned_build_goes_on(folders: Settings, tmp_path: Path) -> None:
    fill(folders, 10)
    index = load_index(folders, PieceEncoder())
    bot = Bot(index, PieceEncoder(), threshold=0.0)
    before = [bot.ask(question).to_dict() | {"timings_ms": {}} for question in QUESTIONS]
    keep_none = Settings(articles=folders.articles, index=folders.index, chunk_words=40, keep_builds=0)
    for number in range(3):
        edit(keep_none, f"more{number}", ("", " ".join(report(100 + number, 6))))
        build_index(keep_none, PieceEncoder())
    assert not index.folder.exists()
    assert [bot.ask(question).to_dict() | {"timings_ms": {}} for question in QUESTIONS] == before


def test_too_much_waste_is_cleared_away_without_embedding(folders: Settings) -> None:
    fill(folders, 20)
    for number in range(10):
        edit(folders, f"n{number:03}", None)
    build_index(folders, PieceEncoder())
    assert load_index(folders, PieceEncoder()).waste() > ingest.WASTE
    edit(folders, "new", ("", BODIES[7]))
    encoder = PieceEncoder()
    assert build_index(folders, encoder).embedded == 1
    assert load_index(folders, encoder).waste() == 0.0
    assert not any("Hafen" in text for text in encoder.embedded)


def test_a_disk_without_links_gets_copies(folders: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folders, 5)

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", refuse)
    edit(folders, "new", ("", BODIES[7]))
    new = build_index(folders, PieceEncoder())
    assert all(path.stat().st_nlink == 1 for path in new.folder.rglob("*") if path.is_file())
    found = answers(folders)
    build_index(folders, PieceEncoder(), fresh=True)
    assert answers(folders) == found


def test_articles_of_no_file_give_way_to_a_folder(folders: Settings) -> None:
    from qa.build import index_articles
    from tests.fakes import article

    index_articles(folders, PieceEncoder(), [article("Ein Text aus dem Speicher. Er ist kurz.")])
    fill(folders, 3)
    assert [one.path for one in load_index(folders, PieceEncoder()).corpus.articles()] == [
        "n000.md",
        "n001.md",
        "n002.md",
    ]


def test_work_for_one_article_does_not_grow_with_the_index(folders: Settings) -> None:
    """Counted, not timed: what is read, embedded, compared and written anew, the database and the store left out."""
    written = []
    for count in (20, 80):
        fill(folders, count)
        edit(folders, f"z{count}", ("", f"{BODIES[7]} Es sind {count}."))
        encoder = PieceEncoder()
        new = build_index(folders, encoder)
        fresh = [path for path in (new.folder / "lexical").rglob("*") if path.stat().st_nlink == 1]
        written.append((len(encoder.embedded), sum(path.stat().st_size for path in fresh if path.suffix != ".json")))
    assert written[0][0] == written[1][0]
    assert written[1][1] < 2 * written[0][1]
