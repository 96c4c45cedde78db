"""The frozen records and the protocols that every module speaks in.

Offsets are Python string offsets (code points) into ``Article.text``, half open: ``[start, end)``.
Scores grow with relevance everywhere; a store that measures distance converts at its own edge.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from qa.interaction import AskedPieces
    from qa.stopping import Stop

    Vectors = NDArray[np.float32]
    Keys = NDArray[np.int64]
    Codes = NDArray[np.uint8]

Lang = Literal["de", "en"]
Status = Literal["answered", "abstained", "empty_index", "about", "smalltalk"]

#: What every reader of an `Answer` as JSON may rely on; grows when a field changes its meaning or goes.
ANSWER_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Source:
    """Where a text was published. None means that the file does not say."""

    path: str
    title: str | None = None
    outlet: str | None = None
    published: str | None = None
    author: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """One text that can be quoted, with what its file says about it.

    Attributes:
        id: Stable name made from the relative path; safe in a URL.
        title: Headline, or None.
        text: The text proper, furniture removed, NFC, paragraphs parted by a blank line.
        lang: Language of ``text``.
        published: ISO 8601 date (``2024-10-24``) or minute (``2024-10-24T14:17``), or None.
        outlet: Name of the publisher, or None.
        author: Names as printed, or None.
        url: Address of the original, http or https, or None.
        path: Path relative to the articles folder, with ``/``.
        sha256: Hex digest of title and text: what decides whether it must be embedded again.
        also: Other files that carry the same text (exact or near copies); only this one is indexed.
    """

    id: str
    title: str | None
    text: str
    lang: Lang
    published: str | None
    outlet: str | None
    author: str | None
    url: str | None
    path: str
    sha256: str
    also: tuple[Source, ...] = ()

    @property
    def label(self) -> str:
        """What to call the article where a name is needed: its title, else its file name."""
        return self.title or self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Only:
    """Which articles may answer. Empty lets every article in.

    An article is let in if it, or a copy of it in another file (`Article.also`), was published within both dates by
    one of the outlets. What has no date is never within dates, what has no outlet by none.

    Attributes:
        since: First day, ISO 8601: ``2024-10-24``, ``2024-10`` (from its first day) or ``2024``; None: no bound.
        until: Last day, included: ``2024-10`` lets in all of October; None: no bound.
        outlets: Names as in the index, any of them; (): all.
    """

    since: str | None = None
    until: str | None = None
    outlets: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is kept out."""
        return bool(self.since or self.until or self.outlets)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch ``[start, end)`` of a text, in code points."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The stretch itself."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of an article that is searched as one; ``article.text[start:end] == text``.

    ``id`` is 16 hex digits below 2**63; `key` is the same number for stores that want an int64.
    """

    id: str
    article_id: str
    start: int
    end: int
    text: str

    @property
    def key(self) -> int:
        """The id as a non-negative int64."""
        return int(self.id, 16)


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk found for a question. Ranks count from 1; None means that the ranking did not find it."""

    chunk: Chunk
    article: Article
    score: float
    dense_rank: int | None = None
    lexical_rank: int | None = None
    dense_score: float | None = None
    lexical_score: float | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote and where it stands; ``article.text[start:end] == quote``. Numbers count from 1.

    ``highlight`` is the phrase of the quote that answers, counted from the start of the quote, or None. ``same_as`` is
    the number of a citation of another article that says the same in nearly the same words, or None: then the other
    one is shown, and this one is named beside it.
    """

    number: int
    article_id: str
    title: str | None
    outlet: str | None
    published: str | None
    url: str | None
    quote: str
    start: int
    end: int
    lang: Lang
    score: float
    also: tuple[Source, ...] = ()
    highlight: Span | None = None
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure on which the articles differ: ``quote[start:end] == text`` of the citation with this number."""

    citation: int
    text: str
    value: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prose:
    """What a language model wrote over the quotes, as far as it passed `qa.writing.checks`.

    Attributes:
        text: Whole sentences, each with its citations as ``[1]``; "" where the quotes stand alone.
        model: Name of the model.
        complete: False while more may come.
        faults: Why sentences were dropped, one entry each.
        reason: Why the quotes stand alone, in a word (docs/ANSWER.md), or "".
        message: The same as a sentence, in the language of the question, or "".
    """

    text: str
    model: str
    complete: bool = True
    faults: tuple[str, ...] = ()
    reason: str = ""
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The public JSON form (docs/ANSWER.md)."""
        return {**asdict(self), "faults": list(self.faults), "dropped": len(self.faults)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the articles say to a question, or that they do not.

    Attributes:
        question: As asked.
        status: ``answered``, ``abstained`` or ``empty_index``; ``about`` for a question about the articles as a whole,
            ``smalltalk`` for a greeting, thanks or a question to the bot about itself.
        message: The sentence shown when nothing is quoted, in the language of the question; else "".
        citations: The quotes, best first, the quotes of one article together; after them those that only repeat one.
        confidence: 0 to 1, of the best evidence that was found, quoted or not.
        passages: Answered: the passages the quotes come from. Abstained: up to three closest ones, not cited.
        searched_for: What was looked up, where that differs from the question.
        lang: Language of the question.
        index_id: Build that answered, or None.
        timings_ms: Milliseconds by stage.
        prose: What a language model made of the quotes; None where no writer is set or nothing is quoted.
        articles: The articles that an answer ``about`` them lists, not always all; else empty.
        only: The filter in force, given or taken from the question.
        figures: Where the articles differ on a figure, what each of them says, in the order of the quotes.
    """

    question: str
    status: Status
    message: str
    citations: tuple[Citation, ...]
    confidence: float
    passages: tuple[Passage, ...]
    searched_for: str
    lang: Lang
    index_id: str | None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    prose: Prose | None = None
    articles: tuple[Article, ...] = ()
    only: Only = Only()
    figures: tuple[Figure, ...] = ()

    @property
    def disagreement(self) -> bool:
        """Whether the articles differ on a figure."""
        return bool(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """The public JSON form (docs/ANSWER.md): passages carry their article's id, not its whole text."""
        return {
            "format": ANSWER_FORMAT,
            "question": self.question,
            "status": self.status,
            "message": self.message,
            "lang": self.lang,
            "searched_for": self.searched_for,
            "only": asdict(self.only) if self.only else None,
            "confidence": round(self.confidence, 4),
            "prose": self.prose.to_dict() if self.prose else None,
            "citations": [_citation_dict(citation) for citation in self.citations],
            "disagreement": self.disagreement,
            "figures": [asdict(figure) for figure in self.figures],
            "passages": [passage_dict(passage) for passage in self.passages],
            "articles": [article_dict(article) for article in self.articles],
            "index_id": self.index_id,
            "timings_ms": {stage: round(ms, 2) for stage, ms in self.timings_ms.items()},
        }


def _citation_dict(citation: Citation) -> dict[str, Any]:
    span = citation.highlight
    return asdict(citation) | {"highlight": None if span is None else [span.start, span.end]}


def passage_dict(passage: Passage) -> dict[str, Any]:
    """The public JSON form of a passage."""
    chunk, article = passage.chunk, passage.article
    return {
        "chunk_id": chunk.id,
        "article_id": article.id,
        "title": article.title,
        "outlet": article.outlet,
        "published": article.published,
        "lang": article.lang,
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "score": passage.score,
        "dense_rank": passage.dense_rank,
        "lexical_rank": passage.lexical_rank,
        "dense_score": passage.dense_score,
        "lexical_score": passage.lexical_score,
    }


def article_dict(article: Article) -> dict[str, Any]:
    """The public JSON form of an article in a list: what its file says about it, without the text."""
    return {
        "article_id": article.id,
        "title": article.title,
        "outlet": article.outlet,
        "published": article.published,
        "author": article.author,
        "url": article.url,
        "lang": article.lang,
    }


@dataclass(frozen=True, slots=True)
class PieceCodes:
    """The word pieces of some texts that are kept for late interaction, those of one text after those of another.

    Attributes:
        codes: What is stored of each (`qa.interaction`), ``(pieces, piece_bytes)``.
        places: Where each begins in its text, in code points, ascending within a text, int32 ``(pieces,)``.
        counts: How many pieces each text has, int64 ``(texts,)``.
    """

    codes: Codes
    places: NDArray[np.int32]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts encoded with their pieces: ``vectors`` ``(n, dim)`` as `Encoder.encode_passages` gives them."""

    vectors: Vectors
    pieces: PieceCodes


@dataclass(frozen=True, slots=True)
class EncodedQuestion:
    """A question encoded with its pieces: ``vector`` ``(1, dim)`` as `Encoder.encode_queries` gives it."""

    vector: Vectors
    pieces: AskedPieces


class Encoder(Protocol):
    """Texts to unit vectors."""

    @property
    def name(self) -> str:
        """``bundled``, or the name or path that was asked for."""

    @property
    def sha256(self) -> str:
        """Hex digest of the weights and tokenizer: two encoders with one digest give the same vectors."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def prompts(self) -> Mapping[str, str]:
        """Texts put before a question (``query``) and before a passage (``passage``)."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions to float32 rows of length 1, shape ``(n, dim)``."""

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Passages to float32 rows of length 1, shape ``(n, dim)``."""

    @property
    def piece_bytes(self) -> int:
        """Bytes of a piece's code; 0: it gives none, and `encode_pieces` is not called."""

    def encode_pieces(self, texts: Sequence[str]) -> Encoded:
        """Passages to their vectors and the codes of their pieces."""

    def encode_question(self, text: str) -> EncodedQuestion:
        """A question to its vector and its pieces; of an encoder without pieces none."""

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """Single words to float32 rows of length 1, shape ``(n, dim)``, near where they mean the same.

        Of zeros where the encoder knows nothing of a word. Cheap: looked up, not computed.
        """

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        """Cosines of the vectors of a few words and of many, ``(asked, words)``; faster than making them."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Result of a search: ``scores`` and ``keys``, each ``(q, k)``, best first; key -1 pads short rows."""

    scores: Vectors
    keys: Keys


class Selection(Protocol):
    """Keys that a search is restricted to, in the form that the store which made it needs."""

    def __len__(self) -> int:
        """How many of the keys the store holds."""


class VectorStore(Protocol):
    """Unit vectors under int64 keys, searched by inner product."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def __len__(self) -> int:
        """How many vectors it holds."""

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Add rows ``(n, dim)`` under new keys ``(n,)``."""

    def remove(self, keys: Keys) -> int:
        """Remove these keys; gives how many there were."""

    def select(self, keys: Keys) -> Selection:
        """What `search` needs to look among these keys ``(n,)`` alone; to be kept for the next search."""

    def search(self, queries: Vectors, k: int, among: Selection | None = None) -> Hits:
        """The k nearest of each row of ``queries`` ``(q, dim)``, by inner product, of all or of a selection."""

    def save(self, folder: Path) -> None:
        """Write into ``folder``, or wherever its loader reads it back from."""

    def close(self) -> None:
        """Let go of what it holds; it is not used again."""


class Writer(Protocol):
    """A language model that writes prose over quotes. What it writes is checked before anyone sees it."""

    @property
    def name(self) -> str:
        """Name of the model, as people are told it."""

    def write(self, question: str, lang: Lang, citations: Sequence[Citation]) -> Generator[str, None, None]:
        """Pieces of prose in ``lang``, as they come; closing the generator ends the request.

        Raises:
            WriterError: The prose cannot be had or broke off.
        """


class Answerer(Protocol):
    """What the page asks: a bot, or whatever stands in front of one on a server (`qa.bot.Bot` has the details)."""

    @property
    def outlets(self) -> tuple[str, ...]:
        """What a filter may name."""

    @property
    def days(self) -> tuple[str, ...]:
        """The days on which articles were published, ascending."""

    def answering(
        self, question: str, *, history: Sequence[str] = (), only: Only | None = None, stop: Stop | None = None
    ) -> Iterator[Answer]:
        """Answer one question: the quotes, and then, where there is a writer, the same with prose as it grows.

        ``stop`` ends it from another thread.
        """

    def articles(self) -> tuple[Article, ...]:
        """All indexed articles, newest first."""
