"""What storing the encoder small costs: size, agreement with fp32 torch, retrieval on XQuAD and speed, as one table.

``python -m eval.encoder_fidelity SOURCE`` exports the sentence-transformers folder SOURCE at each precision of
``VARIANTS`` and ranks the 240 XQuAD paragraphs for each of the 1,190 questions, dense alone. The reference is
SOURCE itself in fp32 under sentence-transformers. Figures of the committed encoder stand in ``qa/model/MODEL_CARD.md``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.embed import OnnxEncoder, SentenceTransformerEncoder
from qa.train.export import Precision, export

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from qa.types import Encoder, Vectors

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
VARIANTS = (
    Precision("fp32", "fp32"),
    Precision("fp16", "fp16"),
    Precision("int8", "fp16"),
    Precision("int8", "int8"),
)
#: Language of the questions, language of the paragraphs.
DIRECTIONS = (("en", "de"), ("de", "de"), ("en", "en"), ("de", "en"))
DEPTH = 10
SPEED_WORDS, SPEED_PASSAGES, SPEED_QUERIES = 60, 128, 100


@dataclass(frozen=True, slots=True)
class Questions:
    """XQuAD in one language: ``relevant[i]`` is the row in ``paragraphs`` that answers ``questions[i]``."""

    questions: tuple[str, ...]
    paragraphs: tuple[str, ...]
    relevant: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Side:
    """Vectors of one language: questions ``(q, dim)`` and paragraphs ``(p, dim)``."""

    questions: Vectors
    paragraphs: Vectors


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds of one question (median), passages of 60 words a second."""

    query_ms: float
    passages_per_second: float


def read_xquad(path: Path) -> Questions:
    """Read a file in the SQuAD format."""
    questions: list[str] = []
    paragraphs: list[str] = []
    relevant: list[int] = []
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            asked = [entry["question"] for entry in paragraph["qas"]]
            questions += asked
            relevant += [len(paragraphs)] * len(asked)
            paragraphs.append(paragraph["context"])
    return Questions(tuple(questions), tuple(paragraphs), np.array(relevant, np.int64))


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


def encode(encoder: Encoder, data: Mapping[str, Questions]) -> dict[str, Side]:
    """Vectors of all questions and paragraphs, by language."""
    return {
        lang: Side(encoder.encode_queries(side.questions), encoder.encode_passages(side.paragraphs))
        for lang, side in data.items()
    }


def speed(encoder: Encoder, data: Questions) -> Speed:
    """Time single questions and passages of 60 running words; the first call of each kind is not counted."""
    words = " ".join(data.paragraphs).split()[: SPEED_WORDS * SPEED_PASSAGES]
    passages = [" ".join(words[at : at + SPEED_WORDS]) for at in range(0, len(words), SPEED_WORDS)]
    encoder.encode_passages(passages[:8])
    start = time.perf_counter()
    encoder.encode_passages(passages)
    rate = len(passages) / (time.perf_counter() - start)
    took: list[float] = []
    for question in data.questions[:SPEED_QUERIES]:
        start = time.perf_counter()
        encoder.encode_queries([question])
        took.append(1000 * (time.perf_counter() - start))
    return Speed(float(np.median(took[1:])), rate)


def row(
    label: str,
    size: float,
    speeds: Speed,
    vectors: Mapping[str, Side],
    reference: Mapping[str, Side],
    data: Mapping[str, Questions],
) -> str:
    """One line of the table; ``size`` in MB (10^6 bytes)."""
    both = [
        (getattr(vectors[lang], part), getattr(reference[lang], part))
        for lang in sorted(vectors)
        for part in ("questions", "paragraphs")
    ]
    cosines = np.concatenate([(ours * theirs).sum(axis=1) for ours, theirs in both])
    cells = [label, f"{size:.1f}", f"{cosines.mean():.5f}", f"{cosines.min():.4f}"]
    shared: list[float] = []
    quality: list[str] = []
    for asked, found in DIRECTIONS:
        scores = vectors[asked].questions @ vectors[found].paragraphs.T
        shared.append(overlap(scores, reference[asked].questions @ reference[found].paragraphs.T))
        ranks = ranks_of_relevant(scores, data[asked].relevant)
        quality.append(f"{100 * ndcg(ranks):.2f} / {100 * (ranks == 1).mean():.2f}")
    cells += [f"{np.mean(shared):.4f}", *quality]
    cells += [f"{speeds.query_ms:.1f}", f"{speeds.passages_per_second:.0f}"]
    return f"| {' | '.join(cells)} |"


def header() -> str:
    """The two lines above the rows."""
    cells = ["rows + layers", "MB", "cosine mean", "min", f"top-{DEPTH} overlap"]
    cells += [f"{asked}→{found} nDCG@{DEPTH} / R@1" for asked, found in DIRECTIONS]
    cells += ["query p50 ms", "passages/s"]
    return f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m eval.encoder_fidelity", description=__doc__)
    parser.add_argument("source", type=Path, nargs="?", default=SHARED / "models" / "bilingual-start" / "model")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "dev", help="folder of xquad.{en,de}.json")
    parser.add_argument("--threads", type=int, default=None, help="threads of one computation")
    options = parser.parse_args(arguments)
    data = {lang: read_xquad(options.data / f"xquad.{lang}.json") for lang in ("de", "en")}
    torch_encoder = SentenceTransformerEncoder(str(options.source), threads=options.threads)
    reference = encode(torch_encoder, data)
    print(header())
    size = (options.source / "model.safetensors").stat().st_size / 1e6
    print(row("torch fp32", size, speed(torch_encoder, data["de"]), reference, reference, data), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for precision in VARIANTS:
            label = f"{precision.rows} + {precision.layers}"
            target = Path(folder) / label
            export(options.source, target, precision=precision)
            size = sum(path.stat().st_size for path in target.iterdir()) / 1e6
            encoder = OnnxEncoder(target, threads=options.threads)
            vectors = encode(encoder, data)
            print(row(label, size, speed(encoder, data["de"]), vectors, reference, data), flush=True)


if __name__ == "__main__":
    main()
