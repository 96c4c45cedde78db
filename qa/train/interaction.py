"""What late interaction needs of an encoder, read off its own states: a projection, and how much each piece counts.

``python -m qa.train.interaction --data DIR [--model DIR]`` writes ``interaction.npz`` beside the encoder's graph and
notes its checksum. Nothing is trained: passages of the parallel texts (`qa.train.passages`) go through the encoder,

- the projection takes their states to the principal components, evened out by a power of their variance and turned at
  random, so that all numbers of a piece are spread alike and two bits serve each of them (as in Ge et al. 2013,
  "Optimized Product Quantization", where variance is balanced between the parts of a code);
- a piece counts by its inverse document frequency, a document being one line.

The same data and seed give the same bytes on one machine; elsewhere last bits may differ.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.embed import BUNDLED, INTERACTION_FILE, OnnxEncoder
from qa.errors import QAError
from qa.interaction import Interaction
from qa.train.export import add_file
from qa.train.pairs import read_parallel
from qa.train.passages import windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from qa.train.pairs import Line
    from qa.types import Vectors

#: Numbers of a piece. Two bits each, R@1 on XQuAD by pieces alone (en→de / de→de / en→en / de→en): 96 .907 / .938 /
#: .963 / .909, 128 .915 / .944 / .964 / .914; all 384 in full .914 / .951 / .964 / .926. With one bit each 128 reach
#: .910 / .943 / .964 / .913, 256 .908 / .943 / .966 / .922 (eval/LOG.md).
DIM = 128
#: Power of a component's variance by which it is divided; flat from 0.12 to 0.5.
EVENED = 0.25
#: Pieces of a text that count less in a question are not kept: 29 of 100, which costs nothing up to here.
LEAST = 2.0
#: Passages in each language whose states are looked at.
PASSAGES = 4_000
_SEED = 11
_AT_ONCE = 256


def fit(
    lines: Sequence[Line], documents: Sequence[range], encoder: OnnxEncoder, passages: int = PASSAGES
) -> Interaction:
    """Fit both to parallel lines.

    Args:
        lines: Each in both languages.
        documents: Stretches of them in order.
        encoder: Whose states these are.
        passages: In each language.
    """
    return Interaction(projection(states_of(lines, documents, encoder, passages)), rarity(lines, encoder), LEAST)


def rarity(lines: Sequence[Line], encoder: OnnxEncoder) -> Vectors:
    """Inverse document frequency of every piece over the first wordings of both languages, ``(vocabulary,)``."""
    counts = np.zeros(encoder.vocabulary, np.int64)
    for texts in ([line.english[0] for line in lines], [line.german[0] for line in lines]):
        for pieces in encoder.pieces_of(texts):
            counts[np.unique(pieces)] += 1
    weights: Vectors = np.log((len(lines) + 1) / (1 + np.minimum(counts, len(lines)))).astype(np.float32)
    return weights


def states_of(
    lines: Sequence[Line], documents: Sequence[range], encoder: OnnxEncoder, passages: int
) -> NDArray[np.float64]:
    """The second moments of the states of passages' pieces, of length 1 each, ``(width, width)``."""
    lengths = np.array([len(pieces) for pieces in encoder.pieces_of([line.german[0] for line in lines])])
    moments = np.zeros((encoder.dim, encoder.dim))
    count = 0
    drawn = (window for group in windows((), documents, lengths, _SEED) for window in group)
    for _ in range(0, passages, _AT_ONCE):
        some = [next(drawn) for _ in range(min(_AT_ONCE, passages))]
        for language in ("english", "german"):
            texts = [" ".join(getattr(lines[at], language)[0] for at in window.lines) for window in some]
            for states in encoder.states(texts):
                unit = states / np.linalg.norm(states, axis=1, keepdims=True)
                moments += (unit.T @ unit).astype(np.float64)
                count += len(unit)
    return moments / max(count, 1)


def projection(moments: NDArray[np.float64], dim: int = DIM) -> Vectors:
    """The first components, evened out and turned, ``(width, dim)``."""
    values, vectors = np.linalg.eigh(moments)
    values, vectors = values[::-1][:dim], vectors[:, ::-1][:, :dim]
    # The sign of a component is arbitrary: the largest number of each is made positive.
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(dim)])
    turn = np.linalg.qr(np.random.default_rng(_SEED).standard_normal((dim, dim)))[0]
    projected: Vectors = (vectors * np.maximum(values, 1e-12) ** -EVENED @ turn).astype(np.float32)
    return projected


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m qa.train.interaction",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the parallel texts (qa/train/pairs.py)")
    parser.add_argument("--model", type=Path, default=BUNDLED, help="folder of the encoder (default: the bundled one)")
    parser.add_argument("--passages", type=int, default=PASSAGES, help="in each language")
    given = parser.parse_args(arguments)
    try:
        parallel = read_parallel(given.data)
        ends = np.cumsum([0, *(len(document) for document in parallel.documents)])
        documents = [range(int(first), int(last)) for first, last in pairwise(ends)]
        fitted = fit(parallel.lines, documents, OnnxEncoder(given.model), given.passages)
        add_file(given.model, INTERACTION_FILE, fitted.to_bytes())
    except QAError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
