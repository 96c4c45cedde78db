"""A bot whose answers can be worked out by hand: it quotes the sentences that share most words with the question."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from qa.errors import QAError, StoreError
from qa.only import outlet_names, read_only
from qa.types import Answer, Article, Chunk, Citation, Lang, Only, Passage, Source

_SENTENCE = re.compile(r"[^\s].*?[.!?…](?=\s|$)|[^\s][^\n]+$", re.DOTALL | re.MULTILINE)

BRIDGE = (
    "Die Stadt sperrt die Fährbrücke ab Montag für den Autoverkehr. Risse in zwei Pfeilern machen den "
    "Schritt nötig, teilte das Tiefbauamt mit.\n\n"
    "Fußgänger und Radfahrer dürfen die Brücke weiter benutzen. Der Verkehr wird über die Nordtangente "
    "umgeleitet; das Amt rechnet mit 14.000 Fahrzeugen am Tag.\n\n"
    "Die Reparatur soll 3,2 Millionen Euro kosten und bis zum 3. Oktober 2025 dauern. „Wir hätten gern "
    "früher angefangen“, sagte Amtsleiterin Ines Kahl.\n\n"
    "Anwohner klagen über den Lärm der Umleitung. Eine Bürgerinitiative sammelte 1.850 Unterschriften "
    "gegen die Sperrung.\n\n"
    "Der Stadtrat berät am Donnerstag über eine zweite Brücke. Ein Gutachten aus dem Jahr 2019 hatte den "
    "Neubau empfohlen."
)

OWLS = (
    "Im Moor bei Lehmkuhlen brüten wieder Sumpfohreulen. Freiwillige zählten sieben Paare, so viele wie "
    "seit 30 Jahren nicht.\n\n"
    "Die Vögel profitieren davon, dass 2021 vierzig Hektar Moor wieder vernässt wurden. Nun fehlen ihnen "
    "vor allem Mäuse.\n\n"
    "Hunde müssen bis Ende Juli an die Leine."
)

TRAM = (
    "The new tram line will open on 12 May, the transport authority said. It connects the university with "
    "the harbour in 19 minutes.\n\n"
    "Tickets will cost the same as on the bus. Eight trams were ordered from a factory in Linz."
)


#: Texts that would run or break out if they were taken for anything but text; ``window.qaHacked`` tells.
HOSTILE = (
    "${window.qaHacked=1}",
    "{{constructor.constructor('window.qaHacked=1')()}}",
    "<img src=x onerror=window.qaHacked=1>",
    "</script><script>window.qaHacked=1</script>",
    '"><svg onload=window.qaHacked=1>',
    "[link](javascript:window.qaHacked=1) **bold** `code` $$x$$ | a | b |",
    "&lt;b&gt; &amp; &#60;i&#62;",
    "<!-- --> </style></title></textarea><iframe srcdoc='<script>parent.qaHacked=1</script>'>",
    '__i18n__{"__type__": "translation_metadata", "key": "send"}',
)


def make_article(
    article_id: str,
    text: str,
    *,
    title: str | None = None,
    lang: Lang = "de",
    published: str | None = None,
    outlet: str | None = None,
    author: str | None = None,
    url: str | None = None,
    also: tuple[Source, ...] = (),
) -> Article:
    """An article with a digest of its own."""
    return Article(
        id=article_id,
        title=title,
        text=text,
        lang=lang,
        published=published,
        outlet=outlet,
        author=author,
        url=url,
        path=f"{article_id}.md",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        also=also,
    )


ARTICLES = (
    make_article(
        "faehrbruecke-3f2a",
        BRIDGE,
        title="Fährbrücke ab Montag gesperrt: Risse in zwei Pfeilern",
        published="2025-03-14T16:05",
        outlet="Hafenbote",
        author="Jonas Wieland",
        url="https://hafenbote.example/faehrbruecke",
        also=(Source(path="kopie.md", outlet="Nordpresse", published="2025-03-15"),),
    ),
    make_article("sumpfohreulen-91bc", OWLS, title="Sieben Eulenpaare im Moor", published="2025-02-02"),
    make_article("tram-77aa", TRAM, title="Tram line to the harbour opens in May", lang="en", outlet="Harbour Post"),
)


class FakeBot:
    """Answers from the sentences with the most words in common; abstains below two.

    Args:
        articles: What it answers from, in the order `articles` gives.
        delay: Seconds an answer takes.
    """

    def __init__(self, articles: tuple[Article, ...] = ARTICLES, delay: float = 0.0) -> None:
        self.index_id: str | None = "20250314-fake"
        self.built: str | None = "2025-03-14T16:05:00+00:00"
        self._articles = articles
        self._delay = delay
        self.asked: list[str] = []
        self.histories: list[tuple[str, ...]] = []
        self.writer = None
        self.filters: list[Only] = []

    def articles(self) -> tuple[Article, ...]:
        return self._articles

    @property
    def article_count(self) -> int:
        return len(self._articles)

    def newest(self, limit: int) -> tuple[Article, ...]:
        return self._articles[:limit] if limit >= 0 else self._articles

    def article(self, article_id: str) -> Article | None:
        return next((article for article in self._articles if article.id == article_id), None)

    @property
    def outlets(self) -> tuple[str, ...]:
        return outlet_names(self._articles)

    @property
    def days(self) -> tuple[str, ...]:
        return tuple(sorted(article.published[:10] for article in self._articles if article.published))

    def ask(self, question: str, top: int = 4, history: Sequence[str] = (), only: Only | None = None) -> Answer:
        """Searches for ``question`` after the one before it, if it starts with "and", by days and outlets of `only`."""
        self.asked.append(question)
        self.histories.append(tuple(history))
        self.filters.append(only or Only())
        search = f"{history[-1]}: {question}" if history and question.startswith("and ") else question
        if not only:
            return replace(self._found(search, top), question=question, searched_for=search)
        only = read_only(only.since, only.until, only.outlets, self.outlets)
        within = FakeBot(tuple(article for article in self._articles if _lets_in(only, article)))
        answer = within._found(search, top)
        if answer.status == "empty_index":
            answer = replace(answer, status="abstained")
        return replace(answer, question=question, searched_for=search, only=only)

    def answering(
        self, question: str, top: int = 4, history: Sequence[str] = (), only: Only | None = None
    ) -> Iterator[Answer]:
        yield self.ask(question, top, history, only)

    def _found(self, question: str, top: int) -> Answer:
        time.sleep(self._delay)
        if "QAError" in question:
            raise QAError("The index is damaged", "qa build")
        if "StoreError" in question:
            raise StoreError("secret.intern:19530 cannot be reached", "start the server")
        if "RuntimeError" in question:
            raise RuntimeError("secret detail")
        words = _words(question)
        lang: Lang = "de" if words & {"was", "wie", "worum", "wer", "wann", "geht", "welche", "warum"} else "en"
        found = sorted(
            (
                (len(words & _words(f"{article.title} {match[0]}")), -match.start(), article, match)
                for article in self._articles
                for match in _SENTENCE.finditer(article.text)
            ),
            key=lambda item: item[:2],
            reverse=True,
        )
        passages = tuple(_passage(article, match, score) for score, _, article, match in found[:3])
        if not self._articles:
            return self._answer(question, lang, "empty_index", "Es ist noch kein Artikel da.", (), ())
        if found[0][0] < 2:
            message = "Dazu steht nichts in den Artikeln." if lang == "de" else "The articles do not say."
            return self._answer(question, lang, "abstained", message, (), passages)
        best = sorted(found[:top], key=lambda item: self._articles.index(item[2]))
        citations = tuple(
            _citation(number, article, match, score)
            for number, (score, _, article, match) in enumerate(best, start=1)
            if score >= 2
        )
        return self._answer(question, lang, "answered", "", citations, passages)

    def _answer(self, question, lang, status, message, citations, passages) -> Answer:
        return Answer(
            question=question,
            status=status,
            message=message,
            citations=citations,
            confidence=0.5,
            passages=passages,
            searched_for=question,
            lang=lang,
            index_id=self.index_id,
            timings_ms={"retrieve": 12.0, "answer": 3.5},
        )


def _lets_in(only: Only, article: Article) -> bool:
    day = (article.published or "")[:10]
    dated = not (only.since or only.until) or (day and (only.since or "") <= day <= (only.until or "9999"))
    return bool(dated) and (not only.outlets or article.outlet in only.outlets)


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 2}


def _citation(number: int, article: Article, match: re.Match[str], score: float) -> Citation:
    return Citation(
        number=number,
        article_id=article.id,
        title=article.title,
        outlet=article.outlet,
        published=article.published,
        url=article.url,
        quote=match[0],
        start=match.start(),
        end=match.end(),
        lang=article.lang,
        score=float(score),
        also=article.also,
    )


def _passage(article: Article, match: re.Match[str], score: float) -> Passage:
    chunk = Chunk(f"{match.start():016x}", article.id, match.start(), match.end(), match[0])
    return Passage(chunk=chunk, article=article, score=float(score))
