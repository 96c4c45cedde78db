"""The row under an answer: copy it, say whether it is right. `qa/static/answer.js` gives the buttons their work.

The chat's sanitiser keeps ``value`` and drops ``data-*``, so what a button needs is its value.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from qa.as_markdown import answer_markdown
from qa.labels import LABELS
from qa.pages import escape

if TYPE_CHECKING:
    from qa.types import Answer, Lang

#: What is said of more than one article or of the bot itself is neither right nor wrong.
_JUDGED = ("answered", "abstained")


def tools(answer: Answer, ui: Lang, *, feedback: bool) -> str:
    """The row as HTML without a line end.

    Args:
        answer: The answer that it stands under.
        ui: Language of the interface.
        feedback: Whether verdicts are kept.
    """
    labels = LABELS[ui]
    markdown = answer_markdown(answer, ui)
    buttons = [_button("qa-copy", markdown, labels.copy_name, f"<span>{escape(labels.copy)}</span>")]
    if feedback and answer.status in _JUDGED:
        judged = json.dumps(verdict_on(answer), ensure_ascii=False)
        buttons.append(_button("qa-up qa-thumb", judged, labels.right, "<span></span>"))
        buttons.append(_button("qa-down qa-thumb", judged, labels.wrong, "<span></span>"))
    return f'<div class="qa-tools">{"".join(buttons)}</div>'


def verdict_on(answer: Answer) -> dict[str, object]:
    """What a verdict on an answer carries, but for the verdict: the body of ``POST /api/feedback``."""
    return {
        "id": secrets.token_hex(16),
        "question": answer.question,
        "searched_for": answer.searched_for,
        "lang": answer.lang,
        "status": answer.status,
        "filtered": bool(answer.only),
        "index_id": answer.index_id,
        "citations": [{"article_id": one.article_id, "start": one.start, "end": one.end} for one in answer.citations],
    }


def _button(css_class: str, value: str, name: str, content: str) -> str:
    return (
        f'<button type="button" class="{css_class}" value="{escape(value)}" title="{escape(name)}">{content}</button>'
    )
