"""Does a question lean on the one before it? Read from the question alone, by grammar, in German and English.

A question leans when it leaves out what only an earlier turn can say: it has no content word of its own ("warum?"),
joins on ("und die Haubitzen?", "what about Russia?"), stops short ("mit welchem Ergebnis?", "how many died?") or holds
a pronoun or adverb for which nothing in the question stands ("when did he sign it?", "wie viele davon?"). In doubt it
does not lean: what is searched for is then what was typed.

Of the 2,380 questions of XQuAD and the 1,308 of OMoS-QA train and dev, which were all asked alone, 2.6 % and 0.9 % are
said to lean; most of them do ("how long would this coalition last?").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qa.turns import english, german
from qa.turns.binding import is_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qa.turns.words import Reading, Token

#: Words of a text that is too long to be a follow-up: it brings what its pronouns mean. The longest question of XQuAD
#: has 36.
LONGEST = 40

#: Content words up to which "next" or "else" continues something; with more the question stands alone.
_FEW = 2

#: What comes before a fragment: "what about", "wie sieht es mit ... aus".
_FRAGMENTS = re.compile(
    r"(?:(?:what|how) about|what of|was ist (?:denn |eigentlich |nun )?mit|"
    r"wie (?:sieht|steht|ist|wäre|waere) ?(?:es|['’]?s) (?:denn |eigentlich |nun )?(?:mit|bei|um))\b",
    re.IGNORECASE,
)


def leans(reading: Reading) -> bool:
    """Whether the question needs an earlier one to be understood. Decided without any other turn."""
    if reading.courtesy or len(reading.tokens) > LONGEST or _has_topic(reading):
        return False
    return any(cue(reading) for cue in _CUES)


def refers_back(reading: Reading, among: Sequence[Token] | None = None) -> bool:
    """Whether a pronoun or adverb of the question, or one of some of its words, means something that is not in it."""
    rules = english.RULES if reading.lang == "en" else german.RULES
    looked_at = reading.asked if among is None else among
    return any(
        token in looked_at and any(rule(reading, at) for rule in rules) for at, token in enumerate(reading.asked)
    )


def fragment(reading: Reading) -> tuple[Token, ...]:
    """After "and" or "what about" a noun and what belongs to it, without a verb; nothing where that is not all."""
    tokens = reading.asked[1:] if reading.joins_on else reading.asked
    if not tokens:
        return ()
    opening = _FRAGMENTS.match(reading.text, tokens[0].span.start)
    if opening:
        tokens = tuple(token for token in tokens if token.span.start >= opening.end())
        tokens = tokens[:-1] if tokens and tokens[-1].word == "aus" else tokens
    elif not reading.joins_on:
        return ()
    whole = not any(token.content for token in tokens) or reading.any(tokens, "wh", "auxiliary")
    return () if whole or _has_verb(reading, tokens) else tokens


def _has_verb(reading: Reading, tokens: Sequence[Token]) -> bool:
    """Whether a German noun has a verb beside it: "was ist mit dem Botschafter passiert?", "und liefert Polen?"."""
    if reading.lang != "de" or not any(token.capital for token in tokens):
        return False
    last = [token for token in tokens if token.content or reading.has(token, "light")][-1]
    begins = tokens[0].content and not tokens[0].capital and tokens[0].word.endswith(("t", "te", "ten"))
    return begins or not last.text[0].isupper()


def _has_topic(reading: Reading) -> bool:
    """Whether it names its topic before a colon, as what `qa.conversation` makes does."""
    before, colon, after = reading.text.partition(": ")
    return bool(colon and after) and any(token.content and token.span.end <= len(before) for token in reading.asked)


def _says_nothing(reading: Reading) -> bool:
    """No content word: "warum?", "how many?". Said to the bot ("what can you do?") it is no follow-up."""
    spoken_to = reading.any(reading.asked, "address") and not reading.any(reading.asked, "more")
    return not reading.content and not spoken_to


def _joins_on(reading: Reading) -> bool:
    """Starts with "and" or the like; "and who is John Kirby?" asks for nothing but John Kirby and does not lean."""
    if not reading.joins_on or fragment(reading):
        return bool(fragment(reading))
    identity = reading.at(1, "wh") and reading.at(2, "copula") and not reading.at(3, "article")
    return not (identity and all(token.capital for token in reading.content)) or refers_back(reading)


def _stops_short(reading: Reading) -> bool:
    """A question word with a single content word and no verb: "mit welchem Ergebnis?", "how many soldiers?"."""
    governed = reading.at(0, "preposition")
    tokens = reading.asked[1:] if governed else reading.asked
    if not tokens or not reading.has(tokens[0], "wh") or reading.any(tokens, "auxiliary"):
        return False
    # After others a verb may be all that follows: "who won?".
    open_ended = governed or reading.has(tokens[0], "determiner_wh", "manner_wh")
    return open_ended and len(reading.content) == 1


def _lacks_its_noun(reading: Reading) -> bool:
    """A verb where a question word wants its noun: "how many were sent to Kursk?", "welche wurden geliefert?"."""
    for at, token in enumerate(reading.asked):
        many = reading.at(at, "many") and reading.at(at - 1, "wh")
        # "Welches ist ..." and "which is ..." ask what something is, "what" needs no noun.
        which = reading.at(at, "determiner_wh") and not (
            token.word in {"what", "whose", "wessen"} or reading.at(at + 1, "copula")
        )
        if (many or which) and reading.at(at + 1, "auxiliary") and not is_bound(reading, at):
            return True
    return False


def _continues(reading: Reading) -> bool:
    """Presupposes what was told: "what happened next?", "wie ging es weiter?", "what else did he say?"."""
    tokens = reading.asked
    more = any(token.word in {"else", "sonst"} and reading.at(at - 1, "wh") for at, token in enumerate(tokens))
    last = reading.has(tokens[-1], "last_word") and reading.any(tokens, "wh")
    return (more or last) and len(reading.content) <= _FEW


_CUES: tuple[Callable[[Reading], bool], ...] = (
    _says_nothing,
    _joins_on,
    _stops_short,
    _lacks_its_noun,
    _continues,
    refers_back,
)
