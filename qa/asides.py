"""What is said to the bot beside asking its articles: courtesies, questions about itself or all the articles.

The phrases stand in qa/data/asides.toml. A text counts only where every word of it is accounted for, so that a question
with a topic is never taken for an aside ("hi, which weapons ...", "articles of the UN charter").
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qa.labels import format_date
from qa.text import is_function_word, language, words
from qa.types import Lang

if TYPE_CHECKING:
    from qa.corpus import Corpus
    from qa.types import Article, Status

_FILE = Path(__file__).with_name("data") / "asides.toml"

Kind = Literal["greeting", "thanks", "goodbye", "help", "articles", "newest", "oldest"]

#: Words; longer texts are questions. The longest phrases of the lists have seven, and a few may follow each other.
LONGEST = 16
#: The same in characters, so that a text of many pages need not be read.
LONGEST_TEXT = 20 * LONGEST
#: Articles listed at most; a message says how many there are.
LISTED = 20

_COURTESIES: tuple[Kind, ...] = ("greeting", "thanks", "goodbye", "help")
#: The sections of the file whose phrases may make up a whole text.
_ASIDES = (*_COURTESIES, "topics", "news", "company")
_TOKEN = re.compile(r"[^\W_]+")
_PAUSE = re.compile(r"[,;:.!?…–—\n-]")

#: Before what the bot can do; of several courtesies the last in the order of `_COURTESIES` counts ("thanks, bye").
_REPLIES: Mapping[Kind, Mapping[Lang, str]] = {
    "greeting": {"de": "Hallo! ", "en": "Hello! "},
    "thanks": {"de": "Gern! ", "en": "You are welcome! "},
    "goodbye": {"de": "Auf Wiedersehen! ", "en": "Goodbye! "},
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
    said = words(text)
    if not 0 < len(said) <= LONGEST:
        return None
    return _phrases_only(said, text) or _about_articles(words(without_courtesies(text)), text)


def reply(aside: Aside, corpus: Corpus) -> Reply:
    """What the bot says to an aside about these articles."""
    texts, n = _TEXTS[aside.lang], corpus.article_count()
    if aside.kind in _COURTESIES:
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


def without_courtesies(text: str) -> str:
    """A question without the greeting and the request before it and the thanks after it ("hi, could you tell me ...").

    A greeting goes where a pause or a function word follows, so that "Hello Kitty" stays whole; thanks go where a pause
    stands before them. A text that is nothing else stays as it is.
    """
    tokens = list(_TOKEN.finditer(text))
    said = [token[0].casefold() for token in tokens]
    first, last = 0, len(tokens)
    while first < last and (length := _courtesy_before(text, tokens, said, first)):
        first += length
    while first < last and (length := _thanks_after(text, tokens, said, first, last)):
        last -= length
    if first == last or (first, last) == (0, len(tokens)):
        return text
    end = tokens[last].start() if last < len(tokens) else len(text)
    return text[tokens[first].start() : end].strip(" \n,;:–—-")


def _courtesy_before(text: str, tokens: Sequence[re.Match[str]], said: Sequence[str], at: int) -> int:
    """How many words from a place on are a greeting or a request; 0 where they may be part of the question."""
    for length in range(min(_lists().longest, len(said) - at - 1), 0, -1):
        phrase, following = tuple(said[at : at + length]), tokens[at + length]
        paused = _PAUSE.search(text[tokens[at + length - 1].end() : following.start()]) is not None
        if phrase in _lists().phrases["request"] and (paused or length > 1):
            return length
        courtesy = any(phrase in _lists().phrases[kind] for kind in ("greeting", "thanks"))
        if (courtesy or (at > 0 and phrase in _lists().phrases["company"])) and (
            paused or is_function_word(following[0])
        ):
            return length
    return 0


def _thanks_after(text: str, tokens: Sequence[re.Match[str]], said: Sequence[str], first: int, last: int) -> int:
    """How many words before a place are thanks or a goodbye."""
    for length in range(min(_lists().longest, last - first - 1), 0, -1):
        phrase, before = tuple(said[last - length : last]), tokens[last - length - 1]
        if _PAUSE.search(text[before.end() : tokens[last - length].start()]) and any(
            phrase in _lists().phrases[kind] for kind in ("thanks", "goodbye", "greeting", "request")
        ):
            return length
    return 0


def _phrases_only(said: Sequence[str], text: str) -> Aside | None:
    """The courtesies, or the question about all articles, that a text is made of; None where a word is left over."""
    lists = _lists()
    kinds: list[str] = []
    langs: list[Lang] = []
    at = 0
    while at < len(said):
        for length in range(min(lists.longest, len(said) - at), 0, -1):
            phrase = tuple(said[at : at + length])
            kind = next((name for name in _ASIDES if phrase in lists.phrases[name]), None)
            if kind is not None:
                break
        else:
            return None
        kinds.append(kind)
        langs += [lang for lang in lists.phrases[kind][phrase] if kind != "company"]
        at += length
    found: list[Kind] = [kind for kind in _COURTESIES if kind in kinds]
    about: Mapping[str, Kind] = {"topics": "articles", "news": "newest"}
    found += [about[kind] for kind in kinds if kind in about]
    return Aside(found[-1], _most(langs, text)) if found else None


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
    """The lists of the file: phrases by section, each with the languages it belongs to, and words by list."""

    phrases: Mapping[str, Mapping[tuple[str, ...], tuple[Lang, ...]]]
    words: Mapping[str, frozenset[str]]
    longest: int


@cache
def _lists() -> _Lists:
    sections: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    vocabulary = {name: frozenset(words(text)) for name, text in sections.pop("articles").items()}
    phrases = {name: _phrases(section) for name, section in sections.items()}
    return _Lists(phrases, vocabulary, max(len(phrase) for section in phrases.values() for phrase in section))


def _phrases(section: Mapping[str, Iterable[str]]) -> dict[tuple[str, ...], tuple[Lang, ...]]:
    found: dict[tuple[str, ...], tuple[Lang, ...]] = {tuple(words(phrase)): () for phrase in section["both"]}
    for lang in ("de", "en"):
        for phrase in section[lang]:
            key = tuple(words(phrase))
            found[key] = (*found.get(key, ()), lang)
    return found
