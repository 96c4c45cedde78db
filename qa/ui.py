"""The page: a Gradio chat whose answers are quotes with numbered buttons.

Why `gr.Chatbot` with ready HTML and not `gr.HTML` (both looked at in Gradio 6.31): the chat keeps real ``<button>``
elements with ``class``, ``lang`` and ``value``, drops scripts, ``on*``, ``aria-*`` and ``data-*``, needs no
``unsafe-eval``, and leaves the turns that are there alone when one is added, so that focus stays and a screen reader
reads the new turn only. `gr.HTML` compiles its value as a template and sets all of it anew. The sanitiser is the
second line of defence: `qa.pages.escape` leaves it nothing to find.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping  # Gradio reads the annotations of its listeners
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import gradio as gr
from gradio.i18n import I18nData

from qa.errors import QAError
from qa.filter_row import FilterRow, filter_row, only_of
from qa.labels import LABELS, interface_language, tagline
from qa.pages import LISTING, answer_turn, escape, message_turn, question_turn, waiting_turn
from qa.prose_turn import prose_turn
from qa.types import Only

if TYPE_CHECKING:
    from qa.types import Answerer, Article, Lang

#: Code points. A longer question is refused with a message: cutting it silently would answer another one.
QUESTION_LIMIT: Final = 2000
#: How many starter questions at most: two rows of two on a screen, four rows on a phone above the fold.
STARTERS: Final = 4
#: How many questions are answered at once; more wait in the queue (Gradio's own default is one at a time).
CONCURRENCY: Final = 8
#: How many questions may wait before Gradio says that it is busy.
QUEUE_SIZE: Final = 64

#: A message as `gr.Chatbot` takes it; under ``asked`` what a person typed, if the bot was asked it.
Turn = dict[str, str]
Update = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class _Parts:
    """The components that an answer changes. ``turns`` is the session's own conversation, as shown in ``chat``."""

    turns: Any
    chat: Any
    box: Any
    send: Any
    filter: FilterRow

    def all(self) -> list[Any]:
        return [self.turns, self.chat, self.box, self.send, *self.filter.inputs()]

    def show(self, turns: list[Turn], *, waiting: str = "", busy: bool = False) -> Update:
        """The conversation, and while ``waiting`` is shown at its end or it is busy, no way to ask another question."""
        shown = [*turns, _said(waiting)] if waiting else turns
        busy = busy or bool(waiting)
        return {
            self.turns: turns,
            self.chat: [{"role": turn["role"], "content": turn["content"]} for turn in shown],
            self.send: gr.update(interactive=not busy),
            self.box: gr.update(value="", interactive=False) if busy else gr.update(interactive=True),
        }


def build_page(bot: Answerer, name: str, *, logged: bool = False) -> gr.Blocks:
    """The page over ``bot``, to be mounted with the settings of `mount_settings`.

    Args:
        bot: Answers the questions.
        name: Shown at the top.
        logged: Whether questions are written to a log; the page then says so.
    """
    # analytics_enabled=False: otherwise Gradio asks api.gradio.app for its newest version here.
    with gr.Blocks(title=name, analytics_enabled=False) as page:
        with gr.Column(elem_id="qa-head"):
            gr.Markdown(f'<h1 class="qa-name">{escape(name)}</h1>', container=False)
            gr.Markdown(I18nData("tagline"), elem_id="qa-tagline", container=False)
            gr.Markdown(I18nData("listing"), elem_id="qa-listing", container=False)
        with gr.Column(elem_id="qa-welcome"):  # page.css hides this and the starters once a question is there
            gr.Markdown(I18nData("welcome"), elem_id="qa-greeting", container=False)
            gr.Markdown(I18nData("promise"), elem_id="qa-promise", container=False)
        chat = _conversation()
        with gr.Row(elem_id="qa-ask"):
            box = gr.Textbox(
                label=I18nData("box_label"),
                placeholder=I18nData("box_hint"),
                max_lines=6,
                autofocus=True,
                elem_id="qa-box",
                container=False,
            )
            send = gr.Button(I18nData("send"), variant="primary", elem_id="qa-send")
            everywhere = gr.Button("", elem_id="qa-everywhere")  # not shown: page.js presses it
            row = filter_row(bot)
        if logged:
            gr.Markdown(I18nData("logged"), elem_id="qa-logged", container=False)
        starters = _starters()
        parts = _Parts(turns=gr.State([]), chat=chat, box=box, send=send, filter=row)
        _listen([box.submit, send.click], _asking(bot, parts), [box, parts.turns, *row.inputs()], parts)
        _listen([everywhere.click], _asking_everywhere(bot, parts), [box, parts.turns], parts)
        for starter in starters:
            _listen([starter.click], _starting(bot, parts), [starter, parts.turns, *row.inputs()], parts)
    page.queue(max_size=QUEUE_SIZE, default_concurrency_limit=CONCURRENCY)
    # After every event Gradio summarises up to 10,000 of them for its dashboard, which is off here; with pandas 3 that
    # costs 6 to 9 ms and ends in a deprecation warning on the server's standard error.
    page._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
    return page


def _starters() -> list[Any]:
    """Places for the starter questions; `qa.page_values` fills them."""
    with gr.Column(elem_id="qa-starters"):
        gr.Markdown(I18nData("starters"), elem_id="qa-starters-title", container=False)
        return [gr.Button("", elem_classes="qa-starter") for _ in range(STARTERS)]


def _conversation() -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="qa-chat",
        show_label=False,
        container=False,
        autoscroll=False,  # it scrolls to the end; page.js scrolls to the start of the new answer
        height=None,
        latex_delimiters=[],
        buttons=[],
        feedback_options=None,
        allow_tags=False,
        line_breaks=False,
    )


def _listen(triggers: list[Any], ask: Callable[..., Any], inputs: list[Any], parts: _Parts) -> None:
    asked = gr.on(
        triggers,
        ask,
        inputs=inputs,
        outputs=parts.all(),
        show_progress="hidden",
        trigger_mode="once",
        concurrency_limit=CONCURRENCY,
        concurrency_id="ask",
        api_visibility="private",
    )
    asked.failure(
        _recovering(parts),
        inputs=[parts.turns],
        outputs=parts.all(),
        show_progress="hidden",
        api_visibility="private",
    )


def _asking(bot: Answerer, parts: _Parts) -> Callable[..., Iterator[Update]]:
    def ask(
        question: str, turns: list[Turn], since: str, until: str, outlets: list[str], request: gr.Request
    ) -> Iterator[Update]:
        yield from _turn(bot, parts, question, turns, request.headers, only_of(since, until, outlets))

    return ask


def _asking_everywhere(bot: Answerer, parts: _Parts) -> Callable[..., Iterator[Update]]:
    def ask(question: str, turns: list[Turn], request: gr.Request) -> Iterator[Update]:
        """Ask without the filter, and lift it."""
        for update in _turn(bot, parts, question, turns, request.headers, Only()):
            yield update | parts.filter.cleared()

    return ask


def _starting(bot: Answerer, parts: _Parts) -> Callable[..., Iterator[Update]]:
    def start(
        title: str, turns: list[Turn], since: str, until: str, outlets: list[str], request: gr.Request
    ) -> Iterator[Update]:
        ui = interface_language(request.headers.get("accept-language"))
        question = starter_question(title, LABELS[ui].starter_question)
        yield from _turn(bot, parts, question, turns, request.headers, only_of(since, until, outlets))

    return start


def _turn(
    bot: Answerer, parts: _Parts, question: str, turns: list[Turn], headers: Mapping[str, str], only: Only
) -> Iterator[Update]:
    ui = interface_language(headers.get("accept-language"))
    question = question.strip()
    if not question:
        gr.Info(LABELS[ui].question_empty)
        yield {parts.box: gr.update(interactive=True)}
        return
    turn = Turn(role="user", content=question_turn(question[:QUESTION_LIMIT]))
    if len(question) > QUESTION_LIMIT:
        refusal = LABELS[ui].question_long.format(length=len(question), limit=QUESTION_LIMIT)
        yield parts.show([*turns, turn, _said(message_turn(refusal))])
        return
    history = [earlier["asked"] for earlier in turns if "asked" in earlier]
    asked = [*turns, turn | Turn(asked=question)]
    yield parts.show(asked, waiting=waiting_turn(ui))
    yield from _answered(bot, parts, question, history, only, asked, ui)


def _answered(
    bot: Answerer, parts: _Parts, question: str, history: list[str], only: Only, asked: list[Turn], ui: Lang
) -> Iterator[Update]:
    """The quotes as soon as they are there, and above them, in a turn of their own, a writer's prose as it grows.

    Two turns: while the prose grows Gradio leaves the quotes alone, and the focus and an article open beside them stay.
    """
    started, quotes = time.perf_counter(), ""
    try:
        for answer in bot.answering(question, history=history, only=only):
            quotes = quotes or answer_turn(answer, ui, (time.perf_counter() - started) * 1000)
            prose = prose_turn(answer, ui)
            busy = answer.prose is not None and not answer.prose.complete
            yield parts.show([*asked, *([_said(prose)] if prose else []), _said(quotes)], busy=busy)
    except QAError as error:  # out of time while the writer wrote: the quotes stay
        shown = [_said(quotes)] if quotes else []
        yield parts.show([*asked, *shown, _said(message_turn(str(error)))])


def _recovering(parts: _Parts) -> Callable[..., Update]:
    def recover(turns: list[Turn], request: gr.Request) -> Update:
        ui = interface_language(request.headers.get("accept-language"))
        return parts.show([*turns, _said(message_turn(LABELS[ui].failed))])

    return recover


def _said(content: str) -> Turn:
    return Turn(role="assistant", content=content)


def starter_titles(articles: tuple[Article, ...]) -> tuple[str, ...]:
    """Up to `STARTERS` different titles, in the order given; an article without one starts nothing."""
    return tuple(dict.fromkeys(article.title for article in articles if article.title))[:STARTERS]


def starter_question(title: str, form: str) -> str:
    """The question a starter asks: the title itself where it is a question, else ``form`` with the title in it."""
    return title if title.rstrip().endswith("?") else form.format(title=title)


def translations(article_count: int, *, written: bool = False) -> gr.I18n:
    """The texts that the browser chooses by its language (the others come with the answer, by its header).

    ``written``: whether a language model writes over the quotes, which the page says from the start.
    """
    texts = {}
    for lang, labels in LABELS.items():
        words = {key: text for key, text in asdict(labels).items() if isinstance(text, str)}
        promise = labels.promise_written if written else labels.promise
        listing = f"[{labels.contents}]({LISTING})"
        told = tagline(article_count, lang, written=written)
        texts[lang] = {**words, "tagline": told, "promise": promise, "listing": listing}
    return gr.I18n(de=texts["de"], en=texts["en"])


def mount_settings(article_count: int, *, written: bool = False) -> dict[str, Any]:
    """What `gr.mount_gradio_app` needs to know beside the page: theme, language, head; and what stays shut."""
    return {
        "theme": _theme(),
        "i18n": translations(article_count, written=written),
        "head": _head(),
        "footer_links": [],
        "run_history": False,  # it keeps every question in the browser's storage
        "show_error": False,
        "max_file_size": 1,
        "ssr_mode": False,
        "mcp_server": False,
        "enable_monitoring": False,
        "pwa": False,
    }


def _head() -> str:
    keys = ("log", "close", "panel", "panel_loading", "panel_failed", "panel_changed")
    texts = {lang: {key: getattr(labels, key) for key in keys} for lang, labels in LABELS.items()}
    return (
        f'<meta name="qa-labels" content="{escape(json.dumps(texts))}">'
        '<link rel="icon" href="/static/qa/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/static/qa/page.css">'
        '<script type="module" src="/static/qa/page.js"></script>'
    )


def _theme() -> gr.themes.Base:
    # The grounds are those of page.css: Gradio paints them before that file is there.
    system = ["system-ui", "sans-serif"]
    return gr.themes.Base(font=system, font_mono=["ui-monospace", "monospace"]).set(
        body_background_fill="#faf8f4", body_background_fill_dark="#191816"
    )
