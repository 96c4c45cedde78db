"""Derive `qa/data/common_words.txt.gz`, the words that `qa.slips` takes for rightly spelt, from running text.

A word joins the list when enough lines hold it. Lines are counted, not occurrences, and a line with all its wordings
counts once: a rare word that six translators had to write stays rare.

    python -m qa.train.words --data ../shared/data/train --out qa/data/common_words.txt.gz
"""

from __future__ import annotations

import argparse
import gzip
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from qa.lexical import plain_text
from qa.slips import MOST_COMMON
from qa.train.pairs import Line, read_parallel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LETTERS = re.compile(r"[^\W\d_]+")

#: Lines that must hold a word. 2 / 3 / 4 / 6 give 131,111 / 87,626 / 70,575 / 52,384 words, with which 7 / 9 / 10 / 12
#: of XQuAD's 1,190 German questions are respelt, five of them rightly, and 27 / 36 / 40 / 44 of the English ones. Fewer
#: lines let misspellings in: "goverment" stands in 3, "seperate" in 5.
MIN_LINES = 4
#: Shorter words are never mended, so nothing asks for them.
MIN_LETTERS = 4

HEADER = (
    "# German and English words in lower case from WMT 2021-2024 and OPUS-MT, Multi30k and OpenNMT sentences: the "
    f"{MOST_COMMON} that stand in most lines, those in most first, then the others by alphabet; made by qa.train.words"
)


def common(lines: Iterable[Line], min_lines: int = MIN_LINES) -> list[str]:
    """The words that stand in at least ``min_lines`` of the lines, those in most lines first, then by alphabet."""
    count: Counter[str] = Counter()
    for line in lines:
        texts = (*line.english, *line.german)
        count.update({word for text in texts for word in _LETTERS.findall(plain_text(text))})
    kept = [word for word, seen in count.items() if seen >= min_lines and len(word) >= MIN_LETTERS]
    return sorted(kept, key=lambda word: (-count[word], word))


def write(words: Sequence[str], out: Path) -> None:
    """Write the list, compressed: by alphabet, as only the rank of the first ones counts, it takes 0.2 MB, not 0.3."""
    lines = [HEADER, *words[:MOST_COMMON], *sorted(words[MOST_COMMON:])]
    out.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    words = common(read_parallel(given.data).lines)
    write(words, given.out)
    print(f"{len(words)} words in {given.out}")


if __name__ == "__main__":
    main()
