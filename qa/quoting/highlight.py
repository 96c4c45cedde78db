"""The phrase of a quote that answers: what is set in bold, or nothing where no phrase stands out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qa.quoting.phrases import read_sentence
from qa.quoting.words import Sort, closed_class, same_word, stems_of
from qa.types import Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from qa.quoting.asked import Asked, Kind
    from qa.quoting.phrases import Sentence
    from qa.quoting.words import Phrase, Word
    from qa.types import Lang

#: How well each sort of phrase fits what is asked for. These and the weights below were set by hand with every other
#: paragraph of XQuAD in view; ``python -m eval.highlight`` shows both halves (eval/LOG.md, "The phrase that answers").
FIT: Mapping[Kind, Mapping[Sort, float]] = {
    "person": {"name": 3.0, "list": 2.0, "noun": 0.0, "title": 0.0},
    "place": {"name": 3.0, "list": 1.5, "noun": 1.0, "title": 0.0},
    "date": {"date": 5.0},
    "amount": {"amount": 5.0},
    "thing": {"title": 2.5, "list": 2.0, "name": 1.5, "noun": 1.5, "amount": 0.0, "date": -1.0},
    "other": {},
}
#: For the noun that is asked for before or inside a phrase: "den Satelliten Astra 2A", "Fort Caroline", "EU-Recht".
CALLED = 2.5
#: For standing near words of the question, at most.
NEAR = 2.0
#: Of those words how many count, and how fast they stop to with distance, in words.
NEAREST, FALL = 4, 0.3
#: Against a phrase by the share of its words that the question has: it is more often what the question is about.
KNOWN = 1.5
#: Against a German word that begins the sentence, whose capital says nothing.
FIRST = 0.7
PAIR = 2
#: Shortest noun that is looked for at the end of a compound.
_TAIL = 4


@dataclass(frozen=True, slots=True)
class Sure:
    """What the best phrase needs to be shown: a score, and so much more than any phrase elsewhere in the quote."""

    score: float
    margin: float


#: Chosen on the same half, so that of the phrases shown about two thirds meet the answer, where that can be had.
SURE: Mapping[Kind, Sure] = {
    "person": Sure(3.0, 0.2),
    "place": Sure(4.0, 0.3),
    "date": Sure(4.0, 0.0),
    "amount": Sure(3.5, 0.0),
    "thing": Sure(2.0, 0.4),
    "other": Sure(0.0, 0.0),
}


#: The margin for a thing asked for in another language than the quote's, where few words are seen to be the question's.
CROSSED = 0.7


@dataclass(frozen=True, slots=True)
class Scored:
    """A phrase of a quote and how well it fits the question."""

    score: float
    span: Span


def highlight(asked: Asked, quote: str, lang: Lang) -> Span | None:
    """Where the answer stands in a quote, or None where that is not clear.

    Args:
        asked: What the question asks for.
        quote: Whole sentences.
        lang: Language of the quote.
    """
    found = ranked(asked, quote, lang)
    if not found:
        return None
    best = found[0]
    rival = next((one.score for one in found[1:] if not _overlap(one.span, best.span)), 0.0)
    sure = SURE[asked.kind]
    margin = max(sure.margin, CROSSED) if asked.lang != lang and asked.kind == "thing" else sure.margin
    if best.score < sure.score or best.score - rival < margin:
        return None
    return _both(read_sentence(quote, lang), best.span) if asked.kind == "person" else best.span


def _both(sentence: Sentence, span: Span) -> Span:
    """With the other of two people, where a name is one of a pair: "Unterzeichnet haben Kim und Putin"."""
    spans = {phrase: sentence.span(phrase) for phrase in sentence.phrases}
    for phrase, whole in spans.items():
        if phrase.sort == "list" and whole.start <= span.start and span.end <= whole.end:
            parts = [
                part
                for part, its in spans.items()
                if part != phrase and whole.start <= its.start and its.end <= whole.end
            ]
            if len(parts) == PAIR and all(part.sort == "name" for part in parts):
                return whole
    return span


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def ranked(asked: Asked, quote: str, lang: Lang) -> list[Scored]:
    """The phrases of a quote that could answer, best first; none for a question that no phrase answers."""
    if asked.kind == "other":
        return []
    sentence = read_sentence(quote, lang)
    known = _known(asked, sentence)
    found = []
    for whole in sentence.phrases:
        fit = FIT[asked.kind].get(whole.sort)
        phrase = _without_known(asked, sentence, whole, known)
        fresh = _fresh(sentence, phrase, known)
        if fit is None or not fresh or _of_another_unit(asked, sentence, whole):
            continue
        score = fit + NEAR * _nearness(phrase, known) + _cue(asked, sentence, whole, phrase, known)
        if phrase.sort != "amount":
            score -= KNOWN * (1 - fresh)
            score += CALLED if _called(asked, sentence, phrase) else 0.0
        if phrase.end - phrase.start == 1 and sentence.words[phrase.start].first and lang == "de":
            score -= FIRST
        found.append(Scored(score, sentence.span(phrase)))
    return sorted(found, key=lambda one: (-one.score, one.span.start, one.span.end))


def _of_another_unit(asked: Asked, sentence: Sentence, phrase: Phrase) -> bool:
    """Whether a phrase is an amount of something else than the one unit asked for: months where a price is."""
    quantity = sentence.quantities.get(phrase)
    return quantity is not None and len(asked.units) == 1 and quantity.unit not in asked.units


def _known(asked: Asked, sentence: Sentence) -> frozenset[int]:
    """Positions of the words of the quote that the question has too."""
    crossed = asked.lang != sentence.lang
    words = [word for word in asked.words if word.content]
    return frozenset(
        at
        for at, word in enumerate(sentence.words)
        if word.content
        and not _is_new_compound(asked, word)
        and any(same_word(word, other, crossed=crossed) for other in words)
    )


def _is_new_compound(asked: Asked, word: Word) -> bool:
    """Whether a word says which of what is asked for it is: "EU-Recht" where the question is "Welches Recht"."""
    return word.stem not in asked.noun and _headed(asked, word) and all(word.stem != one.stem for one in asked.words)


def _headed(asked: Asked, word: Word) -> bool:
    """Whether a word is the noun asked for, or a German compound of it."""
    return any(
        word.stem == noun or (asked.lang == "de" and len(noun) >= _TAIL and word.stem.endswith(noun))
        for noun in asked.noun
    )


def _without_known(asked: Asked, sentence: Sentence, phrase: Phrase, known: Set[int]) -> Phrase:
    """A phrase without what the question says before it: "Satelliten Astra 2A" is "Astra 2A" for satellites.

    The nearest verb may look like an attribute: "Im Moor leben Eulen".
    """
    words, start = sentence.words, phrase.start
    while start + 1 < phrase.end and start in known and words[start + 1].capital:
        if words[start].capital and words[start].stem not in asked.noun:
            break
        start += 1
    return replace(phrase, start=start) if phrase.sort != "amount" else phrase


def _fresh(sentence: Sentence, phrase: Phrase, known: Set[int]) -> float:
    """Share of the content words of a phrase that the question does not have; 0 where they name no thing."""
    content = [at for at in range(phrase.start, phrase.end) if sentence.words[at].content]
    fresh = [at for at in content if at not in known]
    if all(sentence.words[at].stem in stems_of(sentence.lang, "light") for at in fresh):
        return 0.0
    return len(fresh) / len(content)


def _called(asked: Asked, sentence: Sentence, phrase: Phrase) -> bool:
    """Whether the noun asked for ends the phrase or stands right before it."""
    last = sentence.words[phrase.end - 1]
    more = phrase.end - phrase.start > 1 or last.stem not in asked.noun
    if phrase.sort in ("name", "noun") and more and _headed(asked, last):
        return True
    at = phrase.start - 1
    named = closed_class(sentence.lang, "named")
    while at > 0 and (
        (sentence.words[at].sign and sentence.words[at].text not in ".;") or sentence.words[at].folded in named
    ):
        at -= 1
    return at >= 0 and sentence.words[at].stem in asked.noun


def _nearness(phrase: Phrase, known: Set[int]) -> float:
    """0 to 1: how near the words of the question stand to the phrase."""
    others = (at for at in known if not phrase.start <= at < phrase.end)
    distances = sorted(phrase.start - at if at < phrase.start else at - phrase.end + 1 for at in others)[:NEAREST]
    return sum(1 / (1 + FALL * distance) for distance in distances) / len(distances) if distances else 0.0


def _cue(asked: Asked, sentence: Sentence, whole: Phrase, phrase: Phrase, known: Set[int]) -> float:
    """What speaks for or against a phrase by the kind of question."""
    lang = sentence.lang
    before = sentence.words[phrase.start - 1].folded if phrase.start else ""
    at_place = before in closed_class(lang, "before_place")
    if asked.kind == "place":
        return 2.0 if at_place else 0.0
    if asked.kind == "person":
        by = before in closed_class(lang, "before_agent")
        several = phrase.sort == "name" and phrase.end - phrase.start > 1
        return (1.0 if several else 0.0) + (0.5 if by else -1.0 if at_place else 0.0)
    if asked.kind == "thing":
        listed = 0.0 if phrase.sort != "list" else 1.0 if asked.plural else -0.5
        return listed + (0.7 if before in closed_class(lang, "such") else 0.0)
    if asked.kind == "amount":
        return _amount_cue(asked, sentence, whole, known)
    return 0.0


def _amount_cue(asked: Asked, sentence: Sentence, phrase: Phrase, known: Set[int]) -> float:
    unit = sentence.quantities[phrase].unit
    plain = 0.0 if unit == "count" else -0.5
    fits = plain if not asked.units else 2.0 if unit in asked.units else -2.0
    counted = any(at in known for at in range(phrase.start, phrase.end))
    return fits + (2.0 if asked.noun and counted else 0.0)
