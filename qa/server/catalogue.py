"""The list of what is indexed, made once for each index and searched without opening the articles again."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qa.types import article_dict

if TYPE_CHECKING:
    from qa.server.desk import Desk
    from qa.types import Article


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the list, and how many articles match in all."""

    total: int
    lines: tuple[dict[str, Any], ...]


class Catalogue:
    """What the bot answers from, newest first, without the texts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._of: str | None = None
        self._lines: tuple[dict[str, Any], ...] | None = None

    def __len__(self) -> int:
        """How many articles there are."""
        return len(self._all())

    def find(self, words: str = "", lang: str | None = None, offset: int = 0, limit: int = 50) -> Part:
        """The articles whose title, outlet, author or date hold every one of ``words``, in any case.

        Args:
            words: Parted by blanks; "" finds all.
            lang: Only articles in this language.
            offset: Matching articles to leave out at the start.
            limit: Most lines.
        """
        wanted = words.casefold().split()
        found = [
            line
            for line in self._all()
            if (lang is None or line["lang"] == lang) and all(word in _searched(line) for word in wanted)
        ]
        return Part(len(found), tuple(found[offset : offset + limit]))

    def _all(self) -> tuple[dict[str, Any], ...]:
        with self._lock:
            if self._lines is None or self._of != self._desk.index_id:
                self._of = self._desk.index_id
                self._lines = tuple(line(article) for article in self._desk.articles())
            return self._lines


def line(article: Article) -> dict[str, Any]:
    """An article in the list."""
    known = article_dict(article)
    return {"id": known.pop("article_id"), **known, "characters": len(article.text)}


def _searched(line: dict[str, Any]) -> str:
    return " ".join(line[key] or "" for key in ("title", "outlet", "author", "published")).casefold()
