"""What is said to the bot beside asking its articles: courtesies, questions about itself or all the articles.

Courtesies are those of `qa.courtesies`; the other phrases stand in qa/data/asides.toml. A text counts only where every
word of it is accounted for, so that a question with a topic is never taken for an aside ("hi, which weapons ...",
"articles of the UN charter").
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qa.courtesies import COURTESIES, Courtesy, PhraseLists, courtesy, phrase_lists, read_phrases, without_courtesies
from qa.labels import format_date
from qa.text import language, words
from qa.types import Lang

if TYPE_CHECKING:
    from qa.corpus import Corpus
    from qa.types import Article, Status

_FILE = Path(__file__).with_name("data") / "asides.toml"

Kind = Courtesy | Literal["help", "articles", "newest", "oldest"]

#: Words; longer texts are questions. The longest phrases of the lists have seven, and a few may follow each other.
LONGEST = 16
#: The same in characters, so that a text of many pages need not be read.
LONGEST_TEXT = 20 * LONGEST
#: Articles listed at most; a message says how many there are.
LISTED = 20

#: Answered with what the bot can do.
_SMALL_TALK: tuple[Kind, ...] = (*COURTESIES, "help")
#: What the questions of a section ask for.
_ASKED_FOR: Mapping[str, Kind] = {"help": "help", "topics": "articles", "news": "newest"}

#: Before what the bot can do.
_REPLIES: Mapping[Kind, Mapping[Lang, str]] = {
    "greeting": {"de": "Hallo! ", "en": "Hello! "},
    "thanks": {"de": "Gern! ", "en": "You are welcome! "},
    "goodbye": {"de": "Auf Wiedersehen! ", "en": "Goodbye! "},
    "reaction": {"de": "", "en": ""},
    "help": {"de": "", "en": ""},
}


@dataclass(frozen=True, slots=True)
class _Texts:
    """What the bot says of itself and its articles, in one language; ``n`` counts articles."""

    ability: str
    none: str
    one: str
    many: str
    listed_one: str
    listed_all: str
    listed_some: str
    newest: str
    oldest: str
    no_dates: str
    dated_of: str


_TEXTS: Mapping[Lang, _Texts] = {
    "de": _Texts(
        ability=(
            "Ich beantworte Fragen mit wörtlichen Sätzen aus {articles}; fragen Sie auf Deutsch oder Englisch. "
            "Auf „Welche Artikel gibt es?“ nenne ich sie Ihnen."
        ),
        none="Ihren Artikeln",
        one="einem Artikel",
        many="{n} Artikeln",
        listed_one="Es gibt einen Artikel:",
        listed_all="Es gibt {n} Artikel:",
        listed_some="Es gibt {n} Artikel. Das sind die ersten {shown}, die neuesten voran:",
        newest="Der neueste Artikel ist „{title}“ ({date}).",
        oldest="Der älteste Artikel ist „{title}“ ({date}).",
        no_dates="Keiner der Artikel trägt ein Datum.",
        dated_of="Ein Datum tragen {dated} von {n} Artikeln.",
    ),
    "en": _Texts(
        ability=(
            "I answer questions with word-for-word sentences from {articles}; ask in English or German. "
            "Ask “Which articles are there?” and I will list them."
        ),
        none="your articles",
        one="one article",
        many="{n} articles",
        listed_one="There is one article:",
        listed_all="There are {n} articles:",
        listed_some="There are {n} articles. These are the first {shown}, newest first:",
        newest="The newest article is “{title}” ({date}).",
        oldest="The oldest article is “{title}” ({date}).",
        no_dates="None of the articles bears a date.",
        dated_of="{dated} of {n} articles bear a date.",
    ),
}


@dataclass(frozen=True, slots=True)
class Aside:
    """What kind of aside a text is, and its language."""

    kind: Kind
    lang: Lang


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said to an aside: ``smalltalk`` with a message, or ``about`` with the articles it speaks of."""

    status: Status
    message: str
    articles: tuple[Article, ...] = ()


def recognise(text: str) -> Aside | None:
    """The aside that a text is; None where it is a question to the articles."""
    if len(text) > LONGEST_TEXT:
        return None
    if not 0 < len(words(text)) <= LONGEST:
        return None
    said = courtesy(text)
    if said is not None:
        return Aside(said.kind, _most(said.langs, text))
    return _phrases_only(words(text), text) or _about_articles(words(without_courtesies(text)), text)


def recognise_more(text: str, last: Aside) -> Aside | None:
    """The question about all articles that a text is after another ("and the newest?", "wie viele sind es?")."""
    if last.kind in _SMALL_TALK or len(text) > LONGEST_TEXT:
        return None
    said = [word for word in words(text) if (word,) not in _lists().phrases.phrases["joint"]]
    return _about_articles([*said, "artikel"], text) if said else None


def may_point(text: str) -> bool:
    """Whether an aside may mean the question before it instead: "how does it work?", but not "how do you work?"."""
    said = frozenset(words(text))
    return bool(said & _lists().words["pointing"]) and not said & _lists().words["to_the_bot"]


def reply(aside: Aside, corpus: Corpus) -> Reply:
    """What the bot says to an aside about these articles."""
    texts, n = _TEXTS[aside.lang], corpus.article_count()
    if aside.kind in _SMALL_TALK:
        articles = texts.none if n == 0 else texts.one if n == 1 else texts.many.format(n=n)
        return Reply("smalltalk", _REPLIES[aside.kind][aside.lang] + texts.ability.format(articles=articles))
    listed = tuple(corpus.newest(LISTED, oldest=aside.kind == "oldest"))
    message = texts.listed_one if n == 1 else texts.listed_all if n <= LISTED else texts.listed_some
    message = message.format(n=n, shown=len(listed))
    if aside.kind != "articles":
        message = f"{_extreme(aside, listed, n, corpus.dated_count())} {message}"
    return Reply("about", message, listed)


def _extreme(aside: Aside, listed: Sequence[Article], n: int, dated: int) -> str:
    """Which article is the newest or oldest, as far as they bear dates."""
    texts = _TEXTS[aside.lang]
    if dated == 0:
        return texts.no_dates
    first = listed[0]
    form = texts.newest if aside.kind == "newest" else texts.oldest
    said = form.format(title=first.label, date=format_date(first.published, aside.lang))
    return said if dated == n else f"{said} {texts.dated_of.format(dated=dated, n=n)}"


def _phrases_only(said: Sequence[str], text: str) -> Aside | None:
    """The question, with courtesies around it, that a text is made of; None where a word is left over."""
    found: list[Kind] = []
    langs: list[Lang] = []
    at = 0
    while at < len(said):
        phrase = _longest_phrase(said, at)
        if phrase is None:
            return None
        found += [_ASKED_FOR[phrase.section]] if phrase.section in _ASKED_FOR else []
        langs += phrase.langs
        at += phrase.length
    return Aside(found[-1], _most(langs, text)) if found else None


@dataclass(frozen=True, slots=True)
class _Phrase:
    section: str
    langs: tuple[Lang, ...]
    length: int


def _longest_phrase(said: Sequence[str], at: int) -> _Phrase | None:
    both = (_lists().phrases, phrase_lists())
    for length in range(min(max(lists.longest for lists in both), len(said) - at), 0, -1):
        key = tuple(said[at : at + length])
        for lists in both:
            for section, phrases in lists.phrases.items():
                if key in phrases:
                    return _Phrase(section, phrases[key], length)
    return None


def _about_articles(said: Sequence[str], text: str) -> Aside | None:
    lists = _lists()
    nouns = lists.words["nouns_de"] | lists.words["nouns_en"]
    others = [word for word in said if word not in nouns]
    if len(others) == len(said) or (len(said) == 1 and said[0] not in lists.words["alone"]):
        return None
    for lang in ("de", "en"):
        newest, oldest = lists.words[f"newest_{lang}"], lists.words[f"oldest_{lang}"]
        if all(word in lists.words[lang] or word in newest or word in oldest for word in others):
            kind: Kind = "newest" if newest & set(others) else "oldest" if oldest & set(others) else "articles"
            own: list[Lang] = [one for one in ("de", "en") for word in said if word in lists.words[f"nouns_{one}"]]
            return Aside(kind, lang if others else _most(own, text))
    return None


def _most(langs: Sequence[Lang], text: str) -> Lang:
    german = langs.count("de") - langs.count("en")
    return language(text) if german == 0 else "de" if german > 0 else "en"


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of the file: phrases by section, and words by list."""

    phrases: PhraseLists
    words: Mapping[str, frozenset[str]]


@cache
def _lists() -> _Lists:
    sections: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    vocabulary = {name: frozenset(words(text)) for name, text in sections.pop("articles").items()}
    return _Lists(read_phrases(sections), vocabulary)
