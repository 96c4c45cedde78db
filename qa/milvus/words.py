"""Words ranked by Milvus's own BM25, over the terms of our own analysers.

Milvus's analysers know no compounds, and Milvus Lite passes over the German stemmer in silence. So it is given finished
terms (`qa.analysis.passage_terms`) as a text whose words its plainest tokenizer leaves as they are. Its BM25 has one
field where ours adds up six: the terms of each field have a mark before them and lie in one text, so that one search
gives the sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qa.analysis import passage_terms, question_terms
from qa.lexical import LexicalDoc, LexicalHits
from qa.milvus.client import KEY, MAX_TEXT, SPARSE, TERMS, Client
from qa.milvus.collection import BATCH, Collection, published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from qa.only import CodeRange
    from qa.types import Keys

#: Marks of the terms of each field. Words that were not split are among the parts too, English ones as well, so that
#: passages of both languages are of about the same length. The whole words of a title are left out: they would count
#: it twice.
MARKS = {
    "de": ("wd",),
    "de_parts": ("pd",),
    "de_title_parts": ("td",),
    "en": ("we", "pe"),
    "en_title": ("te",),
}

#: As tantivy's, whose scores ours are measured by.
K1, B = 1.2, 0.75

#: Every term counts once in a question; tantivy's fields of whole words and of parts weigh a half each.
SHARE = 0.5

#: More than are asked for, so that equal scores at the end are put in the order of their keys too.
_MARGIN = 8


class MilvusWords:
    """The terms of a build's passages in a collection."""

    def __init__(self, collection: Collection, keys_in: Callable[[Sequence[CodeRange]], Keys] | None = None) -> None:
        """A collection of `create`.

        Args:
            collection: Where the terms are.
            keys_in: Gives the ascending keys of the passages with a code in one of the ranges; None: none are asked
                for.
        """
        self.collection = collection
        self._keys_in = keys_in

    @classmethod
    def create(cls, client: Client, name: str) -> MilvusWords:
        """A new, empty collection.

        Raises:
            StoreError: The server cannot be reached, refuses, or has no BM25.
        """
        client.create_texts(name, K1, B)
        return cls(Collection(client, name, SPARSE, "BM25", settled=False))

    @classmethod
    def open(cls, client: Client, name: str, keys_in: Callable[[Sequence[CodeRange]], Keys]) -> MilvusWords:
        """The collection of a published build.

        Raises:
            StoreError: The server cannot be reached or refuses.
            IndexDamagedError: The collection is gone.
        """
        return cls(published(client, name, SPARSE, "BM25"), keys_in)

    def __len__(self) -> int:
        return len(self.collection)

    def add(self, docs: Iterable[LexicalDoc]) -> None:
        """Add passages under new keys."""
        rows: list[dict[str, int | str]] = []
        for doc in docs:
            rows.append({KEY: doc.key, TERMS: _fitting(_marked(passage_terms(doc.text, doc.title, doc.lang)))})
            if len(rows) == BATCH:
                self.collection.insert(rows)
                rows = []
        self.collection.insert(rows)

    def save(self) -> None:
        """Have everything written to the server's storage."""
        self.collection.settle()

    def close(self) -> None:
        """End the connection."""
        self.collection.client.close()

    def search(self, question: str, k: int, among: Sequence[CodeRange] | None = None) -> LexicalHits:
        """As `qa.lexical.LexicalIndex.search`.

        Raises:
            StoreError: The server cannot be reached or refuses.
            IndexDamagedError: The collection is gone.
        """
        terms = list(dict.fromkeys(_marked(question_terms(question))))
        if not terms or k <= 0 or not len(self):
            return LexicalHits([], [])
        keys = None if among is None or self._keys_in is None else self._keys_in(among)
        found = self.collection.nearest([" ".join(terms)], k + _MARGIN, keys)[0]
        # Milvus gives the score, Milvus Lite its negative; 0 is what shares no term.
        scored = ((round(SHARE * abs(distance), 4), key) for key, distance in found.items())
        best = sorted((-score, key) for score, key in scored if score > 0)[:k]
        return LexicalHits([key for _, key in best], [-score for score, _ in best])


def _marked(fields: Mapping[str, Sequence[str]]) -> list[str]:
    """All terms in ASCII letters and digits, which every tokenizer leaves as they are, marked with their field."""
    return [mark + _plain(term) for name, marks in MARKS.items() for mark in marks for term in fields.get(name, ())]


def _plain(term: str) -> str:
    return term if term.isascii() and term.isalnum() else term.encode().hex()


def _fitting(terms: Sequence[str]) -> str:
    """The terms as one text, its end cut off where Milvus would refuse it; terms are ASCII."""
    text = " ".join(terms)
    return text if len(text) <= MAX_TEXT else text[: text.rindex(" ", 0, MAX_TEXT + 1)]
