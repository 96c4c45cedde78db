"""The list of what is indexed, made once for each index and searched without opening the articles again."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from qa.types import article_dict

if TYPE_CHECKING:
    from collections.abc import Callable

    from qa.server.desk import Desk
    from qa.types import Article

Found = TypeVar("Found")

#: Orders of the list; articles without a date or a title come last.
Order = Literal["newest", "oldest", "title"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the list, how many articles match in all, and the build that they are of."""

    total: int
    lines: tuple[dict[str, Any], ...]
    index_id: str | None
    built: str | None


@dataclass(frozen=True, slots=True)
class AsOf(Generic[Found]):
    """Something read from an index, and the build that it is of."""

    index_id: str | None
    built: str | None
    found: Found


def as_of(desk: Desk, read: Callable[[], Found]) -> AsOf[Found]:
    """What ``read`` gives, all of it from one build, although another index may be put in place meanwhile."""
    while True:
        before, built = desk.index_id, desk.built
        found = read()
        if desk.index_id == before:
            return AsOf(before, built, found)


class Catalogue:
    """What the bot answers from, newest first, without the texts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._lines: AsOf[tuple[dict[str, Any], ...]] | None = None

    def __len__(self) -> int:
        """How many articles there are."""
        return len(self._all().found)

    def find(
        self, words: str = "", lang: str | None = None, offset: int = 0, limit: int = 50, order: Order = "newest"
    ) -> Part:
        """The articles whose title, outlet, author or date hold every one of ``words``, in any case.

        Args:
            words: Parted by blanks; "" finds all.
            lang: Only articles in this language.
            offset: Matching articles to leave out at the start.
            limit: Most lines.
            order: What comes first.
        """
        wanted = words.casefold().split()
        every = self._all()
        found = [
            line
            for line in every.found
            if (lang is None or line["lang"] == lang) and all(word in _searched(line) for word in wanted)
        ]
        if order != "newest":
            found = _ordered(found, order)
        return Part(len(found), tuple(found[offset : offset + limit]), every.index_id, every.built)

    def _all(self) -> AsOf[tuple[dict[str, Any], ...]]:
        with self._lock:
            if self._lines is None or self._lines.index_id != self._desk.index_id:
                self._lines = as_of(self._desk, lambda: tuple(line(article) for article in self._desk.articles()))
            return self._lines


def line(article: Article) -> dict[str, Any]:
    """An article in the list."""
    known = article_dict(article)
    return {"id": known.pop("article_id"), **known, "characters": len(article.text), "words": len(article.text.split())}


def _ordered(lines: list[dict[str, Any]], order: Order) -> list[dict[str, Any]]:
    if order == "title":
        return sorted(lines, key=lambda line: (line["title"] is None, (line["title"] or "").casefold()))
    dated = [line for line in lines if line["published"]]
    return [*reversed(dated), *(line for line in lines if not line["published"])]


def _searched(line: dict[str, Any]) -> str:
    return " ".join(line[key] or "" for key in ("title", "outlet", "author", "published")).casefold()
