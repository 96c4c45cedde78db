"""What the browser is shown, as HTML: turns of the conversation, an article, a page that is not there.

Everything that comes from an article or a person passes `escape`. `qa/static/page.js` gives the buttons their work.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from qa.filter_text import only_note
from qa.labels import LABELS, figure_source, format_date, format_duration, searched_note
from qa.types import Span

if TYPE_CHECKING:
    from qa.types import Answer, Article, Citation, Lang, Passage, Source

#: The page with the list of all articles (`qa.server.listing`).
LISTING: Final = "/articles"

#: ASCII punctuation and line ends. Once these are references, neither HTML nor Markdown nor a template language
#: (``${}``, ``{{}}``) finds a sign of its own in the text, and the text has no blank line that would end an HTML
#: block of Markdown; browsers show it unchanged.
_SIGNS: Final = re.compile(r"[!-/:-@\[-`{-~\r\n]")
_PARAGRAPH: Final = re.compile(r"\S.*?(?=\s*\n\s*\n|\s*\Z)", re.DOTALL)


def escape(text: str) -> str:
    """``text`` for a place where HTML, an attribute or Markdown is read.

    ``html.unescape(result) == text``, but for NUL: browsers drop it, which would shift the offsets, so it is shown
    as U+FFFD.
    """
    return _SIGNS.sub(lambda sign: f"&#{ord(sign[0])};", text.replace("\0", "\ufffd"))


def question_turn(question: str, ui: Lang | None = None, number: int = 0) -> str:
    """What was asked, and with a language of the interface a button to change it: ``number`` questions stand before."""
    heading = f'<h2 class="qa-question">{escape(question)}</h2>'
    if ui is None:
        return heading
    labels = LABELS[ui]
    return (
        f'<div class="qa-asked">{heading}<button type="button" class="qa-again" value="{number}" '
        f'title="{escape(labels.again_name)}"><span>{escape(labels.again)}</span></button></div>'
    )


def waiting_turn(ui: Lang, key: str = "") -> str:
    """Shown until the answer is there; ``key`` is what page.js stops it with."""
    hidden = f'<button type="button" class="qa-stop-key" value="{escape(key)}"></button>' if key else ""
    return f'<div class="qa-waiting" role="status">{escape(LABELS[ui].searching)}{hidden}</div>'


def message_turn(message: str) -> str:
    """One line in place of an answer: what went wrong and what mends it."""
    return f'<div class="qa-answer"><p class="qa-message qa-problem">{escape(message)}</p></div>'


def answer_turn(answer: Answer, ui: Lang, ms: float, tools: str = "") -> str:
    """An answer as one HTML block without a line end.

    Args:
        answer: What the bot said.
        ui: Language of the interface.
        ms: How long it took, in milliseconds.
        tools: What stands at its foot, as HTML (`qa.answer_tools`).
    """
    labels = LABELS[ui]
    parts = [_searched(answer, ui), _only(answer, ui)]
    if answer.status == "answered":
        parts.append(_differing(answer, ui))
        shown = [citation for citation in answer.citations if citation.same_as is None]
        repeats = [citation for citation in answer.citations if citation.same_as is not None]
        by_article = groupby(shown, key=lambda citation: citation.article_id)
        parts += [_cited_article(list(citations), repeats, answer.lang, ui) for _, citations in by_article]
    else:
        parts.append(f'<p class="qa-message" lang="{answer.lang}">{escape(answer.message)}</p>')
    if answer.status == "abstained" and answer.only:
        parts.append(f'<p class="qa-note">{_everywhere(answer, labels.without_filter, ui)}</p>')
    if answer.status == "abstained" and answer.passages:
        items = "".join(_closest_passage(passage, answer.lang, ui) for passage in answer.passages)
        parts.append(f'<h3 class="qa-closest">{escape(labels.closest)}</h3><ul class="qa-passages">{items}</ul>')
    if answer.articles:
        items = "".join(_listed_article(article, answer.lang, ui) for article in answer.articles)
        parts.append(f'<ul class="qa-passages">{items}</ul><p class="qa-note">{_listing_link(ui)}</p>')
    took = f'<p class="qa-note">{escape(labels.took.format(time=format_duration(ms, ui)))}</p>'
    return f'<div class="qa-answer">{"".join(parts)}<div class="qa-foot-row">{took}{tools}</div></div>'


def _searched(answer: Answer, ui: Lang) -> str:
    """What a question that leaned on earlier ones was taken for, with a button that puts it into the box."""
    if not searched_note(answer.question, answer.searched_for, ui):
        return ""
    labels = LABELS[ui]
    before, _, after = labels.searched_for.partition("{text}")
    search = escape(answer.searched_for)
    return (
        f'<p class="qa-note qa-searched">{escape(before)}<span lang="{answer.lang}">{search}</span>{escape(after)} '
        f'<button type="button" class="qa-edit" value="{search}" title="{escape(labels.edit_name)}">'
        f"<span>{escape(labels.edit)}</span></button></p>"
    )


def _only(answer: Answer, ui: Lang) -> str:
    """The filter in force, with a button that searches without it."""
    if not answer.only:
        return ""
    words = f"<bdi>{escape(only_note(answer.only, ui))}</bdi>"
    return f'<p class="qa-note qa-only"><span class="qa-chip">{words}{_everywhere(answer, "×", ui)}</span></p>'


def _everywhere(answer: Answer, text: str, ui: Lang) -> str:
    name = LABELS[ui].without_filter_name
    return (
        f'<button type="button" class="qa-everywhere" value="{escape(answer.searched_for)}" title="{escape(name)}">'
        f"<span>{escape(text)}</span></button>"
    )


def _differing(answer: Answer, ui: Lang) -> str:
    """One line with every figure on which the articles differ, where it stands and of when it is."""
    if not answer.figures:
        return ""
    by_number = {citation.number: citation for citation in answer.citations}
    items = []
    for figure in answer.figures:
        citation = by_number[figure.citation]
        source = figure_source(citation, ui)
        items.append(
            f'<span lang="{citation.lang}">{escape(figure.text)}</span> {_cite_button(citation, ui)} '
            f"(<bdi>{escape(source)}</bdi>)"
        )
    return f'<p class="qa-differ">{escape(LABELS[ui].differ)} {", ".join(items)}</p>'


def _cited_article(citations: list[Citation], repeats: list[Citation], asked_in: Lang, ui: Lang) -> str:
    first = citations[0]
    quotes = "".join(_quote(citation, repeats, ui) for citation in citations)
    also = {source.path: source for citation in citations for source in citation.also}
    return (
        '<section class="qa-source">'
        f"{_heading(first.title, first.lang, ui)}{_byline(first.outlet, first.published, first.lang, asked_in, ui)}"
        f"{quotes}{_also_in(tuple(also.values()), ui)}</section>"
    )


def _quote(citation: Citation, repeats: list[Citation], ui: Lang) -> str:
    return (
        f'<blockquote class="qa-quote" lang="{citation.lang}"><span class="qa-words">{_words(citation)}</span> '
        f'<span lang="{ui}">{_cite_button(citation, ui)}</span></blockquote>'
        f"{_says_too([repeat for repeat in repeats if repeat.same_as == citation.number], ui)}"
    )


def _words(citation: Citation) -> str:
    """The quote, the phrase that answers in bold."""
    quoted, bold = citation.quote, citation.highlight
    if bold is None or bold.start >= bold.end:
        return escape(quoted)
    before, after = quoted[: bold.start], quoted[bold.end :]
    return f'{escape(before)}<strong class="qa-key">{escape(bold.of(quoted))}</strong>{escape(after)}'


def _says_too(repeats: list[Citation], ui: Lang) -> str:
    """Other articles with nearly the same sentence: each number opens its own."""
    if not repeats:
        return ""
    items = []
    for repeat in repeats:
        told = (repeat.outlet or repeat.title, format_date(repeat.published, ui))
        source = ", ".join(part for part in told if part)
        items.append(f"{_cite_button(repeat, ui)} <bdi>{escape(source)}</bdi>")
    return f'<p class="qa-also qa-says-too">{escape(LABELS[ui].says_too)} {" ".join(items)}</p>'


def _cite_button(citation: Citation, ui: Lang) -> str:
    labels = LABELS[ui]
    name = labels.cite_name.format(number=citation.number, title=citation.title or labels.untitled)
    place = Span(citation.start, citation.end)
    return _button("qa-cite", f"[{citation.number}]", name, citation.article_id, place)


def _lines(text: str) -> str:
    """A line a paragraph: a blank line would end the HTML for the chat's Markdown."""
    return text.replace("\n\n", "\n")


def _closest_passage(passage: Passage, asked_in: Lang, ui: Lang) -> str:
    article, chunk, labels = passage.article, passage.chunk, LABELS[ui]
    name = labels.open_passage_name.format(title=article.title or labels.untitled)
    return (
        f"<li>{_heading(article.title, article.lang, ui)}"
        f"{_byline(article.outlet, article.published, article.lang, asked_in, ui)}"
        f'<p class="qa-excerpt" lang="{article.lang}">{escape(_lines(chunk.text))}</p>'
        f"{_button('qa-open', labels.open_passage, name, article.id, Span(chunk.start, chunk.end))}</li>"
    )


def _listed_article(article: Article, asked_in: Lang, ui: Lang) -> str:
    labels = LABELS[ui]
    name = labels.open_article_name.format(title=article.title or labels.untitled)
    return (
        f"<li>{_heading(article.title, article.lang, ui)}"
        f"{_byline(article.outlet, article.published, article.lang, asked_in, ui)}"
        f"{_button('qa-open', labels.whole_article, name, article.id, Span(0, 0))}</li>"
    )


def _button(css_class: str, text: str, name: str, article_id: str, span: Span) -> str:
    # The sanitiser of gr.Chatbot drops aria-* and data-*: the place is the value, and page.js makes the title the name.
    place = f"{quote(article_id, safe='')} {span.start} {span.end}"
    return (
        f'<button type="button" class="{css_class}" value="{escape(place)}" title="{escape(name)}">'
        f"<span>{escape(text)}</span></button>"
    )


def _heading(title: str | None, lang: Lang, ui: Lang) -> str:
    if title is None:
        return f'<h3 class="qa-title">{escape(LABELS[ui].untitled)}</h3>'
    return f'<h3 class="qa-title" lang="{lang}">{escape(title)}</h3>'


def _byline(outlet: str | None, published: str | None, lang: Lang, asked_in: Lang, ui: Lang) -> str:
    parts = [f"<bdi>{escape(part)}</bdi>" for part in (outlet, format_date(published, ui)) if part]
    if lang != asked_in:
        parts.append(f'<span class="qa-lang">{escape(LABELS[ui].language[lang])}</span>')
    return f'<p class="qa-byline">{"".join(parts)}</p>' if parts else ""


def _also_in(also: tuple[Source, ...], ui: Lang) -> str:
    if not also:
        return ""
    items = []
    for source in also:
        told = (source.outlet or source.title, format_date(source.published, ui))
        text = ", ".join(part for part in told if part) or source.path
        items.append(f"<bdi>{_link(source.url, text)}</bdi>")
    return f'<p class="qa-also">{escape(LABELS[ui].also_in)} {"; ".join(items)}</p>'


def _link(url: str | None, text: str) -> str:
    if not is_web_address(url):
        return escape(text)
    return f'<a href="{escape(str(url))}" rel="noopener noreferrer" target="_blank">{escape(text)}</a>'


def _listing_link(ui: Lang) -> str:
    # In a tab of its own: the conversation lives in this one.
    return f'<a href="{LISTING}" target="_blank">{escape(LABELS[ui].contents)}</a>'


def is_web_address(url: str | None) -> bool:
    """Whether ``url`` may become a link: http or https, with a host."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def article_body(article: Article, ui: Lang, *, inside: bool) -> str:
    """An article as text: title, outlet, date, author, paragraphs that know their offsets.

    Args:
        article: What to show.
        ui: Language of the interface.
        inside: True for the panel beside the conversation, which links to the article's own page.
    """
    labels = LABELS[ui]
    level = "h2" if inside else "h1"
    byline = (article.outlet, format_date(article.published, ui), article.author)
    told = "".join(f"<bdi>{escape(part)}</bdi>" for part in byline if part)
    links = []
    if inside:
        address = f"/article/{quote(article.id, safe='')}"
        links.append(f'<a class="qa-whole" href="{escape(address)}">{escape(labels.whole_article)}</a>')
    if is_web_address(article.url):
        links.append(_link(article.url, labels.original))
    title = escape(article.title or labels.untitled)
    title_lang = article.lang if article.title else ui
    return (
        f'<article class="qa-article"><header><{level} class="qa-headline" lang="{title_lang}">{title}</{level}>'
        f'{f"""<p class="qa-byline">{told}</p>""" if told else ""}'
        f'{f"""<p class="qa-links">{"".join(links)}</p>""" if links else ""}'
        f"{_also_in(article.also, ui)}</header>"
        f'<div class="qa-text" lang="{article.lang}">{_paragraphs(article.text)}</div></article>'
    )


def _paragraphs(text: str) -> str:
    return "".join(f'<p data-start="{match.start()}">{escape(match[0])}</p>' for match in _PARAGRAPH.finditer(text))


def article_page(article: Article, ui: Lang, name: str) -> str:
    """The page of one article; ``#c<start>-<end>`` marks these code points and scrolls to them."""
    return page(article.title or LABELS[ui].untitled, article_body(article, ui, inside=False), ui, name)


def missing_page(ui: Lang, name: str) -> str:
    """The page for an address that leads to no article."""
    labels = LABELS[ui]
    body = f'<h1 class="qa-headline">{escape(labels.not_found)}</h1><p>{escape(labels.not_found_text)}</p>'
    return page(labels.not_found, body, ui, name)


def missing_part(ui: Lang) -> str:
    """What the panel shows for an article that is not there."""
    return f'<p class="qa-message qa-problem">{escape(LABELS[ui].not_found_text)}</p>'


def page(title: str, body: str, ui: Lang, name: str) -> str:
    """A page of its own around ``body``, which is HTML."""
    return (
        f'<!doctype html><html lang="{ui}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · {escape(name)}</title>"
        '<link rel="icon" href="/static/qa/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/static/qa/page.css">'
        f'<script type="module" src="/static/qa/article.js"></script></head><body class="qa-page">'
        f'<nav class="qa-nav"><a class="qa-home" href="/">{escape(name)}</a>'
        f'<a href="{LISTING}">{escape(LABELS[ui].contents)}</a></nav><main>{body}</main>'
        f'<footer class="qa-foot"><a href="/">{escape(LABELS[ui].back)}</a></footer></body></html>'
    )
