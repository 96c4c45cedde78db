"""From texts to terms: words of German and English passages and questions, stemmed, compounds split.

The analysers are tantivy's (stop words, compounds, stemmers). What has no filter there is done on the text before:
figures (`plain_text`) and German spellings (`german_text`).
"""

from __future__ import annotations

import functools
import re
import threading
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import tantivy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.types import Lang

_DATA = Path(__file__).with_name("data")
PARTS_FILE = _DATA / "compound_parts.txt"

_MAX_TOKEN_BYTES = 80
_MAX_TERMS = 64
_MAX_CHARS = 20_000

#: The fields of an index and the analyser of each. Every passage fills those of its language.
FIELDS = {
    "de": "qa_de",
    "de_parts": "qa_de_parts",
    "de_title": "qa_de",
    "de_title_parts": "qa_de_parts",
    "en": "qa_en",
    "en_title": "qa_en",
    "words": "qa_words",
}


_GROUPED = re.compile(r"(?<![\w.,])\d{1,3}(?:[.,' ’]\d{3})+(?![\d])")
_UNIT = re.compile(r"(?<![^\W_])(\d+)(?=[^\W\d_]{2})")
_LETTER_HYPHEN_DIGIT = re.compile(r"(?<![\w-])([^\W\d_]{1,2})-(?=\d)")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_GENITIVE = re.compile(r"(?<=[^\W\d_]{3}[aoyjpw])s\b")
_DIGRAPH = re.compile(r"(?<![aeuq])ue|[ao]e")
_UMLAUTS = {"ae": "ä", "oe": "ö", "ue": "ü"}


def plain_text(text: str) -> str:
    """Lower case, compatibility forms resolved, figures in one spelling.

    ``10.000``, ``10 000`` and ``10,000`` become ``10000``; ``155mm`` becomes ``155 mm``; ``K-9`` becomes ``k9``.
    """
    text = text.encode("utf-8", "ignore").decode()  # tantivy refuses lone surrogates
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).lower()
    text = _GROUPED.sub(lambda match: re.sub(r"\D", "", match[0]), text)
    return _LETTER_HYPHEN_DIGIT.sub(r"\1", _UNIT.sub(r"\1 ", text))


def german_text(plain: str) -> str:
    """`plain_text` with what the German stemmer leaves apart put together.

    ``ae``, ``oe`` and ``ue`` become umlauts (not ``ue`` after a vowel or q: *neue*, *Quelle*), after Porter's
    German2 stemmer; the stemmer itself then drops umlauts, so *Suedkorea*, *Sudkorea* and *Südkorea* meet.
    A genitive s after a, o, y, j, p, w goes (*Nordkoreas*, *Trumps*, *Kiews*): Snowball keeps it there
    (nDCG@10 of OMoS-QA train de .815, without it .811).
    """
    return _GENITIVE.sub("", _DIGRAPH.sub(lambda match: _UMLAUTS[match[0]], plain))


@functools.cache
def compound_parts() -> list[str]:
    """The parts that German compounds are split into, sorted (`qa.train.compounds` derives them)."""
    lines = PARTS_FILE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@functools.cache
def stop_words(lang: Lang) -> list[str]:
    """The function words of a language that are neither indexed nor searched, sorted."""
    # Not tantivy's: its English list is Lucene's 33 words without "what", "did", "has"; its German one lacks "wer".
    plain = plain_text((_DATA / f"stopwords_{lang}.txt").read_text(encoding="utf-8"))
    return sorted(set((german_text(plain) if lang == "de" else plain).split()))


def _words() -> tantivy.TextAnalyzerBuilder:
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    return words.filter(tantivy.Filter.remove_long(_MAX_TOKEN_BYTES))


def _stopped(lang: Lang) -> tantivy.TextAnalyzerBuilder:
    return _words().filter(tantivy.Filter.custom_stopword(stop_words(lang)))


def _stemmed(words: tantivy.TextAnalyzerBuilder, language: str) -> tantivy.TextAnalyzer:
    return words.filter(tantivy.Filter.stemmer(language)).filter(tantivy.Filter.ascii_fold()).build()


class Analysers:
    """The analysers, and one lock: an analyser keeps state while it runs."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._words = _words().build()
        self._content = {lang: _stopped(lang).build() for lang in ("de", "en")}
        split = _stopped("de").filter(tantivy.Filter.split_compound(list(parts)))
        self.by_name = {
            "qa_de": _stemmed(_stopped("de"), "german"),
            "qa_de_parts": _stemmed(split, "german"),
            "qa_en": _stemmed(_stopped("en"), "english"),
            "qa_words": self._words,
        }

    def parts(self, word: str) -> list[str]:
        """Stems of the parts of a German compound, or of the word itself; [] for a function word."""
        return self.analyse("qa_de_parts", german_text(plain_text(word)))

    def analyse(self, name: str, text: str) -> list[str]:
        """The terms that an analyser makes of a text."""
        with self._lock:
            return list(self.by_name[name].analyze(text))

    def terms(self, question: str) -> dict[str, list[str]]:
        """Distinct terms of a question for each analyser, at most `_MAX_TERMS`, in the order of the question."""
        plain = plain_text(question[:_MAX_CHARS])
        with self._lock:
            count = len(self._words.analyze(plain))
            content: dict[Lang, list[str]] = {
                "de": self._content["de"].analyze(german_text(plain)),
                "en": self._content["en"].analyze(plain),
            }
            # The function words of the question's language must not meet words of the other one ("war", "die",
            # "also", or "the" in a German text's English names): they go before the other language's analyser
            # sees the question. XQuAD en->de, R@1: .503, without this .381.
            german, english = count - len(content["de"]), count - len(content["en"])
            german_view = " ".join(content["en"]) if english > german else plain
            english_view = " ".join(content["de"]) if german > english else plain
            views = {"qa_de": german_text(german_view), "qa_en": english_view}
            views["qa_de_parts"] = views["qa_de"]
            return {
                name: list(dict.fromkeys(self.by_name[name].analyze(view)))[:_MAX_TERMS] for name, view in views.items()
            }


@functools.cache
def analysers() -> Analysers:
    """The analysers of this process."""
    return Analysers(compound_parts())


def is_compound(word: str) -> bool:
    """Whether a word is made of two or more of the `compound_parts`, with nothing left over."""
    return len(analysers().parts(word)) > 1


def texts_of(text: str, title: str, lang: Lang) -> dict[str, str]:
    """What a passage puts into the fields of its language; the words as they stand are left out."""
    text, title = plain_text(text), plain_text(title)
    if lang == "en":
        return {"en": text, "en_title": title}
    text, title = german_text(text), german_text(title)
    return {"de": text, "de_parts": text, "de_title": title, "de_title_parts": title}


def passage_terms(text: str, title: str, lang: Lang) -> dict[str, list[str]]:
    """The terms of a passage by field, each as often as it stands there: for indexes other than tantivy's."""
    fields = texts_of(text, title, lang)
    return {name: analysers().analyse(FIELDS[name], part) for name, part in fields.items()}


def question_terms(question: str) -> dict[str, list[str]]:
    """The distinct terms of a question by the field they are searched in."""
    terms = analysers().terms(question)
    return {name: terms[analyser] for name, analyser in FIELDS.items() if analyser in terms}
