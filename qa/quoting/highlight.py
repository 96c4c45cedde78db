"""The phrase of a quote that answers: what is set in bold, or nothing where no phrase stands out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qa.quoting.phrases import read_sentence
from qa.quoting.words import closed_class, same_word, stems_of
from qa.types import Span

if TYPE_CHECKING:
    from qa.quoting.asked import Asked
    from qa.quoting.phrases import Phrase, Sentence
    from qa.quoting.words import Word
    from qa.types import Lang

#: How well each sort of phrase fits what is asked for.
_FIT: dict[str, dict[str, float]] = {
    "person": {"name": 3.0, "list": 2.0, "noun": 0.0, "title": 0.0},
    "place": {"name": 3.0, "list": 1.5, "noun": 1.0, "title": 0.0},
    "date": {"date": 5.0},
    "amount": {"amount": 5.0},
    "thing": {"title": 2.5, "list": 2.0, "name": 1.5, "noun": 1.5, "amount": 0.0, "date": -1.0},
}
#: For the very noun that is asked for before or inside a phrase: "den Satelliten Astra 2A", "Fort Caroline", "EU-Recht".
CALLED = 2.5


@dataclass(frozen=True, slots=True)
class Sure:
    """What the best phrase needs to be shown: a score, and so much more than any phrase elsewhere in the quote."""

    score: float
    margin: float


SURE: dict[str, Sure] = {
    "person": Sure(3.0, 0.2),
    "place": Sure(3.0, 0.3),
    "date": Sure(4.0, 0.0),
    "amount": Sure(3.5, 0.0),
    "thing": Sure(2.0, 0.4),
}


def highlight(asked: Asked, quote: str, lang: Lang) -> Span | None:
    """Where the answer stands in a quote, or None.

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
    return best.span if best.score >= sure.score and best.score - rival >= sure.margin else None


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


@dataclass(frozen=True, slots=True)
class Scored:
    """A phrase of a quote and how well it fits the question."""

    score: float
    span: Span
    phrase: Phrase


def ranked(asked: Asked, quote: str, lang: Lang) -> list[Scored]:
    """The phrases of a quote that could answer, best first."""
    if asked.kind == "other":
        return []
    sentence = read_sentence(quote, lang)
    known = _known(asked, sentence)
    found = []
    for phrase in sentence.phrases:
        fresh = _without_known(sentence, phrase, known)
        score = _score(asked, sentence, fresh, known)
        if score is not None:
            score += CALLED if asked.kind != "amount" and _called(asked, sentence, fresh) else 0.0
            found.append(Scored(score, sentence.span(fresh), fresh))
    return sorted(found, key=lambda one: -one.score)


def _without_known(sentence: Sentence, phrase: Phrase, known: frozenset[int]) -> Phrase:
    """A name without what the question says of it: "den Satelliten Astra 2A" is "Astra 2A" where satellites are asked."""
    start = phrase.start
    if phrase.sort != "name":
        return phrase
    while start + 1 < phrase.end and start in known and sentence.words[start + 1].capital:
        start += 1
    return replace(phrase, start=start, core=max(start, phrase.core))


def _called(asked: Asked, sentence: Sentence, phrase: Phrase) -> bool:
    """Whether the noun asked for stands right before the phrase."""
    last = sentence.words[phrase.end - 1]
    if (
        phrase.sort in ("name", "noun")
        and _headed(asked, last)
        and (phrase.end - phrase.start > 1 or last.stem not in asked.noun)
    ):
        return True
    at = phrase.start - 1
    while at > 0 and (sentence.words[at].text in _BEFORE or sentence.words[at].folded in _NAMED):
        at -= 1
    return at >= 0 and bool(asked.noun) and sentence.words[at].stem in asked.noun


def _headed(asked: Asked, word: Word) -> bool:
    """Whether a word is a compound of the noun asked for, or that noun itself."""
    return any(
        word.stem == noun or (len(noun) >= 4 and word.stem.endswith(noun) and asked.lang == "de")  # noqa: PLR2004
        for noun in asked.noun
    )


_BEFORE = frozenset('„“"»«:,(')
_NAMED = frozenset("namens named called wie such as like of".split())


def _known(asked: Asked, sentence: Sentence) -> frozenset[int]:
    crossed = asked.lang != sentence.lang
    words = [word for word in asked.words if word.content]
    return frozenset(
        at
        for at, word in enumerate(sentence.words)
        if word.content
        and not _new_compound(asked, word)
        and any(same_word(word, other, crossed=crossed) for other in words)
    )


def _new_compound(asked: Asked, word: Word) -> bool:
    return word.stem not in asked.noun and _headed(asked, word) and all(word.stem != one.stem for one in asked.words)


def _score(asked: Asked, sentence: Sentence, phrase: Phrase, known: frozenset[int]) -> float | None:
    fit = _FIT[asked.kind].get(phrase.sort)
    if fit is None:
        return None
    content = [at for at in range(phrase.start, phrase.end) if sentence.words[at].content]
    fresh = [at for at in content if at not in known]
    if not fresh or all(sentence.words[at].stem in stems_of(sentence.lang, "light") for at in fresh):
        return None
    score = fit
    if phrase.sort != "amount":
        # A name that the question has a part of ("the Broncos") is more often what it is about.
        score -= 1.5 * (1 - len(fresh) / len(content))
    if phrase.end - phrase.start == 1 and sentence.words[phrase.start].first and sentence.lang == "de":
        score -= 0.7
    score += 2.0 * _nearness(phrase, known, len(sentence.words))
    return score + _cue(asked, sentence, phrase, known)


def _nearness(phrase: Phrase, known: frozenset[int], length: int) -> float:
    """0 to 1: how near the words of the question stand to the phrase."""
    others = [at for at in known if not phrase.start <= at < phrase.end]
    if not others:
        return 0.0
    distances = sorted(phrase.start - at if at < phrase.start else at - phrase.end + 1 for at in others)
    return sum(1.0 / (1.0 + 0.3 * distance) for distance in distances[:4]) / min(4, len(distances))


def _cue(asked: Asked, sentence: Sentence, phrase: Phrase, known: frozenset[int]) -> float:
    words = sentence.words
    before = words[phrase.start - 1].folded if phrase.start else ""
    lang = sentence.lang
    if asked.kind == "place":
        return 2.0 if before in closed_class(lang, "before_place") else 0.0
    if asked.kind == "person":
        if before in closed_class(lang, "before_place") - closed_class(lang, "before_agent"):
            return -1.0
        several = phrase.end - phrase.core > 1
        return (1.0 if several and phrase.sort == "name" else 0.0) + (
            0.5 if before in closed_class(lang, "before_agent") else 0.0
        )
    if asked.kind == "amount" and phrase.quantity is not None:
        return _amount_cue(asked, sentence, phrase, known)
    if asked.kind == "thing":
        score = 1.0 if asked.plural and phrase.sort == "list" else 0.0
        score -= 0.5 if not asked.plural and phrase.sort == "list" else 0.0
        return score + (0.7 if before in closed_class(lang, "such") else 0.0)
    return 0.0


def _amount_cue(asked: Asked, sentence: Sentence, phrase: Phrase, known: frozenset[int]) -> float:
    quantity = phrase.quantity
    if quantity is None:
        return 0.0
    score = 0.0
    if asked.units:
        score += 2.0 if quantity.unit in asked.units else -2.0
    elif quantity.unit != "count":
        score -= 0.5
    if asked.noun:
        counted = [at for at in range(phrase.start, phrase.end) if at in known]
        score += 2.0 if counted else 0.0
    return score
