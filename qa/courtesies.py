"""Greetings, thanks and what else is said and asks nothing, alone or around a question: told here and nowhere else.

The phrases stand in qa/data/courtesies.toml. A clause is a courtesy where nothing in it asks and nothing is content:
phrases of the lists and function words ("danke, das war hilfreich", "thank you for that").
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from qa.text import content_words, is_function_word, language, words
from qa.turns.classes import closed_class
from qa.types import Lang

_FILE = Path(__file__).with_name("data") / "courtesies.toml"
_TOKEN = re.compile(r"[^\W_]+")
_PAUSE = re.compile(r"[,;:.!?…–—\n-]")
_OUTER = " \n,;:–—-"

#: Of several in a text the last of these counts ("hi, thanks", "thanks, bye").
Courtesy = Literal["reaction", "greeting", "thanks", "goodbye"]
COURTESIES: tuple[Courtesy, ...] = get_args(Courtesy)
#: Taken off a question; a reaction before it may belong to it ("Yes, Minister").
_TAKEN_OFF: tuple[Courtesy, ...] = ("greeting", "thanks")

#: A phrase as words, with the languages it belongs to, none where it is of both.
Phrases = Mapping[tuple[str, ...], tuple[Lang, ...]]


@dataclass(frozen=True, slots=True)
class Said:
    """A courtesy: which, and the languages of its phrases."""

    kind: Courtesy
    langs: tuple[Lang, ...]


def courtesy(text: str) -> Said | None:
    """The courtesy that a text is; None where it asks something, and for a text without words."""
    tokens = _Tokens(text)
    if not tokens.said or tokens.question(COURTESIES) < len(tokens.said):
        return None
    found = [one for one in tokens.phrases(COURTESIES) if one.kind != "company"]
    kinds = {one.kind for one in found}
    return Said([kind for kind in COURTESIES if kind in kinds][-1], tuple(lang for one in found for lang in one.langs))


def question_start(text: str) -> int:
    """Where the question begins after courtesies and reactions ("ok, danke. Und ..."), in code points.

    The length of the text where nothing is asked.
    """
    tokens = _Tokens(text)
    at = tokens.question(COURTESIES)
    return tokens.found[at].start() if at < len(tokens.found) else len(text)


def without_courtesies(text: str) -> str:
    """A question without the greeting and the request before it and the thanks after it ("hi, could you tell me ...").

    A greeting goes where a pause or a function word follows, so that "Hello Kitty" stays whole; a request goes where
    content is left ("could you tell me why?" stays); thanks go where a pause stands before them. A text that is nothing
    else stays as it is.
    """
    tokens = _Tokens(text)
    found = tokens.found
    first, last = tokens.question(_TAKEN_OFF, requests=True), len(found)
    while first < last and (length := tokens.thanks_before(first, last)):
        last -= length
    if first == last or (first, last) == (0, len(found)):
        return text
    end = found[last].start() if last < len(found) else len(text)
    return text[found[first].start() : end].strip(_OUTER)


@dataclass(frozen=True, slots=True)
class _Phrase:
    kind: str
    langs: tuple[Lang, ...]
    length: int


class _Tokens:
    """The words of a text, and what of them is courtesy."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found = list(_TOKEN.finditer(text))
        self.said = [token[0].casefold() for token in self.found]

    def question(self, kinds: Sequence[str], *, requests: bool = False) -> int:
        """At which word the question begins; how many words there are where nothing is asked."""
        at = 0
        while at < len(self.said):
            length = self._clause(at, kinds) or self._greeting(at, kinds) or (self._request(at) if requests else 0)
            if not length:
                break
            at += length
        return at

    def thanks_before(self, first: int, last: int) -> int:
        """How many words before a place are thanks, a goodbye or "please", after a pause."""
        for length in range(min(phrase_lists().longest, last - first - 1), 0, -1):
            phrase = self._phrase(last - length, length, (*COURTESIES[1:], "request"))
            if phrase and self._pause_after(last - length - 1):
                return length
        return 0

    def phrases(self, kinds: Sequence[str]) -> list[_Phrase]:
        """The longest phrases from the left, other words between them left out."""
        found, at = [], 0
        while at < len(self.said):
            phrase = self._longest(at, len(self.said), (*kinds, "company"))
            found += [phrase] if phrase else []
            at += phrase.length if phrase else 1
        return found

    def _clause(self, at: int, kinds: Sequence[str]) -> int:
        """Words up to the next pause, if they are a courtesy; else 0."""
        end = next((n + 1 for n in range(at, len(self.said) - 1) if self._pause_after(n)), len(self.said))
        place, courtesies, others = at, 0, []
        while place < end:
            phrase = self._longest(place, end, (*kinds, "company"))
            if phrase is None and not is_function_word(self.said[place]):
                return 0
            courtesies += phrase is not None and phrase.kind != "company"
            others += [] if phrase else [self.said[place]]
            place += phrase.length if phrase else 1
        return 0 if courtesies == 0 or (others and self._asks(others, self.said[at])) else end - at

    def _asks(self, others: Iterable[str], first: str) -> bool:
        """Whether a clause with these words beside its phrases asks something: "is that right?", "okay why"."""
        lang = language(self.text)
        if any(word in closed_class(lang, name) for word in others for name in ("wh", "more")):
            return True
        opens = any(first in closed_class(lang, name) for name in ("auxiliary", "connective"))
        return opens and not any(word in closed_class(lang, "address") for word in others)

    def _greeting(self, at: int, kinds: Sequence[str]) -> int:
        """Words that are a courtesy before a function word or a pause; 0 where they may be part of the question."""
        for length in range(min(phrase_lists().longest, len(self.said) - at - 1), 0, -1):
            phrase = self._phrase(at, length, (*kinds, "company") if at else kinds)
            if phrase and (self._pause_after(at + length - 1) or is_function_word(self.said[at + length])):
                return length
        return 0

    def _request(self, at: int) -> int:
        """Words that are a request before a question with content."""
        for length in range(min(phrase_lists().longest, len(self.said) - at - 1), 0, -1):
            if self._phrase(at, length, ("request",)) and (length > 1 or self._pause_after(at)):
                rest = self.text[self.found[at + length].start() :]
                return length if content_words(rest) else 0
        return 0

    def _longest(self, at: int, end: int, kinds: Iterable[str]) -> _Phrase | None:
        lengths = range(min(phrase_lists().longest, end - at), 0, -1)
        return next((one for length in lengths if (one := self._phrase(at, length, kinds))), None)

    def _phrase(self, at: int, length: int, kinds: Iterable[str]) -> _Phrase | None:
        key = tuple(self.said[at : at + length])
        lists = phrase_lists().phrases
        return next((_Phrase(kind, lists[kind][key], length) for kind in kinds if key in lists[kind]), None)

    def _pause_after(self, at: int) -> bool:
        between = self.text[self.found[at].end() : self.found[at + 1].start()]
        return _PAUSE.search(between) is not None


@dataclass(frozen=True, slots=True)
class PhraseLists:
    """The phrases of a file by section, and the words of the longest."""

    phrases: Mapping[str, Phrases]
    longest: int


@cache
def phrase_lists() -> PhraseLists:
    """The courtesies."""
    return read_phrases(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def read_phrases(sections: Mapping[str, Mapping[str, Iterable[str]]]) -> PhraseLists:
    """Phrases from sections with the lists ``de``, ``en`` and ``both``."""
    phrases = {name: _phrases(section) for name, section in sections.items()}
    return PhraseLists(phrases, max(len(phrase) for section in phrases.values() for phrase in section))


def _phrases(section: Mapping[str, Iterable[str]]) -> Phrases:
    found: dict[tuple[str, ...], tuple[Lang, ...]] = {tuple(words(phrase)): () for phrase in section["both"]}
    for lang in ("de", "en"):
        for phrase in section[lang]:
            key = tuple(words(phrase))
            found[key] = (*found.get(key, ()), lang)
    return found
