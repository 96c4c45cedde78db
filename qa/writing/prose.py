"""Pieces from a writer to prose: whole sentences, each checked before it is seen, and what to say if none is left."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from qa.errors import WriterError
from qa.text import sentences
from qa.types import Prose
from qa.writing.checks import judge, tidy

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from qa.types import Answer, Citation, Lang, Writer

#: Sentences after which the writer is not listened to any longer; it is asked for two to four.
MOST_SENTENCES: Final = 4
#: Code points that are read of what the model writes; four sentences have about 800, thinking aloud some thousand.
MOST_READ: Final = 20_000

_THINKS: Final = "<think>"
_THOUGHT: Final = "</think>"

_ALONE: Final[Mapping[Lang, str]] = {"de": "Die Zitate stehen für sich.", "en": "The quotes stand alone."}
#: Why there is no prose; ``{status}`` is an HTTP status.
MESSAGES: Final[Mapping[str, Mapping[Lang, str]]] = {
    "timeout": {
        "de": "Das Sprachmodell hat nicht rechtzeitig geantwortet.",
        "en": "The language model did not answer in time.",
    },
    "unreachable": {
        "de": "Das Sprachmodell ist nicht erreichbar.",
        "en": "The language model cannot be reached.",
    },
    "status": {
        "de": "Der Server des Sprachmodells meldet einen Fehler (HTTP {status}).",
        "en": "The language model's server reports an error (HTTP {status}).",
    },
    "broken": {
        "de": "Die Antwort des Sprachmodells ist abgebrochen.",
        "en": "The language model's answer broke off.",
    },
    "malformed": {
        "de": "Die Antwort des Sprachmodells ist nicht lesbar.",
        "en": "The language model's answer cannot be read.",
    },
    "declined": {
        "de": "Das Sprachmodell hat es abgelehnt zu antworten.",
        "en": "The language model declined to answer.",
    },
    "nothing left": {
        "de": "Nichts von dem, was das Sprachmodell schrieb, ist durch die Zitate gedeckt.",
        "en": "Nothing that the language model wrote is held up by the quotes.",
    },
}


def prose_over(writer: Writer, answer: Answer) -> Iterator[Prose]:
    """Prose over an answer's quotes as it grows; the last one is complete, and is always given.

    What was shown is withdrawn where the writer fails half-way: a sentence that would have qualified it may be missing.
    """
    draft = Draft(answer.citations, answer.lang)
    yield Prose("", writer.name, complete=False)
    try:
        for grown in _grown(writer, answer, draft):
            yield Prose(grown, writer.name, complete=False, faults=tuple(draft.faults))
    except WriterError as error:
        yield _alone(writer.name, draft, error.reason, answer.lang, error.status)
        return
    if draft.text:
        yield Prose(draft.text, writer.name, faults=tuple(draft.faults))
    else:
        yield _alone(writer.name, draft, "nothing left", answer.lang)


def _grown(writer: Writer, answer: Answer, draft: Draft) -> Generator[str, None, None]:
    pieces = writer.write(answer.searched_for or answer.question, answer.lang, answer.citations)
    with closing(pieces):
        for piece in pieces:
            if draft.add(piece):
                yield draft.text
            if draft.full:
                return
    draft.finish()


def _alone(model: str, draft: Draft, reason: str, lang: Lang, status: int | None = None) -> Prose:
    why = MESSAGES.get(reason, MESSAGES["broken"])[lang].format(status=status)
    return Prose("", model, faults=tuple(draft.faults), reason=reason, message=f"{why} {_ALONE[lang]}")


class Draft:
    """What a model has written so far: the sentences that passed, why others did not, and the rest under way."""

    def __init__(self, citations: Sequence[Citation], lang: Lang) -> None:
        """A draft over these quotes, in ``lang``."""
        self._citations = citations
        self._lang = lang
        self._rest = ""
        self._read = 0
        self._kept: list[str] = []
        self.faults: list[str] = []

    @property
    def text(self) -> str:
        """The sentences that passed."""
        return " ".join(self._kept)

    @property
    def full(self) -> bool:
        """Whether nothing more is wanted."""
        return len(self._kept) >= MOST_SENTENCES or self._read > MOST_READ

    def add(self, piece: str) -> bool:
        """Take a piece. Gives whether `text` has grown."""
        before = len(self._kept)
        self._read += len(piece)
        self._rest += piece
        if not self._thinks_aloud():
            self._settle(at_end=False)
        return len(self._kept) > before

    def finish(self) -> None:
        """The model has ended: judge what is left."""
        if not self._thinks_aloud():
            self._settle(at_end=True)

    def _thinks_aloud(self) -> bool:
        """Some models think before they write and say so; that is dropped. Gives whether it goes on."""
        start = self._rest.lstrip()
        if start.startswith(_THINKS):
            _, ended, after = start.partition(_THOUGHT)
            self._rest = after if ended else start
            return not ended
        return bool(start) and _THINKS.startswith(start)

    def _settle(self, *, at_end: bool) -> None:
        """Judge the sentences that are whole. Where one ends is known only when two words of the next are there."""
        text = tidy(self._rest)
        spans = sentences(text, self._lang)
        if not at_end:
            while spans and len(spans[-1].of(text).split()) < 3 and len(spans) > 1:  # noqa: PLR2004
                spans.pop()
            spans = spans[:-1]
        for span in spans:
            self._judge(span.of(text))
            if self.full:
                break
        self._rest = text[spans[-1].end :] if spans else self._rest

    def _judge(self, sentence: str) -> None:
        verdict = judge(sentence, self._citations, self._lang)
        if verdict.fault is None:
            self._kept.append(verdict.text)
        elif verdict.fault != "empty":
            self.faults.append(verdict.fault)
