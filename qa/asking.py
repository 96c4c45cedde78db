"""From what a person typed to what is searched.

Long texts down to their question, courtesies off, spelling mended, and what a follow-up leaves out put in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.asides import Aside, may_point, recognise, recognise_more
from qa.conversation import resolve
from qa.courtesies import without_courtesies
from qa.lexical import plain_text
from qa.spelling import mend
from qa.text import content_words, language, normalise, sentences, words
from qa.turns.leaning import leans
from qa.turns.words import read as parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.slips import Vocabulary

#: Longer questions are cut here before they are searched: the encoder reads 256 tokens, about 1,200 characters.
LONGEST_QUESTION = 2000
#: A text longer than this, in characters, is searched for the questions in it alone: the vector of a page with a
#: question at its end is that of the page.
LONG = 600
#: Content words that a question needs to be searched without the text around it ("And why?" has none).
ENOUGH = 2
#: Earlier turns that a follow-up is read with at most: each is mended again, in about a millisecond.
MOST_TURNS = 20
#: Words of a keyword search at most; longer ones say enough to be weighed like a sentence.
MOST_KEYWORDS = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """What is searched for a question, or what it is instead of one.

    Attributes:
        text: What is searched.
        topic: The search that it leans on, "" where there is none.
        aside: What the text is where it is no question to the articles.
        keywords: Its words where they are a few that the articles all have and no sentence ("k9 haubitze lieferung"):
            they ask for the sentences that have them.
    """

    text: str
    topic: str = ""
    aside: Aside | None = None
    keywords: tuple[str, ...] = ()


def read(question: str, vocabulary: Vocabulary, history: Sequence[str] = ()) -> Reading:
    """Read a question; any text is one.

    Args:
        question: As typed.
        vocabulary: The words of the articles.
        history: The earlier questions of the conversation as typed, oldest first.
    """
    turns = [*history[-MOST_TURNS:], question]
    turn = _turn(turns, vocabulary)
    if len(turns) == 1 or not leans(parse(turn.text)) or (turn.aside and not may_point(turn.text)):
        return turn
    search = resolve(turn.text, _leaned_on(turns[:-1], vocabulary))
    return Reading(search.text[:LONGEST_QUESTION], search.topic) if search.topic else turn


def _leaned_on(history: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """The earlier questions, mended, back to the last that stood on its own; asides are none."""
    found: list[str] = []
    for end in range(len(history), 0, -1):
        turn = _turn(history[:end], vocabulary)
        if turn.aside is None:
            found.insert(0, turn.text)
            if not leans(parse(turn.text)):
                break
    return found


def _turn(turns: Sequence[str], vocabulary: Vocabulary) -> Reading:
    """The last of some turns, without what it may lean on but for the list of articles ("and the newest?")."""
    turn = _mended(turns[-1], vocabulary)
    last = recognise(normalise(turns[-2])) if turn.aside is None and len(turns) > 1 else None
    more = recognise_more(turn.text, last) if last else None
    return Reading(turn.text, aside=more) if more else turn


def _mended(question: str, vocabulary: Vocabulary) -> Reading:
    """A question by itself."""
    asked = normalise(question)
    aside = recognise(asked)
    if aside is not None:
        return Reading(asked, aside=aside)
    text = mend(without_courtesies(_question_of(asked)[:LONGEST_QUESTION]), vocabulary)
    if text != asked and (aside := recognise(text)) is not None:
        return Reading(text, aside=aside)  # "which articels are there?" is seen to be one only now.
    return Reading(text, keywords=keywords_of(text, vocabulary))


def keywords_of(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The words of a text that is a few words of the articles and no sentence, else ()."""
    said = tuple(words(plain_text(text)))
    if len(said) > MOST_KEYWORDS or not all(vocabulary.finds(word) for word in said):  # never finds a function word
        return ()
    return said


def _question_of(text: str) -> str:
    """The questions in a long text, with the text after them where they say too little by themselves."""
    if len(text) <= LONG:
        return text
    spans = sentences(text, language(text))
    asked = [span for span in spans if span.of(text).rstrip("\"'“”»«)").endswith("?")]
    questions = " ".join(span.of(text) for span in asked)
    if not asked or len(content_words(questions)) >= ENOUGH:
        return questions or text
    return "\n".join([questions, *(span.of(text) for span in spans if span not in asked)])
