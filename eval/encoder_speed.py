"""How fast an encoder is: passages a second, one question, loading, two encoders taking turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eval.encoder_tasks import LANGS
from qa.embed import OnnxEncoder
from qa.encoding import MAX_THREADS
from qa.errors import QAError

if TYPE_CHECKING:
    from eval.encoder_tasks import TaskSet
    from qa.types import Encoder

SPEED_WORDS, SPEED_PASSAGES, SPEED_QUESTIONS = 60, 128, 100
ROUNDS = 5
THREADS = min(MAX_THREADS, os.cpu_count() or 1)
#: What is timed, and what it is meant to reach; a rate is a number a second, of which more is better.
SPEEDS: Mapping[str, str] = {
    "German passages a second": "3 times",
    "English passages a second": "3 times",
    "one German question, ms": "under 8",
    "one English question, ms": "under 8",
    "loading, packages imported before, s": "",
    "loading, with imports, s": "under 1",
}

#: Run in a process of its own: seconds of loading an encoder once the packages are imported, and with their import.
_LOAD = """
import importlib, json, sys, time
started = time.perf_counter()
name, threads, *packages = sys.argv[1:]
from qa.embed import load_encoder
for package in packages:
    importlib.import_module(package)
imported = time.perf_counter()
load_encoder(name, threads=int(threads))
loaded = time.perf_counter()
print(json.dumps([loaded - imported, loaded - started]))
"""
ONNX_PACKAGES, TORCH_PACKAGES = ("onnxruntime", "tokenizers"), ("torch", "sentence_transformers")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lines of a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two encoders whose speeds are compared; `load_encoder` finds it by its ``name``."""

    label: str
    encoder: Encoder


def running_passages(texts: Iterable[str], count: int = SPEED_PASSAGES) -> list[str]:
    """The first ``count`` stretches of 60 words of the texts joined together."""
    words = " ".join(texts).split()[: SPEED_WORDS * count]
    return [" ".join(words[at : at + SPEED_WORDS]) for at in range(0, len(words), SPEED_WORDS)]


def passages_per_second(encoder: Encoder, passages: Sequence[str]) -> float:
    """Passages that are encoded in a second when all are given at once; a first call is not counted."""
    encoder.encode_passages(passages[:8])
    start = time.perf_counter()
    encoder.encode_passages(passages)
    return len(passages) / (time.perf_counter() - start)


def question_ms(encoder: Encoder, questions: Sequence[str]) -> float:
    """Median milliseconds of one question encoded alone; the first is asked once more, before."""
    took = []
    for question in (questions[0], *questions):
        start = time.perf_counter()
        encoder.encode_queries([question])
        took.append(1000 * (time.perf_counter() - start))
    return statistics.median(took[1:])


def load_seconds(side: Side, threads: int) -> tuple[float, float]:
    """Seconds to load an encoder in a process of its own, the import of its packages left out, and included.

    Raises:
        QAError: It cannot be loaded.
    """
    packages = ONNX_PACKAGES if isinstance(side.encoder, OnnxEncoder) else TORCH_PACKAGES
    command = [sys.executable, "-c", _LOAD, side.encoder.name, str(threads), *packages]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        last = (run.stderr.strip().splitlines() or ["no message"])[-1]
        raise QAError(f"{side.encoder.name} could not be loaded in a process of its own: {last}")
    alone, with_imports = json.loads(run.stdout.splitlines()[-1])
    return alone, with_imports


def speeds(side: Side, tasks: TaskSet, threads: int) -> dict[str, float]:
    """One round of one side: the rows of `SPEEDS`."""
    texts = {lang: running_passages(one.text for one in tasks.collections[lang].articles) for lang in LANGS}
    rows = {one.asked: one.rows for one in tasks.directions}
    asked = {lang: [tasks.questions[row] for row in rows[lang][:SPEED_QUESTIONS]] for lang in LANGS}
    taken = [passages_per_second(side.encoder, texts[lang]) for lang in LANGS]
    taken += [question_ms(side.encoder, asked[lang]) for lang in LANGS]
    return dict(zip(SPEEDS, (*taken, *load_seconds(side, threads)), strict=True))


def speed_table(tasks: TaskSet, ours: Side, theirs: Side, threads: int, rounds: int = ROUNDS) -> str:
    """Both sides timed in turn, ``rounds`` times: best and median of each, and how many times faster ``ours`` is."""
    taken = [[speeds(side, tasks, threads) for side in (ours, theirs)] for _ in range(rounds)]
    lines = []
    for name, wanted in SPEEDS.items():
        rate = name.endswith(" a second")
        values = [[one[name] for one in side] for side in zip(*taken, strict=True)]
        cells = [f"{(max if rate else min)(each):.2f} / {statistics.median(each):.2f}" for each in values]
        own, other = map(statistics.median, values)
        lines.append((name, *cells, f"{own / other if rate else other / own:.2f}", wanted))
    note = (
        f"Threads: {threads}. {rounds} rounds in which the two take turns, best / median. Up to {SPEED_PASSAGES} "
        f"passages of {SPEED_WORDS} running words given at once, up to {SPEED_QUESTIONS} questions one by one (their "
        "median). How many times faster the first is goes by the medians."
    )
    head = ("", f"{ours.label}, best / median", f"{theirs.label}, best / median", "times faster", "wanted")
    return f"## Speed\n\n{note}\n\n{markdown_table(head, lines)}"
