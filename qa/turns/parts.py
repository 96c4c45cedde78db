"""What a question names, part by part, and which part of an earlier question a new one takes the place of.

"How many soldiers did North Korea send to Russia?" has the noun that is asked for ("soldiers"), a name ("North Korea")
and a name with a preposition ("to Russia"). "And tanks?", "and China?" and "and to Belarus?" each exchange another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from qa.likeness import stems
from qa.turns.words import preposition
from qa.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qa.turns.words import Reading, Token

_YEAR = re.compile(r"(?:1\d|20)\d\d")

Kind = Literal["name", "date", "noun", "asked", "other"]


@dataclass(frozen=True, slots=True)
class Part:
    """A noun or name of a question with its article.

    Attributes:
        text: As typed, with the article.
        bare: Without it.
        span: Where ``text`` stands.
        kind: A name, a date, a noun with its article, the noun that is asked for, or something else.
        preposition: The one before it, the same in both languages ("nach" and "to"), or "".
        article: The one before it, or "".
        stems: Of its words.
    """

    text: str
    bare: str
    span: Span
    kind: Kind
    preposition: str
    article: str
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Pair:
    """A part of an earlier question and the new one that takes its place."""

    old: Part
    new: Part

    @property
    def kept(self) -> str:
        """The noun that stays where an adjective takes the place of another: "und wie viele russische?"."""
        words = self.old.bare.split()
        noun = next((n for n, word in enumerate(words) if word[0].isupper()), len(words))
        return " ".join(words[noun:]) if self.new.bare.islower() and noun else ""

    @property
    def displaced(self) -> frozenset[str]:
        """Stems of the words that go."""
        return self.old.stems - stems(self.kept.casefold().split())

    def put_into(self, text: str) -> str:
        """``text``, in which the old part stands, with the new one."""
        new = self.new.bare if self.old.kind == "asked" else self.new.text
        put = f"{new} {self.kept}" if self.kept else new
        return text[: self.old.span.start] + put + text[self.old.span.end :]


def parts(reading: Reading, tokens: Sequence[Token]) -> list[Part]:
    """What the words name, in their order."""
    found: list[Part] = []
    before: list[Token] = []
    run: list[Token] = []
    for token in tokens:
        if run and (not token.content or _ends(reading, before, run[-1], token)):
            found.append(_part(reading, before, run, may_end_in_verb=token.content))
            before, run = [], []
        if token.content:
            run.append(token)
        else:
            before = [token] if token.parted else [*before, token]
    if run:
        found.append(_part(reading, before, run, may_end_in_verb=True))
    return found


def _ends(reading: Reading, before: Sequence[Token], last: Token, token: Token) -> bool:
    """Whether a part ends between two content words: "Seoul | deliver", but "der russische Botschafter"."""
    if token.parted:
        return True
    if last.capital == token.capital:
        return False
    described = reading.any(before, "article", "determiner_wh", "possessive", "demonstrative", "many", "preposition")
    return reading.lang == "en" or last.capital or not described


def _part(reading: Reading, before: Sequence[Token], run: list[Token], *, may_end_in_verb: bool) -> Part:
    asked = bool(before) and reading.has(before[-1], "determiner_wh", "many")
    if asked and may_end_in_verb and len(run) > 1 and not run[-1].capital:
        run = run[:-1]  # "how many soldiers died"
    article = before[-1] if before and reading.has(before[-1], "article") else None
    determined = before[:-1] if asked or article else before
    # "Im" and "zum" are preposition and article at once.
    governing = preposition(reading, [*determined[-1:], *([article] if article else [])])
    start = (article or run[0]).span.start
    end = run[-1].span.end
    return Part(
        reading.text[start:end],
        reading.text[run[0].span.start : end],
        Span(start, end),
        _kind(reading, run, asked=asked, article=article is not None),
        governing,
        article.word if article else "",
        stems(token.word for token in run),
    )


def _kind(reading: Reading, run: Sequence[Token], *, asked: bool, article: bool) -> Kind:
    if reading.any(run, "date") or any(_YEAR.fullmatch(token.word) for token in run):
        return "date"
    if asked:
        return "asked"
    # In German every noun has a capital; with an article it is no name, unless it is one like "die NATO".
    noun = reading.lang == "de" and article and not all(token.text.isupper() for token in run)
    if any(token.capital for token in run) and not noun:
        return "name"
    return "noun" if article else "other"


def pairs(earlier: Reading, news: Sequence[Part]) -> list[Pair]:
    """For each new part the one of the earlier question whose place it takes, where there is one.

    Args:
        earlier: The question that stands.
        news: What a later one names; parts that the earlier one names too take no place.
    """
    olds = parts(earlier, earlier.tokens)
    found: list[Pair] = []
    for n, new in enumerate(news):
        if is_known(new, olds):
            continue
        taken = {pair.old.span.start for pair in found}
        alike = [old for old in olds if old.stems & new.stems]
        free = [old for old in olds if old.span.start not in taken]
        old = _before_same_noun(new, news[n + 1 : n + 2], olds) or _counterpart(new, alike or free)
        if old:
            found.append(Pair(old, new))
    return found


def is_known(new: Part, olds: Iterable[Part]) -> bool:
    """Whether a question with the parts ``olds`` names everything of ``new``."""
    return new.stems <= {stem for old in olds for stem in old.stems}


def _before_same_noun(new: Part, following: Sequence[Part], olds: Sequence[Part]) -> Part | None:
    """What stands before the same noun: "the Chinese ambassador" for "the Russian ambassador"."""
    if not following or following[0].span.start != new.span.end + 1:
        return None
    for old, noun in pairwise(olds):
        if noun.stems & following[0].stems and noun.span.start == old.span.end + 1:
            return old
    return None


def _counterpart(new: Part, olds: Sequence[Part]) -> Part | None:
    """The first of those that fit best. A part with a preposition fits one with the same, a date any date."""
    if new.kind == "date":
        return _first(olds, "date")
    alike = [old for old in olds if old.preposition == new.preposition and old.kind != "date"]
    if new.preposition:
        return alike[0] if alike else None
    if new.kind == "name":
        return _first(alike, "name") or _first(alike, "noun")
    if new.kind == "noun":
        same_article = [old for old in alike if old.article == new.article]
        return _first(alike, "asked") or _first(same_article, "noun") or _first(alike, "name")
    only = alike[0] if len(alike) == 1 else None
    return _first(alike, "asked") or only


def _first(olds: Iterable[Part], kind: Kind) -> Part | None:
    return next((old for old in olds if old.kind == kind), None)
