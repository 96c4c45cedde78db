"""The turn above the quotes: what a language model made of them, marked as such, or why it made nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from qa.as_markdown import prose_markdown
from qa.labels import LABELS, left_out_note
from qa.pages import escape

if TYPE_CHECKING:
    from qa.types import Answer, Citation, Lang, Prose

#: Citations that stand together, and the punctuation after them, which must not begin a line.
_CITED: Final = re.compile(r"((?:\[\d+\])+)([.,;:!?…]?)")
_NUMBER: Final = re.compile(r"\d+")


def prose_turn(answer: Answer, ui: Lang) -> str:
    """The prose of an answer as one HTML block without a line end; "" where it has none.

    Args:
        answer: What the bot said so far.
        ui: Language of the interface.
    """
    prose = answer.prose
    if prose is None:
        return ""
    parts = []
    if prose.text:
        parts.append(f'<p class="qa-prose-text" lang="{answer.lang}">{_linked(prose.text, answer, ui)}</p>')
    if prose.message:
        parts.append(f'<p class="qa-note qa-prose-none" role="status" lang="{answer.lang}">{escape(prose.message)}</p>')
    parts.append(_note(prose, ui))
    if prose.complete and prose.text:  # not shown: what answer.js puts before the quotes of a copy
        markdown = escape(prose_markdown(answer, ui))
        parts.append(f'<button type="button" class="qa-prose-copy" value="{markdown}"></button>')
    return f'<div class="qa-above"><div class="qa-prose">{"".join(parts)}</div></div>'


def _note(prose: Prose, ui: Lang) -> str:
    labels = LABELS[ui]
    if not prose.complete:
        told = escape(labels.writing.format(model=prose.model))
        return f'<p class="qa-note qa-waiting" role="status">{told}</p>'
    told = labels.written_by.format(model=prose.model) if prose.text else ""
    note = " ".join(part for part in (told, left_out_note(len(prose.faults), ui) if prose.text else "") if part)
    return f'<p class="qa-note">{escape(note)}</p>' if note else ""


def _linked(text: str, answer: Answer, ui: Lang) -> str:
    """The text with a button for every citation, which opens the article as the one below the quote does."""
    quotes = {citation.number: citation for citation in answer.citations}
    html, at = [], 0
    for match in _CITED.finditer(text):
        buttons = "".join(_button(quotes[int(number)], ui) for number in _NUMBER.findall(match[1]))
        html.append(f'{escape(text[at : match.start()])}<span class="qa-cited">{buttons}{escape(match[2])}</span>')
        at = match.end()
    return "".join([*html, escape(text[at:])])


def _button(citation: Citation, ui: Lang) -> str:
    labels = LABELS[ui]
    name = labels.cite_name.format(number=citation.number, title=citation.title or labels.untitled)
    place = f"{quote(citation.article_id, safe='')} {citation.start} {citation.end}"
    return (
        f'<button type="button" class="qa-cite" value="{escape(place)}" title="{escape(name)}">'
        f"<span>{escape(f'[{citation.number}]')}</span></button>"
    )
