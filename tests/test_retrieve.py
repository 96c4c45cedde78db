from __future__ import annotations

from pathlib import Path

import pytest

from qa.build import index_articles
from qa.config import Settings
from qa.index import Index
from qa.retrieve import FUSION, Fusion, fused_score, retrieve, saturated
from qa.types import Lang
from tests.fakes import PieceEncoder, WordEncoder, article

TEXTS = {
    "k9": "Experten nennen Haubitzen vom Typ K9.",
    "air": "Auch Luftverteidigungssysteme kommen infrage.",
    "duma": "Die Duma stimmte dem Vertrag zu.",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("retrieve")
    articles = [article(text, name=name) for name, text in TEXTS.items()]
    return index_articles(Settings(index=folder), WordEncoder(), articles)


def names(index: Index, question: str, **options: object) -> list[str]:
    found = retrieve(index, WordEncoder(), question, 3, **options)  # type: ignore[arg-type]
    return [one.passage.article.path.removesuffix(".md") for one in found.candidates]


def test_the_best_passage_comes_first(index: Index) -> None:
    assert names(index, "Haubitzen vom Typ K9")[0] == "k9"


def test_words_find_what_vectors_do_not(index: Index) -> None:
    """No word of the compound is in the question, and no whole word of the question in the text."""
    found = retrieve(index, WordEncoder(), "Verteidigung der Luft", 3).candidates
    assert found[0].passage.article.path == "air.md"
    assert found[0].passage.lexical_rank == 1
    assert found[0].passage.dense_score == pytest.approx(0.0)


def test_ranks_count_from_one_in_each_ranking(index: Index) -> None:
    found = retrieve(index, WordEncoder(), "Die Duma stimmte dem Vertrag zu.", 3).candidates
    best = found[0].passage
    assert (best.dense_rank, best.lexical_rank) == (1, 1)
    assert best.dense_score == pytest.approx(1.0, abs=1e-3)
    assert sorted(one.passage.dense_rank or 0 for one in found) == [1, 2, 3]
    assert [one.passage.lexical_rank for one in found[1:]] == [None, None]


def test_scores_fall_and_are_the_fusion_of_both(index: Index) -> None:
    fusion = Fusion(weight=0.3, half=2.0, across=0.1, bonus=0.05, met=0.2, met_across=0.4, sentence=0.7)
    for question, weight, bonus, met in (
        ("Duma und Vertrag über Haubitzen", 0.3, 0.0, 0.2),
        ("the Duma and the Vertrag", 0.1, 0.05, 0.4),
    ):
        found = retrieve(index, WordEncoder(), question, 3, fusion=fusion).candidates
        scores = [one.passage.score for one in found]
        assert scores == sorted(scores, reverse=True)
        for one in found:
            passage = one.passage
            words = (passage.lexical_score or 0.0) / ((passage.lexical_score or 0.0) + 2.0)
            dense = (passage.dense_score or 0.0) + 0.7 * one.nearest
            assert passage.score == pytest.approx(dense + weight * words + bonus + met * one.met)
            lang: Lang = "en" if bonus else "de"
            assert passage.score == fused_score(passage, one.met, dense, fusion, lang)
        assert max(one.met for one in found) > min(one.met for one in found) >= 0


def test_a_passage_is_as_near_as_its_best_sentence(tmp_path: Path) -> None:
    """Both passages hold the words that are asked for once; in the shorter sentence they weigh more."""
    filler = " ".join(f"wort{n}" for n in range(20))
    texts = [f"Die Haubitze liegt {filler}. Kurz davor war alles anders.", f"Die Haubitze liegt. Davor {filler} war."]
    articles = [article(text, name=name) for name, text in zip(("lang", "kurz"), texts, strict=True)]
    encoder = WordEncoder(1 << 12)
    index = index_articles(Settings(index=tmp_path / "index"), encoder, articles)
    for mode in ("dense", "hybrid"):
        best, other = retrieve(index, encoder, "Wo liegt die Haubitze?", 2, mode=mode).candidates
        assert best.passage.article.path == "kurz.md"
        query = encoder.encode_queries(["Wo liegt die Haubitze?"])[0]
        for one in (best, other):
            assert one.nearest == pytest.approx(float((index.sentence_vectors_of(one.record) @ query).max()), abs=1e-6)
        assert best.nearest > other.nearest
    dense = retrieve(index, encoder, "Wo liegt die Haubitze?", 2, mode="dense").candidates
    for one in dense:
        assert one.passage.score == pytest.approx((one.passage.dense_score or 0.0) + FUSION.sentence * one.nearest)


def test_one_ranking_alone(index: Index) -> None:
    dense = retrieve(index, WordEncoder(), "Duma", 3, mode="dense").candidates
    assert len(dense) == 3
    assert all(one.passage.lexical_rank is None for one in dense)
    lexical = retrieve(index, WordEncoder(), "Duma", 3, mode="lexical").candidates
    assert [one.passage.article.path for one in lexical] == ["duma.md"]
    assert lexical[0].passage.score == lexical[0].passage.lexical_score


@pytest.mark.parametrize("question", ["", " ", "?!", "\x00", "AND OR NOT (", 'text:"x', "😀", "a" * 5000])
def test_any_text_is_a_question(index: Index, question: str) -> None:
    assert len(retrieve(index, WordEncoder(), question, 3).candidates) == 3


def test_an_empty_index_gives_nothing(tmp_path: Path) -> None:
    empty = index_articles(Settings(index=tmp_path), WordEncoder(), [])
    assert retrieve(empty, WordEncoder(), "Seoul", 5).candidates == ()


def test_stages_are_timed(index: Index) -> None:
    timings = retrieve(index, WordEncoder(), "Seoul", 1).timings_ms
    assert list(timings) == ["encode", "dense", "lexical", "pieces", "words", "fuse"]
    assert all(ms >= 0 for ms in timings.values())


@pytest.mark.parametrize(("bm25", "worth"), [(0.0, 0.0), (20.0, 0.5), (60.0, 0.75), (float("inf"), 1.0)])
def test_saturation(bm25: float, worth: float) -> None:
    assert saturated(bm25, 20.0) == worth


def test_a_passage_whose_pieces_are_near_ranks_higher(tmp_path: Path) -> None:
    """Vectors and words see the question's words in both; one passage has them next to nothing else."""
    texts = {"nah": "Haubitzen kommen aus Seoul.", "fern": "Soldaten gehen nach Pjöngjang."}
    encoder = PieceEncoder()
    index = index_articles(
        Settings(index=tmp_path / "index"), encoder, [article(text, name=name) for name, text in texts.items()]
    )
    fusion = Fusion(weight=0.0, half=1.0, across=0.0, bonus=0.0, pieces=2.0)
    found = retrieve(index, encoder, "Haubitzen kommen?", 2, fusion=fusion).candidates
    assert [one.passage.article.id for one in found] == ["nah-id", "fern-id"]
    assert found[0].pieces > found[1].pieces + 0.2
    for one in found:
        assert one.passage.score == pytest.approx((one.passage.dense_score or 0.0) + 2.0 * one.pieces)


def test_an_index_without_pieces_ranks_without_them(index: Index) -> None:
    found = retrieve(index, WordEncoder(), "Haubitzen vom Typ K9", 3).candidates
    assert {one.pieces for one in found} == {0.0}
