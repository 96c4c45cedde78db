"""The interface's texts in German and English, and how it writes dates, times and names of languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from qa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qa.types import Citation, Lang


_SECOND: Final = 1000
#: Code points of a title that stands for an outlet in a line of several.
_SOURCE: Final = 40


@dataclass(frozen=True, slots=True)
class Labels:
    """Every text of the page in one language; a missing one does not construct.

    Texts with ``{}`` are formatted with the name in braces; ``months`` runs from January to December.
    """

    tagline_one: str
    tagline_many: str
    tagline_none: str
    unwritten: str
    written: str
    promise_written: str
    writing: str
    written_by: str
    left_out_one: str
    left_out_many: str
    welcome: str
    contents: str
    promise: str
    starters: str
    starter_question: str
    box_label: str
    box_hint: str
    send: str
    logged: str
    log: str
    searching: str
    cite_name: str
    language: Mapping[Lang, str]
    also_in: str
    says_too: str
    differ: str
    undated: str
    closest: str
    open_passage: str
    open_passage_name: str
    open_article_name: str
    searched_for: str
    edit: str
    edit_name: str
    only_articles: str
    without_filter: str
    without_filter_name: str
    filter: str
    filter_set: str
    filter_since: str
    filter_until: str
    filter_outlets: str
    filter_clear: str
    took: str
    decimal_point: str
    question_empty: str
    question_long: str
    failed: str
    untitled: str
    original: str
    whole_article: str
    close: str
    panel: str
    panel_loading: str
    panel_failed: str
    panel_changed: str
    back: str
    not_found: str
    not_found_text: str
    copy: str
    copy_name: str
    copied: str
    copy_failed: str
    sources: str
    passage: str
    download: str
    conversation: str
    right: str
    wrong: str
    why: str
    why_passage: str
    why_absent: str
    why_old: str
    why_missed: str
    remark: str
    give: str
    cancel: str
    kept: str
    kept_note: str
    not_kept: str
    stop: str
    stopped: str
    stopped_prose: str
    again: str
    again_name: str
    again_note: str
    busy: str
    too_long: str
    too_many: str
    unreached: str
    date: str
    time: str
    months: tuple[str, ...]


LABELS: Final[Mapping[Lang, Labels]] = {
    "de": Labels(
        tagline_one="Wörtliche Zitate aus einem Artikel.",
        tagline_many="Wörtliche Zitate aus {count} Artikeln.",
        tagline_none="Wörtliche Zitate aus Ihren Artikeln.",
        unwritten="Kein Sprachmodell schreibt mit.",
        written="Ein Sprachmodell fasst sie zusammen.",
        promise_written=(
            "Fragen Sie auf Deutsch oder Englisch. Die Antwort besteht aus Sätzen der Artikel, Wort für Wort, jeder "
            "mit seiner Fundstelle. Darüber fasst ein Sprachmodell zusammen; was die Zitate nicht decken, fällt weg."
        ),
        writing="Das Sprachmodell {model} fasst die Zitate zusammen …",
        written_by=(
            "Vom Sprachmodell {model} geschrieben. Zahlen, Namen und Zitate sind an den Quellen geprüft; der Sinn ist "
            "es nicht."
        ),
        left_out_one="Ein Satz fiel weg, weil ihn die Zitate nicht decken.",
        left_out_many="{count} Sätze fielen weg, weil sie die Zitate nicht decken.",
        welcome="Was möchten Sie wissen?",
        contents="Was hier steht",
        promise=(
            "Fragen Sie auf Deutsch oder Englisch. Die Antwort besteht aus Sätzen der Artikel, Wort für Wort, "
            "jeder mit seiner Fundstelle. Steht etwas nicht darin, erfahren Sie auch das."
        ),
        starters="Oder lassen Sie sich zeigen, worum es in einem Artikel geht",
        starter_question="Worum geht es in „{title}“?",
        box_label="Ihre Frage",
        box_hint="Ihre Frage …",
        send="Fragen",
        logged="Fragen werden auf diesem Server aufgezeichnet.",
        log="Fragen und Antworten",
        searching="Die Artikel werden durchsucht …",
        cite_name="Beleg {number}: „{title}“ an diesem Satz öffnen",
        language={"de": "Deutsch", "en": "Englisch"},
        also_in="Derselbe Text auch:",
        says_too="auch in",
        differ="Die Quellen nennen verschiedene Zahlen:",
        undated="ohne Datum",
        closest="Ähnlichste Stellen, keine Antwort",
        open_passage="Stelle öffnen",
        open_passage_name="Stelle öffnen in „{title}“",
        open_article_name="Artikel öffnen: „{title}“",
        searched_for="Gesucht wurde nach: {text}",
        edit="Bearbeiten",
        edit_name="Diese Suche bearbeiten und neu stellen",
        only_articles="Nur Artikel: {filter}",
        without_filter="Alle durchsuchen",
        without_filter_name="Filter aufheben und in allen Artikeln suchen",
        filter="Artikel eingrenzen",
        filter_set="Artikel eingegrenzt",
        filter_since="Erschienen ab",
        filter_until="Erschienen bis",
        filter_outlets="Medien",
        filter_clear="Filter aufheben",
        took="Dauer: {time}",
        decimal_point=",",
        question_empty="Bitte stellen Sie eine Frage.",
        question_long="Die Frage ist mit {length} Zeichen zu lang. Erlaubt sind höchstens {limit} Zeichen.",
        failed="Das hat nicht geklappt. Die Ursache steht im Protokoll des Servers; bitte fragen Sie noch einmal.",
        untitled="Ohne Titel",
        original="Zum Original",
        whole_article="Ganzen Artikel öffnen",
        close="Schließen",
        panel="Artikel",
        panel_loading="Der Artikel wird geladen …",
        panel_changed="Der Artikel wurde seit der Antwort geändert. Die zitierte Stelle steht so nicht mehr darin.",
        panel_failed="Der Artikel ließ sich nicht laden. Läuft der Server noch? Bitte versuchen Sie es noch einmal.",
        back="Zur Startseite",
        not_found="Hier ist nichts",
        not_found_text="Diese Adresse führt zu keinem Artikel. Vielleicht wurde er entfernt oder umbenannt.",
        copy="Kopieren",
        copy_name="Antwort mit Quellen als Markdown kopieren",
        copied="Kopiert",
        copy_failed="Das Kopieren ließ der Browser nicht zu.",
        sources="Quellen:",
        passage="Fundstelle",
        download="Gespräch speichern",
        conversation="Gespräch",
        right="Die Antwort ist richtig",
        wrong="An der Antwort stimmt etwas nicht",
        why="Was stimmt nicht?",
        why_passage="Die Stelle beantwortet die Frage nicht",
        why_absent="Das steht nicht in den Artikeln",
        why_old="Die Angabe ist überholt",
        why_missed="In den Artikeln steht doch eine Antwort",
        remark="Bemerkung (freiwillig)",
        give="Abschicken",
        cancel="Abbrechen",
        kept="Danke. Festgehalten auf diesem Server und nirgends sonst.",
        kept_note=(
            "Frage, zitierte Stellen, Urteil und Bemerkung bleiben auf diesem Server; wer Sie sind, wird "
            "nicht festgehalten."
        ),
        not_kept="Das ließ sich nicht festhalten. Bitte versuchen Sie es später noch einmal.",
        stop="Anhalten",
        stopped="Angehalten.",
        stopped_prose="Die Zusammenfassung wurde angehalten; die Zitate stehen für sich.",
        again="Ändern",
        again_name="Diese Frage ändern und neu stellen",
        again_note="Sie ändern eine frühere Frage. Was danach kam, fällt weg.",
        busy=(
            "Gerade sind zu viele Fragen auf einmal da. Bitte fragen Sie in ein paar Sekunden noch einmal. "
            ""
        ),
        too_long=(
            "Innerhalb von {seconds} Sekunden gab es keine Antwort. Bitte fragen Sie noch einmal, oder "
            "weniger auf einmal."
        ),
        too_many="Das waren zu viele Fragen in kurzer Zeit. Die nächste ist in {seconds} s willkommen.",
        unreached="Der Server ist nicht zu erreichen. Bitte versuchen Sie es noch einmal.",
        date="{day}. {month} {year}",
        time="{date}, {hour:02d}:{minute:02d} Uhr",
        months=(
            "Januar", "Februar", "März", "April", "Mai", "Juni",
            "Juli", "August", "September", "Oktober", "November", "Dezember",
        ),
    ),
    "en": Labels(
        tagline_one="Word-for-word quotes from one article.",
        tagline_many="Word-for-word quotes from {count} articles.",
        tagline_none="Word-for-word quotes from your articles.",
        unwritten="No language model writes anything here.",
        written="A language model sums them up.",
        promise_written=(
            "Ask in English or German. The answer is made of sentences from the articles, word for word, each with the "
            "place it stands. Above them a language model sums up; what the quotes do not hold up is left out."
        ),
        writing="The language model {model} is summing up the quotes …",
        written_by=(
            "Written by the language model {model}. Figures, names and quotations are checked against the quotes; the "
            "meaning is not."
        ),
        left_out_one="One sentence was left out because the quotes do not hold it up.",
        left_out_many="{count} sentences were left out because the quotes do not hold them up.",
        welcome="What would you like to know?",
        contents="What is in here",
        promise=(
            "Ask in English or German. The answer is made of sentences from the articles, word for word, each "
            "with the place it stands. If the articles do not say, you will be told so."
        ),
        starters="Or see what an article is about",
        starter_question="What is “{title}” about?",
        box_label="Your question",
        box_hint="Your question …",
        send="Ask",
        logged="Questions are recorded on this server.",
        log="Questions and answers",
        searching="Searching the articles …",
        cite_name="Citation {number}: open “{title}” at this sentence",
        language={"de": "German", "en": "English"},
        also_in="The same text also in:",
        says_too="also in",
        differ="The sources differ:",
        undated="undated",
        closest="Closest passages, not an answer",
        open_passage="Open passage",
        open_passage_name="Open passage in “{title}”",
        open_article_name="Open article: “{title}”",
        searched_for="Searched for: {text}",
        edit="Edit",
        edit_name="Edit this search and send it again",
        only_articles="Only articles: {filter}",
        without_filter="Search all",
        without_filter_name="Remove the filter and search all articles",
        filter="Narrow down the articles",
        filter_set="Articles narrowed down",
        filter_since="Published from",
        filter_until="Published until",
        filter_outlets="Outlets",
        filter_clear="Remove the filter",
        took="Took {time}",
        decimal_point=".",
        question_empty="Please ask a question.",
        question_long="The question is too long: {length} characters, where {limit} are allowed.",
        failed="That did not work. The server's log has the reason; please ask again.",
        untitled="Untitled",
        original="View the original",
        whole_article="Open the whole article",
        close="Close",
        panel="Article",
        panel_loading="Loading the article …",
        panel_changed="This article was edited after the answer. The quoted passage is no longer in it.",
        panel_failed="The article could not be loaded. Is the server still running? Please try again.",
        back="Back to the start",
        not_found="There is nothing here",
        not_found_text="This address leads to no article. It may have been removed or renamed.",
        copy="Copy",
        copy_name="Copy the answer with its sources as Markdown",
        copied="Copied",
        copy_failed="The browser did not allow copying.",
        sources="Sources:",
        passage="passage",
        download="Save the conversation",
        conversation="Conversation",
        right="The answer is right",
        wrong="Something is wrong with the answer",
        why="What is wrong?",
        why_passage="The passage does not answer the question",
        why_absent="The articles do not say that",
        why_old="It is out of date",
        why_missed="The articles do have an answer",
        remark="Remark (optional)",
        give="Send",
        cancel="Cancel",
        kept="Thank you. Kept on this server and nowhere else.",
        kept_note=(
            "Question, quoted places, verdict and remark stay on this server; who you are is not kept. "
            ""
        ),
        not_kept="That could not be kept. Please try again later.",
        stop="Stop",
        stopped="Stopped.",
        stopped_prose="The summary was stopped; the quotes speak for themselves.",
        again="Edit",
        again_name="Edit this question and ask again",
        again_note="You are editing an earlier question. What came after it will go.",
        busy="There are too many questions at once. Please ask again in a few seconds.",
        too_long=(
            "There was no answer within {seconds} seconds. Please ask again, or ask for less at once. "
            ""
        ),
        too_many="Those were too many questions in a short time. The next one is welcome in {seconds} s.",
        unreached="The server cannot be reached. Please try again.",
        date="{day} {month} {year}",
        time="{date}, {hour:02d}:{minute:02d}",
        months=(
            "January", "February", "March", "April", "May", "June",
            "July", "August", "September", "October", "November", "December",
        ),
    ),
}  # fmt: skip


def interface_language(accept_language: str | None) -> Lang:
    """The interface language for an ``Accept-Language`` header: German where it is preferred, else English.

    Only the most preferred language counts, as in `gr.I18n`, which reads ``navigator.language``: the texts that
    the browser chooses and those that the server chooses must be in one language.
    """
    best, best_weight = "", 0.0
    for part in (accept_language or "").split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.partition("=")[2]) if parameter else 1.0
        except ValueError:
            continue
        if weight > best_weight:
            best, best_weight = tag.strip().lower(), weight
    return "de" if best.partition("-")[0] == "de" else "en"


def searched_note(question: str, searched_for: str, lang: Lang) -> str:
    """What was searched for, where that is not what was typed, else ""; blanks do not count."""
    if not searched_for.strip() or searched_for.split() == question.split():
        return ""
    return LABELS[lang].searched_for.format(text=searched_for)


def format_date(published: str | None, lang: Lang) -> str:
    """An ISO 8601 date or minute as people write it; "" for None, and anything else as it is."""
    if published is None:
        return ""
    try:
        moment = datetime.fromisoformat(published)
    except ValueError:
        return published
    labels = LABELS[lang]
    date = labels.date.format(day=moment.day, month=labels.months[moment.month - 1], year=moment.year)
    if "T" not in published:
        return date
    return labels.time.format(date=date, hour=moment.hour, minute=moment.minute)


def figure_source(citation: Citation, lang: Lang) -> str:
    """Who gives a figure and of which day: the outlet, else the beginning of the title, and the date without a time."""
    outlet = citation.outlet or shortened(citation.title or LABELS[lang].untitled, _SOURCE)
    day = (citation.published or "").partition("T")[0]
    return f"{outlet}, {format_date(day, lang) if day else LABELS[lang].undated}"


def format_duration(ms: float, lang: Lang) -> str:
    """Milliseconds below a second as ``84 ms``, above as ``1.2 s`` or ``1,2 s``."""
    if round(ms) < _SECOND:
        return f"{round(ms)} ms"
    return f"{ms / _SECOND:.1f} s".replace(".", LABELS[lang].decimal_point)


def tagline(count: int, lang: Lang, *, written: bool = False) -> str:
    """One line on what the page is, with how many articles it answers from and whether a language model has a part."""
    labels = LABELS[lang]
    if count == 0:
        quotes = labels.tagline_none
    else:
        quotes = labels.tagline_one if count == 1 else labels.tagline_many.format(count=count)
    return f"{quotes} {labels.written if written else labels.unwritten}"


def left_out_note(count: int, lang: Lang) -> str:
    """How many of the language model's sentences were dropped; "" for none."""
    if count == 0:
        return ""
    labels = LABELS[lang]
    return labels.left_out_one if count == 1 else labels.left_out_many.format(count=count)
