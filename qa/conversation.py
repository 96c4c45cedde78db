"""A conversation: what is searched for when a question leans on earlier ones.

`resolve` looks back to the last question that stood on its own and comes forward again from there, so that a chain of
follow-ups carries its topic on and a question that stands on its own ends it. A follow-up becomes a search that stands
on its own, in one of two forms:

* A fragment ("and Russia?", "was ist mit den Haubitzen?") takes the place of its counterpart in the earlier question:
  "How did South Korea react?", "And Russia?" → "How did Russia react?".
* Every other follow-up keeps its words, and the content words of the earlier question come before them as its topic:
  "Wen nannte Kim Söldner?", "Seit wann sind sie dort?" → "nannte Kim Söldner: Seit wann sind sie dort?". The colon says
  that what the pronouns mean is there: resolving it again changes nothing, and a person may edit it and send it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.likeness import stems
from qa.turns.leaning import fragment, leans, refers_back
from qa.turns.parts import is_known, pairs, parts
from qa.turns.words import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.turns.parts import Part
    from qa.turns.words import Reading, Token

#: Content words that are carried on from an earlier question; a question of XQuAD has 5.3 on average.
CARRIED = 12

_TOPIC_END = ": "


@dataclass(frozen=True, slots=True)
class Search:
    """What to search for.

    Attributes:
        text: Stands on its own; the question as typed, unless it leans on an earlier one.
        topic: The search that it leans on, "" where there is none.
    """

    text: str
    topic: str = ""


@dataclass(frozen=True, slots=True)
class _Topic:
    """What a follow-up can lean on.

    Attributes:
        question: The latest question, standing on its own.
        about: Text with the content of the question that the follow-ups are about.
        last: The latest follow-up, if it was a question of its own, else "".
    """

    question: str
    about: str
    last: str = ""


def resolve(question: str, history: Sequence[str] = ()) -> Search:
    """What to search for, for a question after others. Any texts will do.

    Args:
        question: As typed.
        history: The earlier questions of the conversation as typed, oldest first.
    """
    turn = read(question)
    topic = _topic(history) if history and leans(turn) else None
    if topic is None or not _phrases(topic.about):
        return Search(question)
    return Search(_follow(topic, turn).question, topic.question)


def _topic(history: Sequence[str]) -> _Topic | None:
    """What the conversation is about, or None; courtesy ("danke") changes nothing."""
    turns: list[Reading] = []
    for text in reversed(history):
        turn = read(text)
        if turn.courtesy:
            continue
        turns.append(turn)
        if not leans(turn):
            break
    topic: _Topic | None = None
    for turn in reversed(turns):
        # A first question that leans on nothing is a topic too, if it says anything.
        topic = _follow(topic, turn) if topic and _phrases(topic.about) else _Topic(_own(turn), _own(turn))
    return topic


def _follow(topic: _Topic, turn: Reading) -> _Topic:
    """The topic after a question that leans on it."""
    earlier = read(topic.question)
    words = fragment(turn)
    if words and not refers_back(turn, words):
        question = _exchanged(earlier, parts(turn, words))
        about, colon, last = question.partition(_TOPIC_END) if topic.last else (question, "", "")
        return _Topic(question, about, last if colon else "")
    about = topic.about
    if turn.joins_on and not refers_back(turn):
        # "What did Yoon say about weapons?", "And what did Trump say?" is no longer about Yoon.
        gone = frozenset[str]().union(*(pair.displaced for pair in pairs(earlier, parts(turn, turn.asked))))
        about = ", ".join(_phrases(about, gone)) or about
    own = _own(turn)
    said = stems(token.word for token in turn.asked)
    carried = _phrases(about, said)
    carried += _phrases(topic.last, said | stems(token.word for token in read(about).tokens))
    return _Topic(_TOPIC_END.join([", ".join(carried), own]) if carried else own, about, own)


def _own(turn: Reading) -> str:
    """A question without the "danke" and the "und" before it."""
    tokens = turn.asked[1:] if turn.joins_on and len(turn.asked) > 1 else turn.asked
    return turn.text[tokens[0].span.start :].strip()


def _exchanged(earlier: Reading, news: Sequence[Part]) -> str:
    """The earlier question with the new parts in the places of their counterparts; what has none comes before it."""
    olds = parts(earlier, earlier.tokens)
    found = pairs(earlier, news)
    text = earlier.text
    for pair in sorted(found, key=lambda pair: pair.old.span.start, reverse=True):
        text = pair.put_into(text)
    placed = [pair.new for pair in found]
    added = [new.text for new in news if new not in placed and not is_known(new, olds)]
    return _TOPIC_END.join([", ".join(added), text]) if added else text


def _phrases(text: str, without: frozenset[str] = frozenset()) -> list[str]:
    """Runs of content words as typed, at most `CARRIED` words together, leaving out words by their stems."""
    runs: list[list[Token]] = []
    room, adjacent = CARRIED, False
    for token in read(text).tokens:
        wanted = token.content and room > 0 and not stems([token.word]) & without
        if wanted and adjacent and not token.parted:
            runs[-1].append(token)
        elif wanted:
            runs.append([token])
        adjacent = wanted
        room -= wanted
    return list(dict.fromkeys(text[run[0].span.start : run[-1].span.end] for run in runs))
