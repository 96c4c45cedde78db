"""An answer as Markdown (CommonMark), to be pasted or kept: quotes as blockquotes, numbered sources with their links.

What comes from an article or a person is text there too: every sign that Markdown, its tables, its raw HTML or the
automatic links of GitHub's kind would read is written with a backslash before it. Links lead to the original, where
its address is http or https, and to the article on this server: the latter begin with ``/article/``, and whoever hands
the text on puts the server's address before them (`qa/static/answer.js`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote as quoted

from qa.labels import LABELS, format_date
from qa.pages import is_web_address

if TYPE_CHECKING:
    from qa.types import Answer, Article, Citation, Lang

#: Signs that mean something within a line. ":", "." and "@" are there for automatic links alone ("www.", "http:").
_INLINE: Final = re.compile(r"[\\`*_{}\[\]<>()!|~&$#]|(?<=www)\.|:(?=//)")
#: What means something at the beginning of a line only: lists, headings, rules.
_BULLET: Final = re.compile(r"^(?:[-+=]|\d{1,9}(?=[.)]))")
#: Controls of the writing direction: in a title they would turn around what stands behind it on its line.
_TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
#: What does not belong in an address within ``<>``.
_NOT_IN_ADDRESS: Final = re.compile(r"[\s<>\\\x00-\x1f\x7f]")


def answer_markdown(answer: Answer, ui: Lang) -> str:
    """An answer: the question as a heading, the quotes, and their sources; no prose (`prose_markdown`).

    Args:
        answer: What the bot said.
        ui: Language of the interface.
    """
    labels = LABELS[ui]
    blocks = [f"## {line(answer.question)}"]
    if answer.status != "answered":
        blocks.append(paragraphs(answer.message))
    blocks += [_quote(citation) for citation in answer.citations if citation.same_as is None]
    if answer.citations:
        sources = "\n".join(_source(citation, ui) for citation in answer.citations)
        blocks.append(f"{line(labels.sources)}\n\n{sources}")
    if answer.articles:
        blocks.append("\n".join(_listed(article, ui) for article in answer.articles))
    return "\n\n".join(block for block in blocks if block) + "\n"


def prose_markdown(answer: Answer, ui: Lang) -> str:
    """What a language model wrote over the quotes, marked as such; "" where it wrote nothing."""
    prose = answer.prose
    if prose is None or not prose.text:
        return ""
    return f"{paragraphs(prose.text)}\n\n*{line(LABELS[ui].written_by.format(model=prose.model))}*\n"


def line(text: str) -> str:
    """A text as one line that is nothing but text."""
    return _line(_one_line(text))


def _inside(text: str) -> str:
    """The same for a place that is not the beginning of a line, where "14. März" begins no list."""
    return _inline(_one_line(text))


def _one_line(text: str) -> str:
    return _TURNING.sub("", " ".join(text.split()))


def _inline(text: str) -> str:
    return _INLINE.sub(lambda sign: f"\\{sign[0]}", text.replace("\0", "\ufffd"))


def paragraphs(text: str) -> str:
    """A text with its lines and paragraphs, which are nothing but text; blanks at the ends of lines go."""
    lines = [_line(part.strip()) for part in re.split(r"\r\n?|\n", text)]
    # Two blanks at its end break a line; before an empty line there is nothing to break.
    broken = [f"{one}  " if one and after else one for one, after in zip(lines, [*lines[1:], ""], strict=True)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(broken)).strip("\n")


def _line(text: str) -> str:
    text = _inline(text)
    begun = _BULLET.match(text)
    if begun is None:
        return text
    sign, rest = begun[0], text[begun.end() :]
    return f"{sign}\\{rest}" if sign.isdigit() else f"\\{sign}{rest}"


def _quote(citation: Citation) -> str:
    text = _with_bold(citation)
    inside = "\n".join(f"> {one}".rstrip(" ") + ("  " if one.endswith("  ") else "") for one in text.split("\n"))
    return f"{inside} \\[{citation.number}\\]"


def _with_bold(citation: Citation) -> str:
    """The quote, the phrase that answers in bold where Markdown is sure to read it so."""
    quote, bold = citation.quote, citation.highlight
    phrase = bold.of(quote) if bold else ""
    # "**" next to a letter or a digit on its inner side opens and closes whatever stands on the outer one.
    if bold is None or not phrase or not (phrase[0].isalnum() and phrase[-1].isalnum()) or "\n" in phrase:
        return paragraphs(quote)
    opening, closing = "\ue000", "\ue001"  # for private use: what an article has of them is no mark of ours
    if opening in quote or closing in quote:
        return paragraphs(quote)
    marked = f"{quote[: bold.start]}{opening}{phrase}{closing}{quote[bold.end :]}"
    return paragraphs(marked).replace(opening, "**").replace(closing, "**")


def _source(citation: Citation, ui: Lang) -> str:
    title = line(citation.title or LABELS[ui].untitled)
    told = [_inside(part) for part in (citation.outlet, format_date(citation.published, ui)) if part]
    address = f"/article/{quoted(citation.article_id, safe='')}#c{citation.start}-{citation.end}"
    place = f"[{line(LABELS[ui].passage)}]({address})"
    return f"{citation.number}. {', '.join([_link(title, citation.url), *told, place])}"


def _listed(article: Article, ui: Lang) -> str:
    title = line(article.title or LABELS[ui].untitled)
    told = [_inside(part) for part in (article.outlet, format_date(article.published, ui)) if part]
    place = f"[{title}](/article/{quoted(article.id, safe='')})"
    return f"- {', '.join([place, *told])}"


def _link(text: str, url: str | None) -> str:
    """``text``, as a link where the address is one and cannot end the link early."""
    if url is None or not is_web_address(url) or _NOT_IN_ADDRESS.search(url):
        return text
    return f"[{text}](<{url.replace('&', '&amp;')}>)"
