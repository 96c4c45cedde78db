"""German words that mean something of an earlier turn. Each rule looks at one position of a question."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from qa.turns.binding import is_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qa.turns.words import Reading, Token

_ENDINGS = ("e", "en", "er", "es", "em")


def _person(reading: Reading, at: int) -> bool:
    if not reading.at(at, "person") or (reading.asked[at].word in {"sie", "ihnen"} and _is_formal(reading, at)):
        return False
    return not is_bound(reading, at)


def _is_formal(reading: Reading, at: int) -> bool:
    """Whether it is said to the bot: "können Sie", "Ihre Artikel"."""
    token = reading.asked[at]
    return token.text[0].isupper() and not token.first


def _possessive(reading: Reading, at: int) -> bool:
    """Such as "sein Sprecher"; not the verb "sein", nor "ihr" as those that are spoken to."""
    if not reading.at(at, "possessive"):
        return False
    owns = reading.content_at(at + 1)
    if not reading.asked[at].word.startswith("ihr"):
        return owns and not is_bound(reading, at, same_clause=True)
    spoken_to = _is_formal(reading, at) or reading.at(at - 1, "addressing")
    return not spoken_to and not is_bound(reading, at, same_clause=owns)


def _es(reading: Reading, at: int) -> bool:
    if reading.asked[at].word != "es" or is_bound(reading, at):
        return False
    after = reading.asked[at + 1 :]
    if reading.at(at - 1, "impersonal") or reading.at(at + 1, "impersonal") or reading.any(after[-1:], "impersonal"):
        return False  # "gibt es", "worum könnte es gehen?"
    if [token.word for token in after[-2:]] == ["auf", "sich"]:
        return False  # "was hat es mit den Söldnern auf sich?"
    if reading.at(at - 1, "copula") and (reading.at(at - 2, "weather") or reading.at(at + 1, "weather")):
        return False  # "wie spät ist es?"
    clause = any(token.parted or token.word in {"dass", "ob", "wenn", "bis"} for token in after)
    return not clause and not _has_infinitive(after)


def _has_infinitive(after: Sequence[Token]) -> bool:
    return any(token.word == "zu" and verb.word.endswith("n") and not verb.capital for token, verb in pairwise(after))


def _dieser(reading: Reading, at: int) -> bool:
    if not reading.at(at, "demonstrative") or reading.at(at + 1, "here_and_now"):
        return False
    relative = reading.asked[at].word == "denen" and _begins_relative(reading, at)
    return not relative and not is_bound(reading, at)


def _begins_relative(reading: Reading, at: int) -> bool:
    """After a comma, or after a comma and a preposition (", mit denen")."""
    before = reading.asked[at - 1] if at else None
    return reading.asked[at].parted or (before is not None and before.parted and reading.has(before, "preposition"))


def _das(reading: Reading, at: int) -> bool:
    """As a pronoun: "wer hat das gesagt?", "was wollen die?"."""
    if not reading.at(at, "article_pronoun") or _begins_relative(reading, at) or is_bound(reading, at):
        return False
    if _is_article(reading, at):
        return False
    after = reading.asked[at + 1 :]
    run = next((n for n, token in enumerate(after) if not token.content or token.parted), len(after))
    # What follows was typed without capitals. With an auxiliary the last word is the verb ("hat das gesagt").
    verb = 0 < run == len(after) and reading.any(reading.asked[:at], "auxiliary")
    if reading.asked[at].word != "das" and reading.any(reading.asked[:at], "copula") and (verb or run < len(after)):
        return False  # "was ist die duma?"
    return run - verb <= 0


def _is_article(reading: Reading, at: int) -> bool:
    """Whether its noun follows: "das neue System", "das in Kursk gezeigte System"."""
    after = reading.asked[at + 1 :]
    run = next((n for n, token in enumerate(after) if not token.content), len(after))
    if any(token.capital for token in after[:run]):
        return True
    if reading.asked[at].word != "das":  # "die" alone is a pronoun in "was wollen die?" only
        return any(token.capital for token in after)
    return any(
        (named.capital or named.word[0].isdigit())
        and (attribute.content and not attribute.capital and attribute.word.endswith(_ENDINGS))
        and noun.capital
        for (named, attribute), (_, noun) in pairwise(pairwise(after))
    )


def _adverb(reading: Reading, at: int) -> bool:
    """Such as "davon", "dort"; not "darauf, dass ...", which looks ahead, nor "damit" as a conjunction."""
    token = reading.asked[at]
    if token.text == "da":
        return at > 0 and not token.parted and not is_bound(reading, at)
    if not reading.at(at, "adverb") or (token.parted and reading.has(token, "clause")):
        return False
    after = reading.asked[at + 1 :]
    ahead = token.word.startswith("da") and any(one.parted or one.word in {"dass", "ob"} for one in after)
    further = bool(after) and after[0].word == "hinaus"  # "darüber hinaus"
    return not ahead and not further and not is_bound(reading, at)


def _eine(reading: Reading, at: int) -> bool:
    """Without its noun: "was kostet eine?", "sind welche verletzt worden?"."""
    if not reading.at(at, "standing_alone") or at == 0:
        return False
    after = reading.asked[at + 1 :]
    some = reading.asked[at].word == "welche" and reading.at(at - 1, "auxiliary") and not any(t.capital for t in after)
    return (not after or some) and not is_bound(reading, at)


RULES: tuple[Callable[[Reading, int], bool], ...] = (_person, _possessive, _es, _dieser, _das, _adverb, _eine)
