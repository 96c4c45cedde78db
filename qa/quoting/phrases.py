"""Phrases of a sentence that could answer: dates, amounts, names, noun phrases and lists of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qa.quoting.quantities import quantities
from qa.quoting.words import closed_class, read_words
from qa.types import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.quoting.quantities import Quantity
    from qa.quoting.words import Word
    from qa.types import Lang

Sort = Literal["date", "amount", "name", "noun", "list", "title"]

_YEAR = re.compile(r"(?:1\d{3}|20\d{2})(?:er|ern|s)?")
_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)?")
_DOTTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}|\d{4}-\d{2}-\d{2}")
#: A work's title or a term between quotation marks is one phrase when it is no longer than this, in words.
_TITLE = 9
_OPENING, _CLOSING = '„“"»«‚‘', '“”"«»’‘'
#: A German attribute before its noun: an adjective or participle with an ending.
_ATTRIBUTE = re.compile(r"\w{3,}(?:e|en|er|es|em)$")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase at ``words[start:end]`` of a sentence.

    Attributes:
        sort: What it is; a name is a run of capitals that no article or ending makes a common noun.
        start: First word.
        end: After the last word.
        core: Where the noun itself begins, after its attributes.
        quantity: Of an amount.
    """

    sort: Sort
    start: int
    end: int
    core: int
    quantity: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A quote that was read: its words and its phrases in order."""

    text: str
    lang: Lang
    words: tuple[Word, ...]
    phrases: tuple[Phrase, ...]

    def span(self, phrase: Phrase) -> Span:
        """Where a phrase stands in the quote."""
        return Span(self.words[phrase.start].span.start, self.words[phrase.end - 1].span.end)


def read_sentence(text: str, lang: Lang) -> Sentence:
    """Read a quote. Any text is one."""
    words = read_words(text, lang)
    amounts = [_amount(words, quantity) for quantity in quantities(text, lang)]
    dates = _dates(words, lang)
    taken = {at for phrase in (*amounts, *dates) for at in range(phrase.start, phrase.end)}
    nouns = _german_nouns(words, taken, lang) if lang == "de" else _english_nouns(words, taken)
    found = [*amounts, *dates, *_titles(words), *nouns]
    found += _lists(words, nouns, lang)
    return Sentence(text, lang, words, tuple(sorted(found, key=lambda one: (one.start, one.end))))


def _amount(words: Sequence[Word], quantity: Quantity) -> Phrase:
    inside = [n for n, word in enumerate(words) if quantity.span.start <= word.span.start < quantity.span.end]
    return Phrase("amount", inside[0], inside[-1] + 1, inside[0], quantity)


def _dates(words: Sequence[Word], lang: Lang) -> list[Phrase]:
    """Days, months with a year, years, centuries, weekdays."""
    months = closed_class("de", "month") | closed_class("en", "month")
    around = closed_class(lang, "weekday") | closed_class(lang, "date_word")
    found: list[Phrase] = []
    at = 0
    while at < len(words):
        end = at
        seen = False
        while end < len(words):
            word = words[end]
            if word.folded in months and word.capital:
                seen = True
            elif _YEAR.fullmatch(word.folded) and _is_year(words, end, lang, seen=seen):
                seen = True
            elif _DOTTED.fullmatch(word.text):
                seen = True
            elif _DAY.fullmatch(word.folded) and _month_near(words, end, months):
                pass
            elif not (word.text in ".," and end > at and _goes_on(words, end + 1, months)):
                break
            end += 1
        if seen:
            found.append(Phrase("date", at, end, at))
        elif words[at].folded in around or _is_century(words, at):
            back = at - 2 if _is_century(words, at) and at > 1 and words[at - 1].text == "." else at
            back = at - 1 if _is_century(words, at) and back == at and at > 0 else back
            end = at + 1
            found.append(Phrase("date", max(back, 0), end, at))
        at = max(end, at + 1)
    return found


def _is_century(words: Sequence[Word], at: int) -> bool:
    return words[at].folded.startswith(("jahrhundert", "centur")) and at > 0


def _month_near(words: Sequence[Word], at: int, months: frozenset[str]) -> bool:
    near = words[max(0, at - 1) : at] + words[at + 1 : at + 3]
    return any(word.folded in months for word in near)


def _goes_on(words: Sequence[Word], at: int, months: frozenset[str]) -> bool:
    return at < len(words) and (words[at].folded in months or _YEAR.fullmatch(words[at].folded) is not None)


def _is_year(words: Sequence[Word], at: int, lang: Lang, *, seen: bool) -> bool:
    """Whether four digits are a year: after a month or "in", in brackets, or before no noun."""
    if seen:
        return True
    before = words[at - 1] if at else None
    after = words[at + 1] if at + 1 < len(words) else None
    if before is not None and (before.folded in closed_class(lang, "before_year") or before.text in "(-–"):
        return True
    return after is None or after.sign or not after.content or not (after.capital or lang == "en")


def _titles(words: Sequence[Word]) -> list[Phrase]:
    found = []
    opened: int | None = None
    for at, word in enumerate(words):
        if opened is not None and word.text in _CLOSING:
            if 0 < at - opened - 1 <= _TITLE:
                found.append(Phrase("title", opened + 1, at, opened + 1))
            opened = None
        elif word.text in _OPENING:
            opened = at
    return found


def _german_nouns(words: Sequence[Word], taken: set[int], lang: Lang) -> list[Phrase]:
    """Runs of capitals with the attributes before them."""
    found = []
    at = 0
    while at < len(words):
        if at in taken or not _is_noun(words, at):
            at += 1
            continue
        end = _run_end(words, at, taken, lang)
        core = at
        start = at
        while start and start - 1 not in taken and _is_attribute(words[start - 1]):
            start -= 1
        found.append(_german_phrase(words, start, core, end))
        at = end
    return found


def _german_phrase(words: Sequence[Word], start: int, core: int, end: int) -> Phrase:
    """A run of capitals as a name, or as a noun with what belongs to it.

    A person's name follows what the person is ("der Dichter Percy Shelley"); a noun is followed by a genitive ("im
    Norden Syriens") or comes after one ("Börtes Heirat").
    """
    while core + 1 < end and _ROLE.fullmatch(words[core].folded) and not words[core + 1].sign:
        core += 1
        start = core
    determined = start > 0 and words[start - 1].folded in closed_class("de", "article")
    common = _COMMON.fullmatch(words[end - 1].folded) or (core < start and determined)
    if end - core > 1:
        genitive = determined and end - core == 2 and words[end - 1].folded.endswith("s")  # noqa: PLR2004
        return Phrase("noun" if common or genitive or start != core else "name", start, end, core)
    title = core > start or (core and _ROLE.fullmatch(words[core - 1].folded) and words[core - 1].capital)
    name = start == core and not common and (not determined or title)
    return Phrase("name" if name else "noun", start, end, core)


def _is_noun(words: Sequence[Word], at: int) -> bool:
    word = words[at]
    if word.sign or not word.capital or not word.content:
        return False
    if not word.first:
        return True
    after = words[at + 1] if at + 1 < len(words) else None
    # "Einbestellt hat", "Bisher wurde": a sentence may begin with any word, and one that a verb follows may be a noun.
    return after is not None and (after.capital or not _PARTICIPLE.fullmatch(word.folded))


_PARTICIPLE = re.compile(r"(?:ge|ver|be|er|ent|zer|ein|aus|auf|an|ab)\w+(?:t|en)|\w+(?:lich|weise|ig|isch|end)")


def _is_attribute(word: Word) -> bool:
    if not word.content or word.capital or word.digits or word.folded in closed_class("de", "no_attribute"):
        return False
    return _ATTRIBUTE.fullmatch(word.folded) is not None


def _run_end(words: Sequence[Word], at: int, taken: set[int], lang: Lang) -> int:
    """End of a run of capitals, small words and numbers inside a name included ("Friede von Augsburg", "Apollo 11")."""
    inside = closed_class(lang, "inside_name")
    end = at + 1
    while end < len(words) and end not in taken:
        word = words[end]
        glued = word.span.start == words[end - 1].span.end
        if word.capital and (word.content or (glued and not word.sign)):
            end += 1
        elif word.text == "." and len(words[end - 1].text) == 1 and end + 1 < len(words) and words[end + 1].capital:
            end += 1
        elif word.text in "&" and end + 1 < len(words) and words[end + 1].capital:
            end += 1
        elif word.digits and len(word.text) < 3 and words[end - 1].capital:  # noqa: PLR2004 - no year, no count
            end += 1
        elif (
            word.folded in inside & closed_class("en", "inside_name")
            and word.folded not in ("am", "an")
            and (
                end + 1 < len(words) and words[end + 1].capital and words[end + 1].content and end - at <= 2  # noqa: PLR2004
            )
        ):
            end += 2
        else:
            break
    return end


#: What a person is, before the name.
_ROLE = re.compile(
    r"(?:.*(?:minister|präsident|direktor|sprecher|chef|könig|kaiser|dichter|maler|autor|forscher|wissenschaftler|"
    r"schauspieler|politiker|arzt|anwalt|general|kanzler|bischof|papst|prinz|graf|herzog|trainer|spieler|sänger|"
    r"professor|doktor|senator|gouverneur|botschafter|abgeordnete|philosoph|ingenieur|künstler|führer|leiter|"
    r"vorsitzende|vertreter|berater|offizier|kommandant|gründer|erfinder|machthaber|häftling|journalist|ökonom|"
    r"historiker|physiker|chemiker|konsul|herr|frau|mann|namen?|stadt|staat|firma|unternehmen|dorf|fluss|insel|provinz|"
    r"region|kolonie)(?:s|n|en|in)?)"
)
_COMMON = re.compile(
    r".*(?:ung|ungen|heit|heiten|keit|keiten|schaft|schaften|tion|tionen|tät|täten|ismus|nis|nisse|tum|chen|ler|ment|ik|enz)"
)


def _english_nouns(words: Sequence[Word], taken: set[int]) -> list[Phrase]:
    """Runs of capitals are names; runs of other content words are noun phrases, verbs cut off by their endings."""
    found: list[Phrase] = []
    at = 0
    while at < len(words):
        word = words[at]
        if at in taken or not word.content or word.sign:
            at += 1
            continue
        named = word.capital and (not word.first or (at + 1 < len(words) and words[at + 1].capital) or word.content)
        end = _run_end(words, at, taken, "en") if named else at + 1
        if not named:
            while end < len(words) and end not in taken and words[end].content and not words[end].capital:
                end += 1
            start, end = _without_verbs(words, at, end)
            if start < end:
                found.append(Phrase("noun", start, end, end - 1))
            at = max(end, at + 1)
            continue
        found.append(Phrase("name", at, end, at))
        at = end
    return found


_VERB = re.compile(r"\w{2,}(?:ed|ly)|said|says|told|made|took|gave|became|led|held|came|went|got|began")


def _without_verbs(words: Sequence[Word], start: int, end: int) -> tuple[int, int]:
    while (
        start < end
        and _VERB.fullmatch(words[start].folded)
        and words[start - 1].folded not in closed_class("en", "article")
    ):
        start += 1
    stop = start
    while stop < end and (not _VERB.fullmatch(words[stop].folded) or stop == start):
        stop += 1
    return start, stop


def _lists(words: Sequence[Word], nouns: Sequence[Phrase], lang: Lang) -> list[Phrase]:
    """Noun phrases joined by commas and "and" or "or": of two, only with the joining word."""
    found = []
    at = 0
    while at < len(nouns):
        last = at
        joined = False
        while last + 1 < len(nouns):
            gap = words[nouns[last].end : nouns[last + 1].start]
            kind = _joint(gap, lang)
            if not kind or (joined and kind == "comma"):
                break
            joined = joined or kind == "word"
            last += 1
        if joined and last > at:
            found.append(Phrase("list", nouns[at].start, nouns[last].end, nouns[at].start))
        at = last + 1
    return found


def _joint(gap: Sequence[Word], lang: Lang) -> str:
    texts = [word.folded for word in gap if word.folded not in closed_class(lang, "article")]
    if texts == [","]:
        return "comma"
    if texts and texts[-1] in closed_class(lang, "join") and texts[:-1] in ([], [","]):
        return "word"
    return ""
