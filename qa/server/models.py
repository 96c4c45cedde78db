"""The requests and replies of the JSON API, as its OpenAPI document describes them."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from qa.server.desk import Query
from qa.types import Lang, Status

#: Code points of a question. A longer one is refused: cutting it silently would answer another one.
QUESTION_LIMIT: Final = 2000
#: Most names of outlets in a filter, and their longest name in code points.
_OUTLETS: Final = 50
_NAME: Final = 200

_DATE: Final = r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"


def _first_day(text: str) -> date:
    parts = [int(part) for part in text.split("-")]
    return date(parts[0], parts[1] if len(parts) > 1 else 1, parts[2] if len(parts) > 2 else 1)  # noqa: PLR2004


def _last_day(text: str) -> date:
    first = _first_day(text)
    month = first.month if "-" in text else 12
    return first if re.fullmatch(r".*-.*-.*", text) else date(first.year, month, monthrange(first.year, month)[1])


def _checked_date(text: str) -> str:
    try:
        _first_day(text)
    except ValueError:
        raise ValueError("there is no such day") from None
    return text


def _as_list(given: Any) -> Any:  # noqa: ANN401 - what it cannot make a list of, pydantic refuses
    if given is None:
        return []
    return [given] if isinstance(given, str) else given


Text = Annotated[str, Field(min_length=1, max_length=QUESTION_LIMIT, pattern=r"\S")]
Day = Annotated[str, Field(pattern=_DATE, examples=["2024", "2024-10", "2024-10-24"]), AfterValidator(_checked_date)]
_OUTLET: Final = {"type": "string", "minLength": 1, "maxLength": _NAME}
Outlets = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=_NAME)]],
    Field(max_length=_OUTLETS),
    BeforeValidator(_as_list),  # not a union: its errors would name the types in place of the field
    WithJsonSchema(
        {
            "anyOf": [_OUTLET, {"type": "array", "items": _OUTLET, "maxItems": _OUTLETS}, {"type": "null"}],
            "default": None,
        }
    ),
]


class AskRequest(BaseModel):
    """A question."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "Which weapons did Seoul consider?"}]}
    )

    question: Text = Field(description="In German or English; not blank.")
    history: list[Text] = Field(
        default=[],
        max_length=100,
        description="The earlier questions of the conversation, oldest first; they help to understand a follow-up. "
        "How many it may bring is the setting max_history, 20 by default.",
    )
    since: Day | None = Field(default=None, description="Only articles published on or after this date.")
    until: Day | None = Field(
        default=None, description="Only articles published on or before this date; a month or year to its last day."
    )
    outlet: Outlets = Field(default=[], description="Only articles of this outlet, or of one of these, in any case.")
    top: Annotated[int, Field(ge=1, le=20)] | None = Field(
        default=None, description="Most quotes; the setting top where it is left out."
    )
    stream: bool = Field(
        default=False,
        description="Reply with server-sent events: evidence (the answer with its quotes), prose (as a writer's text "
        "grows), then answer (completed) or error (a problem document).",
    )

    @model_validator(mode="after")
    def _in_order(self) -> AskRequest:
        if self.since and self.until and _first_day(self.since) > _last_day(self.until):
            raise ValueError("since lies after until")
        return self

    def query(self) -> Query:
        """What is handed to the desk."""
        return Query(self.question, tuple(self.history), self.top, self.since, self.until, tuple(self.outlet))


class Open(BaseModel):
    """A reply: fields may be added, so whoever reads it passes over those it does not know."""

    model_config = ConfigDict(extra="allow")


class SourceOut(Open):
    """Where a text was published; null: its file does not say."""

    path: str
    title: str | None
    outlet: str | None
    published: str | None
    author: str | None
    url: str | None


class CitationOut(Open):
    """A quote: ``text[start:end]`` of its article, in Unicode code points.

    ``highlight`` is the phrase that answers, start and end within the quote, or null; ``same_as`` the number of a
    citation of another article that says nearly the same, or null.
    """

    number: int
    article_id: str
    title: str | None
    outlet: str | None
    published: str | None
    url: str | None
    quote: str
    start: int
    end: int
    lang: Lang
    score: float
    also: list[SourceOut]
    highlight: Annotated[list[int], Field(min_length=2, max_length=2)] | None
    same_as: int | None


class PassageOut(Open):
    """A stretch of an article that was found."""

    chunk_id: str
    article_id: str
    title: str | None
    outlet: str | None
    published: str | None
    lang: Lang
    text: str
    start: int
    end: int
    score: float
    dense_rank: int | None
    lexical_rank: int | None
    dense_score: float | None
    lexical_score: float | None


class FigureOut(Open):
    """A figure on which the articles differ: ``quote[start:end]`` of the citation with this number."""

    citation: int
    text: str
    value: float
    start: int
    end: int


class NamedOut(Open):
    """An article of the list that answers a question about the articles as a whole."""

    title: str | None
    outlet: str | None
    published: str | None


class OnlyOut(Open):
    """Which articles could answer: published within these dates, by one of these outlets."""

    since: str | None
    until: str | None
    outlets: list[str]


class ProseOut(Open):
    """What a language model wrote over the quotes, sentence by sentence checked against them; docs/ANSWER.md."""

    text: str
    model: str
    complete: bool
    faults: list[str]
    dropped: int
    reason: str
    message: str


class AnswerOut(Open):
    """An answer, as docs/ANSWER.md describes it; the same as that of ``qa ask --json``."""

    format: int
    question: str
    status: Status
    message: str
    lang: Lang
    searched_for: str
    confidence: float
    only: OnlyOut | None
    citations: list[CitationOut]
    disagreement: bool
    figures: list[FigureOut]
    passages: list[PassageOut]
    prose: ProseOut | None
    articles: list[NamedOut]
    index_id: str | None
    timings_ms: dict[str, float]


class ArticleLine(Open):
    """An article in the list; ``characters`` counts the code points of its text, ``words`` what blanks part in it."""

    id: str
    title: str | None
    outlet: str | None
    published: str | None
    author: str | None
    url: str | None
    lang: Lang
    characters: int
    words: int


class ArticleList(Open):
    """A part of the list of articles, newest first; ``total`` counts all that match."""

    index_id: str | None
    built: str | None
    total: int
    offset: int
    articles: list[ArticleLine]


class ArticleOut(ArticleLine):
    """A whole article; ``also`` names other files with the same text."""

    text: str
    also: list[SourceOut]
    index_id: str | None


class Live(Open):
    """The server runs."""

    status: Literal["ok"]


class Ready(Open):
    """Whether an index is loaded; which one is told to those who are let in."""

    status: Literal["ready", "no-index"]
    index_id: str | None = None
    built: str | None = None
    since: str | None = Field(default=None, description="Since when the server answers from it: UTC, ISO 8601.")
    articles: int | None = None
    reload_error: str | None = Field(
        default=None, description="Why the index that was published last is not the one in use."
    )
    build_error: str | None = Field(default=None, description="Why the articles that changed could not be indexed.")
    bad_files: int | None = Field(default=None, description="Files that the index lacks because they cannot be read.")


class ProblemOut(Open):
    """What went wrong (RFC 9457); ``type`` never changes for one kind of problem."""

    type: str
    title: str
    status: int
    detail: str | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route for these statuses."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    return {status: {"description": "Problem document", "content": content} for status in statuses}
