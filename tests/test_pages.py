"""Everything that comes from outside is shown as text, and the numbered buttons lead to the right place."""

from __future__ import annotations

import html
import re
import string
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.labels import LABELS
from qa.pages import (
    answer_turn,
    article_body,
    article_page,
    escape,
    is_web_address,
    message_turn,
    missing_page,
    question_turn,
    waiting_turn,
)
from qa.types import Answer, Article, Chunk, Citation, Figure, Lang, Passage, Source, Span
from tests.browser.fakes import ARTICLES, HOSTILE, FakeBot, make_article

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VOID = {"meta", "link", "input"}


@dataclass
class Element:
    """A parsed element: its tag, attributes, and children (text or elements)."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)

    def all(self, tag: str, css_class: str = "") -> list[Element]:
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if child.tag == tag and css_class in ("", *child.attributes.get("class", "").split()):
                    found.append(child)
                found += child.all(tag, css_class)
        return found

    def tags(self) -> set[str]:
        below = [child.tags() for child in self.children if isinstance(child, Element)]
        return {self.tag}.union(*below)


class Tree(HTMLParser):
    """HTML as the elements that a browser would build from our own well-formed output."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("root")
        self.open = [self.root]
        self.feed(source)
        self.close()
        assert self.open == [self.root], "an element was left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(source: str) -> Element:
    return Tree(source).root


@given(TEXTS)
def test_escaped_text_is_shown_unchanged_and_has_no_sign_left(text: str) -> None:
    escaped = escape(text)
    assert html.unescape(escaped) == text
    assert set(re.sub(r"&#\d+;", "", escaped)).isdisjoint(set(string.punctuation) | {"\r", "\n"})


def test_a_nul_keeps_its_place() -> None:
    assert html.unescape(escape("a\0b")) == "a\ufffdb"


@given(TEXTS)
def test_a_question_is_one_element_on_one_line(question: str) -> None:
    turn = question_turn(question)
    assert "\n" not in turn
    [heading] = parse(turn).children
    assert isinstance(heading, Element)
    assert (heading.tag, heading.text()) == ("h2", question)


def cited(quote: str, *, number: int = 1, **changes: object) -> Citation:
    base = Citation(
        number=number,
        article_id="a1",
        title="Titel",
        outlet="Blatt",
        published="2025-03-14",
        url=None,
        quote=quote,
        start=5,
        end=5 + len(quote),
        lang="de",
        score=1.0,
    )
    return replace(base, **changes)


def answered(*citations: Citation, lang: str = "en") -> Answer:
    return Answer("q", "answered", "", citations, 0.9, (), "q", lang, "i")


@given(quote=TEXTS, title=TEXTS, outlet=TEXTS)
def test_a_quote_a_title_and_an_outlet_are_text_whatever_they_hold(quote: str, title: str, outlet: str) -> None:
    turn = answer_turn(answered(cited(quote, title=title, outlet=outlet)), "en", 80)
    assert "\n" not in turn
    tree = parse(turn)
    assert [element.text() for element in tree.all("span", "qa-words")] == [quote]
    assert [element.text() for element in tree.all("h3")] == [title]
    assert tree.tags() == {"root", "div", "section", "h3", "p", "bdi", "span", "blockquote", "button"}


def test_a_citation_is_a_real_button_with_a_name_and_a_place() -> None:
    quote = "Die Brücke ist zu."
    tree = parse(answer_turn(answered(cited(quote, number=2)), "en", 80))
    [button] = tree.all("button")
    assert button.attributes == {
        "type": "button",
        "class": "qa-cite",
        "value": f"a1 5 {5 + len(quote)}",
        "title": "Citation 2: open “Titel” at this sentence",
    }
    assert button.text() == "[2]"
    [block] = tree.all("blockquote")
    assert block.attributes["lang"] == "de"


def test_quotes_of_one_article_stand_together_with_its_other_sources_once() -> None:
    copy = Source(path="k.md", outlet="Nordpresse", published="2025-03-15", url="https://nord.example/1")
    quotes = [cited("Eins.", also=(copy,)), cited("Zwei.", number=2, also=(copy,)), cited("3.", article_id="b")]
    tree = parse(answer_turn(answered(*quotes), "en", 80))
    first, second = tree.all("section")
    assert len(first.all("blockquote")) == 2
    assert len(second.all("blockquote")) == 1
    [also] = first.all("p", "qa-also")
    assert also.text() == "The same text also in: Nordpresse, 15 March 2025"
    [link] = also.all("a")
    assert link.attributes["rel"] == "noopener noreferrer"


@given(TEXTS, st.data())
def test_the_phrase_that_answers_is_bold_and_the_quote_unchanged(quote: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(quote)))
    end = data.draw(st.integers(start, len(quote)))
    turn = answer_turn(answered(cited(quote, highlight=Span(start, end))), "en", 80)
    tree = parse(turn)
    [shown] = tree.all("span", "qa-words")
    assert shown.text() == quote
    assert [bold.text() for bold in shown.all("strong")] == ([quote[start:end]] if start < end else [])


@pytest.mark.parametrize(("ui", "label"), [("en", "also in"), ("de", "auch in")])
def test_a_repeat_has_no_card_and_its_number_opens_its_own_sentence(ui: Lang, label: str) -> None:
    quotes = [
        cited("Die Brücke ist zu."),
        cited("Anderes.", number=2, article_id="b"),
        cited("Die Brücke ist nun zu.", number=3, article_id="c", outlet="Nordpresse", start=9, end=31, same_as=1),
    ]
    tree = parse(answer_turn(answered(*quotes), ui, 80))
    first, second = tree.all("section")
    assert [block.text() for block in tree.all("blockquote")] == ["Die Brücke ist zu. [1]", "Anderes. [2]"]
    [too] = first.all("p", "qa-says-too")
    assert too.text().startswith(f"{label} [3] Nordpresse")
    assert too.all("button")[0].attributes["value"] == "c 9 31"
    assert second.all("p", "qa-says-too") == []


@pytest.mark.parametrize(
    ("ui", "line"),
    [
        ("en", "The sources differ: 1500 Soldaten [1] (Blatt, 14 March 2025), <3000> [2] (Titel, undated)"),
        (
            "de",
            "Die Quellen nennen verschiedene Zahlen: 1500 Soldaten [1] (Blatt, 14. März 2025), <3000> [2] (Titel, ohne Datum)",
        ),
    ],
)
def test_differing_figures_stand_in_one_line_with_outlet_and_date(ui: Lang, line: str) -> None:
    quotes = [cited("1500 Soldaten."), cited("<3000>.", number=2, article_id="b", outlet=None, published=None)]
    figures = (Figure(1, "1500 Soldaten", 1500.0, 0, 13), Figure(2, "<3000>", 3000.0, 0, 6))
    tree = parse(answer_turn(replace(answered(*quotes), figures=figures), ui, 80))
    [shown] = tree.all("p", "qa-differ")
    assert shown.text() == line
    assert len(shown.all("button", "qa-cite")) == 2


@pytest.mark.parametrize(("asked_in", "labels"), [("en", ["German"]), ("de", [])])
def test_a_quote_in_another_language_than_the_question_says_so(asked_in: str, labels: list[str]) -> None:
    tree = parse(answer_turn(answered(cited("Zu."), lang=asked_in), "en", 80))
    assert [label.text() for label in tree.all("span", "qa-lang")] == labels


def test_the_label_is_in_the_language_of_the_interface() -> None:
    tree = parse(answer_turn(answered(cited("Zu.")), "de", 80))
    assert [label.text() for label in tree.all("span", "qa-lang")] == ["Deutsch"]


def test_an_article_without_title_outlet_and_date_is_quoted_all_the_same() -> None:
    tree = parse(answer_turn(answered(cited("Zu.", title=None, outlet=None, published=None), lang="de"), "de", 80))
    assert [heading.text() for heading in tree.all("h3")] == ["Ohne Titel"]
    assert tree.all("p", "qa-byline") == []


def test_an_abstention_shows_its_message_and_passages_without_numbers() -> None:
    chunk = Chunk("0" * 16, ARTICLES[0].id, 0, 20, ARTICLES[0].text[:20])
    passage = Passage(chunk=chunk, article=ARTICLES[0], score=0.1)
    answer = Answer("Wer?", "abstained", "Dazu steht nichts.", (), 0.1, (passage,), "Wer?", "de", "i")
    tree = parse(answer_turn(answer, "en", 80))
    assert tree.all("p", "qa-message")[0].text() == "Dazu steht nichts."
    assert tree.all("p", "qa-message")[0].attributes["lang"] == "de"
    assert tree.all("h3", "qa-closest")[0].text() == LABELS["en"].closest
    [button] = tree.all("button")
    assert button.attributes["value"] == f"{ARTICLES[0].id} 0 20"
    assert not any(character.isdigit() for character in button.text())
    assert tree.all("blockquote") == []


def test_an_empty_index_shows_its_message_alone() -> None:
    tree = parse(answer_turn(FakeBot(()).ask("Was ist los?"), "de", 80))
    assert [message.text() for message in tree.all("p", "qa-message")] == ["Es ist noch kein Artikel da."]
    assert tree.all("button") == []


def about(*articles: Article) -> Answer:
    return Answer("Welche?", "about", "Es gibt Artikel:", (), 0.0, (), "Welche?", "de", "i", articles=articles)


def test_a_list_of_articles_opens_each_at_its_beginning() -> None:
    tree = parse(answer_turn(about(*ARTICLES), "en", 2))
    assert tree.all("p", "qa-message")[0].text() == "Es gibt Artikel:"
    assert [heading.text() for heading in tree.all("h3")] == [one.title or "Untitled" for one in ARTICLES]
    buttons = tree.all("button", "qa-open")
    assert [button.attributes["value"] for button in buttons] == [f"{one.id} 0 0" for one in ARTICLES]
    assert buttons[0].attributes["title"] == f"Open article: “{ARTICLES[0].title}”"
    assert tree.all("blockquote") == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_article_is_text_in_the_list(hostile: str) -> None:
    tree = parse(answer_turn(about(make_article("a1", "T", title=hostile, outlet=hostile)), "de", 2))
    assert tree.all("h3")[0].text() == hostile
    assert tree.tags() <= {"root", "div", "p", "ul", "li", "h3", "bdi", "button", "span", "a"}
    assert [link.attributes["href"] for link in tree.all("a")] == ["/articles"]


def test_small_talk_shows_its_message_alone() -> None:
    answer = Answer("Hi", "smalltalk", "Hello!", (), 0.0, (), "Hi", "en", "i")
    tree = parse(answer_turn(answer, "de", 2))
    assert [message.text() for message in tree.all("p", "qa-message")] == ["Hello!"]
    assert tree.all("button") == []


@pytest.mark.parametrize(("ui", "note"), [("en", "Searched for: {} Edit"), ("de", "Gesucht wurde nach: {} Bearbeiten")])
def test_what_was_searched_for_is_told_where_it_differs(ui: Lang, note: str) -> None:
    search = 'Fährbrücke: "seit wann" <b>?'
    tree = parse(answer_turn(replace(answered(cited("Zu.")), searched_for=search), ui, 84))
    assert next(one.text() for one in tree.all("p", "qa-note")) == note.format(search)
    (button,) = tree.all("button", "qa-edit")
    assert button.attributes["value"] == search
    assert button.attributes["title"] == LABELS[ui].edit_name
    asked = answered(cited("Zu."))
    for same in (asked, replace(asked, searched_for=f" {asked.question}  "), replace(asked, searched_for="")):
        tree = parse(answer_turn(same, ui, 84))
        assert (len(tree.all("p", "qa-note")), tree.all("button", "qa-edit")) == (1, [])


def test_an_abstention_tells_what_was_searched_for_too() -> None:
    tree = parse(
        answer_turn(replace(FakeBot().ask("Capital of Australia"), searched_for="Australia: capital?"), "en", 1)
    )
    assert len(tree.all("button", "qa-edit")) == 1


def test_waiting_is_announced_and_problems_are_text() -> None:
    assert parse(waiting_turn("de")).all("div")[0].attributes["role"] == "status"
    assert parse(message_turn("<b>No</b>")).all("p")[0].text() == "<b>No</b>"


@given(st.text(st.sampled_from("ab.ß😀 \n\t\u2028"), max_size=60))
def test_every_paragraph_of_an_article_knows_where_it_starts(text: str) -> None:
    tree = parse(article_body(make_article("a1", text), "de", inside=True))
    [body] = tree.all("div", "qa-text")
    shown = [(int(p.attributes["data-start"]), p.text()) for p in body.all("p")]
    assert all(text[start : start + len(part)] == part for start, part in shown)
    assert "".join("".join(part for _, part in shown).split()) == "".join(text.split())
    assert not any("\n\n" in part for _, part in shown)


def test_an_article_in_the_panel_links_to_its_page_and_its_original() -> None:
    tree = parse(article_body(ARTICLES[0], "en", inside=True))
    whole, original = tree.all("a")
    assert whole.attributes["href"] == f"/article/{ARTICLES[0].id}"
    assert original.attributes == {
        "href": ARTICLES[0].url,
        "rel": "noopener noreferrer",
        "target": "_blank",
    }
    assert tree.all("p", "qa-byline")[0].text() == "Hafenbote14 March 2025, 16:05Jonas Wieland"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "JaVaScRiPt://x.example/%0aalert(1)",
        "data:text/html,x",
        "//x.example/",
        "x",
        "http://[1",
    ],
)
def test_only_web_addresses_become_links(url: str | None) -> None:
    assert not is_web_address(url)
    assert parse(article_body(make_article("a1", "Text.", url=url), "en", inside=False)).all("a") == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_article_is_text_on_its_page(hostile: str) -> None:
    article = make_article(
        "a1",
        hostile,
        title=hostile,
        outlet=hostile,
        author=hostile,
        published=hostile,
        url=f"https://x.example/{hostile}",
    )
    tree = parse(article_page(article, "en", hostile).removeprefix("<!doctype html>"))
    assert tree.all("h1")[0].text() == hostile
    assert tree.all("div", "qa-text")[0].text() == hostile
    assert len(tree.all("script")) == 1
    assert tree.all("img") == []
    assert all(not name.startswith("on") for element in tree.all("a") for name in element.attributes)


def test_a_page_that_is_not_there_says_so_in_both_languages() -> None:
    assert "There is nothing here" in missing_page("en", "article-qa")
    assert '<html lang="de">' in missing_page("de", "article-qa")
