"""Articles to chunks: stretches of whole sentences with exact offsets, small enough to be searched as one."""

from __future__ import annotations

import hashlib
import logging
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from qa.text import paragraphs, sentences, words
from qa.types import Chunk, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qa.types import Article

#: Raised whenever the same article may come out in other chunks: an index built with another one is refused.
CHUNKER_VERSION = 1

#: A "sentence" with more words than this is a table, a list or a broken file. It is parted at clause marks, else at
#: spaces, so that the encoder (256 tokens, about 160 German words) sees all of it. The longest real sentence in the
#: development data has 92 words.
LONGEST_SENTENCE = 150

#: A piece without a space is cut after this many code points, wherever that falls: no 150 words are that long.
LONGEST_PIECE = 2000


#: Longest heading in code points. Sub-headings of the news pages looked at have up to 70.
LONGEST_HEADING = 120


@dataclass(frozen=True, slots=True)
class ChunkedArticle:
    """The chunks of one article; ``sentences[i]`` are the quotable spans of ``chunks[i]``, article offsets."""

    chunks: tuple[Chunk, ...]
    sentences: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence with the headings right above it, which it is never parted from."""

    start: int
    sentence: Span

    def of(self, text: str) -> str:
        return text[self.start : self.sentence.end]


def chunk_article(article: Article, *, max_words: int) -> ChunkedArticle:
    """Cut an article into chunks of at most ``max_words`` words that end where sentences end.

    Sentences follow one another into a chunk until the next one would make it longer than ``max_words``; a longer
    sentence is a chunk of its own. A heading opens a chunk, is searched with it and is never quoted. Every other
    sentence belongs to exactly one chunk.
    """
    chunks: list[Chunk] = []
    grouped: list[tuple[Span, ...]] = []
    for group in _group(article.text, _units(article), max_words):
        start, end = group[0].start, group[-1].sentence.end
        chunk_id = _chunk_id(article.id, start, end)
        chunks.append(Chunk(chunk_id, article.id, start, end, article.text[start:end]))
        grouped.append(tuple(unit.sentence for unit in group))
    return ChunkedArticle(tuple(chunks), tuple(grouped))


def embedding_text(article: Article, chunk: Chunk) -> str:
    """What the encoder reads for a chunk: the title, which often names what the passage only calls "it"."""
    return f"{article.title}\n{chunk.text}" if article.title else chunk.text


def sentence_texts(article: Article, chunked: ChunkedArticle) -> list[list[str]]:
    """What the encoder reads for each sentence, chunk by chunk: the heading of its section, then the sentence.

    "Which weapons are considered" names what the sentences below it only list. Against sentences alone, more of the
    evidence is shown on OMoS-QA dev (0.632 to 0.652 German, 0.600 to 0.639 English) and on the own dev questions (0.531
    to 0.562). The article's title instead, where there is no heading, helps on advice pages and harms on news, where
    it makes all sentences alike (0.542).
    """
    texts: list[list[str]] = []
    heading = ""
    for chunk, spans in zip(chunked.chunks, chunked.sentences, strict=True):
        heading = article.text[chunk.start : spans[0].start].strip() or heading
        texts.append([f"{heading}\n{span.of(article.text)}".strip() for span in spans])
    return texts


def quotable_spans(article: Article) -> tuple[Span, ...]:
    """The sentences of an article, monsters parted and headings left out: the smallest stretches to quote."""
    return tuple(unit.sentence for unit in _units(article))


def _units(article: Article) -> list[_Unit]:
    text = article.text
    found = paragraphs(text)
    headings = _headings(text, found)
    begins = [paragraph.start for paragraph in found]
    units: list[_Unit] = []
    start: int | None = None
    for span in sentences(text, article.lang):
        if headings[bisect_right(begins, span.start) - 1]:
            start = span.start if start is None else start
            continue
        for part in _parts(text, span):
            units.append(_Unit(part.start if start is None else start, part))
            start = None
    return units


def _parts(text: str, span: Span) -> list[Span]:
    sentence = span.of(text)
    if len(sentence) <= LONGEST_SENTENCE or _length(sentence) <= LONGEST_SENTENCE:
        return [span]
    pieces = _monster_splitter().split_text(sentence)
    parts: list[Span] = []
    position = span.start
    for piece in pieces:
        # The splitter gives no offsets that can be trusted; its pieces come in order, so each is looked for
        # from where the last one ended.
        stripped = piece.strip()
        if not stripped:
            continue
        position = text.index(stripped, position)
        end = position + len(stripped)
        while end - position > LONGEST_PIECE:
            parts.append(Span(position, position + LONGEST_PIECE))
            position += LONGEST_PIECE
        parts.append(Span(position, end))
        position = end
    return parts


def _group(text: str, units: list[_Unit], max_words: int) -> Iterator[tuple[_Unit, ...]]:
    """Join units to groups with langchain's merging; each group is a run of neighbours."""
    remaining = iter(units)
    for section in _sections(units):
        # The joint cannot occur in cleaned text (it is a control character), so counting it counts the units.
        for merged in _splitter(max_words).split_text(_JOINT.join(unit.of(text) for unit in section)):
            yield tuple(islice(remaining, merged.count(_JOINT) + 1))


def _sections(units: list[_Unit]) -> list[list[_Unit]]:
    """Cut before every heading, so that it stays with the text it heads."""
    sections: list[list[_Unit]] = []
    for unit in units:
        if not sections or unit.start != unit.sentence.start:
            sections.append([])
        sections[-1].append(unit)
    return sections


def _headings(text: str, found: list[Span]) -> list[bool]:
    """Which paragraphs are headings.

    A heading is short, has no closing stop, stands on one line and is followed by prose. Where several such lines
    follow one another they are a list, whose items may well be what is asked for.
    """
    like = [_looks_like_heading(span.of(text)) for span in found]
    around = zip([False, *like], like, [*like[1:], True], strict=False)
    return [this and not before and not after for before, this, after in around]


def _looks_like_heading(paragraph: str) -> bool:
    return len(paragraph) <= LONGEST_HEADING and paragraph[-1] not in ".!?…:;,“”\"»«')" and "\n" not in paragraph


_JOINT = "\x1f"


@lru_cache(maxsize=8)
def _splitter(max_words: int) -> Any:  # noqa: ANN401 - a class made where it is first needed
    # langchain brings langsmith and pydantic (0.9 s), which only a build has to pay.
    from langchain_text_splitters import TextSplitter  # noqa: PLC0415

    # It warns of every sentence that is longer than a chunk, which is meant here.
    logging.getLogger("langchain_text_splitters.base").setLevel(logging.ERROR)

    class SentenceSplitter(TextSplitter):  # type: ignore[misc]
        """Merges what stands between joints; sentences are found by `qa.text`, which knows German."""

        def split_text(self, text: str) -> list[str]:
            merged: list[str] = self._merge_splits(text.split(_JOINT), _JOINT)
            return merged

    return SentenceSplitter(chunk_size=max_words, chunk_overlap=0, length_function=_length, strip_whitespace=False)


@lru_cache(maxsize=1)
def _monster_splitter() -> Any:  # noqa: ANN401
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: PLC0415

    length: Callable[[str], int] = _length
    return RecursiveCharacterTextSplitter(
        chunk_size=LONGEST_SENTENCE,
        chunk_overlap=0,
        length_function=length,
        separators=["\n", "; ", ", ", " "],
        keep_separator="end",
    )


def _length(text: str) -> int:
    """Words, a stretch without spaces counting by its code points so that it cannot hide."""
    if text == _JOINT:
        return 0
    # At least 1: langchain carries pieces of length 0 over into the next chunk, where they would stand twice.
    return max(1, len(words(text)), len(text) * LONGEST_SENTENCE // LONGEST_PIECE)


def _chunk_id(article_id: str, start: int, end: int) -> str:
    # 63 bits keep the key a non-negative int64, which is what vector stores take.
    digest = hashlib.sha256(f"{article_id}:{start}:{end}".encode()).digest()
    return f"{int.from_bytes(digest[:8], 'big') >> 1:016x}"
