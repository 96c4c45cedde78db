"""The page: a Gradio chat whose answers are quotes with numbered buttons.

Why `gr.Chatbot` with ready HTML and not `gr.HTML` (both looked at in Gradio 6.31): the chat keeps real ``<button>``
elements with ``class``, ``lang`` and ``value``, drops scripts, ``on*``, ``aria-*`` and ``data-*``, needs no
``unsafe-eval``, and leaves the turns that are there alone when one is added, so that focus stays and a screen reader
reads the new turn only. `gr.HTML` compiles its value as a template and sets all of it anew. The sanitiser is the
second line of defence: `qa.pages.escape` leaves it nothing to find.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator  # Gradio reads the annotations of its listeners
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import gradio as gr
from gradio.i18n import I18nData

from qa.answer_tools import tools
from qa.errors import BusyError, QAError, TimeLimitError
from qa.filter_row import FilterRow, filter_row, only_of
from qa.filter_text import filter_fault
from qa.labels import LABELS, interface_language, tagline
from qa.only import FilterError
from qa.pages import LISTING, answer_turn, escape, message_turn, question_turn, waiting_turn
from qa.prose_turn import prose_turn
from qa.stopping import Stops
from qa.types import Only

if TYPE_CHECKING:
    from qa.stopping import Stop
    from qa.types import Answer, Answerer, Article, Lang

#: Code points. A longer question is refused with a message: cutting it silently would answer another one.
QUESTION_LIMIT: Final = 2000
#: How many starter questions at most: two rows of two on a screen, four rows on a phone above the fold.
STARTERS: Final = 4
#: How many questions are answered at once; more wait in the queue (Gradio's own default is one at a time).
CONCURRENCY: Final = 8
#: How many questions may wait before Gradio says that it is busy.
QUEUE_SIZE: Final = 64

#: More digits than this no number of a question has.
_DIGITS: Final = 7

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
    cut: Any
    filter: FilterRow
    stops: Stops
    feedback: bool

    def all(self) -> list[Any]:
        return [self.turns, self.chat, self.box, self.send, self.cut, *self.filter.inputs()]

    def show(self, turns: list[Turn], *, waiting: str = "", busy: bool = False) -> Update:
        """The conversation, and while ``waiting`` is shown at its end or it is busy, no way to ask another question."""
        shown = [*turns, _said(waiting)] if waiting else turns
        busy = busy or bool(waiting)
        return {
            self.turns: turns,
            self.chat: [{"role": turn["role"], "content": turn["content"]} for turn in shown],
            self.send: gr.update(interactive=not busy),
            self.cut: "",
            self.box: gr.update(value="", interactive=False) if busy else gr.update(interactive=True),
        }


def build_page(
    bot: Answerer, name: str, *, stops: Stops | None = None, logged: bool = False, feedback: bool = False
) -> gr.Blocks:
    """The page over ``bot``, to be mounted with the settings of `mount_settings`.

    Args:
        bot: Answers the questions.
        name: Shown at the top.
        stops: Reaches the answers under way; whoever serves the page lets ``POST /stop/{key}`` use it.
        logged: Whether questions are written to a log; the page then says so.
        feedback: Whether ``POST /api/feedback`` keeps verdicts on answers; the page then asks for them.
    """
    # analytics_enabled=False: otherwise Gradio asks api.gradio.app for its newest version here.
    with gr.Blocks(title=name, analytics_enabled=False) as page:
        with gr.Column(elem_id="qa-head"):
            gr.Markdown(f'<h1 class="qa-name">{escape(name)}</h1>', container=False)
            gr.Markdown(I18nData("tagline"), elem_id="qa-tagline", container=False)
            with gr.Row(elem_id="qa-links"):
                gr.Markdown(I18nData("listing"), elem_id="qa-listing", container=False)
                gr.Button(I18nData("download"), elem_id="qa-download")  # page.css shows it once there is an answer
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
            # In the place of the other one while that is shut. Not an event of Gradio's: two of one session at once can
            # leave a stream open that nobody reads, which holds up the end of the server.
            gr.Button(I18nData("stop"), elem_id="qa-stop")
            # Not shown, from the first moment on: page.js presses the one and fills the other.
            everywhere = gr.Button("", elem_id="qa-everywhere", visible="hidden")
            cut = gr.Textbox("", elem_id="qa-cut", container=False, label="", visible="hidden")
            row = filter_row(bot)
        if logged:
            gr.Markdown(I18nData("logged"), elem_id="qa-logged", container=False)
        starters = _starters()
        parts = _Parts(gr.State([]), chat, box, send, cut, row, stops or Stops(), feedback)
        _listen([box.submit, send.click], _asking(bot, parts), [box, parts.turns, cut, *row.inputs()], parts)
        _listen([everywhere.click], _asking_everywhere(bot, parts), [box, parts.turns], parts)
        for starter in starters:
            _listen([starter.click], _starting(bot, parts), [starter, parts.turns, *row.inputs()], parts)
        page.unload(_closing(parts.stops))
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


def _closing(stops: Stops) -> Callable[[gr.Request], None]:
    def close(request: gr.Request) -> None:
        """A page that is closed waits for nothing any more."""
        stops.stop(request.session_hash or "")

    return close


def _asking(bot: Answerer, parts: _Parts) -> Callable[..., Iterator[Update]]:
    def ask(
        question: str, turns: list[Turn], cut: str, since: str, until: str, outlets: list[str], request: gr.Request
    ) -> Iterator[Update]:
        yield from _turn(bot, parts, question, turns_before(turns, cut), request, only_of(since, until, outlets))

    return ask


def _asking_everywhere(bot: Answerer, parts: _Parts) -> Callable[..., Iterator[Update]]:
    def ask(question: str, turns: list[Turn], request: gr.Request) -> Iterator[Update]:
        """Ask without the filter, and lift it."""
        for update in _turn(bot, parts, question, turns, request, Only()):
            yield update | parts.filter.cleared()

    return ask


def _starting(bot: Answerer, parts: _Parts) -> Callable[..., Iterator[Update]]:
    def start(
        title: str, turns: list[Turn], since: str, until: str, outlets: list[str], request: gr.Request
    ) -> Iterator[Update]:
        ui = interface_language(request.headers.get("accept-language"))
        question = starter_question(title, LABELS[ui].starter_question)
        yield from _turn(bot, parts, question, turns, request, only_of(since, until, outlets))

    return start


def _turn(
    bot: Answerer, parts: _Parts, question: str, turns: list[Turn], request: gr.Request, only: Only
) -> Iterator[Update]:
    ui = interface_language(request.headers.get("accept-language"))
    question = question.strip()
    if not question:
        gr.Info(LABELS[ui].question_empty)
        yield {parts.box: gr.update(interactive=True)}
        return
    number = sum(earlier["role"] == "user" for earlier in turns)
    turn = Turn(role="user", content=question_turn(question[:QUESTION_LIMIT], ui, number))
    if len(question) > QUESTION_LIMIT:
        refusal = LABELS[ui].question_long.format(length=len(question), limit=QUESTION_LIMIT)
        yield parts.show([*turns, turn, _said(message_turn(refusal))])
        return
    history = [earlier["asked"] for earlier in turns if "asked" in earlier]
    asked = [*turns, turn | Turn(asked=question)]
    key = secrets.token_hex(16)
    with parts.stops.under_way(request.session_hash or "", key) as stop:
        yield parts.show(asked, waiting=waiting_turn(ui, key))
        yield from _answered(parts, bot.answering(question, history=history, only=only, stop=stop), asked, ui, stop)


def _answered(parts: _Parts, answers: Iterator[Answer], asked: list[Turn], ui: Lang, stop: Stop) -> Iterator[Update]:
    """The quotes as soon as they are there, and above them, in a turn of their own, a writer's prose as it grows.

    Two turns: while the prose grows Gradio leaves the quotes alone, and the focus and an article open beside them stay.
    """
    started, quotes, last = time.perf_counter(), "", None
    try:
        for answer in answers:
            ms = (time.perf_counter() - started) * 1000
            quotes = quotes or answer_turn(answer, ui, ms, tools(answer, ui, feedback=parts.feedback))
            last, busy = answer, answer.prose is not None and not answer.prose.complete
            yield parts.show([*asked, *_prose(answer, ui), _said(quotes)], busy=busy)
    except QAError as error:  # out of time while the writer wrote: the quotes stay
        shown = [_said(quotes)] if quotes else []
        yield parts.show([*asked, *shown, _said(message_turn(_told(error, ui)))])
        return
    if last is None:
        yield parts.show([*asked, _said(message_turn(LABELS[ui].stopped))])
    elif stop.is_set and last.prose is not None and not last.prose.complete:
        # Withdrawn, as where the writer fails half-way: a sentence that would have qualified it may be missing.
        ended = replace(last.prose, text="", complete=True, message=LABELS[ui].stopped_prose)
        yield parts.show([*asked, *_prose(replace(last, prose=ended), ui, said_in=ui), _said(quotes)])


def _prose(answer: Answer, ui: Lang, said_in: Lang | None = None) -> list[Turn]:
    prose = prose_turn(replace(answer, lang=said_in) if said_in else answer, ui)
    return [_said(prose)] if prose else []


def _told(error: QAError, ui: Lang) -> str:
    """What went wrong, in the language of the interface where that is everyday and nothing for the server's owner."""
    if isinstance(error, BusyError):
        return LABELS[ui].busy
    if isinstance(error, TimeLimitError):
        return LABELS[ui].too_long.format(seconds=f"{error.seconds:g}".replace(".", LABELS[ui].decimal_point))
    if isinstance(error, FilterError):
        return filter_fault(error, ui)
    return error.told


def _recovering(parts: _Parts) -> Callable[..., Update]:
    def recover(turns: list[Turn], request: gr.Request) -> Update:
        ui = interface_language(request.headers.get("accept-language"))
        return parts.show([*turns, _said(message_turn(LABELS[ui].failed))])

    return recover


def _said(content: str) -> Turn:
    return Turn(role="assistant", content=content)


def turns_before(turns: list[Turn], cut: str | None) -> list[Turn]:
    """The conversation before its question number ``cut``, counted from 0; all of it where that is no number of one."""
    asked = [at for at, turn in enumerate(turns) if turn["role"] == "user"]
    number = int(cut) if cut and cut.isdecimal() and cut.isascii() and len(cut) < _DIGITS else len(asked)
    return turns[: asked[number]] if number < len(asked) else turns


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
    keys = (
        "log", "close", "panel", "panel_loading", "panel_failed", "panel_changed", "copied", "copy_failed",
        "conversation", "why", "why_passage", "why_absent", "why_old", "why_missed", "remark", "give", "cancel", "kept",
        "kept_note", "not_kept", "again_note", "busy", "too_many", "unreached",
    )  # fmt: skip
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
