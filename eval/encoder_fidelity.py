"""What storing the encoder small costs: size, agreement with fp32 torch, retrieval on XQuAD and speed, as one table.

``python -m eval.encoder_fidelity SOURCE`` exports the sentence-transformers folder SOURCE at each precision of
``VARIANTS`` and ranks the 240 XQuAD paragraphs for each of the 1,190 questions, dense alone. The reference is
SOURCE itself in fp32 under sentence-transformers. Figures of the committed encoder stand in ``qa/model/MODEL_CARD.md``.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eval.encoder import SHARED
from eval.encoder_speed import SPEED_QUESTIONS, passages_per_second, question_ms, running_passages
from eval.encoder_tasks import Encoded, TaskSet, encode, xquad
from qa.embed import OnnxEncoder
from qa.torch_encoder import SentenceTransformerEncoder
from qa.train.export import export
from qa.train.graph import Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from qa.types import Encoder

VARIANTS = (
    Precision("fp32", "fp32"),
    Precision("fp16", "fp16"),
    Precision("int8", "fp16"),
    Precision("int8", "int8", "fp32"),
    Precision("int8", "int8", "int8"),
)
DEPTH = 10


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds of one question (median), passages of 60 words a second."""

    query_ms: float
    passages_per_second: float


def ranks_of_relevant(scores: NDArray[np.float32], relevant: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rank of the one relevant column of each row of ``scores`` ``(q, p)``, from 1; a tie counts as found first."""
    own = scores[np.arange(len(scores)), relevant][:, None]
    return np.asarray(1 + (scores > own).sum(axis=1), np.int64)


def ndcg(ranks: NDArray[np.int64], depth: int = DEPTH) -> float:
    """Mean nDCG@depth with one relevant paragraph (Järvelin & Kekäläinen 2002), 0 to 1."""
    return float(np.where(ranks <= depth, 1 / np.log2(1 + ranks), 0).mean())


def overlap(left: NDArray[np.float32], right: NDArray[np.float32], depth: int = DEPTH) -> float:
    """Mean share of the best ``depth`` columns that two score matrices ``(q, p)`` have in common, 0 to 1."""
    best = [np.argpartition(-scores, depth, axis=1)[:, :depth] for scores in (left, right)]
    return float(np.mean([len(np.intersect1d(a, b)) / depth for a, b in zip(*best, strict=True)]))


def speed(encoder: Encoder, tasks: TaskSet) -> Speed:
    """Time German questions one by one, and passages of 60 running German words."""
    rows = next(one.rows for one in tasks.directions if one.name == "de→de")
    rate = passages_per_second(encoder, running_passages(one.text for one in tasks.collections["de"].articles))
    return Speed(question_ms(encoder, [tasks.questions[row] for row in rows[:SPEED_QUESTIONS]]), rate)


def row(label: str, size: float, speeds: Speed, vectors: Encoded, reference: Encoded, tasks: TaskSet) -> str:
    """One line of the table; ``size`` in MB (10^6 bytes)."""
    both = [(vectors.questions, reference.questions)]
    both += [(vectors.chunks[lang], reference.chunks[lang]) for lang in sorted(vectors.chunks)]
    cosines = np.concatenate([(ours * theirs).sum(axis=1) for ours, theirs in both])
    cells = [label, f"{size:.1f}", f"{cosines.mean():.5f}", f"{cosines.min():.4f}"]
    shared: list[float] = []
    quality: list[str] = []
    for direction in tasks.directions:
        scores = vectors.scores(direction)
        shared.append(overlap(scores, reference.scores(direction)))
        ranks = ranks_of_relevant(scores, direction.relevant)
        quality.append(f"{100 * ndcg(ranks):.2f} / {100 * (ranks == 1).mean():.2f}")
    cells += [f"{np.mean(shared):.4f}", *quality]
    cells += [f"{speeds.query_ms:.1f}", f"{speeds.passages_per_second:.0f}"]
    return f"| {' | '.join(cells)} |"


def header(tasks: TaskSet) -> str:
    """The two lines above the rows."""
    cells = ["rows + layers, arithmetic", "MB", "cosine mean", "min", f"top-{DEPTH} overlap"]
    cells += [f"{one.name} nDCG@{DEPTH} / R@1" for one in tasks.directions]
    cells += ["query p50 ms", "passages/s"]
    return f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m eval.encoder_fidelity", description=__doc__)
    parser.add_argument("source", type=Path, nargs="?", default=SHARED / "models" / "bilingual-start" / "model")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "dev", help="folder of xquad.{en,de}.json")
    parser.add_argument("--threads", type=int, default=None, help="threads of one computation")
    options = parser.parse_args(arguments)
    tasks = xquad(options.data)
    torch_encoder = SentenceTransformerEncoder(str(options.source), threads=options.threads)
    reference = encode(torch_encoder, tasks)
    print(header(tasks))
    size = (options.source / "model.safetensors").stat().st_size / 1e6
    print(row("torch fp32", size, speed(torch_encoder, tasks), reference, reference, tasks), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for precision in VARIANTS:
            arithmetic = precision.arithmetic if precision.layers == "int8" else "fp32"
            label = f"{precision.rows} + {precision.layers}, {arithmetic}"
            target = Path(folder) / label
            export(options.source, target, precision=precision)
            size = sum(path.stat().st_size for path in target.iterdir()) / 1e6
            encoder = OnnxEncoder(target, threads=options.threads)
            vectors = encode(encoder, tasks)
            print(row(label, size, speed(encoder, tasks), vectors, reference, tasks), flush=True)


if __name__ == "__main__":
    main()
