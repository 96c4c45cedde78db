"""Codes of word pieces on their way into an index, for late interaction (Khattab and Zaharia 2020, "ColBERT")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qa.interaction import AskedPieces
from qa.types import Encoded, EncodedQuestion, PieceCodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from qa.types import Span, Vectors


class NoPieces:
    """What an encoder is that gives no codes of pieces."""

    piece_bytes = 0

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Of the encoder that this is part of."""
        raise NotImplementedError

    def encode_question(self, text: str) -> EncodedQuestion:
        """A question's vector; of its pieces it knows nothing."""
        return EncodedQuestion(self.encode_queries([text]), AskedPieces.none())

    def encode_pieces(self, texts: Sequence[str]) -> Encoded:
        """Not to be called.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"{type(self).__name__} gives no codes of the pieces of {len(texts)} texts")


def without_pieces(vectors: Vectors, piece_bytes: int) -> Encoded:
    """Texts of whose pieces nothing is kept; `joined` to others whose codes have ``piece_bytes``."""
    none = PieceCodes(np.empty((0, piece_bytes), np.uint8), np.empty(0, np.int32), np.zeros(len(vectors), np.int64))
    return Encoded(vectors, none)


def joined(parts: Sequence[Encoded]) -> Encoded:
    """Texts that were encoded in parts, at least one, as if they had been encoded together."""
    pieces = [part.pieces for part in parts]
    return Encoded(
        np.concatenate([part.vectors for part in parts]),
        PieceCodes(
            np.concatenate([one.codes for one in pieces]),
            np.concatenate([one.places for one in pieces]),
            np.concatenate([one.counts for one in pieces]),
        ),
    )


def sentence_counts(places: NDArray[np.int32], before: int, sentences: Sequence[Span]) -> tuple[int, ...]:
    """How many pieces of a text lie before its first sentence, then how many in each.

    A piece belongs to the last sentence that begins where it does or before: the counts add up to all pieces. Where a
    text was cut off, the last sentences have none.

    Args:
        places: Where the pieces begin, in code points, ascending.
        before: What is added to a sentence's offsets to make them count in the text; negative where that begins later.
        sentences: In reading order.

    Returns:
        One number more than there are sentences.
    """
    begins = np.array([span.start for span in sentences], np.int64) + before
    edges = np.searchsorted(places, begins)
    counts: list[int] = np.diff(edges, prepend=0, append=len(places)).tolist()
    return tuple(counts)
