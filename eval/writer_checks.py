"""How many true sentences the writer's checks drop, and how many false ones they let through.

    python -m eval.writer_checks --data ../shared/data/dev

No model takes part: of the paragraphs of XQuAD, which are there in German and English, those with equally many
sentences give pairs that say the same. A translation is a true sentence over its original. Made false in one place
(another figure, another name, another paragraph cited) it must fall.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.text import sentences
from qa.types import Citation, Lang
from qa.writing.checks import judge, tidy
from qa.writing.figures import figures
from qa.writing.names import Source, unsupported

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Pair:
    """A sentence and the same in the other language."""

    claim: str
    claim_lang: Lang
    quote: str
    quote_lang: Lang


def read_pairs(data: Path, claim_lang: Lang, quote_lang: Lang) -> Iterator[Pair]:
    """Sentence pairs of the paragraphs that split into equally many sentences in both languages."""
    texts = [_paragraphs(data / f"xquad.{lang}.json") for lang in (claim_lang, quote_lang)]
    for claim, quote in zip(*texts, strict=True):
        claims = [span.of(claim) for span in sentences(claim, claim_lang)]
        quotes = [span.of(quote) for span in sentences(quote, quote_lang)]
        if len(claims) == len(quotes):
            yield from (Pair(one, claim_lang, other, quote_lang) for one, other in zip(claims, quotes, strict=True))


def _paragraphs(path: Path) -> list[str]:
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [paragraph["context"] for article in articles for paragraph in article["paragraphs"]]


def fault(pair: Pair) -> str:
    """Why the claim falls over its quote, "" where it stands."""
    quote = Citation(1, "x", None, None, None, None, pair.quote, 0, len(pair.quote), pair.quote_lang, 1.0)
    return judge(tidy(re.sub(r"([.!?]?)\s*$", r" [1]\1", pair.claim, count=1)), [quote], pair.claim_lang).fault or ""


def falsified(pairs: Sequence[Pair], kind: str) -> Iterator[Pair]:
    """Pairs that stand, made false in one place."""
    names = [name for pair in pairs for name in _names(pair)]
    for at, pair in enumerate(pairs):
        if kind == "figure" and (match := _DIGITS.search(pair.claim)):
            other = str(int(match[0]) + 37)
            yield Pair(
                pair.claim[: match.start()] + other + pair.claim[match.end() :],
                pair.claim_lang,
                pair.quote,
                pair.quote_lang,
            )
        elif kind == "name" and (own := _names(pair)):
            other = next(
                name
                for name in names[at * 7 % len(names) :] + names
                if name not in pair.claim and name not in pair.quote
            )
            yield Pair(pair.claim.replace(own[0], other, 1), pair.claim_lang, pair.quote, pair.quote_lang)
        elif kind == "citation" and (_names(pair) or figures(pair.claim, pair.claim_lang)):
            yield Pair(pair.claim, pair.claim_lang, pairs[(at + 10) % len(pairs)].quote, pair.quote_lang)


def _names(pair: Pair) -> list[str]:
    return unsupported(pair.claim, pair.claim_lang, Source([], []))


def main() -> None:
    """Print both rates for every pair of languages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with xquad.de.json and xquad.en.json")
    parser.add_argument(
        "--show", type=int, default=0, help="print so many of the sentences that fell or slipped through"
    )
    options = parser.parse_args()
    languages: tuple[tuple[Lang, Lang], ...] = (("en", "de"), ("de", "en"), ("en", "en"), ("de", "de"))
    for claim_lang, quote_lang in languages:
        pairs = list(read_pairs(options.data, claim_lang, quote_lang))
        faults = Counter(fault(pair) for pair in pairs)
        print(f"{claim_lang} over {quote_lang}: {len(pairs)} sentences, {faults[''] / len(pairs):.3f} stand", end="")
        print("; " + ", ".join(f"{name} {number}" for name, number in faults.most_common() if name))
        standing = [pair for pair in pairs if not fault(pair)]
        for kind in ("figure", "name", "citation"):
            false = list(falsified(standing, kind))
            slipped = [pair for pair in false if not fault(pair)]
            print(f"    another {kind}: {1 - len(slipped) / len(false):.3f} of {len(false)} fall")
            for pair in slipped[: options.show]:
                print(f"        {pair.claim}  <-  {pair.quote}")
        for pair in [pair for pair in pairs if fault(pair)][: options.show]:
            print(f"    {fault(pair)}: {pair.claim}  <-  {pair.quote}")


if __name__ == "__main__":
    main()
