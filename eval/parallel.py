"""What more workers bring: ``python -m eval.parallel [--ray]`` prints texts a second, and if the vectors are equal.

The texts are what a build embeds of ``seeds/``: passages with their titles and single sentences, one passage to some
five sentences, repeated in changing order. Set the number of cores from outside: ``taskset -c 0,1 python -m …``.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa.articles import list_files, read_article
from qa.chunks import chunk_article, embedding_text, sentence_texts
from qa.config import Settings
from qa.embed import load_encoder
from qa.ingest import EMBED_SLICE
from qa.machine import cores, processor
from qa.parallel import Batch, EncoderSpec, ParallelEncoder, Team
from qa.process_team import ProcessTeam

if TYPE_CHECKING:
    from qa.types import Encoded

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
BATCHES = 24
WORKERS = (1, 2, 4)


def main(arguments: Sequence[str]) -> None:
    """Print a line for one process and one for every number of workers."""
    usable = cores()
    texts = list(_batches(_texts()))
    count = sum(map(len, texts))
    print(f"{processor()}, {usable} cores; {count} texts in batches of {EMBED_SLICE}, texts a second")
    encoder = load_encoder(threads=usable)
    batches = [Batch(batch, encoder.piece_bytes > 0) for batch in texts]
    batches[0].encoded(encoder)
    started = time.perf_counter()
    expected = [batch.encoded(encoder) for batch in batches]
    seconds = time.perf_counter() - started
    print(f"one process, {usable} threads: {count / seconds:6.0f}")
    specs = {n: EncoderSpec.of(encoder, max(1, usable // n)) for n in WORKERS}
    teams: dict[str, Team] = {f"{n} workers, threads {spec.threads}": ProcessTeam(spec, n) for n, spec in specs.items()}
    if "--ray" in arguments:
        from qa.ray_team import RayTeam  # noqa: PLC0415 - needs the extra ray

        teams[f"ray, {usable} actors"] = RayTeam(EncoderSpec.of(encoder, 1), usable)
    for name, team in teams.items():
        wide = ParallelEncoder(encoder, team)
        started = time.perf_counter()
        rows = wide.encode_batches(iter(batches))
        found = [next(rows)]
        begun = time.perf_counter() - started
        found += rows
        first = time.perf_counter() - started
        again = time.perf_counter()
        list(wide.encode_batches(iter(batches)))
        seconds = time.perf_counter() - again
        wide.close()
        equal = all(_equal(one, two) for one, two in zip(expected, found, strict=True))
        said = f"first batch after {begun:.1f} s, all after {first:.1f} s; vectors {'equal' if equal else 'DIFFERENT'}"
        print(f"{name}: {count / seconds:6.0f} once started ({said})", flush=True)


def _equal(one: Encoded, two: Encoded) -> bool:
    return np.array_equal(one.vectors, two.vectors) and np.array_equal(one.pieces.codes, two.pieces.codes)


def _texts() -> list[str]:
    texts = []
    for path in list_files(SEEDS).files:
        article = read_article(path, SEEDS)
        chunked = chunk_article(article, max_words=Settings().chunk_words)
        texts += [embedding_text(article, chunk) for chunk in chunked.chunks]
        texts += [text for one in sentence_texts(article, chunked) for text in one]
    return texts


def _batches(texts: list[str]) -> Iterator[list[str]]:
    order = random.Random(7)  # noqa: S311 - nothing is kept secret with it
    for _ in range(BATCHES):
        yield order.choices(texts, k=EMBED_SLICE)


if __name__ == "__main__":
    main(sys.argv[1:])
