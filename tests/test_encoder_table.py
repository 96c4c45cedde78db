"""``python -m eval.encoder``: rankings against the bot's own and against figures worked out by hand, and its tables."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import encoder as table
from eval.encoder import main
from eval.encoder_speed import (
    SPEED_WORDS,
    SPEEDS,
    Side,
    load_seconds,
    markdown_table,
    passages_per_second,
    question_ms,
    running_passages,
    speed_table,
)
from eval.encoder_tasks import (
    MEASURES,
    Collection,
    Encoded,
    TaskSet,
    dense_figures,
    encode,
    figures,
    lexical_hits,
    omosqa,
    rank_dense,
    rank_hybrid,
    rank_lexical,
    reranked,
    xquad,
)
from qa.build import index_articles
from qa.config import Settings
from qa.embed import BUNDLED, OnnxEncoder, load_encoder
from qa.errors import QAError
from qa.lexical import LexicalHits
from qa.measuring.questions import QuestionsError
from qa.retrieve import DEPTH, FUSION, Mode, retrieve
from qa.types import Chunk
from tests.fakes import WordEncoder, article

if TYPE_CHECKING:
    from qa.types import Vectors

NOUNS = {
    "Brunnen": "fountain",
    "Esel": "donkey",
    "Kirschbaum": "cherry",
    "Wagen": "cart",
    "Teppich": "carpet",
    "Ofen": "stove",
    "Spiegel": "mirror",
    "Turm": "tower",
    "Zaun": "fence",
    "Schlitten": "sledge",
    "Korb": "basket",
    "Löwe": "lion",
}
GERMAN, ENGLISH = list(NOUNS), list(NOUNS.values())

#: So many that no two words of the texts below share one.
DIM = 1 << 15


def squad(contexts: Sequence[str], questions: Sequence[str], nouns: Sequence[str]) -> str:
    paragraphs = []
    for at, (context, question, noun) in enumerate(zip(contexts, questions, nouns, strict=True)):
        answers = [{"text": noun, "answer_start": context.index(noun)}]
        paragraphs.append({"context": context, "qas": [{"id": f"q{at}", "question": question, "answers": answers}]})
    return json.dumps({"data": [{"title": "Hof", "paragraphs": paragraphs}]})


def page(number: int, noun: str, question: str, answers: list[int], texts: tuple[str, str]) -> str:
    context = "\n".join([noun, *(text.format(noun) for text in texts)])
    return json.dumps({"id": number, "question": question, "answers": answers, "context": context})


PROSE = {
    "de": ("Der {} steht heute im Garten und wird dort von allen gesehen.", "Wir haben ihn im Sommer neu gekauft."),
    "en": ("The {} stands in the garden today and is seen there by all.", "We bought it anew in the summer."),
}
ASKED = {"de": "Wo steht der {}?", "en": "Where does the {} stand?"}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A ``shared`` folder of twelve paragraphs, eight pages of train and four of dev, the last of them unanswered."""
    data = tmp_path / "shared" / "data" / "dev"
    data.mkdir(parents=True)
    for lang, nouns in (("de", GERMAN), ("en", ENGLISH)):
        texts, question = PROSE[lang], ASKED[lang]
        contexts = [" ".join(texts).format(noun) for noun in nouns]
        (data / f"xquad.{lang}.json").write_text(squad(contexts, [question.format(noun) for noun in nouns], nouns))
        lines = [page(at, noun, question.format(noun), [1], texts) for at, noun in enumerate(nouns)]
        unanswered = page(11, nouns[11], "Was kostet er?" if lang == "de" else "What does it cost?", [], texts)
        (data / f"omosqa.train.{lang}.jsonl").write_text("\n".join(lines[:8]))
        (data / f"omosqa.dev.{lang}.jsonl").write_text("\n".join([*lines[8:11], unanswered]))
    return tmp_path / "shared"


@pytest.fixture
def scrambled(tmp_path: Path) -> Path:
    """Pages and questions of words drawn by chance: vectors, words and titles pull in different directions."""
    draw = random.Random(1)
    data = tmp_path / "scrambled" / "data" / "dev"
    data.mkdir(parents=True)

    def drawn(count: int) -> str:
        return " ".join(draw.choices(GERMAN, weights=range(1, len(GERMAN) + 1), k=count))

    pages = [
        page(at, f"{drawn(2)} {at}", f"Wo ist {drawn(3)}?", [1], (f"Das ist der {drawn(9)}.", f"Und {drawn(3)}."))
        for at in range(40)
    ]
    for lang in ("de", "en"):
        (data / f"omosqa.train.{lang}.jsonl").write_text("\n".join(pages[:20]))
        (data / f"omosqa.dev.{lang}.jsonl").write_text("\n".join(pages[20:]))
    return tmp_path / "scrambled"


def words(tasks: TaskSet) -> Encoded:
    encoder = WordEncoder(DIM)
    return encode(encoder, tasks)


def collection(owner: Sequence[int]) -> Collection:
    """Chunks whose articles alone matter."""
    articles = tuple(article("x", name=str(at)) for at in range(max(owner, default=0) + 1))
    chunks = tuple(Chunk(f"{at:016x}", articles[own].id, 0, 1, "x") for at, own in enumerate(owner))
    return Collection(articles, chunks, np.array(owner, np.int64), ("x",) * len(chunks), np.arange(len(chunks)))


def test_xquad_is_asked_in_both_languages_over_both(small: Path) -> None:
    tasks = xquad(small / "data" / "dev")
    assert [one.name for one in tasks.directions] == ["en→de", "de→de", "en→en", "de→en"]
    assert len(tasks.questions) == len(set(tasks.questions)) == 24
    for one in tasks.directions:
        noun = dict(zip(("de", "en"), (GERMAN, ENGLISH), strict=True))
        assert [tasks.questions[row] for row in one.rows] == [ASKED[one.asked].format(word) for word in noun[one.asked]]
        paragraphs = [tasks.collections[one.written].texts[at] for at in one.relevant]
        assert all(word in text for word, text in zip(noun[one.written], paragraphs, strict=True))


def test_a_paragraph_is_one_chunk(small: Path) -> None:
    found = xquad(small / "data" / "dev").collections["de"]
    assert [chunk.text for chunk in found.chunks] == [one.text for one in found.articles]
    assert found.texts == [one.text for one in found.articles]


def test_pages_of_train_are_searched_and_only_answered_questions_of_dev_asked(small: Path) -> None:
    tasks = omosqa(small / "data" / "dev")
    assert [one.name for one in tasks.directions] == ["en→de", "de→de", "en→en"]
    for one in tasks.directions:
        pages = tasks.collections[one.written].articles
        assert len(pages) == 12
        titles = (GERMAN if one.written == "de" else ENGLISH)[8:11]
        assert [pages[at].title for at in one.relevant] == titles
        nouns = (GERMAN if one.asked == "de" else ENGLISH)[8:11]
        assert [tasks.questions[row] for row in one.rows] == [ASKED[one.asked].format(noun) for noun in nouns]
    assert tasks.note.startswith("3 of 4 questions")
    assert "12 in German, 12 in English" in tasks.note


def test_a_chunk_has_the_sentences_that_are_its_own(small: Path) -> None:
    for tasks in (omosqa(small / "data" / "dev"), xquad(small / "data" / "dev")):
        for found in tasks.collections.values():
            bounds = [*found.starts.tolist(), len(found.sentences)]
            for chunk, start, end in zip(found.chunks, bounds[:-1], bounds[1:], strict=True):
                assert start < end
                assert all(text.splitlines()[-1] in chunk.text for text in found.sentences[start:end])


@given(st.integers(1, 120), st.randoms(use_true_random=False))
def test_only_the_nearest_passages_rank_by_their_best_sentences(count: int, numbers: random.Random) -> None:
    scores = np.array([[numbers.uniform(-1, 1) for _ in range(count)]], np.float32)
    nearest = np.array([[numbers.uniform(-1, 1) for _ in range(count)]], np.float32)
    combined = scores + FUSION.sentence * nearest
    order = np.argsort(-reranked(scores, combined)[0], kind="stable").tolist()
    by_passage = np.argsort(-scores[0], kind="stable").tolist()
    assert set(order[:DEPTH]) == set(by_passage[:DEPTH])
    assert order[DEPTH:] == by_passage[DEPTH:]
    assert np.all(np.diff(combined[0, order[:DEPTH]]) <= 1e-6)


def test_the_encoder_reads_title_and_passage(small: Path) -> None:
    found = omosqa(small / "data" / "dev").collections["en"]
    for chunk, text, at in zip(found.chunks, found.texts, found.owner, strict=True):
        assert text == f"{found.articles[at].title}\n{chunk.text}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match=r"xquad\.de\.json"):
        xquad(tmp_path)


def test_an_article_ranks_where_its_best_chunk_does() -> None:
    scores = np.array([[0.1, 0.9, 0.5, 0.2], [0.3, 0.1, 0.2, 0.4]], np.float32)
    assert rank_dense(scores, collection([0, 0, 1, 2])) == [[0, 1, 2], [2, 0, 1]]


def test_equal_scores_stand_in_the_order_of_the_collection() -> None:
    scores = np.array([[0.5, 0.7, 0.5, 0.7]], np.float32)
    assert rank_dense(scores, collection([0, 1, 2, 3])) == [[1, 3, 0, 2]]


def test_an_article_without_a_chunk_comes_last() -> None:
    scores = np.array([[-0.9, -0.8]], np.float32)
    assert rank_dense(scores, collection([1, 2])) == [[2, 1, 0]]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([-0.5, 0.0, 0.25, 0.5])), min_size=1, max_size=30))
def test_dense_ranks_are_those_of_a_sort(chunks: list[tuple[int, float]]) -> None:
    owners = sorted(own for own, _ in chunks)
    scores = [score for _, score in chunks]
    best: dict[int, float] = {}
    for own, score in zip(owners, scores, strict=True):
        best[own] = max(score, best.get(own, -1.0))
    expected = sorted(best, key=lambda at: (-best[at], at))
    [order] = rank_dense(np.array([scores], np.float32), collection(owners))
    assert order[: len(expected)] == expected


def assert_ranked_as_by_the_bot(tasks: TaskSet, folder: Path, mode: Mode) -> None:
    """Against `qa.retrieve` over a published index: the same ten articles in the same order, but for equal scores."""
    encoder = WordEncoder(DIM)
    hits, vectors = lexical_hits(tasks), words(tasks)
    for one in tasks.directions:
        found = tasks.collections[one.written]
        index = index_articles(Settings(index=folder / one.name), encoder, found.articles)
        assert index.manifest.chunk_count == len(found.chunks)
        if mode == "hybrid":
            asked = [tasks.questions[row] for row in one.rows]
            dense = vectors.dense(one, found)
            orders = rank_hybrid(vectors.scores(one), dense, hits[one.name], found, asked, encoder.word_cosines)
        elif mode == "dense":
            orders = rank_dense(reranked(vectors.scores(one), vectors.dense(one, found)), found)
        else:
            orders = rank_lexical(hits[one.name], found)
        for row, order in zip(one.rows, orders, strict=True):
            by_score: dict[str, float] = {}
            for candidate in retrieve(index, encoder, tasks.questions[row], DEPTH, mode=mode).candidates:
                by_score.setdefault(candidate.passage.article.id, candidate.passage.score)
            best = sorted(by_score.values(), reverse=True)[:10]
            # The index stores vectors as fp16.
            assert [by_score[found.articles[at].id] for at in order[:10]] == pytest.approx(best, abs=2e-3)


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_pages_rank_as_the_bot_ranks_them(scrambled: Path, tmp_path: Path, mode: Mode) -> None:
    assert_ranked_as_by_the_bot(omosqa(scrambled / "data" / "dev"), tmp_path, mode)


def test_paragraphs_rank_as_the_bot_ranks_them(small: Path, tmp_path: Path) -> None:
    assert_ranked_as_by_the_bot(xquad(small / "data" / "dev"), tmp_path, "hybrid")


def test_candidates_are_the_nearest_and_what_words_find() -> None:
    """Sixty passages, the first the nearest: fifty of them by vectors, and the last by its words."""
    scores = np.linspace(0.9, 0.0, 60, dtype=np.float32)[None, :]
    [order] = rank_hybrid(
        scores, scores, [LexicalHits([59], [12.0])], collection(range(60)), ["wo"], WordEncoder().word_cosines
    )
    assert order.index(59) < 49
    assert [at for at in order if at != 59] == list(range(DEPTH))


def test_words_help_where_vectors_tie(small: Path) -> None:
    """Every paragraph is as near as any other, so the order of the file decides, unless words do."""
    tasks = xquad(small / "data" / "dev")
    alike = {lang: np.ones((12, 1), np.float32) for lang in ("de", "en")}
    same = Encoded(np.ones((24, 1), np.float32), alike, {lang: np.ones((24, 1), np.float32) for lang in alike})
    one = next(one for one in tasks.directions if one.name == "de→de")
    found = tasks.collections["de"]
    assert rank_dense(same.scores(one), found) == [list(range(12))] * 12
    asked = [tasks.questions[row] for row in one.rows]
    hits = lexical_hits(tasks)["de→de"]
    fused = rank_hybrid(same.scores(one), same.dense(one, found), hits, found, asked, WordEncoder().word_cosines)
    assert [order[0] for order in fused] == list(range(12))


def test_the_figures_of_rankings() -> None:
    found = figures([[0, 1, 2], [1, 2, 0], [5, 4, 3, 2, 1, 0], []], np.array([0, 0, 0, 0]))
    assert set(found) == set(MEASURES)
    assert found["R@1"].value == 1 / 4
    assert found["R@5"].value == 2 / 4
    assert found["nDCG@10"].value == pytest.approx((1 + 1 / math.log2(4) + 1 / math.log2(7)) / 4)
    assert all(one.low <= one.value <= one.high and one.n == 4 for one in found.values())


def test_any_pair_of_callables_is_measured_on_xquad(small: Path) -> None:
    """Words within a language find every paragraph; across, nothing is shared and the order of the file decides."""
    encoder = WordEncoder(DIM)
    tasks = xquad(small / "data" / "dev")
    found = dense_figures(tasks, encode(encoder, tasks))
    assert list(found) == ["en→de", "de→de", "en→en", "de→en"]
    for name in ("de→de", "en→en"):
        assert [found[name][measure].value for measure in MEASURES] == [1, 1, 1]
    by_order = [1 / math.log2(1 + rank) for rank in range(1, 11)]
    for name in ("en→de", "de→en"):
        assert found[name]["R@1"].value == pytest.approx(1 / 12)
        assert found[name]["R@5"].value == pytest.approx(5 / 12)
        assert found[name]["nDCG@10"].value == pytest.approx(sum(by_order) / 12)


def test_two_runs_give_the_same_figures(small: Path) -> None:
    encoder = WordEncoder(64)
    tasks = xquad(small / "data" / "dev")
    runs = [dense_figures(tasks, encode(encoder, tasks)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_each_text_is_encoded_once(small: Path) -> None:
    encoder = WordEncoder()
    tasks = xquad(small / "data" / "dev")
    encode(encoder, tasks)
    assert sorted(encoder.embedded) == sorted(
        text for one in tasks.collections.values() for text in (*one.texts, *one.sentences)
    )


def test_running_passages_have_sixty_words_whatever_the_texts() -> None:
    texts = [" ".join(f"w{at}" for at in range(start, start + 25)) for start in range(0, 300, 25)]
    passages = running_passages(texts, count=3)
    assert [len(passage.split()) for passage in passages] == [SPEED_WORDS] * 3
    assert " ".join(passages).split() == [f"w{at}" for at in range(180)]


def test_speeds_are_positive_and_count_what_they_say() -> None:
    encoder = WordEncoder()
    assert passages_per_second(encoder, ["eins zwei"] * 40) > 0
    assert len(encoder.embedded) == 48
    assert question_ms(encoder, ["Wer?", "Was?"]) > 0


class Logged(OnnxEncoder):
    """Notes in ``log`` whose turn it is."""

    log: list[str]
    label: str

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        if self.log[-1:] != [self.label]:
            self.log.append(self.label)
        return super().encode_passages(texts)


def test_the_two_take_turns_and_every_row_is_there(small: Path) -> None:
    log: list[str] = []
    sides = []
    for label in ("ours", "theirs"):
        encoder = Logged(BUNDLED, name="bundled", threads=1)
        encoder.log, encoder.label = log, label
        sides.append(Side(label, encoder))
    shown = speed_table(xquad(small / "data" / "dev"), *sides, threads=1, rounds=2)
    assert log == ["ours", "theirs"] * 2
    rows = [line.split(" | ") for line in shown.splitlines() if line.startswith("| ")]
    assert [row[0].removeprefix("| ") for row in rows[2:]] == list(SPEEDS)
    for row in rows[2:]:
        pairs = [list(map(float, cell.split(" / "))) for cell in row[1:3]]
        rate = row[0].endswith("a second")
        assert all(best >= median > 0 if rate else 0 < best <= median for best, median in pairs)
        (_, ours), (_, theirs) = pairs
        assert float(row[3]) == pytest.approx(ours / theirs if rate else theirs / ours, rel=0.1)


def test_loading_takes_longer_with_the_imports() -> None:
    alone, with_imports = load_seconds(Side("ours", load_encoder()), 1)
    assert 0 < alone < with_imports


def test_an_encoder_that_cannot_be_loaded_afresh_is_named() -> None:
    encoder = OnnxEncoder(BUNDLED, name="/gone/away")
    with pytest.raises(QAError, match="/gone/away could not be loaded in a process of its own"):
        load_seconds(Side("gone", encoder), 1)


def test_a_markdown_table() -> None:
    assert markdown_table(("a", "b"), [("1", "2"), ("3", "")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |"


def rows_below(out: str, head: str) -> dict[str, list[str]]:
    lines = out.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {head} |"))
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        found[name] = cells
    return found


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled encoder on both sides: torch is not needed, and its two rows must be the same."""
    monkeypatch.setattr(table, "baseline_encoder", load_encoder)


@pytest.mark.usefixtures("alike")
def test_the_command_prints_every_table(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--shared", str(small), "--threads", "1", "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    headings = [line for line in out.splitlines() if line.startswith("#")]
    assert headings == [
        "# Encoder bundled beside all-MiniLM-L6-v2 and BM25",
        "## XQuAD",
        "## OMoS-QA dev",
        "## Speed",
    ]
    found = rows_below(out, "R@1 | en→de | de→de | en→en | de→en")
    assert list(found) == [
        "dense",
        "dense, passages alone",
        "hybrid",
        "BM25",
        "all-MiniLM-L6-v2 dense",
        "all-MiniLM-L6-v2, passages alone",
        "wanted of dense",
        "wanted of hybrid",
    ]
    assert found["dense"] == found["all-MiniLM-L6-v2 dense"]
    assert found["BM25"][1] == "1.000 [1.000, 1.000]"
    assert found["wanted of hybrid"] == ["≥ 0.885", "≥ 0.945", "", ""]
    pages = rows_below(out, "R@5 | en→de | de→de | en→en")
    assert pages["hybrid"][1] == "1.000 [1.000, 1.000]"
    assert pages["wanted"] == ["≥ 0.750", "≥ 0.880", "≥ 0.750"]
    assert "3 of 4 questions" in out
    assert "| loading, with imports, s |" in out


@pytest.mark.usefixtures("alike")
def test_sets_and_speed_can_be_left_out(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--shared", str(small), "--sets", "omosqa", "--no-speed", "--model", str(BUNDLED)]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("#")] == [
        "# Encoder model beside all-MiniLM-L6-v2 and BM25",
        "## OMoS-QA dev",
    ]


@pytest.mark.usefixtures("alike")
def test_what_is_missing_is_one_line_on_stderr(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--shared", str(tmp_path), "--no-speed"]) == 1
    assert main(["--shared", str(small), "--model", str(tmp_path / "none"), "--no-speed"]) == 1
    (small / "data" / "dev" / "xquad.en.json").unlink()
    assert main(["--shared", str(small), "--no-speed"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [
        part in line for part, line in zip(("--shared", "none does not exist", "xquad.en.json"), lines, strict=True)
    ]


@pytest.mark.parametrize("wrong", [["--sets", "xquad,squad"], ["--threads", "0"], ["--rounds", "0"]])
def test_a_wrong_option_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(wrong)
    assert left.value.code == 2
    assert ("squad; there are xquad, omosqa" if "--sets" in wrong else "must be at least 1") in capsys.readouterr().err


def test_the_fidelity_table_reads_the_same_questions(small: Path) -> None:
    pytest.importorskip("onnx", reason="the train extra is not installed")
    from eval.encoder_fidelity import header, row, speed

    tasks = xquad(small / "data" / "dev")
    vectors = words(tasks)
    timed = speed(WordEncoder(), tasks)
    assert timed.query_ms > 0 < timed.passages_per_second
    line = row("fp32", 1.25, timed, vectors, vectors, tasks)
    head = header(tasks).splitlines()[0]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == len(head.strip("|").split("|"))
    assert cells[:5] == ["fp32", "1.2", "1.00000", "1.0000", "1.0000"]
    assert cells[6] == "100.00 / 100.00"


def test_the_figures_of_the_bundled_encoder_are_not_those_of_chance(shared: Path) -> None:
    """On a part small enough for every run: the first article's questions over all paragraphs of XQuAD."""
    tasks = xquad(shared / "data" / "dev")
    encoder = load_encoder()
    one = next(one for one in tasks.directions if one.name == "en→de")
    rows, relevant = one.rows[:40], one.relevant[:40]
    found = tasks.collections["de"]
    scores = (
        encoder.encode_queries([tasks.questions[row] for row in rows]) @ encoder.encode_passages(found.texts[:40]).T
    )
    part = replace(found, articles=found.articles[:40], chunks=found.chunks[:40], owner=found.owner[:40])
    assert len(tasks.questions) > 2000
    assert figures(rank_dense(scores, part), relevant)["R@1"].value > 0.7
