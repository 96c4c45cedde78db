"""The page on which all articles are listed, page by page, and searched: ``/articles``. It needs no script."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from qa.labels import LABELS, format_date, interface_language
from qa.pages import escape, page
from qa.server.catalogue import Order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qa.server.catalogue import Part
    from qa.server.service import Service
    from qa.types import Lang

#: Articles of one page of the list.
PAGE: Final = 50
_SEARCH_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class _Texts:
    """The page's texts in one language; those with ``{}`` are formatted with the name in braces."""

    one: str
    many: str
    none: str
    found_one: str
    found_many: str
    found_none: str
    built: str
    search: str
    hint: str
    order: str
    orders: Mapping[Order, str]
    show: str
    words: str
    everything: str
    pages: str
    place: str
    previous: str
    following: str
    thousands: str


_TEXTS: Final[Mapping[Lang, _Texts]] = {
    "de": _Texts(
        one="Geantwortet wird aus einem Artikel.",
        many="Geantwortet wird aus {count} Artikeln.",
        none="Es sind noch keine Artikel da.",
        found_one="Ein Artikel passt zu „{words}“.",
        found_many="{count} Artikel passen zu „{words}“.",
        found_none="Kein Artikel passt zu „{words}“. Gesucht wird in Titel, Medium, Verfasser und Datum.",
        built="Stand des Index: {time} (UTC).",
        search="Suchen",
        hint="Wörter aus Titel, Medium, Verfasser oder Datum (2024-10)",
        order="Reihenfolge",
        orders={"newest": "Neueste zuerst", "oldest": "Älteste zuerst", "title": "Nach Titel"},
        show="Anzeigen",
        words="{count} Wörter",
        everything="Alle zeigen",
        pages="Seiten der Liste",
        place="Seite {number} von {count}",
        previous="Vorige Seite",
        following="Nächste Seite",
        thousands=".",
    ),
    "en": _Texts(
        one="Answers come from one article.",
        many="Answers come from {count} articles.",
        none="There are no articles yet.",
        found_one="One article matches “{words}”.",
        found_many="{count} articles match “{words}”.",
        found_none="No article matches “{words}”. Titles, outlets, authors and dates are searched.",
        built="Index built {time} (UTC).",
        search="Search",
        hint="Words of title, outlet, author or date (2024-10)",
        order="Order",
        orders={"newest": "Newest first", "oldest": "Oldest first", "title": "By title"},
        show="Show",
        words="{count} words",
        everything="Show all",
        pages="Pages of the list",
        place="Page {number} of {count}",
        previous="Previous page",
        following="Next page",
        thousands=",",
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the list is wanted; ``number`` is that of the page, from 1."""

    words: str
    order: Order
    number: int

    def address(self, number: int) -> str:
        """The address of another page of the same list."""
        told = {"q": self.words, "order": self.order if self.order != "newest" else "", "page": number}
        return f"/articles?{urlencode({key: value for key, value in told.items() if value})}"


def listing_routes(service: Service) -> APIRouter:
    """The route of the page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/articles")
    def articles(
        request: Request,
        q: Annotated[str, Query()] = "",
        order: Annotated[str, Query()] = "newest",
        number: Annotated[str, Query(alias="page")] = "1",
    ) -> HTMLResponse:
        ui = interface_language(request.headers.get("accept-language"))
        asked = Asked(q[:_SEARCH_LIMIT].strip(), _order(order), _number(number))
        part = _find(service, asked)
        if part.total and not part.lines:  # past the end: articles may have gone
            asked = replace(asked, number=_page_count(part.total))
            part = _find(service, asked)
        content = listing_page(part, asked, ui, service.name)
        return HTMLResponse(content, headers={"Cache-Control": "no-cache", "Vary": "Accept-Language"})

    return router


def _find(service: Service, asked: Asked) -> Part:
    return service.catalogue.find(asked.words, None, (asked.number - 1) * PAGE, PAGE, asked.order)


def _order(text: str) -> Order:
    """What an address says; the newest first where it says nothing that there is."""
    return next((order for order in get_args(Order) if order == text), "newest")


def _number(text: str) -> int:
    """The page that an address says, from 1; 1 where it says no number of a page."""
    # Nine digits: further pages are as empty, and an endless number would be work.
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 9 else 1  # noqa: PLR2004


def listing_page(part: Part, asked: Asked, ui: Lang, name: str) -> str:
    """The whole page.

    Args:
        part: The articles of this page, and how many match in all.
        asked: What was searched for.
        ui: Language of the interface.
        name: Name of the site.
    """
    texts, heading = _TEXTS[ui], LABELS[ui].contents
    items = "".join(_item(line, ui) for line in part.lines)
    listed = f'<ol class="qa-list" start="{(asked.number - 1) * PAGE + 1}">{items}</ol>' if items else ""
    body = (
        f'<h1 class="qa-headline">{escape(heading)}</h1>'
        f'<p class="qa-note">{escape(_built(part.built, ui))}</p>'
        f"{_form(asked, texts)}"
        f'<p class="qa-count" role="status">{escape(_count(part.total, asked.words, texts))}'
        f"{_everything(asked, texts)}</p>{listed}{_pages(part.total, asked, texts)}"
    )
    return page(heading, body, ui, name)


def _built(built: str | None, ui: Lang) -> str:
    if built is None:
        return ""
    # Minutes are enough, and the zone is said in words.
    return _TEXTS[ui].built.format(time=format_date(built[: len("2024-10-24T12:00")], ui))


def _form(asked: Asked, texts: _Texts) -> str:
    options = "".join(
        f'<option value="{order}"{" selected" if order == asked.order else ""}>{escape(told)}</option>'
        for order, told in texts.orders.items()
    )
    return (
        '<form class="qa-search" role="search" action="/articles" method="get">'
        f'<label class="qa-field">{escape(texts.search)}<input type="search" name="q" maxlength="{_SEARCH_LIMIT}" '
        f'value="{escape(asked.words)}" aria-describedby="qa-hint"></label>'
        f'<label class="qa-field">{escape(texts.order)}<select name="order">{options}</select></label>'
        f'<button type="submit">{escape(texts.show)}</button>'
        f'<p class="qa-note" id="qa-hint">{escape(texts.hint)}</p></form>'
    )


def _count(total: int, words: str, texts: _Texts) -> str:
    forms = (texts.found_none, texts.found_one, texts.found_many) if words else (texts.none, texts.one, texts.many)
    return forms[min(total, 2)].format(count=_grouped(total, texts), words=words)


def _grouped(count: int, texts: _Texts) -> str:
    return f"{count:,}".replace(",", texts.thousands)


def _everything(asked: Asked, texts: _Texts) -> str:
    return f' <a href="/articles">{escape(texts.everything)}</a>' if asked.words else ""


def _item(line: Mapping[str, Any], ui: Lang) -> str:
    labels, texts = LABELS[ui], _TEXTS[ui]
    title = line["title"] or labels.untitled
    lang: Lang = line["lang"] if line["title"] else ui
    told = (
        line["outlet"],
        format_date(line["published"], ui) or labels.undated,
        texts.words.format(count=_grouped(line["words"], texts)),
        labels.language[line["lang"]],
    )
    byline = "".join(f"<bdi>{escape(part)}</bdi>" for part in told if part)
    address = f"/article/{quote(line['id'], safe='')}"
    return (
        f'<li><a class="qa-title" lang="{lang}" href="{escape(address)}">{escape(title)}</a>'
        f'<p class="qa-byline">{byline}</p></li>'
    )


def _pages(total: int, asked: Asked, texts: _Texts) -> str:
    count = _page_count(total)
    if count <= 1:
        return ""
    number = asked.number
    place = texts.place.format(number=_grouped(number, texts), count=_grouped(count, texts))
    before = _link(asked.address(number - 1), "prev", texts.previous) if number > 1 else ""
    after = _link(asked.address(number + 1), "next", texts.following) if number < count else ""
    links = (before, f"<span>{escape(place)}</span>", after)
    return f'<nav class="qa-pages" aria-label="{escape(texts.pages)}">{"".join(links)}</nav>'


def _page_count(total: int) -> int:
    return -(-total // PAGE)


def _link(address: str, rel: Literal["prev", "next"], text: str) -> str:
    return f'<a rel="{rel}" href="{escape(address)}">{escape(text)}</a>'
