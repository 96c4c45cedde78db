"""A question set so small that its figures can be worked out by hand, and rows to sum up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qa.evaluate import Row
from qa.measuring.questions import Question, QuestionSet
from qa.metrics import Ranked
from tests.fakes import WordEncoder, article

if TYPE_CHECKING:
    from qa.types import Vectors

TEXTS = {
    "hunde": "Der Hund bellt laut im Garten. Sein Futter kostet zwölf Euro.",
    "katzen": "Die Katze schläft gern auf dem Sofa. Ihr Korb steht am Fenster.",
    "vögel": "Der Vogel singt jeden Morgen. Sein Nest liegt hoch im Baum.",
}
ARTICLES = tuple(article(text, name=name) for name, text in TEXTS.items())

QUESTIONS = (
    Question("bark", "Was macht der Hund laut im Garten?", "de", "what", True, ("hunde-id",), (("bellt laut",),)),
    Question("cost", "Was kostet sein Futter?", "de", "how many", True, ("hunde-id",), (("zwölf Euro",),)),
    Question("nest", "Wo liegt sein Nest im Baum?", "de", "where", True, ("vögel-id",), (("hoch im Baum",),)),
    Question("sofa", "Where does the Katze sleep, Sofa?", "en", "where", True, ("katzen-id",), (("Sofa",),)),
    Question("moon", "Wie weit ist der Mond entfernt?", "de", "off topic", False),
)
SET = QuestionSet("tiere", QUESTIONS, ARTICLES, own=True)


class ShuffledEncoder(WordEncoder):
    """A regression: what it gives for passages belongs to other passages."""

    def __init__(self) -> None:
        super().__init__(salt="shuffled")

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        rows = super().encode_passages(texts)
        return rows[np.random.default_rng(0).permutation(len(rows))]


def row(
    name: str,
    *,
    answerable: bool = True,
    answered: bool = True,
    right: bool = True,
    confidence: float = 0.5,
    lang: str = "de",
    kind: str = "who",
    ranks: Mapping[str, Mapping[str, Ranked]] | None = None,
    question: str | None = "Wer?",
) -> Row:
    """A row as `qa.evaluate.evaluate` makes it."""
    scores = {"correct": float(answered and right) if answerable else float(not answered)}
    if answerable:
        scores |= {"answered": float(answered), "found": float(answered and right), "first": float(answered and right)}
    else:
        scores["abstained"] = float(not answered)
    found = {"hybrid": {"passage": Ranked((1,), 1), "article": Ranked((1,), 1)}} if ranks is None else ranks
    return Row(
        name,
        "en" if lang == "en" else "de",
        kind,
        answerable,
        answered,
        confidence,
        scores,
        right and answerable,
        found if answerable else {},
        question,
    )
