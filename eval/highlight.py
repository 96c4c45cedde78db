"""Whether the phrase set in bold is the answer: ``python -m eval.highlight --data ../shared/data/dev``.

XQuAD, whose answers are phrases of the paragraphs: every question of one file over the paragraphs of another, scored by
the gold answer of the same id there. Only first quotes that hold the gold answer count, for in others nothing could be
right. Beside it the baseline that needs no rule: the whole quote. The two halves are every other paragraph; the rules
were written with the first half in view.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from qa.bot import Bot
from qa.build import index_articles
from qa.config import Settings
from qa.embed import load_encoder
from qa.measuring.datasets import load_dataset
from qa.quoting.asked import read_asked
from qa.text import content_words, normalise
from qa.types import Citation, Encoder

FILES = {"de": "xquad.de.json", "en": "xquad.en.json"}
HALVES = ("seen", "unseen")


@dataclass(frozen=True)
class Judged:
    """A first quote that holds the gold answer, and what is bold in it.

    Attributes:
        kind: What the question asks for.
        half: Which half its paragraph belongs to.
        shown: Whether something is bold.
        overlap: Whether it shares a character with the gold answer where that stands.
        contains: Whether it has all of it.
        f1: Token F1 with it (Rajpurkar et al. 2016, without function words); 0 where nothing is bold.
        whole_f1: The same of the whole quote.
    """

    kind: str
    half: str
    shown: bool
    overlap: bool
    contains: bool
    f1: float
    whole_f1: float


def judge(kind: str, half: str, citation: Citation, gold: str) -> Judged:
    """Compare what is bold with the gold answer, which the quote holds."""
    quoted, bold = citation.quote, citation.highlight
    whole = token_f1(quoted, gold)
    if bold is None:
        return Judged(kind, half, shown=False, overlap=False, contains=False, f1=0.0, whole_f1=whole)
    places = tuple(_places(quoted, gold))
    return Judged(
        kind,
        half,
        shown=True,
        overlap=any(start < bold.end and bold.start < start + len(gold) for start in places),
        contains=any(bold.start <= start and start + len(gold) <= bold.end for start in places),
        f1=token_f1(bold.of(quoted), gold),
        whole_f1=whole,
    )


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def token_f1(text: str, gold: str) -> float:
    """Harmonic mean of the shares of content words in common, 0 to 1."""
    ours, theirs = Counter(content_words(text)), Counter(content_words(gold))
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total()) if shared else 0.0


def main() -> None:
    """Print a table for every pair of languages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/dev"), help="folder of the XQuAD files")
    data = parser.parse_args().data
    encoder = load_encoder()
    for lang, file in FILES.items():
        with tempfile.TemporaryDirectory() as folder:
            bot = _bot(data / file, encoder, Path(folder))
            for asked, asked_in in FILES.items():
                judged = list(_judged(bot, data / file, data / asked_in if asked != lang else None))
                print(f"\n{asked} questions over {lang} paragraphs: {len(judged)} first quotes hold the gold answer")
                _print(judged)


def _bot(path: Path, encoder: Encoder, folder: Path) -> Bot:
    articles = load_dataset(path).articles or ()
    # Dates would put articles in another order; XQuAD has none.
    return Bot(index_articles(Settings(index=folder), encoder, list(articles)), encoder, threshold=0.0)


def _judged(bot: Bot, path: Path, asked_in: Path | None) -> Iterator[Judged]:
    questions = load_dataset(path, questions_from=asked_in).questions
    order = {name: n for n, name in enumerate(dict.fromkeys(question.articles[0] for question in questions))}
    for question in questions:
        citations = bot.ask(question.text).citations
        held = [gold for golds in question.evidence for gold in golds if citations and gold in citations[0].quote]
        if held:
            kind = read_asked(normalise(question.text)).kind
            yield judge(kind, HALVES[order[question.articles[0]] % 2], citations[0], held[0])


def _print(judged: Sequence[Judged]) -> None:
    print("of                    n  bold | of the bold: overlaps contains    F1 | F1 of the whole quote, of all")
    for half in HALVES:
        _row(half, [one for one in judged if one.half == half])
    for kind in sorted({one.kind for one in judged}):
        _row(kind, [one for one in judged if one.kind == kind])
    _row("all", judged)


def _row(name: str, judged: Sequence[Judged]) -> None:
    bold = [one for one in judged if one.shown] or [replace(judged[0], overlap=False, contains=False, f1=0.0)]
    print(
        f"{name:<16} {len(judged):6} {fmean(one.shown for one in judged):5.2f} | "
        f"{fmean(one.overlap for one in bold):21.2f} {fmean(one.contains for one in bold):8.2f} "
        f"{fmean(one.f1 for one in bold):5.2f} | {fmean(one.whole_f1 for one in judged):9.2f}"
    )


if __name__ == "__main__":
    main()
