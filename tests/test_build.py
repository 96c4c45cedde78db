from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.build import build_index, ensure_index
from qa.config import Settings
from qa.errors import IndexMissingError, IndexStaleError
from qa.index import load_index
from tests.fakes import WordEncoder

STORY = "Seoul prüft Lieferungen. Das Präsidialamt teilte das am Dienstag mit. {} Soldaten stehen bereit."


@pytest.fixture
def folders(tmp_path: Path) -> Settings:
    (tmp_path / "articles").mkdir()
    return Settings(articles=tmp_path / "articles", index=tmp_path / "index", chunk_words=20)


def write(folders: Settings, name: str, text: str) -> None:
    path = folders.articles / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def content(folders: Settings, encoder: WordEncoder) -> dict[str, object]:
    """Everything an index answers from, free of row numbers and build names."""
    index = load_index(folders, encoder)
    found: dict[str, object] = {"files": index.corpus.files(), "articles": list(index.corpus.articles())}
    for article in index.corpus.articles():
        for record in index.corpus.chunks_of(article.id):
            vectors = np.vstack([index.vector_of(record)[None], index.sentence_vectors_of(record)])
            found[record.chunk.id] = (record.chunk, record.sentences, vectors.tobytes())
    query = encoder.encode_queries(["Seoul prüft Soldaten"])
    hits = index.store.search(query, 100)  # all of them: of equal scores FAISS may leave out any
    found["dense"] = (hits.keys.tolist(), hits.scores.tolist())
    lexical = index.lexical.search("Soldaten Präsidialamt", 10)
    found["lexical"] = (lexical.keys, lexical.scores)
    return found


def test_a_build_holds_every_article(folders: Settings) -> None:
    write(folders, "a.md", STORY.format(10))
    write(folders, "deep/b.txt", STORY.format("Tausende"))
    summary = build_index(folders, WordEncoder())
    assert (summary.built, summary.embedded, summary.bad) == (True, 2, ())
    index = load_index(folders, WordEncoder())
    assert [a.path for a in index.corpus.articles()] == ["a.md", "deep/b.txt"]
    assert index.manifest.chunk_count == len(index.store) == len(index.lexical)
    for article in index.corpus.articles():
        for record in index.corpus.chunks_of(article.id):
            assert article.text[record.chunk.start : record.chunk.end] == record.chunk.text


def test_building_again_does_nothing(folders: Settings) -> None:
    write(folders, "a.md", STORY.format(10))
    first = build_index(folders, WordEncoder())
    encoder = WordEncoder()
    again = build_index(folders, encoder)
    assert (again.built, again.folder, encoder.embedded) == (False, first.folder, [])


def test_changing_one_article_embeds_that_article_only(folders: Settings) -> None:
    for n in range(5):
        write(folders, f"{n}.md", f"Der Bericht Nummer {n} handelt von {'abcde'[n] * 8}. Er hat einen zweiten Satz.")
    build_index(folders, WordEncoder())
    write(folders, "3.md", "Ganz neu ist dieser Bericht. Auch er hat einen zweiten Satz.")
    encoder = WordEncoder()
    assert build_index(folders, encoder).embedded == 1
    assert encoder.embedded == [
        "Ganz neu ist dieser Bericht. Auch er hat einen zweiten Satz.",
        "Ganz neu ist dieser Bericht.",
        "Auch er hat einen zweiten Satz.",
    ]


def test_removing_an_article_removes_its_passages(folders: Settings) -> None:
    write(folders, "a.md", "Alpha steht hier. Sonst nichts.")
    write(folders, "b.md", "Beta steht dort. Das ist alles.")
    build_index(folders, WordEncoder())
    (folders.articles / "b.md").unlink()
    encoder = WordEncoder()
    build_index(folders, encoder)
    index = load_index(folders, encoder)
    assert encoder.embedded == []
    assert len(index.store) == len(index.lexical) == 1
    assert index.lexical.search("Beta", 5).keys == []


def test_new_metadata_is_taken_up_without_embedding(folders: Settings) -> None:
    write(folders, "a.md", "---\ntitle: T\noutlet: Alt\n---\nDer Text bleibt gleich.")
    build_index(folders, WordEncoder())
    write(folders, "a.md", "---\ntitle: T\noutlet: Neu\n---\nDer Text bleibt gleich.")
    encoder = WordEncoder()
    assert build_index(folders, encoder).built
    assert encoder.embedded == []
    assert [a.outlet for a in load_index(folders, encoder).corpus.articles()] == ["Neu"]


NAMES = st.sampled_from(["a.md", "b.txt", "sub/c.md", "d.md"])
BODIES = st.sampled_from(
    [
        "Seoul prüft Lieferungen von Haubitzen an die Ukraine. Das dauert.",
        "Moskau weist alle Vorwürfe zurück. Ein Sprecher sagte das am Montag.",
        "---\ntitle: Kursk\n---\nIn Kursk stehen 2.600 Soldaten bereit. Mehr kommen bald.",
        "The embassy said nothing. Nobody was surprised by that.",
        "",
        None,
    ]
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(NAMES, BODIES), min_size=1, max_size=6))
def test_an_updated_index_equals_one_built_from_nothing(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str | None]]
) -> None:
    root = tmp_path_factory.mktemp("edits")
    (root / "articles").mkdir()
    updated = Settings(articles=root / "articles", index=root / "updated", chunk_words=20)
    for name, body in edits:
        if body is None:
            (updated.articles / name).unlink(missing_ok=True)
        else:
            write(updated, name, body)
        build_index(updated, WordEncoder())
    fresh = Settings(articles=root / "articles", index=root / "fresh", chunk_words=20)
    build_index(fresh, WordEncoder())
    assert content(updated, WordEncoder()) == content(fresh, WordEncoder())


def test_a_bad_file_does_not_stop_the_build_and_is_tried_again(folders: Settings) -> None:
    write(folders, "a.md", STORY.format(10))
    write(folders, "empty.md", "")
    (folders.articles / "binary.txt").write_bytes(bytes(range(256)) * 20)
    summary = build_index(folders, WordEncoder())
    assert sorted(bad.path for bad in summary.bad) == ["binary.txt", "empty.md"]
    assert all(bad.reason for bad in summary.bad)
    assert sorted(summary.manifest.bad_files) == ["binary.txt", "empty.md"]
    write(folders, "empty.md", "Jetzt steht hier etwas. Sogar zwei Sätze.")
    assert [bad.path for bad in build_index(folders, WordEncoder()).bad] == ["binary.txt"]


def test_a_larger_limit_lets_a_large_file_in(folders: Settings) -> None:
    write(folders, "big.txt", ("Ein Satz, der sich wiederholt, mit " + "lang" * 200 + ". ") * 1_300)
    small = Settings(articles=folders.articles, index=folders.index, chunk_words=100, max_file_mb=1)
    assert "large" in build_index(small, WordEncoder(dim=8)).bad[0].reason
    larger = Settings(articles=folders.articles, index=folders.index, chunk_words=100, max_file_mb=2)
    assert build_index(larger, WordEncoder(dim=8)).bad == ()


def test_copies_are_indexed_once_and_both_sources_are_kept(folders: Settings) -> None:
    body = (
        STORY.format(10_000) + " Weitere Einzelheiten blieben zunächst offen, hieß es aus Regierungskreisen in Seoul."
    )
    write(folders, "a.md", f"---\noutlet: Eins\n---\n{body}")
    write(folders, "b.md", f"---\noutlet: Zwei\n---\n{body}")
    summary = build_index(folders, WordEncoder())
    (kept,) = load_index(folders, WordEncoder()).corpus.articles()
    assert summary.duplicates == 1
    assert (kept.outlet, [source.outlet for source in kept.also]) == ("Eins", ["Zwei"])


def test_no_articles_give_an_empty_index(folders: Settings) -> None:
    summary = build_index(folders, WordEncoder())
    assert summary.manifest.chunk_count == 0
    assert len(load_index(folders, WordEncoder()).store) == 0


@pytest.mark.parametrize("other", [WordEncoder(dim=64), WordEncoder(salt="other")])
def test_an_index_of_another_encoder_is_refused_with_the_command_that_mends_it(
    folders: Settings, other: WordEncoder
) -> None:
    write(folders, "a.md", STORY.format(10))
    build_index(folders, WordEncoder())
    with pytest.raises(IndexStaleError, match=r"encoder_sha256 .* - qa build"):
        load_index(folders, other)
    assert build_index(folders, other).embedded == 1


def test_an_index_of_other_chunks_is_refused(folders: Settings) -> None:
    write(folders, "a.md", STORY.format(10))
    build_index(folders, WordEncoder())
    with pytest.raises(IndexStaleError, match="chunk_words 20 → 50"):
        load_index(Settings(articles=folders.articles, index=folders.index, chunk_words=50), WordEncoder())


def test_an_index_of_words_cut_otherwise_is_refused_and_built_again(
    folders: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folders, "a.md", STORY.format(10))
    build_index(folders, WordEncoder())
    monkeypatch.setattr("qa.index.words_id", lambda: "d" * 64)
    with pytest.raises(IndexStaleError, match=r"words .* → dddddddddddd"):
        load_index(folders, WordEncoder())
    assert build_index(folders, WordEncoder()).unusable
    assert load_index(folders, WordEncoder()).manifest.recipe.words == "d" * 64


def test_ensuring_builds_only_what_is_needed_and_says_why(folders: Settings) -> None:
    write(folders, "a.md", STORY.format(10))
    reasons: list[str] = []
    first = ensure_index(folders, WordEncoder(), starting=reasons.append)
    assert ensure_index(folders, WordEncoder(), starting=reasons.append).id == first.id
    write(folders, "b.md", "Etwas anderes steht hier. Nichts weiter.")
    assert ensure_index(folders, WordEncoder(), starting=reasons.append).id != first.id
    assert [reason.split()[0] for reason in reasons] == ["no", "the"]


def test_ensuring_without_building_refuses(folders: Settings) -> None:
    write(folders, "a.md", STORY.format(10))
    with pytest.raises(IndexMissingError, match="qa build"):
        ensure_index(folders, WordEncoder(), build=False)
    assert not folders.index.exists()
    build_index(folders, WordEncoder())
    write(folders, "a.md", STORY.format(11))
    with pytest.raises(IndexStaleError, match="have changed"):
        ensure_index(folders, WordEncoder(), build=False)


def test_a_damaged_index_is_built_again(folders: Settings) -> None:
    write(folders, "a.md", STORY.format(10))
    summary = build_index(folders, WordEncoder())
    damaged = summary.folder / "chunks" / "000000000000"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    reasons: list[str] = []
    ensure_index(folders, WordEncoder(), starting=reasons.append)
    assert "chunks/000000000000 is damaged" in reasons[0]


KILLED = """
import os, signal, sys
from pathlib import Path
from qa.build import build_index
from qa.config import Settings
from tests.fakes import WordEncoder

def kill(stage, done, total):
    if stage == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

root = Path(sys.argv[1])
build_index(Settings(articles=root / "articles", index=root / "index", chunk_words=20), WordEncoder(), progress=kill)
"""


@pytest.mark.parametrize("stage", ["read", "embed", "write"])
def test_a_killed_update_leaves_the_old_index_whole(folders: Settings, stage: str) -> None:
    write(folders, "a.md", STORY.format(10))
    build_index(folders, WordEncoder())
    before = content(folders, WordEncoder())
    write(folders, "b.md", "Ein neuer Bericht kommt hinzu. Er ist kurz.")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(folders.articles.parent), stage],
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1])])},
    )
    assert killed.returncode == -signal.SIGKILL
    assert content(folders, WordEncoder()) == before
    build_index(folders, WordEncoder())
    assert len(list(load_index(folders, WordEncoder()).corpus.articles())) == 2
    assert not list(folders.index.glob(".tmp-*"))


def test_progress_counts_to_the_end(folders: Settings) -> None:
    write(folders, "a.md", STORY.format(10))
    seen: dict[str, tuple[int, int]] = {}
    build_index(folders, WordEncoder(), progress=lambda stage, done, total: seen.update({stage: (done, total)}))
    assert list(seen) == ["read", "embed", "write"]
    assert all(done == total for done, total in seen.values())
