"""The bench on archives of a few chunks: what it builds is an index like any other, what it says adds up."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from eval import bench, bench_report, bench_search
from eval.archive import Material, Pair, articles
from eval.bench_build import Built, build, fit_composer
from eval.bench_report import Row, plot, plots, table
from eval.bench_search import ExactStore, Known, Spread, search
from eval.vectors import CachedEncoder, Composer
from qa.index import Index
from qa.retrieve import retrieve
from tests.fakes import PieceEncoder, WordEncoder

if TYPE_CHECKING:
    from qa.types import Vectors

WORDS = "Bericht Kanzler Haushalt Brücke Ernte Wahl Hafen Streik Museum Regen Schule Fluss".split()


def pair(number: int) -> Pair:
    first, second = WORDS[number % 12], WORDS[(number // 12) % 12]
    return Pair(f"{first} und {second} stehen heute auf Seite {number}.", f"{first} and {second} are on page {number}.")


@pytest.fixture
def material() -> Material:
    return Material(tuple(map(pair, range(140))), tuple(map(pair, range(140, 200))))


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    folder = tmp_path / "dev"
    folder.mkdir()
    for lang in ("de", "en"):
        qas = [{"question": f"{pair(number).german}?"} for number in range(60)]
        record = {"data": [{"paragraphs": [{"context": "Ein Absatz steht hier.", "qas": qas}]}]}
        (folder / f"xquad.{lang}.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def test_an_encoder_remembers_across_runs_what_it_embedded(tmp_path: Path) -> None:
    inner = WordEncoder()
    cached = CachedEncoder(inner, tmp_path)
    first = cached.encode_passages(["ein Satz", "noch einer", "ein Satz"])
    again = CachedEncoder(inner, tmp_path).encode_passages(["noch einer", "ein Satz"])
    assert inner.embedded == ["ein Satz", "noch einer"]
    np.testing.assert_array_equal(again, first[[1, 0]])
    np.testing.assert_allclose(first, inner.encode_passages(["ein Satz", "noch einer", "ein Satz"]), atol=1e-3)
    assert cached.knows("ein Satz")
    assert not cached.knows("keiner")


def test_it_remembers_pieces_too(tmp_path: Path) -> None:
    inner, texts = PieceEncoder(), ["ein Satz", "", "noch einer davon", "ein Satz"]
    expected = inner.encode_pieces(texts)
    CachedEncoder(inner, tmp_path).encode_passages(texts[:1])
    cached = CachedEncoder(inner, tmp_path)
    for one in (cached.encode_pieces(texts), CachedEncoder(inner, tmp_path).encode_pieces(texts)):
        np.testing.assert_allclose(one.vectors, expected.vectors, atol=1e-3)
        np.testing.assert_array_equal(one.pieces.codes, expected.pieces.codes)
        np.testing.assert_array_equal(one.pieces.places, expected.pieces.places)
        np.testing.assert_array_equal(one.pieces.counts, expected.pieces.counts)
    assert inner.with_pieces == [*texts, *texts[:3]]
    assert cached.encode_pieces([]).pieces.codes.shape == (0, inner.piece_bytes)


def test_archives_have_the_pieces_of_their_chunks_or_of_their_sentences(tmp_path: Path, material: Material) -> None:
    inner = PieceEncoder()
    encoder = CachedEncoder(inner, tmp_path / "vectors")
    known = build(tmp_path / "40", articles(material), 40, encoder, None, with_sentences=True)
    composer = fit_composer(encoder, islice(articles(material), known.articles), 100)
    made = build(tmp_path / "80", articles(material), 80, encoder, composer, with_sentences=True)
    index = Index(tmp_path / "80")
    heads = set()
    for one in islice(articles(material), made.articles):
        title = len((one.title or "").split())
        for record in index.corpus.chunks_of(one.id):
            sentences = [span.of(one.text).split() for span in record.sentences]
            assert record.piece_counts[1:] == tuple(map(len, sentences))
            heads.add(record.piece_counts[0])
            assert record.piece_counts[0] in {0, title}
            codes = inner.encode_pieces([word for words in sentences for word in words]).pieces.codes
            np.testing.assert_array_equal(index.pieces_of([record]).codes[record.piece_counts[0] :], codes)
    assert len(heads) > 1
    assert index.manifest.piece_count == made.pieces > known.pieces
    assert (index.piece_bytes, index.waste()) == (4, 0.0)
    without = build(tmp_path / "60", articles(material), 60, encoder, composer, with_sentences=False)
    assert (without.pieces, Index(tmp_path / "60").piece_bytes) == (0, 0)


def test_rows_of_a_run_that_was_stopped_are_written_over(tmp_path: Path) -> None:
    CachedEncoder(WordEncoder(), tmp_path).encode_passages(["eins", "zwei"])
    keys = next(tmp_path.rglob("texts.u64"))
    keys.write_bytes(keys.read_bytes()[:8])
    inner = WordEncoder()
    found = CachedEncoder(inner, tmp_path).encode_passages(["drei", "eins"])
    assert inner.embedded == ["drei"]
    np.testing.assert_allclose(found, inner.encode_passages(["drei", "eins"]), atol=1e-3)
    np.testing.assert_array_equal(CachedEncoder(inner, tmp_path).encode_passages(["drei", "eins"]), found)


def test_composed_vectors_are_as_far_from_the_means_as_real_ones() -> None:
    rng = np.random.default_rng(0)

    def unit(rows: Vectors) -> Vectors:
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    means = unit(rng.standard_normal((4000, 32)))
    real = unit(means @ rng.standard_normal((32, 32)) + 0.5 * rng.standard_normal((4000, 32)))
    composer = Composer(means[:2000], real[:2000])
    made = composer.compose(means[2000:], [str(number) for number in range(2000)])
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    nearest = [np.sort(rows[:200] @ rows.T, axis=1)[:, -2].mean() for rows in (real[2000:], made)]
    assert nearest[1] == pytest.approx(nearest[0], abs=0.05)


@pytest.fixture
def built(tmp_path: Path, material: Material) -> Built:
    encoder = CachedEncoder(WordEncoder(), tmp_path / "vectors")
    made = build(tmp_path / "40", articles(material), 40, encoder, None, with_sentences=True)
    made.write(tmp_path / "40.json")
    return made


def test_what_it_builds_is_an_index(tmp_path: Path, built: Built, material: Material) -> None:
    index = Index(tmp_path / "40")
    kept = list(islice(articles(material), built.articles))
    assert list(index.corpus.articles()) == kept
    assert index.manifest.chunk_count == built.chunks == len(index.store) >= 40
    assert set(built.seconds) == {"look up", *bench_report.BUILDING}
    record = index.corpus.chunks_of(kept[0].id)[0]
    texts = [span.of(kept[0].text) for span in record.sentences]
    np.testing.assert_allclose(index.sentence_vectors_of(record), WordEncoder().encode_passages(texts), atol=1e-3)


def test_chunks_never_embedded_get_made_up_vectors_and_no_sentences(
    tmp_path: Path, built: Built, material: Material
) -> None:
    inner = WordEncoder()
    encoder = CachedEncoder(inner, tmp_path / "vectors")
    encoder.encode_passages([one.german for one in material.told])
    composer = fit_composer(encoder, islice(articles(material), built.articles), 100)
    made = build(tmp_path / "80", articles(material), 80, encoder, composer, with_sentences=False)
    assert (made.composed, made.sentences) == (made.chunks - built.chunks, 0)
    assert not [text for text in inner.embedded if "\n" in text]
    index = Index(tmp_path / "80")
    assert index.manifest.chunk_count == made.chunks
    best = retrieve(index, inner, material.told[0].german, 1).candidates[0]
    assert best.nearest == pytest.approx(best.passage.dense_score, abs=1e-3)


def test_asking_gives_times_and_what_is_found(
    tmp_path: Path, built: Built, material: Material, dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_search, "load_encoder", WordEncoder)
    for name, number in (("EACH", 6), ("ANSWERED", 2), ("JUDGED", 6)):
        monkeypatch.setattr(bench_search, name, number)
    result = search(tmp_path / "40", material, dev)
    assert result.chunks == built.chunks
    assert set(result.recall.values()) == {1.0}
    assert {"encode", "dense", "lexical", "search", "evidence", "whole"} <= set(result.stages)
    assert all(0 <= spread.p50 <= spread.p95 for spread in result.stages.values())
    assert result.resident_mb > result.own_mb > 0
    assert result.right["de"][0] == result.right["de"][1]


def test_exact_search_and_known_questions_change_nothing_else(tmp_path: Path, built: Built) -> None:
    store = Index(tmp_path / "40").store
    encoder = WordEncoder()
    exact = ExactStore(store, _keys(tmp_path / "40"))
    queries = encoder.encode_queries(["Streik und Regen"])
    assert exact.search(queries, 5).keys.tolist() == store.search(queries, 5).keys.tolist()
    known = Known(encoder, ["Streik und Regen"])
    np.testing.assert_array_equal(known.encode_queries(["Streik und Regen"]), queries)
    assert known.dim == encoder.dim


def _keys(folder: Path) -> np.ndarray:
    return np.fromfile(next((folder / "keys").iterdir()), np.int64)


def test_a_spread_is_of_percentiles() -> None:
    assert Spread.of([float(n) for n in range(101)]) == Spread(50.0, 95.0)


def row(size: int, ms: float, sentences: int = 10) -> Row:
    seconds = dict.fromkeys(bench_report.BUILDING, 2.0)
    built = {"chunks": size, "sentences": sentences, "composed": size // 4, "peak_mb": 300.0, "seconds": seconds}
    spread = {"p50": ms / 2, "p95": ms}
    stages = dict.fromkeys([*bench_report.STAGES, "search: questions"], spread)
    if not sentences:
        del stages["evidence"], stages["whole"]
    searched = {
        "stages": stages,
        "recall": {"questions": 0.99},
        "right": {"de": [0.9, 0.91], "en": [0.8, 0.8]},
        "index_mb": {"a": 1.0, "b": 2.0},
        "load_s": 0.5,
        "own_mb": 200.0,
        "resident_mb": 250.0,
        "asked": 4,
    }
    return Row(size, built, searched)


def test_the_table_has_a_column_a_size_and_leaves_out_what_was_not_measured() -> None:
    lines = table([row(1000, 4.0), row(100_000, 9.0, sentences=0)], 12.0).splitlines()
    assert lines[0] == "| chunks | 1,000 | 100,000 |"
    cells = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:] for line in lines[2:]}
    assert cells["sentences"] == ["10", "none"]
    assert cells["· BM25"] == ["500", "50,000"]
    assert cells["**whole answer**, p50 / p95 ms"][0] == "2.0 / 4.0"
    assert cells["· bytes a chunk"] == ["3,146", "31"]


def test_plots_rise_with_what_they_show() -> None:
    drawn = plot("Time", {"whole": [(1000, 2.0), (10_000, 20.0)], "unmeasured": [(1000, None)]})
    places = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn)
    (x1, y1), (x2, y2) = [(float(x), float(y)) for x, y in places]
    assert x1 < x2
    assert y1 > y2
    assert "unmeasured" not in drawn
    assert set(plots([row(1000, 4.0), row(10_000, 9.0)])) == {
        "bench-question.svg",
        "bench-building.svg",
        "bench-space.svg",
    }


def test_the_table_goes_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "PERFORMANCE.md"
    document.write_text(f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(bench, "DOCUMENT", document)
    monkeypatch.setattr(bench, "IMAGES", tmp_path)
    bench._write("new", {"a.svg": "<svg/>"})
    text = document.read_text(encoding="utf-8")
    assert text == f"before\n{bench.BEGIN}\nnew\n\n![a.svg](images/a.svg)\n{bench.END}\nafter\n"
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == "<svg/>"
    document.write_text("nothing", encoding="utf-8")
    with pytest.raises(SystemExit, match="no place"):
        bench._write("new", {})


def test_only_what_this_version_reads_counts_as_built(tmp_path: Path, built: Built) -> None:
    assert bench._is_built(tmp_path, 40)
    assert not bench._is_built(tmp_path, 41)
    (tmp_path / "40" / "manifest.json").write_text("{}", encoding="utf-8")
    assert not bench._is_built(tmp_path, 40)


def test_sizes_are_built_asked_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def run(command: Sequence[str], *, check: bool) -> None:
        assert check
        ran.append(command[2])
        one = row(10, 1.0)
        (tmp_path / "10.json").write_text(json.dumps(one.built), encoding="utf-8")
        (tmp_path / "10.search.json").write_text(json.dumps(one.searched), encoding="utf-8")

    monkeypatch.setattr(bench.subprocess, "run", run)
    monkeypatch.setattr(bench, "embedding_rate", lambda _data: 5.0)
    bench.main(["--sizes", "10", "--cache", str(tmp_path)])
    assert ran == ["eval.bench_build", "eval.bench_search"]
    assert "| chunks | 10 |" in capsys.readouterr().out
