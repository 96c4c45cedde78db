"""Fit `qa/data/language_ngrams.json`, the weights by which `qa.text.language` tells German from English.

Logistic regression with an L1 penalty over the letter n-grams of short windows of words, after the finding of Lui
and Baldwin (2012), "langid.py" (ACL), that few well-chosen n-grams do; the penalty does the choosing. Windows are
short because questions are; articles are easy. One line in ten is held out.

    python -m qa.train.language --pairs ../shared/data/train/sentence_pairs.tsv.xz --out qa/data/language_ngrams.json
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from qa.text import letter_ngrams

_LETTERS = re.compile(r"[^\W\d_]+")

#: Words in a window, drawn evenly from these; a lone word is the hardest case and a common question.
WINDOWS = (1, 1, 2, 2, 3, 4, 6, 10)
#: Windows drawn from each sentence.
PER_SENTENCE = 3
#: N-grams in fewer windows are left out: mostly parts of names.
MIN_WINDOWS = 30
#: Inverse strength of the penalty. 0.1, 0.2, 0.4 give 13, 20, 33 kB and .932, .936, .938 on held-out single words,
#: .9836, .9852, .9856 on pairs of words: flat, so the middle one. N-grams of up to 5 letters gain nothing.
INVERSE_PENALTY = 0.2
#: One line in so many is held out.
HELD_OUT = 10
#: Weights are stored in hundredths; smaller ones are dropped.
SMALLEST = 0.05


@dataclass(frozen=True, slots=True)
class Windows:
    """Runs of lower-case words, ``german[i]`` telling whether ``words[i]`` is German."""

    words: list[list[str]]
    german: list[bool]


def draw(pairs: Sequence[str], seed: int) -> Windows:
    """Windows from lines ``English<tab>German``."""
    rng = random.Random(seed)  # noqa: S311 - sampling, not secrets
    words: list[list[str]] = []
    german: list[bool] = []
    for line in pairs:
        for is_german, sentence in enumerate(line.rstrip("\n").split("\t")[:2]):
            found = _LETTERS.findall(sentence.lower())
            for _ in range(PER_SENTENCE if found else 0):
                size = rng.choice(WINDOWS)
                start = rng.randrange(max(1, len(found) - size + 1))
                words.append(found[start : start + size])
                german.append(bool(is_german))
    return Windows(words, german)


def features(window: Sequence[str]) -> Iterator[str]:
    """The n-grams of the words of a window."""
    for word in window:
        yield from letter_ngrams(f" {word} ")


def fit(windows: Windows) -> dict[str, int]:
    """Weights in hundredths, above 0 for German, by n-gram."""
    counter = CountVectorizer(analyzer=features, min_df=MIN_WINDOWS)
    counts = counter.fit_transform(windows.words)
    # No intercept: a text without known n-grams must score 0.
    model = LogisticRegression(l1_ratio=1.0, C=INVERSE_PENALTY, solver="liblinear", fit_intercept=False, random_state=0)
    model.fit(counts, windows.german)
    names = counter.get_feature_names_out()
    weights = model.coef_[0]
    return {str(names[at]): round(100 * float(weights[at])) for at in np.flatnonzero(np.abs(weights) >= SMALLEST)}


def accuracy(table: Mapping[str, int], windows: Windows) -> dict[int, float]:
    """Share of the windows told right, by how many words they have."""
    right: dict[int, list[bool]] = {}
    for words, german in zip(windows.words, windows.german, strict=True):
        score = sum(table.get(gram, 0) for gram in features(words))
        right.setdefault(len(words), []).append((score > 0) == german)
    return {size: sum(told) / len(told) for size, told in sorted(right.items())}


def main() -> None:
    """Fit, write the table, print its size and the accuracy on the lines that were held out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="lines of English, tab, German; xz")
    parser.add_argument("--out", type=Path, required=True, help="the table, JSON")
    arguments = parser.parse_args()
    with lzma.open(arguments.pairs, "rt", encoding="utf-8") as file:
        lines = file.readlines()
    kept = [line for number, line in enumerate(lines) if number % HELD_OUT]
    table = fit(draw(kept, seed=0))
    text = json.dumps(dict(sorted(table.items())), ensure_ascii=False, separators=(",", ":")) + "\n"
    arguments.out.write_text(text, encoding="utf-8")
    print(f"{len(table)} n-grams, {len(text.encode())} bytes -> {arguments.out}")
    for size, share in accuracy(table, draw(lines[::HELD_OUT], seed=1)).items():
        print(f"{size:3d} words: {share:.4f}")


if __name__ == "__main__":
    main()
