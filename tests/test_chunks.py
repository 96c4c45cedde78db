from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.chunks import LONGEST_SENTENCE, chunk_article, embedding_text, quotable_spans, sentence_texts
from qa.text import normalise, words
from tests.fakes import article

TEXTS = st.lists(
    st.sampled_from(
        [
            "Seoul wartet.",
            "Am 3. Oktober 2024 kamen 10.000 Soldaten.",
            "„Nein“, sagte er.",
            "Die Lage",
            "\n\n",
            "\n",
            "ä" * 40,
            "***",
            "–",
        ]
    )
    | st.text(max_size=60),
    max_size=40,
).map(lambda parts: normalise(" ".join(parts)))


def without_space(text: str) -> str:
    return "".join(text.split())


@given(TEXTS, st.integers(20, 60))
def test_chunks_are_slices_and_hold_every_sentence_once(text: str, max_words: int) -> None:
    source = article(text)
    chunked = chunk_article(source, max_words=max_words)
    spans = [span for group in chunked.sentences for span in group]
    assert spans == list(quotable_spans(source))
    assert without_space("".join(chunk.text for chunk in chunked.chunks)) == without_space(text)
    for chunk, group in zip(chunked.chunks, chunked.sentences, strict=True):
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.start <= group[0].start
        assert chunk.end == group[-1].end
        assert chunk.article_id == source.id
        assert 0 <= chunk.key < 2**63


@given(TEXTS, st.integers(20, 60))
def test_a_chunk_of_several_sentences_keeps_the_limit(text: str, max_words: int) -> None:
    for chunk, group in zip(*_both(text, max_words), strict=True):
        assert len(group) == 1 or len(words(chunk.text)) <= max_words


def _both(text: str, max_words: int) -> tuple[tuple, tuple]:
    chunked = chunk_article(article(text), max_words=max_words)
    return chunked.chunks, chunked.sentences


def test_marks_without_words_stand_in_one_chunk_only() -> None:
    text = "Eins zwei drei vier fünf.\n\n***\n\n" * 12
    chunks = _both(normalise(text), 20)[0]
    assert sum(chunk.text.count("***") for chunk in chunks) == 12


def test_sentences_fill_a_chunk_before_the_next_begins() -> None:
    text = "Eins zwei drei vier. Fünf sechs sieben acht. Neun zehn elf zwölf."
    assert [c.text for c in _both(text, 8)[0]] == [
        "Eins zwei drei vier. Fünf sechs sieben acht.",
        "Neun zehn elf zwölf.",
    ]


def test_a_heading_opens_a_chunk() -> None:
    text = "Der erste Absatz ist zu Ende.\n\nReaktionen in Moskau\n\nDer zweite Absatz beginnt."
    assert [c.text for c in _both(text, 100)[0]] == [
        "Der erste Absatz ist zu Ende.",
        "Reaktionen in Moskau\n\nDer zweite Absatz beginnt.",
    ]


def test_a_heading_is_searched_and_not_quoted() -> None:
    source = article("Anfang des Textes.\n\nWas nun? Die Lage\n\nEs geht weiter.")
    quotable = [span.of(source.text) for span in quotable_spans(source)]
    assert quotable == ["Anfang des Textes.", "Es geht weiter."]


def test_the_items_of_a_list_are_quoted() -> None:
    source = article("Zur Wahl stehen:\n\nK9-Haubitzen\n\nCheongung-II\n\nMinenräumer")
    assert "Cheongung-II" in [span.of(source.text) for span in quotable_spans(source)]


def test_a_long_sentence_stands_alone_and_whole() -> None:
    long = "Wort " * 60 + "Ende."
    chunks = _both(f"Kurz. {long} Kurz.", 20)[0]
    assert [c.text for c in chunks] == ["Kurz.", long, "Kurz."]


def test_a_monster_is_parted_so_that_all_of_it_can_be_found() -> None:
    monster = ", ".join(f"Posten {n}" for n in range(1000))
    pieces = [s.of(monster) for s in quotable_spans(article(monster))]
    assert len(pieces) > 10
    assert all(len(words(piece)) <= LONGEST_SENTENCE for piece in pieces)
    assert " ".join(pieces) == monster
    assert all(piece.endswith(",") for piece in pieces[:-1])


def test_a_line_without_spaces_is_parted_too() -> None:
    pieces = [s.of("x" * 400_000) for s in quotable_spans(article("x" * 400_000))]
    assert "".join(pieces) == "x" * 400_000
    assert max(map(len, pieces)) <= 2000


def test_ids_differ_between_articles_and_places_and_are_stable() -> None:
    one = _both("Eins. Zwei.", 20)[0]
    assert one[0].id == _both("Eins. Zwei.", 20)[0][0].id
    other = chunk_article(article("Eins. Zwei.", name="b"), max_words=20).chunks
    assert one[0].id != other[0].id


def test_the_title_goes_into_the_embedding_and_not_into_the_quote() -> None:
    titled = article("Der Text.", title="Die Überschrift")
    chunk = chunk_article(titled, max_words=50).chunks[0]
    assert embedding_text(titled, chunk) == "Die Überschrift\nDer Text."
    assert chunk.text == "Der Text."
    assert embedding_text(article("Der Text."), chunk) == "Der Text."


def test_a_sentence_is_embedded_with_the_heading_of_its_section() -> None:
    source = article("Ohne Überschrift.\n\nDie Waffen\n\nHaubitzen kommen.\n\nRaketen auch.\n\nDas Geld\n\nEs fehlt.")
    texts = sentence_texts(source, chunk_article(source, max_words=2))
    assert [text for chunk in texts for text in chunk] == [
        "Ohne Überschrift.",
        "Die Waffen\nHaubitzen kommen.",
        "Die Waffen\nRaketen auch.",
        "Das Geld\nEs fehlt.",
    ]


def test_an_empty_text_has_no_chunks() -> None:
    assert _both("", 50) == ((), ())
