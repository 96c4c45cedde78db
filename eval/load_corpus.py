"""Articles and questions in any number for load tests: sentences of ../shared/data/train, recombined."""

from __future__ import annotations

import json
import lzma
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qa.articles import read_article
from qa.chunks import chunk_article
from qa.config import Settings
from qa.errors import QAError
from qa.text import content_words

#: Where the sentences lie, beside the checkout.
SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "train"
#: Words of a sentence that is taken, and of an article, from the first to the second.
SENTENCE_WORDS: Final = (7, 40)
ARTICLE_WORDS: Final = (250, 700)
#: Sentences of a paragraph.
PARAGRAPH: Final = (2, 5)
#: Words of a title, at most.
TITLE_WORDS: Final = 9

_OUTLETS: Final = tuple(
    f"{town} {kind}" for town in ("Elbstadt", "Nordhafen", "Talheim") for kind in ("Bote", "Kurier")
)
_MISSING: Final = "no translation available"


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence in both languages."""

    german: str
    english: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the server: ``kind`` says how it was made, ``body`` is what is sent to ``/api/ask``."""

    kind: str
    body: dict[str, object]


def read_pairs(folder: Path = SHARED) -> list[Pair]:
    """The sentences, each German one once, in the order of the file.

    Raises:
        QAError: The file is not there.
    """
    path = folder / "wmt_lines.jsonl.xz"
    found: dict[str, str] = {}
    try:
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                one, other = " ".join(row["s"].split()), " ".join(row["t"][0].split())
                german, english = (one, other) if row["p"] == "de-en" else (other, one)
                fits = SENTENCE_WORDS[0] <= len(german.split()) <= SENTENCE_WORDS[1] and german[-1:] in ".!?"
                if fits and english.lower() != _MISSING:
                    found.setdefault(german, english)
    except OSError as error:
        raise QAError(f"{path} cannot be read: {error.strerror}", "put the shared data beside the checkout") from None
    return [Pair(german, english) for german, english in found.items()]


def write_articles(folder: Path, pairs: Sequence[Pair], chunks: int, seed: int) -> int:
    """Write articles until they have ``chunks`` passages; gives how many passages they have.

    No sentence stands in two articles while there are enough of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chooser = random.Random(seed)  # noqa: S311
    sentences = _endless(pairs, chooser)
    longest = Settings().chunk_words
    made = count = 0
    while made < chunks:
        path = folder / f"artikel-{count:06d}.md"
        path.write_text(_article(sentences, chooser), encoding="utf-8")
        made += len(chunk_article(read_article(path, folder), max_words=longest).chunks)
        count += 1
    return made


def _endless(pairs: Sequence[Pair], chooser: random.Random) -> Iterator[str]:
    order = list(range(len(pairs)))
    while True:
        chooser.shuffle(order)
        for at in order:
            yield pairs[at].german


def _article(sentences: Iterator[str], chooser: random.Random) -> str:
    title = " ".join(next(sentences).rstrip(".!?").split()[:TITLE_WORDS])
    wanted, words = chooser.randint(*ARTICLE_WORDS), 0
    parts: list[str] = []
    while words < wanted:
        part = " ".join(next(sentences) for _ in range(chooser.randint(*PARAGRAPH)))
        words += len(part.split())
        parts.append(part)
    day = f"{chooser.randint(2019, 2024)}-{chooser.randint(1, 12):02d}-{chooser.randint(1, 28):02d}"
    head = {"title": title, "outlet": chooser.choice(_OUTLETS), "published": day}
    front = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items())
    return f"---\n{front}\nlang: de\n---\n\n" + "\n\n".join(parts) + "\n"


#: How questions are made, with the share of each in a hundred.
KINDS: Final = {
    "german": 25,
    "english": 20,
    "figure": 10,
    "sentence": 10,
    "keywords": 10,
    "misspelt": 5,
    "follow-up": 10,
    "filtered": 5,
    "nonsense": 5,
}
_LEANING: Final = ("Und warum?", "Und wann war das?", "Und wer hat das gesagt?", "And why?", "What about the costs?")
_LETTERS: Final = "bcdfghjklmnpqrstvwxzaeiou"


def make_questions(pairs: Sequence[Pair], count: int, seed: int) -> list[Asked]:
    """Questions of every kind of `KINDS`, all different; some are about sentences that stand in no article."""
    chooser = random.Random(seed)  # noqa: S311
    kinds, weights = list(KINDS), list(KINDS.values())
    made: dict[str, Asked] = {}
    while len(made) < count:
        kind = chooser.choices(kinds, weights)[0]
        body = _body(kind, chooser.choice(pairs), pairs, chooser)
        if body is not None:
            made.setdefault(json.dumps(body, ensure_ascii=False), Asked(kind, body))
    return list(made.values())


def _body(kind: str, pair: Pair, pairs: Sequence[Pair], chooser: random.Random) -> dict[str, object] | None:
    """What is sent for a question of a kind; None where the sentence gives none."""
    german = f"Was ist bekannt über {_run(pair.german, chooser)}?"
    if kind in ("figure", "keywords", "misspelt"):
        return _from_words(kind, pair, chooser)
    if kind == "follow-up":
        history = [f"Was ist bekannt über {_run(chooser.choice(pairs).german, chooser)}?", german]
        return {"question": chooser.choice(_LEANING), "history": history[chooser.randrange(2) :]}
    if kind == "filtered":
        since = f"{chooser.randint(2019, 2024)}-{chooser.randint(1, 12):02d}"
        return {"question": german, "since": since, "outlet": list(_OUTLETS[: chooser.randrange(3)])}
    words = ("".join(chooser.choices(_LETTERS, k=chooser.randint(2, 9))) for _ in range(chooser.randint(1, 6)))
    questions = {
        "german": german,
        "english": f"What is said about {_run(pair.english, chooser)}?",
        "sentence": pair.german,
        "nonsense": " ".join(words) + chooser.choice("?!.…"),
    }
    return {"question": questions[kind]}


def _from_words(kind: str, pair: Pair, chooser: random.Random) -> dict[str, object] | None:
    content = list(dict.fromkeys(content_words(pair.german, "de")))
    long = [word for word in content if len(word) > 5 and word.isalpha()]  # noqa: PLR2004 - long enough to misspell
    if len(content) < 3 or not long:  # noqa: PLR2004 - too little to ask with
        return None
    if kind == "keywords":
        return {"question": " ".join(chooser.sample(content, chooser.randint(2, 3)))}
    if kind == "figure":
        return {"question": f"Wie viele {chooser.choice(long).capitalize()} {_run(pair.german, chooser)}?"}
    word = chooser.choice(long)
    at = chooser.randrange(1, len(word) - 2)
    typed = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return {"question": f"Was ist mit {typed} {_run(pair.german, chooser)}?"}


def _run(sentence: str, chooser: random.Random) -> str:
    """Four to seven words of a sentence that stand together."""
    words = sentence.rstrip(".!?").split()
    size = min(chooser.randint(4, 7), len(words))
    start = chooser.randrange(len(words) - size + 1)
    return " ".join(words[start : start + size])
