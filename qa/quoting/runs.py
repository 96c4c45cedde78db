"""A quote may be a short run of neighbouring sentences: the one that answers and what it cannot be read without."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qa.quoting.phrases import read_sentence
from qa.quoting.words import closed_class, read_words
from qa.text import sentences
from qa.types import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.types import Article, Lang

#: Most sentences of a run that a pronoun asks for, the answering one included.
SENTENCES = 3
#: Code points of the longest run. The longest sentence pairs of the news pages looked at have 500; a list of ten short
#: items has as many.
LONGEST = 700
#: How far around a sentence its neighbours are looked for; cut back to whole paragraphs.
_AROUND = 2000

_ITEM = re.compile(r"(?:[-–—•*·‣▪]|\(?\d{1,3}[.)]|\(?[a-z]\))\s")
_OPENING = re.compile(r"[\s\"'„“»«‚‘(\[–—-]*")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_PARAGRAPH = "\n\n"
#: Articles in German that are pronouns where no noun follows: "Das sagte er", not "Das Land".
_ARTICLES = frozenset({"das", "der", "die", "dem", "den"})


def run_around(article: Article, span: Span) -> Span:
    """The stretch of whole sentences to quote for a sentence; the sentence itself where it stands on its own.

    Before it comes, in the same paragraph, the sentence that its first pronoun or demonstrative points to ("Er sagte",
    "Zudem sagte er", "This was"), and before an item of a list the sentence with the colon that opens it. After a
    sentence that ends with a colon comes the list or the sentence that it announces. A part of an overlong sentence
    stays as it is.
    """
    sentence = span.of(article.text)
    item = _ITEM.match(sentence) is not None
    if not (item or sentence.endswith(":") or points_back(sentence, article.lang)):
        return span
    around = _neighbours(article, span)
    if span not in around:
        return span
    at = around.index(span)
    start, end = at, at
    if item:
        start, end = _list_around(article.text, around, at)
    elif sentence.endswith(":"):
        end = _announced(article.text, around, at)
    while start and at - start < SENTENCES - 1 and points_back(around[start].of(article.text), article.lang):
        if _parted(article.text, around[start - 1], around[start]):
            break
        start -= 1
    while around[end].end - around[start].start > LONGEST and (start < at or end > at):
        start, end = (start, end - 1) if end > at else (start + 1, end)
    return Span(around[start].start, around[end].end)


def grown(text: str, span: Span, likely: Sequence[Span]) -> Span:
    """A quote with the neighbours that are likely to answer too, the likeliest first, up to `LONGEST`.

    Only on a page of lines, whose paragraphs are single sentences: there no paragraph tells what belongs together.
    A heading, which is no sentence, ends the run.

    Args:
        text: The article's.
        span: Whole sentences.
        likely: Sentences of the article, best first.
    """
    lines = [one for one in likely if stands_alone(text, one)]
    by_start, by_end = {one.start: one for one in lines}, {one.end: one for one in lines}
    gap = len(_PARAGRAPH)
    while stands_alone(text, span):
        around = [one for one in (by_end.get(span.start - gap), by_start.get(span.end + gap)) if one]
        around = [one for one in around if max(one.end, span.end) - min(one.start, span.start) <= LONGEST]
        if not around:
            break
        best = min(around, key=lines.index)
        span = Span(min(best.start, span.start), max(best.end, span.end))
    return span


def stands_alone(text: str, span: Span) -> bool:
    """Whether a stretch begins and ends with a paragraph."""
    begins = span.start == 0 or text.endswith(_PARAGRAPH, 0, span.start)
    return begins and (span.end == len(text) or text.startswith(_PARAGRAPH, span.end))


def points_back(sentence: str, lang: Lang) -> bool:
    """Whether a sentence begins with a word that stands for something said before, or has one in its first clause."""
    begin = _OPENING.match(sentence)
    sentence = sentence[begin.end() :] if begin else sentence
    return _begins_with_pronoun(sentence, lang) or _has_pronoun(sentence, lang)


def _begins_with_pronoun(sentence: str, lang: Lang) -> bool:
    found = _WORD.findall(sentence[:_REACH])
    if not found:
        return False
    first = found[0].casefold()
    second = found[1] if len(found) > 1 else ""
    if first not in closed_class(lang, "pronoun") or f"{first} {second.casefold()}" in closed_class(lang, "expletive"):
        return False
    if first == "es" or (first in _ARTICLES and lang == "de"):
        return first != "es" and second.casefold() in closed_class(lang, "finite")
    if first in ("that", "it"):
        return second.casefold() in closed_class("en", "finite") or (first == "it" and not second.istitle())
    return True


def _has_pronoun(sentence: str, lang: Lang) -> bool:
    """Whether the first clause says "he", "them" or the like and nothing in it can be meant.

    In a German main clause a personal pronoun means nothing that stands before it ("Zudem beschuldigte er ..."; "Yoon
    traf ihn"); in an English one it may, where a clause follows without a comma ("The president said he would"), and a
    comma may stand behind its first words ("However, they ...").
    """
    breaks, personal = closed_class(lang, "clause"), closed_class(lang, "personal")
    for at, word in enumerate(read_words(sentence[:_CLAUSE], lang)[:_EARLY]):
        if word.folded in breaks or (word.sign and not (lang == "en" and word.text == ",")):
            return False
        if word.text in personal:
            return lang == "de" or _nobody_before(sentence, at)
    return False


def _nobody_before(sentence: str, at: int) -> bool:
    phrases = read_sentence(sentence, "en").phrases
    return all(phrase.start >= at or phrase.sort in ("date", "amount") for phrase in phrases)


#: Code points in which the first two words are looked for.
_REACH = 80
#: Code points and words in which a pronoun of the first clause is looked for.
_CLAUSE, _EARLY = 120, 8


def _neighbours(article: Article, span: Span) -> Sequence[Span]:
    """Spans of the sentences around one, from the paragraphs near it."""
    text = article.text
    start = text.rfind(_PARAGRAPH, 0, max(0, span.start - _AROUND)) + 2 if span.start > _AROUND else 0
    start = max(0, start if start != 1 else 0)
    end = text.find(_PARAGRAPH, span.end + _AROUND)
    window = text[start : end if end >= 0 else len(text)]
    return [Span(start + one.start, start + one.end) for one in sentences(window, article.lang)]


def _parted(text: str, one: Span, other: Span) -> bool:
    """Whether two neighbours stand in different paragraphs."""
    return _PARAGRAPH in text[one.end : other.start]


def _is_item(text: str, span: Span) -> bool:
    return _ITEM.match(span.of(text)) is not None


def _list_around(text: str, around: Sequence[Span], at: int) -> tuple[int, int]:
    """First and last sentence of an item's list, with what opens it; the item alone where nothing does."""
    start = at
    while start and _is_item(text, around[start]):
        start -= 1
    if not around[start].of(text).endswith(":"):
        return at, at
    end = at
    while end + 1 < len(around) and _is_item(text, around[end + 1]):
        end += 1
    return start, end


def _announced(text: str, around: Sequence[Span], at: int) -> int:
    """Last sentence of what a colon announces: the items of a list, else one sentence of the same paragraph."""
    end = at
    while end + 1 < len(around) and _is_item(text, around[end + 1]):
        end += 1
    if end == at and at + 1 < len(around) and not _parted(text, around[at], around[at + 1]):
        end += 1
    return end
