from __future__ import annotations

from qa.config import Settings
from qa.server.catalogue import Catalogue, as_of
from qa.server.desk import Desk
from qa.server.telemetry import Telemetry
from tests.browser.fakes import ARTICLES, FakeBot, make_article


def catalogue(bot: FakeBot) -> Catalogue:
    return Catalogue(Desk(bot, Settings(), Telemetry()))


def test_it_lists_articles_in_the_bots_order() -> None:
    part = catalogue(FakeBot()).find()
    assert part.total == len(ARTICLES)
    assert [line["id"] for line in part.lines] == [article.id for article in ARTICLES]
    assert part.lines[0]["characters"] == len(ARTICLES[0].text)
    assert "text" not in part.lines[0]


def test_every_word_must_be_there_in_any_case() -> None:
    found = catalogue(FakeBot())
    assert [line["id"] for line in found.find("HAFENBOTE fährbrücke").lines] == ["faehrbruecke-3f2a"]
    assert found.find("hafenbote eule").total == 0
    assert found.find("2025-03").total == 1
    assert [line["id"] for line in found.find(lang="en").lines] == ["tram-77aa"]


def test_a_part_of_the_list_tells_how_long_it_is() -> None:
    part = catalogue(FakeBot()).find(offset=1, limit=1)
    assert (part.total, [line["id"] for line in part.lines]) == (3, ["sumpfohreulen-91bc"])
    assert catalogue(FakeBot()).find(offset=10).lines == ()


def test_another_index_makes_another_list() -> None:
    bot = FakeBot()
    found = catalogue(bot)
    assert len(found) == 3
    bot._articles = (make_article("new-1", "Neu."),)
    assert len(found) == 3
    bot.index_id = "20250401-other"
    assert len(found) == 1


def test_what_is_read_while_the_index_is_replaced_is_of_one_build() -> None:
    bot = FakeBot()
    desk = Desk(bot, Settings(), Telemetry())
    seen: list[int] = []

    def read() -> int:
        seen.append(desk.article_count)
        if len(seen) == 1:  # the other index is put in place just now
            bot._articles, bot.index_id = (make_article("new-1", "Neu."),), "20250401-other"
        return seen[-1]

    found = as_of(desk, read)
    assert (found.index_id, found.found, seen) == ("20250401-other", 1, [3, 1])


def test_the_oldest_come_first_or_the_titles_and_what_lacks_either_last() -> None:
    articles = (
        make_article("new", "Neu.", title="Brücke", published="2025-02-01"),
        make_article("old", "Alt, so alt.", title="äpfel", published="2024-02-01"),
        make_article("bare", "Ohne alles."),
    )
    found = catalogue(FakeBot(articles))
    assert [line["id"] for line in found.find().lines] == ["new", "old", "bare"]
    assert [line["id"] for line in found.find(order="oldest").lines] == ["old", "new", "bare"]
    assert [line["id"] for line in found.find(order="title").lines] == ["new", "old", "bare"]
    assert [line["words"] for line in found.find().lines] == [1, 3, 2]
