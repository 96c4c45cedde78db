"""Derive `qa/data/compound_parts.txt`, the parts that German compounds are split into, from running text.

The method is corpus-frequency splitting after Koehn and Knight (2003), "Empirical Methods for Compound Splitting"
(EACL): a word is split where the geometric mean of its parts' frequencies exceeds its own. What tantivy needs is
a flat list that it walks greedily, longest part first, so the splits are turned into such a list:

1. Count words. Nouns are told by their capital inside a sentence.
2. Split every noun of the corpus. Parts are frequent words; a part before the last may carry a linking element
   or lack its final e or n. The last part must be a noun.
3. Forms seen as parts of enough different compounds become the list.
4. Walk the corpus' nouns greedily with the list. A form that breaks more words than it splits well is dropped;
   a frequent word that the list would break, though the corpus says that it is whole, joins the list as itself.

    python -m qa.train.compounds --data ../shared/data/train --out qa/data/compound_parts.txt
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.lexical import german_text, plain_text

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;…\"„“”»«'‚‘’(\-–—]\s*)$")

#: What may stand between two parts (Koehn and Knight use s and es; the rest from their error analysis' kind).
LINKS = ("", "s", "es", "n", "en", "er", "e")
#: What a first part may have lost: Schul(e)buch, Liefer(n)kette, Wohn(en)raum.
DROPPED = ("e", "n", "en")

# Closed-class words and particles that are frequent but no parts: they make prefixed words, not compounds.
_NO_PARTS = frozenset(
    german_text(
        "aber alle allem allen aller alles als also am an ander auch auf aus bei beim bin bis bist da dabei dafür "
        "damit dann darauf darum das dass daß dein dem den denn der des dich die dies diese diesem diesen dieser "
        "doch dort du durch ein eine einem einen einer er erst es etwas euch euer für gegen gewesen hab haben hat "
        "hatte hatten her hier hin hinter ich ihm ihn ihnen ihr ihre im in indem ins ist jede jeden jeder jedes "
        "jene kann kein keine können könnte mal man manche mehr mein mich mir mit muss nach neben nicht nichts noch "
        "nun nur ob oder ohne sehr sein seine selbst sich sie sind so soll sollte sondern sonst über um und uns "
        "unser unter viel vom von vor vorher war waren warst was weg weil weiter welche wenn wer werde werden wie "
        "wieder will wir wird wo wollen wollte worden wurde wurden zu zum zur zurück zwar zwischen statt herum "
        "hinaus heraus herein hinein herunter hinunter voran voraus vorbei zusammen auseinander miteinander gegenüber "
        "heran hervor hinzu empor entgegen entlang fort los nieder dar fest innen schaft heit keit ung "
        "lich isch tum nis"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Thresholds; counts are tokens of the corpus (8.5 million for the list that ships), lengths are letters.

    Retrieval hardly feels them: over ``min_part_count`` 4 to 30, ``min_types`` 1 to 3, ``min_whole_count`` 10 to
    never, ``min_guard_count`` 3 to never and shorts on or off, nDCG@10 of OMoS-QA train de stays in .784 to .796 and
    that of XQuAD de in .953 to .956 (no splitting: .761, .945; field share .5, no title, Snowball's stop words).
    They were chosen by the size of the list and by how often the greedy walk gives the splitter's own parts: in
    94.4 % of 66,401 compounds.

    Attributes:
        min_part_count: A word seen less often is no part.
        min_part_length: Shorter words are parts only if they are nouns, one letter shorter, and frequent.
        min_short_count: How frequent those must be (Rat, Tag, Gas, Amt).
        min_types: In how many compounds of the corpus a form must stand as a part.
        min_split_length: Shorter words are not split.
        min_whole_count: Nouns that are no compounds join the list from here, though the corpus never joins them.
        min_guard_count: Words that are whole, but that the list would break, join it from here.
    """

    min_part_count: int = 8
    min_part_length: int = 4
    min_short_count: int = 200
    min_types: int = 1
    min_split_length: int = 8
    min_whole_count: int = 15
    min_guard_count: int = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens by normalised word, and how many of those inside a sentence had a capital."""

    words: Counter[str]
    inside: Counter[str]
    capital: Counter[str]

    def is_noun(self, word: str) -> bool:
        """Whether the word has a capital inside sentences more often than not."""
        return 2 * self.capital[word] > self.inside[word]


def german_lines(data: Path) -> Iterator[str]:
    """German sides of ``wmt_lines.jsonl.xz`` and ``sentence_pairs.tsv.xz`` in ``data``, those that are there."""
    wmt, pairs = data / "wmt_lines.jsonl.xz", data / "sentence_pairs.tsv.xz"
    if not (wmt.exists() or pairs.exists()):
        raise FileNotFoundError(f"neither {wmt.name} nor {pairs.name} is in {data}")
    if wmt.exists():
        with lzma.open(wmt, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                yield from [record["s"]] if record["p"] == "de-en" else record["t"]
    if pairs.exists():
        with lzma.open(pairs, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield line.rstrip("\n").partition("\t")[2]


def count_words(lines: Iterable[str]) -> Counts:
    """Words as the German analyser sees them before it splits compounds."""
    surface: Counter[str] = Counter()
    inside_surface: Counter[str] = Counter()
    for line in lines:
        for match in _WORD.finditer(line):
            surface[match[0]] += 1
            if not _SENTENCE_START.search(line, max(0, match.start() - 3), match.start()):
                inside_surface[match[0]] += 1
    counts = Counts(Counter(), Counter(), Counter())
    for word, number in sorted(surface.items()):
        normal = german_text(plain_text(word))
        counts.words[normal] += number
        counts.inside[normal] += inside_surface[word]
        if word[0].isupper() and not word.isupper():
            counts.capital[normal] += inside_surface[word]
    return counts


class Splitter:
    """Koehn and Knight's splitter: the split with the highest geometric mean of its parts' counts."""

    def __init__(self, counts: Counts, settings: Settings) -> None:
        self._counts = counts
        self._settings = settings
        self.heads: dict[str, float] = {}
        self._firsts: dict[str, float] = {}
        for word, number in counts.words.items():
            if self._is_part(word, number):
                self._admit(word, math.log(number))
        self._longest = max(map(len, self._firsts), default=0)

    def _is_part(self, word: str, number: int) -> bool:
        settings = self._settings
        short = len(word) < settings.min_part_length
        needed = settings.min_short_count if short else settings.min_part_count
        if number < needed or word in _NO_PARTS or not word.isalpha():
            return False
        return not short or (len(word) == settings.min_part_length - 1 and self._counts.is_noun(word))

    def _admit(self, word: str, weight: float) -> None:
        noun = self._counts.is_noun(word)
        if noun:
            self.heads[word] = weight
        forms = [word + link for link in LINKS] if noun else [word]
        forms += [word.removesuffix(end) for end in DROPPED if word.endswith(end) and noun == (end == "e")]
        for form in forms:
            if len(form) >= min(len(word), self._settings.min_part_length):
                self._firsts[form] = max(weight, self._firsts.get(form, 0.0))

    def split(self, word: str) -> list[str]:
        """The parts of a word as they stand in it, linking elements with the part before; ``[word]`` if whole."""
        if len(word) < self._settings.min_split_length:
            return [word]
        # best[end][n]: highest sum of log counts of n first parts that cover word[:end], and where the last begins.
        best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}] + [{} for _ in word]
        for end in range(3, len(word) + 1):
            table = self.heads if end == len(word) else self._firsts
            for start in range(max(0, end - self._longest), end - 2):
                weight = table.get(word[start:end]) if best[start] and end - start < len(word) else None
                if weight is not None:
                    for number, (total, _) in best[start].items():
                        if total + weight > best[end].get(number + 1, (-1.0, 0))[0]:
                            best[end][number + 1] = (total + weight, start)
        means = {number: total / number for number, (total, _) in best[-1].items()}
        number = max(means, key=lambda n: (means[n], -n), default=0)
        if number <= 1 or means[number] <= math.log(max(1, self._counts.words[word])):
            return [word]
        parts, end = [], len(word)
        for left in range(number, 0, -1):
            start = best[end][left][1]
            parts.append(word[start:end])
            end = start
        return parts[::-1]


def walk(word: str, parts: frozenset[str] | set[str], longest: int) -> list[str]:
    """The longest listed part each time, from the left, as tantivy's ``split_compound`` takes them.

    Where no part fits, the rest is given as one piece and tantivy leaves the word whole.
    """
    found, start = [], 0
    while start < len(word):
        end = min(len(word), start + longest)
        while end > start and word[start:end] not in parts:
            end -= 1
        if end == start:
            end = len(word)
        found.append(word[start:end])
        start = end
    return found


def _prune(chosen: set[str], compounds: Mapping[str, list[str]]) -> set[str]:
    """Drop the parts that lead the greedy walk astray in more compounds than they are right in."""
    while True:
        longest = max(map(len, chosen), default=0)
        balance: Counter[str] = Counter()
        for word, parts in compounds.items():
            got = walk(word, chosen, longest)
            if got == parts:
                balance.update(parts)
            else:
                first_wrong = next(part for part, wanted in zip(got, parts, strict=False) if part != wanted)
                balance[first_wrong] -= 1
        harmful = {part for part, number in balance.items() if number < 0} & chosen
        if not harmful:
            return chosen
        chosen = chosen - harmful


def derive(counts: Counts, settings: Settings) -> list[str]:
    """The list of parts, sorted."""
    splitter = Splitter(counts, settings)
    nouns = (word for word in sorted(counts.words) if counts.is_noun(word))
    splits = {word: splitter.split(word) for word in nouns}
    compounds = {word: parts for word, parts in splits.items() if len(parts) > 1}
    types: Counter[str] = Counter(part for parts in compounds.values() for part in parts)
    chosen = {part for part, number in types.items() if number >= settings.min_types}
    chosen |= {
        head
        for head in splitter.heads
        if counts.words[head] >= settings.min_whole_count
        and len(head) > settings.min_part_length
        and head not in compounds
    }
    chosen = _prune(chosen, compounds)
    longest = max(map(len, chosen), default=0)
    guards = {
        word
        for word, number in counts.words.items()
        if number >= settings.min_guard_count and word not in compounds and _breaks(word, chosen, longest)
    }
    return sorted(chosen | guards)


def _breaks(word: str, chosen: set[str], longest: int) -> bool:
    parts = walk(word, chosen, longest)
    return len(parts) > 1 and parts[-1] in chosen


def write_parts(parts: Sequence[str], out: Path) -> None:
    """One part a line, sorted, after a line that says where they come from."""
    header = (
        "# Parts of German compounds, from word counts of the German side of WMT 2021-2024 and OPUS-MT, Multi30k and "
        "OpenNMT sentences, after Koehn and Knight (2003); made by qa.train.compounds"
    )
    out.write_text("\n".join([header, *parts]) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: ``--data`` folder with the texts, ``--out`` file to write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    parts = derive(count_words(german_lines(options.data)), Settings())
    write_parts(parts, options.out)
    print(f"{len(parts)} parts in {options.out}")


if __name__ == "__main__":
    main()
