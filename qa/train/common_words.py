"""Derive `qa/data/common_words_{de,en}.txt`: words that are no proper names although a capital may begin them.

`qa.writing.names` must tell "Soldiers" at the beginning of a sentence, and "Soldaten" anywhere in a German one, from
names. No dictionary says so; running text does:

- English: a word that stands in lower case inside sentences at least as often as with a capital.
- German lower case: the same.
- German nouns: the English sentence beside a name holds a word with a capital that begins alike ("Selenskyj" and
  "Zelensky", "Berlin"), that beside a noun does not ("Haubitzen", howitzers). Names that the languages spell each in
  its own way ("Peking") slip in among the nouns: `qa/data/names.toml` knows them, and is asked first.

    python -m qa.train.common_words --data ../shared/data/train --out qa/data
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from qa.train.pairs import Line, read_parallel
from qa.writing.names import skeleton

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;…\"„“”»«'‚‘’(\-–—]\s*)$")

#: Seen less often, a word's case says little; names are hardly ever written in lower case, so there two uses do.
MIN_LOWER, MIN_NOUN = 2, 4
#: Share of a German noun's sentences whose English side may hold such a word with a capital ("Computer").
MOST_TWINS = 0.2
#: Letters, in the spelling of `qa.writing.names.skeleton`, by which two words begin alike.
ALIKE = 4


@dataclass(slots=True)
class Counts:
    """Uses inside sentences, by the word in lower case."""

    lower: Counter[str] = field(default_factory=Counter)
    capital: Counter[str] = field(default_factory=Counter)
    twins: Counter[str] = field(default_factory=Counter)

    def lower_case(self) -> set[str]:
        """Words that are written in lower case at least as often as not."""
        return {word for word, n in self.lower.items() if n >= MIN_LOWER and n >= self.capital[word]}

    def nouns(self) -> set[str]:
        """German nouns that are no names."""
        return {word for word, n in self.capital.items() if n >= MIN_NOUN and self.twins[word] <= MOST_TWINS * n}


def count(lines: Iterable[Line]) -> tuple[Counts, Counts]:
    """Counts of English and of German, of each line the first wording."""
    english, german = Counts(), Counts()
    for line in lines:
        _count(line.english[0], english, frozenset())
        _count(line.german[0], german, _capitals(line.english[0]))
    return english, german


def _capitals(text: str) -> frozenset[str]:
    """How the words with a capital begin, but for the first of a sentence."""
    return frozenset(
        skeleton(match[0])[:ALIKE]
        for match in _WORD.finditer(text)
        if match[0][0].isupper() and _is_inside(text, match)
    )


def _is_inside(text: str, match: re.Match[str]) -> bool:
    return not _SENTENCE_START.search(text, max(0, match.start() - 3), match.start())


def _count(text: str, counts: Counts, other: frozenset[str]) -> None:
    for match in _WORD.finditer(text):
        word = match[0]
        if not _is_inside(text, match):
            continue
        folded = word.lower()
        if word[0].islower():
            counts.lower[folded] += 1
        elif not word.isupper() or len(word) == 1:
            counts.capital[folded] += 1
            counts.twins[folded] += skeleton(word)[:ALIKE] in other


def write(path: Path, words: Iterable[str], origin: str) -> None:
    """One word a line, sorted, below a line that says where they come from."""
    lines = sorted(word for word in words if len(word) > 1)
    path.write_text("\n".join([f"# {origin}; made by qa.train.common_words", *lines, ""]), encoding="utf-8")


def main() -> None:
    """Write both lists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with wmt_lines and sentence_pairs")
    parser.add_argument("--out", type=Path, required=True, help="folder of the lists")
    options = parser.parse_args()
    english, german = count(read_parallel(options.data).lines)
    origin = (
        "Words that are no names, by case and translation in WMT 2021-2024 and OPUS-MT, Multi30k and OpenNMT sentences"
    )
    write(options.out / "common_words_en.txt", english.lower_case(), origin)
    write(options.out / "common_words_de.txt", german.lower_case() | german.nouns(), origin)


if __name__ == "__main__":
    main()
