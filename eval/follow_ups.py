"""How a follow-up is judged: ``python -m eval.follow_ups`` sweeps `qa.answer.FALL` over follow_ups.jsonl.

The file has 120 follow-ups of our own with the questions before them, half of them with no answer in the articles; the
questions before them mostly have one, which must not be given again. They are told apart by the log-odds of the best
sentence for the search (``found``) and for the search it leans on (``leaned``).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qa.answer import EVIDENCE, FALL, PASSAGES, THRESHOLD, best_logit
from qa.asking import read
from qa.bot import Bot
from qa.build import ensure_index
from qa.config import Settings
from qa.embed import load_encoder
from qa.measuring.questions import Question, read_questions
from qa.metrics import auroc
from qa.retrieve import retrieve

QUESTIONS = Path(__file__).parent / "follow_ups.jsonl"
FACTORS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)


@dataclass(frozen=True)
class Judged:
    """A follow-up with the log-odds that decide whether it is answered."""

    question: Question
    found: float
    leaned: float

    def confidence(self, factor: float) -> float:
        """As `qa.answer.compose` has it, for another `FALL`; `LACKING` is left out."""
        return EVIDENCE.confidence(self.found - factor * max(0.0, self.leaned - self.found))


def judge(bot: Bot, question: Question) -> Judged:
    """Search for a follow-up and for what it leans on."""
    search = read(question.text, bot.index.lexical, question.history)
    found, leaned = (
        best_logit(bot.index, text, retrieve(bot.index, bot.encoder, text, PASSAGES))
        for text in (search.text, search.topic or search.text)
    )
    return Judged(question, found, leaned)


def main() -> None:
    """Print, for every factor, how many are answered and how well the confidence tells them apart."""
    questions = read_questions(QUESTIONS)
    encoder = load_encoder()
    with tempfile.TemporaryDirectory() as folder:
        bot = Bot(ensure_index(Settings(index=Path(folder) / "index"), encoder), encoder)
        judged = [judge(bot, question) for question in questions]
        right = [_is_right(bot, question) for question in questions if question.answerable]
    answerable = np.array([one.question.answerable for one in judged])
    print(f"{len(judged)} follow-ups, {answerable.sum()} answerable; threshold {THRESHOLD}, FALL is {FALL}")
    print("factor  answered of answerable  silent of the others  AUROC")
    for factor in FACTORS:
        confidence = np.array([one.confidence(factor) for one in judged])
        answered = confidence >= THRESHOLD
        print(
            f"{factor:6.1f}  {answered[answerable].mean():22.2f}  {1 - answered[~answerable].mean():20.2f}"
            f"  {auroc(answerable, confidence):5.3f}"
        )
    print(f"the quotes hold the evidence: {np.mean(right):.2f} of the answerable")


def _is_right(bot: Bot, question: Question) -> bool:
    answer = bot.ask(question.text, history=question.history)
    return any(question.met_by(citation.quote) for citation in answer.citations)


if __name__ == "__main__":
    main()
