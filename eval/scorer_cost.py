"""What weighing sentences adds to a question: ``python -m eval.scorer_cost`` (wall-clock, on as many cores as it has).

Over some 10,000 generated passages (see `eval.filters`): per question, finding passages and what comes after them, that
is words, sentences, choice of quotes, runs, the phrase in bold, figures. The first round meets words for the first
time and is shown apart.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eval.filters import RandomPassages, generated
from qa.bot import Bot
from qa.build import ensure_index, index_articles
from qa.config import Settings
from qa.embed import load_encoder

PASSAGE_COUNT = 7_000
QUESTIONS = Path(__file__).parent / "questions.jsonl"
#: Stages before any passage is weighed.
FINDING = ("read", "topic", "encode", "dense", "lexical", "pieces", "words", "fuse")
ROUNDS = 3


def costs(bot: Bot, questions: Sequence[str]) -> list[tuple[float, float]]:
    """Milliseconds to find passages and to weigh them, for each question."""
    found = []
    for question in questions:
        timings = bot.ask(question).timings_ms
        finding = sum(timings.get(stage, 0.0) for stage in FINDING)
        found.append((finding, timings["total"] - finding))
    return found


def main() -> None:
    """Print medians and 95th percentiles."""
    encoder = load_encoder(threads=2)
    stand_in = RandomPassages(encoder, np.random.default_rng(1))
    questions = [json.loads(line)["question"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        seeds = Bot(ensure_index(Settings(index=Path(folder) / "seeds"), encoder), encoder).articles()
        made = generated(seeds, PASSAGE_COUNT, random.Random(1))  # noqa: S311
        index = index_articles(Settings(index=Path(folder) / "made", chunk_words=60), stand_in, made)
        # Never silent, so that quotes are chosen for every question.
        bot = Bot(index, stand_in, threshold=0.0)
        print(f"{index.manifest.chunk_count} passages, {len(questions)} questions; milliseconds, median and p95")
        for turn in range(ROUNDS):
            finding, weighing = zip(*costs(bot, questions), strict=True)
            print(
                f"round {turn + 1}: finding {statistics.median(finding):5.1f} {np.quantile(finding, 0.95):5.1f}"
                f"   weighing {statistics.median(weighing):5.1f} {np.quantile(weighing, 0.95):5.1f}"
            )


if __name__ == "__main__":
    main()
