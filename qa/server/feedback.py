"""``POST /api/feedback``: a reader's verdict on an answer, kept in a file of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from qa.feedback import Feedback, FeedbackFile, Quoted, Reason, Verdict
from qa.server.models import QUESTION_LIMIT, problems
from qa.types import Lang

if TYPE_CHECKING:
    from fastapi import APIRouter

    from qa.server.service import Service

#: Code points of a remark.
REMARK_LIMIT: Final = 500
#: Code points of a search: a question and the one that it leans on, mended.
_SEARCH: Final = 2 * QUESTION_LIMIT
#: An answer has at most 20 quotes (``top``) and their repeats; offsets stay within what SQLite and a browser count.
_QUOTES: Final = 100
_FURTHEST: Final = 2**53 - 1

Offset = Annotated[int, Field(ge=0, le=_FURTHEST)]


class Place(BaseModel):
    """Where a quote stands."""

    model_config = ConfigDict(extra="forbid")

    article_id: str = Field(min_length=1, max_length=1000)
    start: Offset
    end: Offset


class FeedbackIn(BaseModel):
    """A verdict on an answer; ``POST /api/ask`` gives all but the verdict."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(
        pattern=r"^[0-9a-f]{32}$", description="Made up once for each answer; a second verdict replaces it."
    )
    verdict: Verdict
    reason: Reason | None = Field(None, description="Why it is wrong.")
    remark: str = Field("", max_length=REMARK_LIMIT)
    question: str = Field(min_length=1, max_length=QUESTION_LIMIT, pattern=r"\S")
    searched_for: str = Field("", max_length=_SEARCH)
    lang: Lang
    status: Literal["answered", "abstained"]
    filtered: bool = False
    index_id: str | None = Field(None, max_length=200)
    citations: list[Place] = Field(default_factory=list, max_length=_QUOTES)

    @model_validator(mode="after")
    def _fits(self) -> FeedbackIn:
        if self.verdict == "right" and self.reason is not None:
            raise ValueError("what is right has no reason to be wrong")
        return self


def add_feedback(router: APIRouter, service: Service) -> None:
    """Add the route, where verdicts are kept at all."""
    if not service.settings.feedback:
        return
    kept, desk = FeedbackFile(service.settings.feedback_file), service.desk

    @router.post(
        "/api/feedback",
        operation_id="feedback",
        summary="Say whether an answer is right",
        status_code=204,
        response_class=Response,
        responses={**problems(400, 401, 403, 411, 413, 422, 429, 500, 503)},
    )
    def feedback(body: FeedbackIn) -> None:
        """Keeps the verdict on this server: the question, the places quoted, the verdict, the time; not who asked."""
        quotes = []
        for place in body.citations:
            article = desk.article(place.article_id)  # the text is ours, whatever was sent
            text = article.text[place.start : place.end] if article else ""
            if text.strip():
                quotes.append(Quoted(place.article_id, place.start, place.end, text))
        kept.keep(
            Feedback(
                id=body.id,
                verdict=body.verdict,
                reason=body.reason,
                remark=_storable(body.remark.strip()),
                question=_storable(body.question),
                searched_for=_storable(body.searched_for),
                lang=body.lang,
                status=body.status,
                filtered=body.filtered,
                index_id=body.index_id,
                quotes=tuple(quotes),
            )
        )


def _storable(text: str) -> str:
    """NUL ends a text in SQLite's own tools."""
    return text.replace("\0", "\ufffd")
