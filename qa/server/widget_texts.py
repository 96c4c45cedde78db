"""The widget's texts in German and English: those it shares with the page, and its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from qa.labels import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qa.types import Lang

#: Texts of `qa.labels.Labels` that the widget shows as they are.
SHARED: Final = (
    "promise", "promise_written", "writing", "written_by", "left_out_one", "left_out_many", "starters",
    "starter_question", "box_label", "box_hint", "send", "logged", "searching", "cite_name", "language", "also_in",
    "says_too", "differ", "undated", "closest", "open_passage", "open_passage_name", "open_article_name",
    "searched_for", "edit", "edit_name", "only_articles", "without_filter", "without_filter_name", "question_empty",
    "question_long", "untitled", "original", "whole_article", "panel_loading", "panel_changed", "not_found_text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WidgetTexts:
    """Every text that only the widget has, in one language; a missing one does not construct.

    ``failures`` go by the name of the problem's type; ``offline`` is none of those: no reply came.
    """

    locale: str
    stop: str
    stopped: str
    again: str
    back: str
    time: str
    between: str
    since: str
    until: str
    found_one: str
    found_many: str
    failures: Mapping[str, str]


_TEXTS: Final[Mapping[Lang, WidgetTexts]] = {
    "de": WidgetTexts(
        locale="de-DE",
        stop="Anhalten",
        stopped="Angehalten.",
        again="Noch einmal versuchen",
        back="Zurück zur Antwort",
        time="{date}, {time} Uhr",
        between="{since} bis {until}",
        since="ab {since}",
        until="bis {until}",
        found_one="Antwort mit einem Zitat:",
        found_many="Antwort mit {count} Zitaten. Das erste:",
        failures={
            "offline": "Der Server antwortet nicht. Vielleicht startet er gerade neu oder das Netz ist unterbrochen.",
            "unauthenticated": (
                "Sie sind hier nicht angemeldet, oder die Anmeldung ist abgelaufen. Bitte laden Sie die Seite neu."
            ),
            "no-token": (
                "Die Seite, in die dieses Fenster eingebettet ist, übergibt keine Anmeldung. Bitte sagen Sie es dem "
                "Betreiber der Seite."
            ),
            "not-permitted": "Mit dieser Anmeldung darf hier nicht gefragt werden.",
            "origin-not-allowed": "Diese Seite darf hier nicht fragen. Der Betreiber muss sie in qa.toml zulassen.",
            "host-not-allowed": "Unter diesem Namen antwortet der Server nicht. Der Betreiber muss ihn zulassen.",
            "rate-limited": "Das waren zu viele Fragen auf einmal. In {seconds} s geht es weiter.",
            "busy": "Gerade fragen zu viele zugleich. Bitte versuchen Sie es in {seconds} s noch einmal.",
            "time-limit": "Die Antwort hat zu lange gedauert. Bitte fragen Sie noch einmal.",
            "not-ready": "Der Server kann gerade nicht antworten. Sein Betreiber erfährt den Grund mit qa doctor.",
            "invalid": "Diese Frage nimmt der Server nicht an.",
            "too-large": "Diese Frage ist zu lang.",
            "other": "Das hat nicht geklappt. Die Ursache steht im Protokoll des Servers.",
        },
    ),
    "en": WidgetTexts(
        locale="en-GB",
        stop="Stop",
        stopped="Stopped.",
        again="Try again",
        back="Back to the answer",
        time="{date}, {time}",
        between="{since} to {until}",
        since="from {since}",
        until="until {until}",
        found_one="Answer with one quote:",
        found_many="Answer with {count} quotes. The first:",
        failures={
            "offline": "The server does not answer. It may be restarting, or the network is down.",
            "unauthenticated": "You are not signed in here, or no longer. Please load the page again.",
            "no-token": "The page around this window hands over no sign-in. Please tell whoever runs that page.",
            "not-permitted": "This sign-in may not ask here.",
            "origin-not-allowed": "This page may not ask here. The server's owner has to allow it in qa.toml.",
            "host-not-allowed": "The server does not answer under this name. Its owner has to allow it.",
            "rate-limited": "Too many questions at once. The next one is welcome in {seconds} s.",
            "busy": "Too many people are asking right now. Please try again in {seconds} s.",
            "time-limit": "The answer took too long. Please ask again.",
            "not-ready": "The server cannot answer at present. Its owner learns why from qa doctor.",
            "invalid": "The server does not take this question.",
            "too-large": "This question is too long.",
            "other": "That did not work. The server's log has the reason.",
        },
    ),
}


def widget_texts() -> dict[Lang, dict[str, Any]]:
    """All texts of the widget by language and name."""
    return {
        lang: {name: getattr(labels, name) for name in SHARED} | asdict(_TEXTS[lang]) for lang, labels in LABELS.items()
    }
