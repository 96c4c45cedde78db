"""Names and noun phrases by the capitals of each language, and lists of them."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from qa.quoting.words import Phrase, closed_class

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from qa.quoting.words import Word
    from qa.types import Lang

#: A German attribute before its noun: an adjective or participle with an ending.
_ATTRIBUTE = re.compile(r"\w{3,}(?:e|en|er|es|em)$")
#: German words that begin a sentence with a capital and are no nouns: participles and adverbs by their form.
_NO_NOUN = re.compile(
    r"(?:ge|ver|be|er|ent|zer|ein|aus|auf|an|ab|unter|über|vor|nach|zu)\w+(?:t|en)|\w+(?:lich|weise|ig|isch|end)"
)
#: Words that end an English noun phrase or stand before it.
_VERB = re.compile(r"\w{2,}(?:ed|ly)|said|says|told|made|took|gave|became|led|held|came|went|got|began")
#: A number inside a name has fewer digits ("Apollo 11"): more are a year or a count.
_NAME_DIGITS = 2


def noun_phrases(words: Sequence[Word], taken: Set[int], lang: Lang) -> list[Phrase]:
    """Names and noun phrases in order, positions in ``taken`` (dates, amounts) left out."""
    return _german(words, taken) if lang == "de" else _english(words, taken)


def _german(words: Sequence[Word], taken: Set[int]) -> list[Phrase]:
    """Runs of capitals with the attributes before them."""
    found = []
    at = 0
    while at < len(words):
        if at in taken or not _is_german_noun(words, at):
            at += 1
            continue
        end = _run_end(words, at, taken)
        start = at
        while start and start - 1 not in taken and _is_attribute(words[start - 1]):
            start -= 1
        found.append(_german_phrase(words, start, at, end))
        at = end
    return found


def _is_german_noun(words: Sequence[Word], at: int) -> bool:
    word = words[at]
    if word.sign or not word.capital or not word.content:
        return False
    # "Einbestellt hat", "Bisherige": a sentence may begin with any word.
    follows = at + 1 < len(words) and (words[at + 1].capital or not _NO_NOUN.fullmatch(word.folded))
    return not word.first or follows


def _is_attribute(word: Word) -> bool:
    if not word.content or word.capital or word.digits or word.folded in closed_class("de", "no_attribute"):
        return False
    return _ATTRIBUTE.fullmatch(word.folded) is not None


def _german_phrase(words: Sequence[Word], start: int, core: int, end: int) -> Phrase:
    """A run of capitals as a name, or as a noun with what belongs to it.

    A person's name follows what the person is ("der Dichter Percy Shelley"). Two capitals after an article of which the
    second has the ending of a genitive are a noun and its owner ("im Norden Syriens").
    """
    for at in range(core, end - 1):
        if _before_name().fullmatch(words[at].folded) and not words[at + 1].sign:
            start = core = at + 1
    determined = _is_determined(words, start)
    last = words[end - 1].folded
    common = _common_ending().fullmatch(last) is not None
    if end - core > 1:
        # Before several capitals and after no article it is a verb: "es kamen Ines Kahl".
        start = start if determined else core
        genitive = determined and end - core == 2 and last.endswith("s")  # noqa: PLR2004 - a noun and its owner
        return Phrase("noun" if common or genitive or start != core else "name", start, end)
    titled = core > 0 and words[core - 1].capital and _before_name().fullmatch(words[core - 1].folded) is not None
    return Phrase("name" if start == core and not common and (titled or not determined) else "noun", start, end)


def _is_determined(words: Sequence[Word], start: int) -> bool:
    """Whether an article stands before a phrase, past words like "andere" that are no content."""
    at = start - 1
    if at > 0 and not words[at].content and _ATTRIBUTE.fullmatch(words[at].folded):
        at -= 1 if words[at - 1].folded in closed_class("de", "article") else 0
    return at >= 0 and words[at].folded in closed_class("de", "article")


@cache
def _before_name() -> re.Pattern[str]:
    """What may stand right before a name without being part of it: what a person is, or a noun that is no name."""
    roles, endings = ("|".join(closed_class("de", name)) for name in ("role", "splitting_ending"))
    return re.compile(rf".*(?:(?:{roles})(?:s|n|en|in)?|{endings})")


@cache
def _common_ending() -> re.Pattern[str]:
    return re.compile(rf".*(?:{'|'.join(closed_class('de', 'common_ending'))})")


def _run_end(words: Sequence[Word], at: int, taken: Set[int]) -> int:
    """End of a run of capitals, small words and numbers inside a name included ("Bank of England", "Apollo 11")."""
    end = at + 1
    while end < len(words) and end not in taken:
        word = words[end]
        after = words[end + 1] if end + 1 < len(words) else None
        named = after is not None and after.capital and after.content
        glued = word.span.start == words[end - 1].span.end
        number = word.digits and len(word.text) <= _NAME_DIGITS and words[end - 1].capital
        joins = named and (word.text == "&" or (word.text == "." and len(words[end - 1].text) == 1))
        if (word.capital and (word.content or glued)) or number or joins:
            end += 1
        elif named and word.folded in closed_class("en", "inside_name") and end - at <= _NAME_DIGITS:
            end += 2
        else:
            break
    return end


def _english(words: Sequence[Word], taken: Set[int]) -> list[Phrase]:
    """Runs of capitals are names; runs of other content words are noun phrases, verbs cut off by their endings."""
    found: list[Phrase] = []
    at = 0
    while at < len(words):
        word = words[at]
        if at in taken or not word.content or word.sign:
            at += 1
            continue
        if word.capital and (not word.first or (at + 1 < len(words) and words[at + 1].capital)):
            end = _run_end(words, at, taken)
            found.append(Phrase("name", at, end))
        else:
            end = at + 1
            while end < len(words) and end not in taken and words[end].content and not words[end].capital:
                end += 1
            phrase = _without_verbs(words, at, end)
            if phrase is not None:
                found.append(phrase)
        at = end
    return found


def _without_verbs(words: Sequence[Word], start: int, end: int) -> Phrase | None:
    """The noun phrase of a run: after verbs at its beginning, unless an article stands before, and before the next."""
    articles = closed_class("en", "article")
    while start < end and _VERB.fullmatch(words[start].folded) and words[start - 1].folded not in articles:
        start += 1
    stop = min(start + 1, end)
    while stop < end and not _VERB.fullmatch(words[stop].folded):
        stop += 1
    return Phrase("noun", start, stop) if start < stop else None


def lists(words: Sequence[Word], nouns: Sequence[Phrase], lang: Lang) -> list[Phrase]:
    """Noun phrases joined by commas and a last "and" or "or"."""
    found = []
    at = 0
    while at < len(nouns):
        last = at
        joint = ""
        while last + 1 < len(nouns) and joint != "word":
            following = _joint(words[nouns[last].end : nouns[last + 1].start], lang)
            if not following:
                break
            joint = following
            last += 1
        if joint == "word":
            found.append(Phrase("list", nouns[at].start, nouns[last].end))
        at = last + 1
    return found


def _joint(gap: Sequence[Word], lang: Lang) -> str:
    """What joins two noun phrases: a comma, a word, or nothing that would.

    After it may stand an article and what the next one is: "Kim Jong Un und der russische Präsident Wladimir Putin".
    """
    rest = list(gap)
    comma = bool(rest) and rest[0].text == ","
    rest = rest[1:] if comma else rest
    joined = bool(rest) and rest[0].folded in closed_class(lang, "join")
    rest = rest[1:] if joined else rest
    if not all(word.folded in closed_class(lang, "article") or (lang == "de" and _tells_who(word)) for word in rest):
        return ""
    return "word" if joined else "comma" if comma else ""


def _tells_who(word: Word) -> bool:
    return _is_attribute(word) or (word.capital and _before_name().fullmatch(word.folded) is not None)
