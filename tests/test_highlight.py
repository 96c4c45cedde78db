"""The phrase that answers, over invented sentences: the right one, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.bot import Bot
from qa.quoting.asked import read_asked
from qa.quoting.highlight import highlight
from qa.types import Lang

TEXTS = st.text(st.sampled_from("aAzZäß01 .,-–%€'’()„“:;\n") | st.characters(exclude_categories=["Cs"]), max_size=80)

DE = [
    ("Wer leitet das Tiefbauamt?", "Das Tiefbauamt leitet seit 2019 Ines Kahl.", "Ines Kahl"),
    (
        "Wer unterschrieb den Vertrag?",
        "Den Vertrag unterschrieben Ines Kahl und der Bürgermeister Jan Tom.",
        "Ines Kahl und der Bürgermeister Jan Tom",
    ),
    ("Wann soll die Brücke fertig sein?", "Die Brücke soll am 3. Oktober 2025 fertig sein.", "3. Oktober 2025"),
    ("In welchem Jahr wurde die Brücke gebaut?", "Die Brücke wurde im Jahr 1912 gebaut.", "1912"),
    ("Wie viele Unterschriften gab es?", "Es gab 1.850 Unterschriften und zwei Briefe.", "1.850 Unterschriften"),
    ("Wie lange dauert der Umbau?", "Der Umbau kostet 3 Millionen Euro und dauert 18 Monate.", "18 Monate"),
    ("Was kostet der Umbau? Wie teuer ist er?", "Der Umbau dauert 18 Monate.", None),
    ("Wie teuer ist der Umbau?", "Der Umbau dauert 18 Monate und kostet 3 Millionen Euro.", "3 Millionen Euro"),
    ("Wo brüten die Eulen?", "Die Eulen brüten in Lehmkuhlen.", "Lehmkuhlen"),
    ("Welche Tiere leben im Moor?", "Im Moor leben Eulen, Frösche und Mäuse.", "Eulen, Frösche und Mäuse"),
    ("Welchen Namen trägt das Schiff?", "Das Schiff trägt den Namen „Schwarze Möwe“.", "Schwarze Möwe"),
    ("Welches Recht gilt?", "Nach Ansicht des Gerichts gilt EU-Recht.", "EU-Recht"),
    ("Warum ist die Brücke gesperrt?", "Die Brücke ist wegen Rissen gesperrt.", None),
    ("Wann brüten die Eulen?", "Die Eulen brüten in Lehmkuhlen.", None),
    ("Wie viele Eulen brüten dort?", "Die Eulen brüten in Lehmkuhlen.", None),
]
EN = [
    ("Who runs the harbour?", "The harbour has been run by Mary Stone since 2019.", "Mary Stone"),
    ("When does the line open?", "The line will open on 12 May 2025.", "12 May 2025"),
    ("How many trams were ordered?", "They ordered 8 trams and 12 buses.", "8 trams"),
    ("Where were the trams built?", "The trams were built in Linz.", "Linz"),
    ("Why is it late?", "It is late because of strikes.", None),
]
CROSSED = [
    ("Who leads the office?", "Das Amt leitet seit 2019 Ines Kahl.", "Ines Kahl"),
    ("When will the bridge be ready?", "Die Brücke soll am 3. Oktober 2025 fertig sein.", "3. Oktober 2025"),
    ("How many soldiers are in Russia?", "In Russland sind 1500 Soldaten aus Nordkorea.", "1500 Soldaten"),
]


@pytest.mark.parametrize(
    ("question", "quote", "phrase", "lang"),
    [*((*one, "de") for one in DE), *((*one, "en") for one in EN), *((*one, "de") for one in CROSSED)],
)
def test_the_phrase_that_answers_is_found(question: str, quote: str, phrase: str | None, lang: Lang) -> None:
    found = highlight(read_asked(question), quote, lang)
    assert (None if found is None else found.of(quote)) == phrase


@given(TEXTS, TEXTS, st.sampled_from(["de", "en"]))
def test_any_span_lies_in_the_quote_and_begins_and_ends_at_a_word(question: str, quote: str, lang: Lang) -> None:
    found = highlight(read_asked(f"Wer oder was {question}?"), quote, lang)
    if found is not None:
        assert 0 <= found.start < found.end <= len(quote)
        assert found.of(quote).strip() == found.of(quote)


@pytest.mark.parametrize(
    ("question", "quote", "phrase"),
    [
        ("Welche Luftverteidigungssysteme könnte Seoul liefern?", "Experten zufolge", "Cheongung-I oder Cheongung-II"),
        ("which weapons did Seoul consider?", "Experten zufolge", "Cheongung-I oder Cheongung-II"),
        ("Wer ist der Sprecher des Kremls?", "Kein anderes Land", "Dmitri Peskow"),
        ("Wo haben Kim und Putin den Vertrag unterzeichnet?", "Unterzeichnet haben", "Pjöngjang"),
        ("Wann haben Kim und Putin das Abkommen unterzeichnet?", "Unterzeichnet haben", "Juni"),
    ],
)
def test_over_the_articles_that_ship(seed_bot: Bot, question: str, quote: str, phrase: str) -> None:
    citation = next(one for one in seed_bot.ask(question).citations if one.quote.startswith(quote))
    assert citation.highlight is not None
    assert citation.highlight.of(citation.quote) == phrase
