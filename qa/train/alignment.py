"""Which English pieces a German piece stands for: IBM model 1 over sentence pairs, as sparse matrices.

IBM model 1 (Brown et al. 1993, "The Mathematics of Statistical Machine Translation", Computational Linguistics 19)
lets the German pieces of a line compete for each English piece of its translation, so that a partner which another
piece explains better is given up; counts of co-occurrence alone keep it. Lines count as sets of pieces, and there is
no empty word: with one, the measure below did not move (.6275). Candidates come from co-occurrence.

The measure that chose the constants: cosine of an untrained student's German vectors, its rows made from the partners,
to the teacher's English ones, on 2,000 pairs held out of 340,000. One alone reads .135 with no rows for new pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

try:
    from scipy import sparse  # type: ignore[import-untyped]
except ImportError as missing:
    raise ImportError(f"{missing.msg} - pip install 'article-qa[train]'") from missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: Partners that model 1 chooses among, the best by co-occurrence: 16 .748, 48 .752, 128 .754, with the
#: rows of mostly German pieces replaced too; what follows is without.
CANDIDATES = 48
#: Rounds of expectation maximisation: none (co-occurrence scores cubed, 4 partners) .601, 3 .627, 6 .628.
ROUNDS = 3
#: Partners in a mean of rows: 4 .625, 8 .627, 16 .627. Their scores to the power of 1.5: .627; unit-length means: .624.
PARTNERS = 8
#: How much the frequency of a partner counts against it: 0 .628, .25 .631, .5 .628 (6 rounds).
DAMPING = 0.25
#: Lines in one product: bounds its memory, some 500 MB at 12 pieces a line.
_LINES = 50_000

#: Compressed sparse rows of float32; scipy carries no types.
Matrix = Any


def presence(lines: Iterable[Sequence[int]], columns: int) -> Matrix:
    """Which pieces (ids under ``columns``) stand in which line: 1 or nothing, ``(lines, columns)``."""
    rows = [np.unique(np.array(line, np.int32)) for line in lines]
    starts = np.cumsum([0, *map(len, rows)])
    indices = np.concatenate([np.zeros(0, np.int32), *rows])
    return sparse.csr_matrix((np.ones(len(indices), np.float32), indices, starts), shape=(len(rows), columns))


def partners(german: Matrix, english: Matrix) -> Matrix:
    """Expected counts of German piece × English piece by IBM model 1.

    Args:
        german: `presence` of the German sides, ``(lines, g)``.
        english: `presence` of the English sides, ``(lines, e)``, in the same order.

    Returns:
        ``(g, e)``, at most `CANDIDATES` in a row. 340,000 pairs of 12 pieces take a minute on one core and 0.9 GB.
    """
    counts = best(cooccurrence(german, english), CANDIDATES)
    allowed = counts.copy()
    allowed.data[:] = 1
    for _ in range(ROUNDS):
        chances = _scaled(counts, 1 / _positive(_sums(counts, axis=1)))
        counts = sparse.csr_matrix(counts.shape, dtype=np.float32)
        for start in range(0, german.shape[0], _LINES):
            lines, others = german[start : start + _LINES], english[start : start + _LINES]
            # Chance of each English piece of a line, summed over the line's German pieces: what they share out.
            shared = (lines @ chances).multiply(others).tocsr()
            shared.data = 1 / _positive(shared.data)
            counts += (lines.T.tocsr() @ shared).multiply(allowed)
        counts = counts.multiply(chances).tocsr()
    return counts


def cooccurrence(german: Matrix, english: Matrix) -> Matrix:
    """Cosine of German pieces with English ones over the lines; an English line counts 1/sqrt(its pieces) each.

    Args:
        german: See `partners`.
        english: See `partners`.

    Returns:
        ``(g, e)``, 0 to 1.
    """
    weighted = _scaled(english, 1 / np.sqrt(np.maximum(np.diff(english.indptr), 1)))
    counts = sparse.csr_matrix((german.shape[1], english.shape[1]), dtype=np.float32)
    for start in range(0, german.shape[0], _LINES):
        counts += german[start : start + _LINES].T.tocsr() @ weighted[start : start + _LINES]
    scale = 1 / np.sqrt(_positive(_sums(weighted.multiply(weighted), axis=0)))
    counts.data *= scale[counts.indices]
    return _scaled(counts, 1 / np.sqrt(_positive(_sums(german, axis=0))))


def mean_rows(counts: Matrix, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the rows of each piece's best `PARTNERS`, weighted by their scores; 0 where it has none.

    Args:
        counts: What `partners` gives, ``(g, e)``.
        rows: Of the English pieces, ``(e, dim)``.

    Returns:
        ``(g, dim)``
    """
    scores = counts.copy()
    scores.data *= (_positive(_sums(counts, axis=0)) ** -DAMPING)[counts.indices]
    scores = best(scores, PARTNERS)
    mixed = _scaled(scores, 1 / _positive(_sums(scores, axis=1))) @ rows
    return np.asarray(mixed, np.float32)


def best(matrix: Matrix, count: int) -> Matrix:
    """The ``count`` largest entries of each row; of equal ones those further left."""
    matrix.sort_indices()
    sizes = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), sizes)
    order = np.lexsort((-matrix.data, rows))
    place = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], sizes)
    order = np.sort(order[place < count])
    starts = np.cumsum([0, *np.minimum(sizes, count)])
    return sparse.csr_matrix((matrix.data[order], matrix.indices[order], starts), shape=matrix.shape)


def _scaled(matrix: Matrix, factors: NDArray[Any]) -> Matrix:
    """Each row times its factor."""
    scaled = matrix.tocsr().copy()
    scaled.data *= np.repeat(factors.astype(np.float32), np.diff(scaled.indptr))
    return scaled


def _sums(matrix: Matrix, axis: int) -> NDArray[np.float32]:
    return np.asarray(matrix.sum(axis=axis), np.float32).ravel()


def _positive(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """No division by 0, where nothing was counted or a chance has vanished."""
    return np.maximum(values, np.float32(1e-20))
