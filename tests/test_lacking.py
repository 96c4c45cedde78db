"""Whether quotes hold a figure or a date where one is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.quoting.asked import read_asked
from qa.quoting.evidence import Evidence
from qa.quoting.lacking import READ, SENTENCE, lacks, weighed_down
from qa.types import Span
from tests.fakes import article


@pytest.mark.parametrize(
    ("question", "quote", "lacking"),
    [
        ("Was kostet eine Haubitze K9?", "Die Haubitze K9 kommt aus Seoul.", True),
        ("What does a K9 howitzer cost?", "Die Geschütze verschießen 155-Millimeter-Granaten.", True),
        ("What does a K9 howitzer cost?", "Eine K9 kostet 3,5 Millionen Euro.", False),
        ("Wie viele Soldaten sind dort?", "Soldaten sind schon dort.", True),
        ("Wie viele Soldaten sind dort?", "Schon zwölf Soldaten sind dort.", False),
        ("How many of the 3000 soldiers fled?", "Von den 3000 Soldaten flohen welche.", True),
        ("How many of the 3000 soldiers fled?", "Von den 3000 Soldaten flohen 18.", False),
        ("Wann endete die Eiszeit?", "Die Eiszeit endete mit großer Wärme.", True),
        ("Wann endete die Eiszeit?", "Die Eiszeit endete etwa 11.600 BP.", False),
        ("When did the ice age end?", "Die Eiszeit endete im Oktober.", False),
        ("How long was the theatre open?", "Das Theater war von 1870 bis 1939 in Betrieb.", False),
        ("How long was the theatre open?", "Das Theater war beliebt.", True),
    ],
)
def test_what_is_asked_for_is_there_or_not(question: str, quote: str, lacking: bool) -> None:
    assert lacks(read_asked(question), [(quote, "de")]) == lacking


def test_one_quote_that_has_it_is_enough() -> None:
    asked = read_asked("Wie viele Soldaten sind dort?")
    assert lacks(asked, [])
    assert not lacks(asked, [("Niemand weiß es.", "de"), ("There are 40 soldiers.", "en")])


@given(st.sampled_from(["Who said so?", "Warum floh er?", "Which weapons?", "Wo liegt Kursk?", "ja"]), st.text())
def test_of_other_questions_nothing_is_known(question: str, quote: str) -> None:
    assert not lacks(read_asked(question), [(quote, "de")])


def weighed(question: str, sentences: list[str]) -> list[float]:
    """What log-odds of 0, -1, -2 ... become."""
    evidence = [Evidence(article(text), Span(0, len(text)), -float(n), candidate=0) for n, text in enumerate(sentences)]
    found = weighed_down(read_asked(question), evidence)
    assert [(one.article, one.span) for one in found] == [(one.article, one.span) for one in evidence]
    return [one.logit for one in found]


def test_sentences_without_what_is_asked_for_count_less() -> None:
    sentences = ["Soldaten sind schon dort.", "Es sind 40 Soldaten.", "Niemand weiß es."]
    assert weighed("Wie viele Soldaten sind dort?", sentences) == [-SENTENCE, -1, -2 - SENTENCE]


def test_of_other_questions_every_sentence_counts_as_it_did() -> None:
    assert weighed("Wer floh?", ["Soldaten flohen.", "Es sind 40."]) == [0, -1]


def test_sentences_far_down_are_not_read() -> None:
    sentences = ["Niemand weiß es."] * READ + ["Es sind 40 Soldaten."]
    assert weighed("Wie viele Soldaten sind dort?", sentences)[-1] == -READ - SENTENCE
