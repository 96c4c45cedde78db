"""BM25 over German and English passages on tantivy: stems, compounds split, figures and spellings made to meet.

Every document fills the fields of its own language; every question is searched in all fields, each through
that field's analyser. tantivy's BM25 has its k1 = 1.2 and b = 0.75 built in; only field weights are ours.

The terms are those of `qa.analysis`. One field more holds the words as they stand: it is not searched, its dictionary
is the vocabulary that spelling is mended against (`frequency`, `starting`, `finds`).
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import tantivy

from qa.analysis import (
    FIELDS,
    analysers,
    compound_parts,
    german_text,
    is_compound,
    plain_text,
    stop_words,
    texts_of,
)
from qa.errors import IndexStaleError
from qa.lexical_files import Stamp, copy_files, open_searcher, read_stamp, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qa.only import CodeRange
    from qa.types import Lang

__all__ = [
    "FieldWeights",
    "Lexical",
    "LexicalDoc",
    "LexicalHits",
    "LexicalIndex",
    "compound_parts",
    "german_text",
    "is_compound",
    "plain_text",
]

#: Raised by one when `plain_text`, `german_text` or an analyser changes: an index made before is then refused.
_ANALYSIS = 1
_WRITER_BYTES = 64 << 20
_MAX_STARTING = 4000
_MAX_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class LexicalDoc:
    """One passage to index.

    ``key`` is unique in the index and in ``[0, 2**63)``; ``title`` may be empty; ``codes`` are numbers, at least 0,
    that a search can be restricted by (`qa.only`).
    """

    key: int
    text: str
    title: str
    lang: Lang
    codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LexicalHits:
    """Keys and their BM25 scores (at least 0), best first, equal scores by ascending key."""

    keys: list[int]
    scores: list[float]


class Lexical(Protocol):
    """What ranks the passages of a build by the words of a question."""

    def __len__(self) -> int:
        """How many passages it holds."""

    def search(self, question: str, k: int, among: Sequence[CodeRange] | None = None) -> LexicalHits:
        """The k passages that fit best, of all or of those with a code in one of the ranges."""


@dataclass(frozen=True, slots=True)
class FieldWeights:
    """How the BM25 scores of the fields add up; the two languages weigh the same.

    Attributes:
        parts: In [0, 1]: the share of the German field with compounds split (words that are no compounds are in it
            too); the field of whole words has the rest.
        title: At least 0: what the title counts beside the text's 1, its words shared out in the same way.
    """

    parts: float
    title: float


#: Chosen by `python -m eval.lexical --sweep` on OMoS-QA train (nDCG@10), parts over 0 to 1, title over 0 to 1.
#: Both are flat: with no title, parts .2 / .3 / .5 / .7 / 1 give de .778 / .785 / .790 / .791 / .788 (0: .756); with
#: parts .5, title .3 / .4 / .5 / .7 / 1 give de .809 / .813 / .815 / .817 / .818, en .792 / .792 / .791 / .790 / .777.
#: OMoS-QA dev (de .856, en .849; untitled whole words .782, .821) and XQuAD de (.954; .943) only confirm.
WEIGHTS = FieldWeights(parts=0.5, title=0.5)


_CODES = "codes"

#: The fields of whole words, stemmed.
_WHOLE = ("de", "de_title", "en", "en_title")


@functools.cache
def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder().add_unsigned_field("key", indexed=True, fast=True)
    # Indexed and not fast: over 200,000 passages a range that lets in two thirds takes 7 ms by its terms, 10 to 14 by a
    # fast field, one that lets in a tenth 0.75 and 1.3 ms.
    builder = builder.add_unsigned_field(_CODES, indexed=True)
    for name, analyser in FIELDS.items():
        builder = builder.add_text_field(name, tokenizer_name=analyser, index_option="freq")
    return builder.build()


@functools.cache
def analysis_id() -> str:
    """Hex digest of everything that decides the terms of an index; another one means: build it again."""
    deciding = [_ANALYSIS, FIELDS, stop_words("de"), stop_words("en"), compound_parts()]
    return hashlib.sha256(json.dumps(deciding).encode()).hexdigest()


def _fields_of(doc: LexicalDoc) -> dict[str, str | int | list[int]]:
    if not 0 <= doc.key <= _MAX_KEY:
        raise ValueError(f"a key must be in [0, 2**63), not {doc.key}")
    words = f"{plain_text(doc.title)}\n{plain_text(doc.text)}"
    return {"key": doc.key, _CODES: list(doc.codes), "words": words, **texts_of(doc.text, doc.title, doc.lang)}


def _restricted(query: tantivy.Query | None, among: Sequence[CodeRange] | None) -> tantivy.Query | None:
    """The query among passages with one of these codes: they must be there and add nothing to the score."""
    if query is None or among is None:
        return query
    ranges = [
        (
            tantivy.Occur.Should,
            tantivy.Query.range_query(_schema(), _CODES, tantivy.FieldType.Unsigned, one.first, one.last),
        )
        for one in among
    ]
    if not ranges:
        return None
    within = tantivy.Query.const_score_query(tantivy.Query.boolean_query(ranges), 0.0)
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, within)])


class LexicalIndex:
    """BM25 index in a folder. Searches see what the last `commit` wrote, from any number of threads.

    One process may write at a time (the caller sees to that). An index that is only searched never changes
    its folder, which may be read-only: tantivy itself would make lock files there.
    """

    def __init__(self, folder: Path, weights: FieldWeights) -> None:
        self._folder = folder
        self._weights = weights
        self._writer: tantivy.IndexWriter | None = None
        self._opened: tantivy.Searcher | None = None

    @classmethod
    def create(cls, folder: Path, weights: FieldWeights = WEIGHTS) -> LexicalIndex:
        """A new, empty index in ``folder``, which is made if need be.

        Raises:
            FileExistsError: ``folder`` holds an index already.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "meta.json").exists():
            raise FileExistsError(f"{folder} holds a lexical index already")
        tantivy.Index(_schema(), path=str(folder), reuse=False)
        Stamp(analysis_id(), 0).write(folder)
        tidy(folder)
        return cls(folder, weights)

    @classmethod
    def open(cls, folder: Path, weights: FieldWeights = WEIGHTS) -> LexicalIndex:
        """The index in ``folder``.

        Raises:
            IndexDamagedError: A file is missing or cannot be read.
            IndexStaleError: It was made by other analysers or another list of compound parts.
        """
        if read_stamp(folder).analysis != analysis_id():
            raise IndexStaleError(f"the lexical index in {folder} was made by another analyser", "qa build")
        index = cls(folder, weights)
        index._opened = open_searcher(folder, _schema())
        return index

    def extend(self, folder: Path) -> LexicalIndex:
        """A copy in ``folder``, made here, of what was committed, to be changed.

        What lies in its own folder is shared and stays as it is (`qa.lexical_files.copy_files`).
        """
        copy_files(self._folder, folder)
        return type(self)(folder, self._weights)

    @property
    def _searcher(self) -> tantivy.Searcher:
        # Not opened before it is asked: an update of a copy would open it twice, 20 ms each.
        if self._opened is None:
            self._opened = open_searcher(self._folder, _schema())
        return self._opened

    def add(self, chunks: Iterable[LexicalDoc]) -> None:
        """Add passages under new keys; searched after `commit`."""
        writer = self._open_writer()
        for doc in chunks:
            writer.add_document(tantivy.Document.from_dict(_fields_of(doc), _schema()))

    def remove(self, keys: Iterable[int]) -> None:
        """Remove these keys; unknown ones are passed over. In force after `commit`."""
        wanted = [key for key in keys if 0 <= key <= _MAX_KEY]
        if wanted:
            Stamp(analysis_id(), self.removed + len(wanted)).write(self._folder)
            # By query: `delete_documents_by_term` takes an int for a signed term and silently deletes nothing.
            query = tantivy.Query.term_set_query(_schema(), "key", wanted)
            self._open_writer().delete_documents_by_query(query)

    def commit(self) -> None:
        """Write what was added and removed; afterwards the folder is complete, with no lock and no thread left."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        writer.commit()
        writer.garbage_collect_files()
        writer.wait_merging_threads()
        tidy(self._folder)
        self._opened = open_searcher(self._folder, _schema())

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    @property
    def removed(self) -> int:
        """How many passages were removed since `create`: until then they count in the statistics of words."""
        return read_stamp(self._folder).removed

    def search(self, question: str, k: int, among: Sequence[CodeRange] | None = None) -> LexicalHits:
        """The k passages that fit best; fewer where no more share a term with the question.

        ``among`` restricts it to passages with a code in one of the ranges. Each has the score that it has among all.

        Scores are rounded to 4 decimals before ties are broken by key, so that equal passages rank the same
        whatever the order they were added in. Removed passages count in the term statistics until tantivy
        merges their segment away, so scores after an update can differ slightly from those of a fresh build.
        """
        searcher = self._searcher
        query = _restricted(self._query(question), among)
        if query is None or k <= 0:
            return LexicalHits([], [])
        total = max(1, int(searcher.num_docs))
        limit = min(k + 8, total)
        while True:
            hits = searcher.search(query, limit, count=False).hits
            scores = [round(max(0.0, float(score)), 4) for score, _ in hits]
            if len(hits) < limit or limit == total or scores[-1] < scores[k - 1]:
                break
            limit = min(4 * limit, total)
        keys = searcher.fast_field_values("key", [address for _, address in hits])
        best = sorted(zip((-score for score in scores), map(int, keys), strict=True))[:k]
        return LexicalHits([key for _, key in best], [-score for score, _ in best])

    def frequency(self, word: str) -> int:
        """In how many passages, their titles included, a word stands; asked for in the form of `plain_text`."""
        return int(self._searcher.doc_freq("words", word))

    def starting(self, prefix: str) -> list[str]:
        """The words (form of `plain_text`) that begin so, those of most passages first, `_MAX_STARTING` at most."""
        found = self._searcher.terms_with_prefix("words", prefix, limit=_MAX_STARTING)
        return [word for word, _ in found]

    def finds(self, word: str) -> bool:
        """Whether a word stands in a passage or title in any inflection, by itself and not as a part of another."""
        terms, searcher = analysers().terms(word), self._searcher
        return any(searcher.doc_freq(field, term) for field in _WHOLE for term in terms[FIELDS[field]])

    def _query(self, question: str) -> tantivy.Query | None:
        weights = self._weights
        whole = 1 - weights.parts
        factors = {
            "de": whole,
            "de_parts": weights.parts,
            "de_title": whole * weights.title,
            "de_title_parts": weights.parts * weights.title,
            "en": 1.0,
            "en_title": weights.title,
        }
        terms = analysers().terms(question)
        clauses = []
        for field, factor in factors.items():
            if factor > 0:
                for term in terms[FIELDS[field]]:
                    clause = tantivy.Query.term_query(_schema(), field, term, "freq")
                    clauses.append((tantivy.Occur.Should, tantivy.Query.boost_query(clause, factor)))
        return tantivy.Query.boolean_query(clauses) if clauses else None

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            index = tantivy.Index.open(str(self._folder))
            for name, analyser in analysers().by_name.items():
                index.register_tokenizer(name, analyser)
            # One thread: the same passages in the same order then fall into the same segments.
            self._writer = index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        return self._writer
