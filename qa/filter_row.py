"""The row of the page that narrows down the articles: dates, outlets, and one line that says what is in force.

Its components belong to the browser's session, as the conversation does. An index without dates or outlets has its
fields for them hidden, and without both the row (`qa.page_values`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence  # Gradio reads the annotations of its listeners
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.i18n import I18nData

from qa.filter_text import filter_fault, only_note
from qa.labels import LABELS, interface_language
from qa.only import FilterError, read_only
from qa.types import Only

if TYPE_CHECKING:
    from qa.types import Answerer

Update = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class FilterRow:
    """The components that hold the filter of the session."""

    since: Any
    until: Any
    outlets: Any

    def inputs(self) -> list[Any]:
        """What a listener takes to call `only_of`."""
        return [self.since, self.until, self.outlets]

    def cleared(self) -> Update:
        """The change that lifts the filter."""
        return {one: gr.update(value=[] if one is self.outlets else "") for one in self.inputs()}


def filter_row(bot: Answerer) -> FilterRow:
    """Put the row where it is called, folded up; `qa.page_values` fills it."""
    with gr.Accordion(I18nData("filter"), open=False, elem_id="qa-filter") as fold, gr.Row(elem_id="qa-filter-fields"):
        # page.js makes them date fields of the browser; without it they take 2024-10-24, 2024-10 and 2024.
        since, until = _date("filter_since"), _date("filter_until")
        outlets = gr.Dropdown(
            [], value=[], multiselect=True, label=I18nData("filter_outlets"), elem_id="qa-filter-outlets"
        )
        clear = gr.Button(I18nData("filter_clear"), elem_id="qa-filter-clear", size="sm")
    row = FilterRow(since, until, outlets)
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on([one.change for one in row.inputs()], _summing_up(bot, fold), row.inputs(), [fold], **quiet)
    clear.click(row.cleared, None, row.inputs(), **quiet)
    return row


def _date(label: str) -> gr.Textbox:
    return gr.Textbox(label=I18nData(label), elem_classes="qa-date", max_lines=1, placeholder="2024-10-24")


def _summing_up(bot: Answerer, fold: gr.Accordion) -> Callable[..., Update]:
    def sum_up(since: str, until: str, outlets: list[str], request: gr.Request) -> Update:
        """The filter stands on the folded row, so that it is seen when the fields are not."""
        ui = interface_language(request.headers.get("accept-language"))
        only = only_of(since, until, outlets)
        try:
            note = only_note(read_only(only.since, only.until, only.outlets, bot.outlets), ui)
        except FilterError as error:
            note = filter_fault(error, ui)
        return {fold: gr.update(label=note or LABELS[ui].filter)}

    return sum_up


def only_of(since: str | None, until: str | None, outlets: Sequence[str] | None) -> Only:
    """The filter as the fields hold it, not yet checked."""
    return Only(since or None, until or None, tuple(outlets or ()))
