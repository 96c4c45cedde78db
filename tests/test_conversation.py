"""What is searched for when a question leans on earlier ones, and conversations over seeds/."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.bot import Bot
from qa.conversation import CARRIED, Search, resolve
from qa.measuring.questions import read_questions
from qa.measuring.questions import resolve as resolve_articles
from qa.turns.leaning import leans
from qa.turns.words import read
from tests.turns import ALONE, COURTESY, LEANING

TALKS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "data" / "conversations.toml").read_text(encoding="utf-8")
)["talk"]
FOLLOW_UPS = Path(__file__).parent.parent / "eval" / "follow_ups.jsonl"

TURNS = st.one_of(st.sampled_from([*LEANING, *ALONE, *COURTESY]), st.text(max_size=80))


@pytest.mark.parametrize(
    ("history", "question", "searched"),
    [
        # A fragment takes the place of its counterpart: a name, the noun asked for, a date, the same preposition.
        (["How did South Korea react?"], "And Russia?", "How did Russia react?"),
        (["How did South Korea react?"], "thanks, and Russia?", "How did Russia react?"),
        (["Welche Schiffe baut die Werft?"], "und die Fähren?", "Welche Fähren baut die Werft?"),
        (["How many ships did Norway sell to Chile?"], "and planes?", "How many planes did Norway sell to Chile?"),
        (["How many ships did Norway sell to Chile?"], "And to Peru?", "How many ships did Norway sell to Peru?"),
        (["What happened in Oslo in August?"], "And in November?", "What happened in Oslo in November?"),
        (["What happened in Oslo in August?"], "and in 2022?", "What happened in Oslo in 2022?"),
        (["Was sagte Kahl über die Brücke?"], "Und über die Bahn?", "Was sagte Kahl über die Bahn?"),
        (["Was sagt die NATO zur Lage?"], "und die EU?", "Was sagt die EU zur Lage?"),
        (["wer ist kahl"], "und wieland", "wer ist wieland"),
        (["Did Oslo invite the Danish minister?"], "And the Swedish minister?", "Did Oslo invite the Swedish minister?"),
        (["Wie viele dänische Schiffe liegen hier?"], "Und schwedische?", "Wie viele schwedische Schiffe liegen hier?"),
        (["What did Kahl say about the bridge?"], "What about Wieland?", "What did Wieland say about the bridge?"),
        (["Was sagte Kahl über die Brücke?"], "Was ist mit Wieland?", "Was sagte Wieland über die Brücke?"),
        (["Was sagte Kahl über die Brücke?"], "Wie sieht es mit Wieland aus?", "Was sagte Wieland über die Brücke?"),
        # What has no counterpart comes before the question.
        (["Was sagte Kahl über die Brücke?"], "Und am Montag?", "Montag: Was sagte Kahl über die Brücke?"),
        # A question of its own comes after the content of the earlier one.
        (["Who is Ines Kahl?"], "How old is she?", "Ines Kahl: How old is she?"),
        (["Wann wird die Brücke gesperrt?"], "warum?", "Brücke gesperrt: warum?"),
        (["Wann wird die Brücke gesperrt?"], "Danke. Und warum?", "Brücke gesperrt: warum?"),
        (["Was kostet die Reparatur?"], "And how long does it take?", "kostet, Reparatur: how long does it take?"),
        # What is named again is not carried on, nor what something new takes the place of.
        (["What did Kahl say about the bridge?"], "And what did Wieland say?", "bridge: what did Wieland say?"),
        (["Wie viele dänische Schiffe liegen hier?"], "Und wie viele schwedische?", "Schiffe liegen: wie viele schwedische?"),
        (["What did Kahl say about the bridge?"], "Did she say why?", "Kahl, bridge: Did she say why?"),
    ],
)  # fmt: skip
def test_a_follow_up_is_searched_for_with_what_it_leans_on(history: list[str], question: str, searched: str) -> None:
    assert resolve(question, history) == Search(searched, history[-1])


@pytest.mark.parametrize(
    ("history", "question", "searched"),
    [
        (["Who is Ines Kahl?", "What does she want?"], "And why?", "Ines Kahl, want: why?"),
        (["Who is Ines Kahl?", "Thanks!", "ok"], "What does she want?", "Ines Kahl: What does she want?"),
        (["Who is Ines Kahl?", "And Wieland?"], "What does he want?", "Wieland: What does he want?"),
        (["Who is Ines Kahl?", "What does she want?"], "And Wieland?", "Wieland: What does she want?"),
        (["Who is Ines Kahl?", "Wo liegt Oslo?"], "How many people live there?", "liegt Oslo: How many people live there?"),
        (["Und warum?", "Who is Ines Kahl?"], "What does she want?", "Ines Kahl: What does she want?"),
        (["Wo war sie zuletzt?"], "Und warum?", "zuletzt: warum?"),
        (["warum?", "und dann?"], "Und wie viele?", "Und wie viele?"),
    ],
)  # fmt: skip
def test_a_chain_carries_its_topic_on(history: list[str], question: str, searched: str) -> None:
    assert resolve(question, history).text == searched


@given(st.lists(TURNS, max_size=6))
def test_a_question_that_stands_alone_takes_nothing_from_any_history(history: list[str]) -> None:
    for question in ALONE:
        assert resolve(question, history) == Search(question)


@given(TURNS, st.lists(TURNS, max_size=6))
def test_resolving_any_text_is_deterministic_and_never_fails(question: str, history: list[str]) -> None:
    search = resolve(question, history)
    assert search == resolve(question, list(history))
    assert search.text == question or (search.topic and leans(read(question)))
    assert resolve(question) == Search(question)


@settings(max_examples=300)
@given(
    st.sampled_from(ALONE),
    st.lists(st.sampled_from([*LEANING, *ALONE, *COURTESY]), max_size=4),
    st.sampled_from(LEANING),
)
def test_what_was_resolved_can_be_sent_as_it_is(alone: str, between: list[str], question: str) -> None:
    searched = resolve(question, [alone, *between])
    assert not searched.topic or resolve(searched.text, [alone, *between, question]).text == searched.text


@given(st.sampled_from(ALONE), st.lists(TURNS, max_size=4), st.sampled_from(LEANING))
def test_nothing_before_a_question_that_stands_alone_counts(alone: str, before: list[str], question: str) -> None:
    assert resolve(question, [*before, alone]) == resolve(question, [alone])


def test_a_long_question_is_carried_on_in_part() -> None:
    long = "Warum sperrt die Stadt " + ", ".join(f"Brücke{n}" for n in range(30)) + "?"
    carried, _, asked = resolve("Seit wann?", [long]).text.rpartition(": ")
    assert asked == "Seit wann?"
    assert carried.split(", ") == ["sperrt", "Stadt Brücke0", *(f"Brücke{n}" for n in range(1, CARRIED - 2))]


def test_there_are_conversations_enough() -> None:
    assert len(TALKS) >= 25
    assert len({talk["name"] for talk in TALKS}) == len(TALKS)


@pytest.mark.parametrize("talk", TALKS, ids=[talk["name"] for talk in TALKS])
def test_a_conversation_goes_as_written(seed_bot: Bot, talk: dict[str, Any]) -> None:
    history: list[str] = []
    for turn in talk["turns"]:
        answer = seed_bot.ask(turn["ask"], history=history)
        quotes = [citation.quote for citation in answer.citations]
        assert answer.question == turn["ask"]
        if answer.status != "smalltalk":
            assert answer.searched_for == turn.get("searches", turn["ask"])
        if "searches" not in turn:
            alone = seed_bot.ask(turn["ask"])
            assert (answer.status, answer.citations, answer.confidence) == (
                alone.status,
                alone.citations,
                alone.confidence,
            )
        if "says" in turn:
            assert any(turn["says"] in quote for quote in quotes), turn
        if turn.get("silent"):
            assert quotes == [], turn
        history.append(turn["ask"])


def test_no_answer_makes_the_next_turn_answerable(seed_bot: Bot) -> None:
    """Asked after a question that is answered, what the articles do not say stays unsaid."""
    first = "Wer ist Shin Won-sik?"
    assert seed_bot.ask(first).status == "answered"
    for question in ("And the weather in Sydney?", "Und wie backe ich Brot?", "Wie viele Tore hat er geschossen?"):
        answer = seed_bot.ask(question, history=[first])
        assert answer.searched_for != question
        assert (answer.status, answer.citations) == ("abstained", ())


def test_a_question_after_any_history_is_answered_in_its_own_language(seed_bot: Bot) -> None:
    answer = seed_bot.ask("Und das Wetter?", history=["Who is John Kirby?"])
    assert (answer.lang, answer.message) == ("de", "Dazu steht nichts in den Artikeln.")
    assert "topic" in answer.timings_ms


@settings(max_examples=15)
@given(st.lists(st.text(max_size=60), max_size=3), st.text(max_size=60))
def test_any_history_is_borne(seed_bot: Bot, history: list[str], question: str) -> None:
    answer = seed_bot.ask(question, history=[*history, b"\xff?".decode("utf-8", "surrogateescape")])
    assert json.dumps(answer.to_dict(), ensure_ascii=False).encode("utf-8")


def test_every_follow_up_of_the_sweep_leans_and_its_evidence_stands(seed_bot: Bot) -> None:
    questions = resolve_articles(read_questions(FOLLOW_UPS), seed_bot.articles(), "follow_ups")
    assert len(questions) == 120
    assert sum(one.answerable for one in questions) == 60
    assert all(resolve(one.text, one.history).topic for one in questions)
