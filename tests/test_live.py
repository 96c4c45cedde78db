"""Answers while the index is replaced: each is the one that its index gives alone, and nothing is left open."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest

from qa.bot import Bot
from qa.index import Index, load_index
from qa.live import LiveBot
from qa.types import Answer
from tests.archives import QUESTIONS, Archive, archive, said, until_more


@pytest.fixture
def place(tmp_path: Path) -> Archive:
    return archive(tmp_path)


def load(place: Archive) -> Index:
    return load_index(place.settings, place.encoder)


def editions(place: Archive) -> list[Path]:
    """Two builds, in which the same questions have different answers."""
    return [place.settings.index / place.edition(number).build_id for number in (1, 2)]


def closed(index: Index) -> bool:
    return not vars(index)


@pytest.mark.parametrize(
    ("question", "message"),
    [("Was ist geschehen?", "Es sind noch keine Artikel da"), ("What has happened?", "There are no articles")],
)
def test_without_an_index_there_are_no_articles_yet(place: Archive, question: str, message: str) -> None:
    bot = LiveBot(place.encoder)
    answer = bot.ask(question)
    assert (answer.status, answer.index_id) == ("empty_index", None)
    assert answer.message.startswith(message)
    assert (bot.index_id, bot.built, bot.since, bot.article_count) == (None, None, None, 0)
    assert (bot.outlets, bot.days, bot.articles(), bot.newest(4), bot.article("a")) == ((), (), (), (), None)
    bot.close()


def test_it_answers_as_a_bot_over_the_same_index(place: Archive) -> None:
    place.edition(1)
    alone, bot = Bot(load(place), place.encoder), LiveBot(place.encoder, load(place))
    for question in QUESTIONS:
        assert said(bot.ask(question).to_dict()) == said(alone.ask(question).to_dict())
    assert (bot.index_id, bot.built) == (alone.index_id, alone.built)
    assert (bot.outlets, bot.days, bot.article_count) == (("Hafenbote 1",), ("2025-03-02",), 2)
    assert bot.articles() == alone.articles() == (*bot.newest(1), *alone.articles()[1:])
    assert bot.article(alone.articles()[0].id) == alone.articles()[0]


def test_what_has_begun_ends_with_the_index_that_it_began_with(place: Archive) -> None:
    place.edition(1)
    first = load(place)
    bot = LiveBot(place.encoder, first)
    answering = bot.answering(QUESTIONS[1])
    answer = next(answering)
    place.edition(2)
    second = load(place)
    bot.use(second)
    assert not closed(first)
    assert answer.index_id == first.id != bot.index_id
    assert list(answering) == []
    assert closed(first)
    bot.close()
    assert closed(second)


def test_an_answer_that_nobody_waits_for_lets_go_of_its_index(place: Archive) -> None:
    place.edition(1)
    first = load(place)
    bot = LiveBot(place.encoder, first)
    answering = bot.answering(QUESTIONS[0])
    next(answering)
    bot.close()
    assert not closed(first)
    answering.close()  # type: ignore[attr-defined]  # a generator
    assert closed(first)


def test_every_answer_of_forty_reloads_is_that_of_its_index_alone(place: Archive) -> None:
    builds = editions(place)
    bots = {build.name: Bot(Index(build), place.encoder, threshold=0.0) for build in builds}
    expected = {(name, one): said(alone.ask(one).to_dict()) for name, alone in bots.items() for one in QUESTIONS}
    bot = LiveBot(place.encoder, Index(builds[0]), threshold=0.0)
    answers: list[Answer] = []
    failures: list[Exception] = []
    stop = threading.Event()
    asking = _ask_from_threads(bot, answers, failures, stop)
    for number in range(1, 41):
        bot.use(Index(builds[number % 2]))
        until_more(answers, 3, failures)
    stop.set()
    for thread in asking:
        thread.join(30)
    assert failures == []
    assert {answer.index_id for answer in answers} == set(bots)
    for answer in answers:
        assert said(answer.to_dict()) == expected[str(answer.index_id), answer.question]
    bot.close()


def _ask_from_threads(
    bot: LiveBot, answers: list[Answer], failures: list[Exception], stop: threading.Event
) -> list[threading.Thread]:
    def ask(number: int) -> None:
        try:
            while not stop.is_set():
                answers.append(bot.ask(QUESTIONS[number % len(QUESTIONS)]))
                assert len(bot.outlets) == 1
                assert bot.articles()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(3)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files by /proc")
def test_twenty_reloads_leave_no_file_open_and_no_index_behind(place: Archive) -> None:
    builds = editions(place)
    gc.collect()  # what the builds left
    gc.disable()  # what is let go of must go at once, not when the garbage collector comes by
    try:
        bot = LiveBot(place.encoder, Index(builds[0]))
        bot.ask(QUESTIONS[0])
        held, indexes = _open_files(place), []
        for number in range(1, 21):
            index = Index(builds[number % 2])
            indexes.append(weakref.ref(index))
            bot.use(index)
            del index
            bot.ask(QUESTIONS[number % len(QUESTIONS)])
            assert _open_files(place) == held > 0
        assert [one() for one in indexes[:-1]] == [None] * 19
        bot.close()
        assert _open_files(place) == 0
    finally:
        gc.enable()


def _open_files(place: Archive) -> int:
    """Files of the index that this process holds open or mapped into its memory."""
    folder = str(place.settings.index)
    held = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            held.append(str(link.readlink()))
        except OSError:
            continue
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return sum(name.startswith(folder) for name in held) + sum(folder in line for line in mapped)
