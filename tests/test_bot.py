"""The product as it is shipped, over seeds/ and, where they are there, over the originals."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.asking import LONGEST_QUESTION
from qa.bot import Bot
from qa.build import index_articles
from qa.config import Settings
from qa.only import FilterError
from qa.types import Answer, Citation, Encoder, Only
from tests.fakes import article as made

WEAPONS = "which weapons did Seoul consider?"

#: Lines and labels that the originals carry around their text. A quote holds none of them.
FURNITURE = (
    "Artikel anhören", "Foto:", "YONHAP", "Nachrichtensprecher", "Bericht:", "WERBUNG", "Werbung", "Newsletter",
    "Copyright", "Home »", "VERWANDTE", "Zum selben Thema", "Barrierefreiheit", "Quelle:", "Radio News", "Loader",
    "Kommentare", "Copy to clipboard", "Zuerst veröffentlicht", "Molotowcocktail", "Radfahrer", "Nordkorea Putin",
)  # fmt: skip


def quotes(answer: Answer) -> list[str]:
    return [citation.quote for citation in answer.citations]


def assert_exact(bot: Bot, answer: Answer) -> None:
    for citation in answer.citations:
        source = bot.article(citation.article_id)
        assert source is not None
        assert source.text[citation.start : citation.end] == citation.quote
        assert (citation.title, citation.outlet, citation.published) == (source.title, source.outlet, source.published)
    for passage in answer.passages:
        chunk = passage.chunk
        assert passage.article.text[chunk.start : chunk.end] == chunk.text


def test_the_first_question_over_the_seeds(seed_bot: Bot) -> None:
    answer = seed_bot.ask(WEAPONS)
    assert answer.status == "answered"
    assert any("K9" in quote for quote in quotes(answer))
    assert_exact(seed_bot, answer)


def test_the_first_question_over_the_originals(original_bot: Bot) -> None:
    answer = original_bot.ask(WEAPONS)
    assert answer.status == "answered"
    assert any("K9" in quote for quote in quotes(answer))
    assert_exact(original_bot, answer)


def test_no_furniture_is_ever_quoted(original_bot: Bot) -> None:
    """Every sentence that can be quoted at all is looked at, not only those of some answers."""
    for article in original_bot.articles():
        for record in original_bot.index.corpus.chunks_of(article.id):
            for span in record.sentences:
                assert not [mark for mark in FURNITURE if mark in span.of(article.text)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Welche Luftverteidigungssysteme könnte Seoul liefern?", "Cheongung"),
        ("Which air defence systems could Seoul deliver?", "Cheongung"),
        ("Wer ist Kyrylo Budanov?", "Militärgeheimdienst"),
        ("Wie viele nordkoreanische Soldaten sind in Kursk?", "Kursk"),
        ("Who is John Kirby?", "Kirby"),
        ("What did the Duma decide?", "Duma"),
    ],
)
def test_what_the_articles_say_is_quoted(seed_bot: Bot, question: str, expected: str) -> None:
    answer = seed_bot.ask(question)
    assert any(expected in quote for quote in quotes(answer))
    assert_exact(seed_bot, answer)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("What is the capital of Australia?", "The articles do not say."),
        ("Was ist die Hauptstadt von Australien?", "Dazu steht nichts in den Artikeln."),
        ("How do I bake sourdough bread?", "The articles do not say."),
        ("Wer hat die Fußball-Weltmeisterschaft 2014 gewonnen?", "Dazu steht nichts in den Artikeln."),
    ],
)
def test_what_they_do_not_say_is_left_unsaid(seed_bot: Bot, question: str, message: str) -> None:
    answer = seed_bot.ask(question)
    assert (answer.status, answer.message, answer.citations) == ("abstained", message, ())
    assert len(answer.passages) <= 3


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
def test_any_text_gets_an_exact_answer_or_none(seed_bot: Bot, question: str) -> None:
    answer = seed_bot.ask(question)
    assert answer.status in {"answered", "abstained", "about", "smalltalk"}
    assert bool(answer.citations) == (answer.status == "answered")
    assert 0.0 <= answer.confidence <= 1.0
    assert_exact(seed_bot, answer)


def test_a_long_text_is_cut_and_said_to_be(seed_bot: Bot) -> None:
    answer = seed_bot.ask("Haubitzen " * 10_000)
    assert len(answer.searched_for) <= LONGEST_QUESTION
    assert len(answer.question) == 100_000


def test_bytes_that_were_no_text_are_a_question_too(seed_bot: Bot) -> None:
    answer = seed_bot.ask(b"Haubitzen \xff\xfe?".decode("utf-8", "surrogateescape"))
    assert json.dumps(answer.to_dict(), ensure_ascii=False).encode("utf-8")
    assert answer.question == "Haubitzen ???"


def test_an_answer_does_not_depend_on_what_was_asked_before_or_beside_it(seed_bot: Bot) -> None:
    asked = [WEAPONS, "What is the capital of Australia?", "Wer ist Budanov?"] * 8
    alone = {question: quotes(seed_bot.ask(question)) for question in set(asked)}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(seed_bot.ask, asked))
    assert all(quotes(answer) == alone[answer.question] for answer in answers)


def test_a_question_that_stands_alone_is_answered_the_same_after_any_other(seed_bot: Bot) -> None:
    history = ["Wer ist Budanov?", "Und was sagt er?", "Was ist die Hauptstadt von Australien?"]
    for question in (WEAPONS, "What is the capital of Australia?", "Und wer ist John Kirby?"):
        alone, after = seed_bot.ask(question), seed_bot.ask(question, history=history)
        assert replace(after, timings_ms={}) == replace(alone, timings_ms={})


def test_articles_come_newest_first(seed_bot: Bot) -> None:
    dates = [article.published or "" for article in seed_bot.articles()]
    assert dates == sorted(dates, reverse=True)
    assert len(dates) == 5
    labels = [article.label for article in seed_bot.articles() if not article.published]
    assert labels == sorted(labels)


def test_stages_are_timed(seed_bot: Bot) -> None:
    timings = seed_bot.ask(WEAPONS).timings_ms
    assert list(timings) == ["read", "encode", "dense", "lexical", "pieces", "words", "fuse", "answer", "total"]
    assert timings["total"] >= sum(ms for stage, ms in timings.items() if stage != "total") * 0.99


DATED = (
    made(
        "Seoul prüft K9-Haubitzen für die Ukraine. Das sagte ein Sprecher.",
        name="old",
        published="2024-10-23",
        outlet="Hafenbote",
    ),
    made(
        "Seoul prüft weitere K9-Haubitzen für Polen.",
        name="new",
        published="2024-11-07T08:30",
        outlet="Nordpresse",
    ),
    made("In Kursk stehen rund 2.600 Soldaten aus Nordkorea.", name="undated"),
)


@pytest.fixture(scope="module")
def dated_bot(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return Bot(index_articles(Settings(index=tmp_path_factory.mktemp("dated")), encoder, DATED), encoder)


K9 = "Welche K9-Haubitzen prüft Seoul?"


def cited(answer: Answer) -> set[str]:
    return {citation.article_id for citation in answer.citations}


@pytest.mark.parametrize(
    ("only", "articles"),
    [
        (Only(), {"old-id", "new-id"}),
        (Only(until="2024-10"), {"old-id"}),
        (Only("2024-11-07", "2024-11-07"), {"new-id"}),
        (Only(outlets=("nordpresse",)), {"new-id"}),
        (Only("2024-10", "2024", ("Hafenbote", "Nordpresse")), {"old-id", "new-id"}),
    ],
)
def test_only_articles_within_the_filter_are_quoted(dated_bot: Bot, only: Only, articles: set[str]) -> None:
    answer = dated_bot.ask(K9, only=only)
    assert cited(answer) == articles
    assert_exact(dated_bot, answer)
    assert bool(answer.only) == bool(only)


def test_a_filter_comes_from_the_question_too_and_is_reported(dated_bot: Bot) -> None:
    answer = dated_bot.ask("Welche K9-Haubitzen prüft Seoul laut Berichten vom Oktober?")
    assert cited(answer) == {"old-id"}
    assert answer.only == Only("2024-10", "2024-10")
    assert answer.searched_for == "Welche K9-Haubitzen prüft Seoul laut Berichten?"
    assert answer.to_dict()["only"] == {"since": "2024-10", "until": "2024-10", "outlets": ()}
    both = dated_bot.ask("Welche K9-Haubitzen nennen Berichte vor November?", only=Only(outlets=("Nordpresse",)))
    assert both.only == Only(None, "2024-10", ("Nordpresse",))
    assert both.status == "abstained"


def test_the_date_of_an_event_keeps_nothing_out(dated_bot: Bot) -> None:
    answer = dated_bot.ask("Welche K9-Haubitzen prüfte Seoul im Oktober 2024?")
    assert not answer.only
    assert answer.searched_for == answer.question


def test_an_abstention_under_a_filter_says_what_there_is_without_it(dated_bot: Bot) -> None:
    kursk = "Wie viele Soldaten aus Nordkorea stehen in Kursk?"
    answer = dated_bot.ask(kursk, only=Only("2024"))
    assert (answer.status, answer.citations) == ("abstained", ())
    assert answer.message.endswith("Ohne den Filter gibt es eine Antwort.")
    assert "without_filter" in answer.timings_ms
    assert all(passage.article.published for passage in answer.passages)
    nowhere = dated_bot.ask("Was ist die Hauptstadt von Australien?", only=Only("2024"))
    assert nowhere.message.endswith("und in allen anderen auch nicht.")


def test_the_latest_of_nearly_equal_sentences_is_quoted_first(dated_bot: Bot) -> None:
    plain, latest = dated_bot.ask(K9), dated_bot.ask("Welche K9-Haubitzen prüft Seoul zuletzt?")
    assert {one.article_id for one in plain.citations} == {"old-id", "new-id"}
    assert [one.article_id for one in latest.citations] == ["new-id", "old-id"]
    assert not latest.only


def test_a_wrong_filter_is_refused(dated_bot: Bot) -> None:
    with pytest.raises(FilterError, match="did you mean 'Nordpresse'"):
        dated_bot.ask(K9, only=Only(outlets=("Nordpress",)))
    with pytest.raises(FilterError, match="lies after"):
        dated_bot.ask(K9, only=Only("2025", "2024"))


def test_what_a_filter_may_name(dated_bot: Bot) -> None:
    assert dated_bot.outlets == ("Hafenbote", "Nordpresse")
    assert dated_bot.days == ("2024-10-23", "2024-11-07")


def test_a_follow_up_keeps_to_what_its_question_was_restricted_to(dated_bot: Bot) -> None:
    answer = dated_bot.ask("Und über Kursk?", history=["Was sagen Artikel vom Oktober 2024 über Haubitzen?"])
    assert answer.only == Only("2024-10", "2024-10")
    assert "Kursk" in answer.searched_for


class Scribe:
    """A writer that says what it is told to, and remembers what it was asked."""

    name = "scribe"

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.asked: list[tuple[str, str, int]] = []
        self.closed = False

    def write(self, question: str, lang: str, citations: Sequence[Citation]) -> Generator[str, None, None]:
        self.asked.append((question, lang, len(citations)))
        try:
            yield from self.pieces
        finally:
            self.closed = True


def written(bot: Bot, *pieces: str) -> Bot:
    return Bot(bot.index, bot.encoder, writer=Scribe(*pieces))


def test_without_a_writer_there_is_no_prose(seed_bot: Bot) -> None:
    (answer,) = seed_bot.answering(WEAPONS)
    assert answer.prose is None
    assert answer.to_dict()["prose"] is None


def test_the_quotes_come_first_and_do_not_change_while_the_prose_grows(seed_bot: Bot) -> None:
    bot = written(
        seed_bot, "Seoul could deliver K9 howi", "tzers [1]. Putin agreed [1]. Seoul thinks ", "about it [1]."
    )
    answers = list(bot.answering(WEAPONS))
    assert answers[0].prose is None
    assert replace(answers[0], timings_ms={}) == replace(seed_bot.ask(WEAPONS), timings_ms={})
    for answer in answers[1:]:
        assert (answer.citations, answer.passages, answer.confidence) == (
            answers[0].citations,
            answers[0].passages,
            answers[0].confidence,
        )
    assert [answer.prose.complete for answer in answers[1:] if answer.prose] == [False, False, True]
    prose = answers[-1].prose
    assert prose is not None
    assert prose.text == "Seoul could deliver K9 howitzers [1]. Seoul thinks about it [1]."
    assert prose.faults == ("name",)
    assert answers[-1].to_dict()["prose"]["dropped"] == 1
    assert answers[-1].timings_ms["writer"] >= 0
    assert replace(bot.ask(WEAPONS), timings_ms={}) == replace(answers[-1], timings_ms={})


@pytest.mark.parametrize("question", ["What is the capital of Australia?", ""])
def test_an_abstention_is_never_sent_to_the_writer(seed_bot: Bot, question: str) -> None:
    bot = written(seed_bot, "Canberra [1].")
    assert bot.ask(question).prose is None
    assert isinstance(bot.writer, Scribe)
    assert bot.writer.asked == []


def test_the_writer_is_asked_what_was_searched_for_in_the_language_of_the_question(seed_bot: Bot) -> None:
    bot = written(seed_bot, "-")
    answer = bot.ask("Und Russland?", history=["Wie reagiert Südkorea auf nordkoreanische Soldaten?"])
    assert isinstance(bot.writer, Scribe)
    assert bot.writer.asked == [(answer.searched_for, "de", len(answer.citations))]
    assert answer.prose is not None
    assert (answer.prose.text, answer.prose.reason) == ("", "nothing left")
    assert answer.prose.message.endswith("Die Zitate stehen für sich.")


def test_leaving_while_it_writes_ends_the_writing(seed_bot: Bot) -> None:
    bot = written(seed_bot, "Seoul ", "thinks ", "about it [1].")
    answers = bot.answering(WEAPONS)
    while next(answers).prose is None:
        pass
    answers.close()  # type: ignore[attr-defined]
    assert isinstance(bot.writer, Scribe)
    assert bot.writer.asked == [] or bot.writer.closed
