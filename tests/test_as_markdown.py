"""Copied answers: whatever an article holds is text in them, and the links are ours."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from qa.as_markdown import answer_markdown, line, paragraphs, prose_markdown
from qa.types import Answer, Prose, Span
from tests.browser.fakes import ARTICLES, HOSTILE, FakeBot, make_article

TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("*_`[]()<>!#-+=.:/\\&|~$ \n1wh")))
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(markdown: str) -> str:
    """The text that a reader of the rendered Markdown sees, its blanks folded."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", READER.render(markdown))).split())


def folded(text: str) -> str:
    return " ".join(text.replace("\0", "\ufffd").split())


@given(TEXTS)
@example("1. eins\n2) zwei\n- drei\n# vier\n===\n---\n    Code\n\tCode\n> fünf")
@example("[x](javascript:alert(1)) <b> &lt; ![i](http://x) `c` ***a*** ~~b~~ | a | b |\n|---|---|")
@example("www.evil.example http://evil.example <http://evil.example>")
def test_a_text_is_nothing_but_text(text: str) -> None:
    html = READER.render(paragraphs(text))
    assert set(re.findall(r"<(\w+)", html)) <= {"p", "br"}
    assert "".join(shown(paragraphs(text)).split()) == "".join(folded(text).split())


@given(TEXTS)
def test_a_line_stays_one(text: str) -> None:
    assert "\n" not in line(text)
    assert set(re.findall(r"<(\w+)", READER.render(f"## {line(text)}"))) <= {"h2"}


def links(markdown: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', READER.render(markdown))


def found(quote: str, title: str = "Titel", url: str | None = "https://a.example/x?a=1&b=2") -> Answer:
    article = make_article("böse id", quote, title=title, outlet="Blatt", url=url, published="2025-03-14")
    answer = FakeBot(ARTICLES).ask("Wann wird die Fährbrücke gesperrt?")
    citation = replace(
        answer.citations[0], quote=quote, title=title, url=url, article_id=article.id, end=len(quote), start=0
    )
    return replace(answer, citations=(citation,))


def test_quotes_sources_and_links() -> None:
    answer = found("Ein Satz. Noch einer.")
    bold = replace(answer.citations[0], highlight=Span(4, 8), number=1)
    text = answer_markdown(replace(answer, citations=(bold,)), "de")
    assert "> Ein **Satz**. Noch einer. \\[1\\]" in text
    assert "1. [Titel](<https://a.example/x?a=1&amp;b=2>), Hafenbote, 14. März 2025" in text
    assert links(text) == ["https://a.example/x?a=1&amp;b=2", "/article/b%C3%B6se%20id#c0-21"]


@given(TEXTS.filter(str.strip), TEXTS.filter(str.strip))
def test_no_quote_and_no_title_adds_a_link_or_ends_its_block(quote: str, title: str) -> None:
    answer = found(quote, title)
    text = answer_markdown(answer, "en")
    assert len(links(text)) == 2
    assert READER.render(text).count("<blockquote>") == 1
    assert set(re.findall(r"<(\w+)", READER.render(text))) <= {"h2", "p", "br", "blockquote", "ol", "li", "a"}


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a.example/>) [x](javascript:1)", "https://a.example/\nx"]
)
def test_an_address_that_is_none_or_ends_its_link_is_left_out(url: str) -> None:
    assert links(answer_markdown(found("Satz.", url=url), "en")) == ["/article/b%C3%B6se%20id#c0-5"]


@pytest.mark.parametrize("hostile", [*HOSTILE, "\u202eabc", "a\n\n# b", "**a** b"])
def test_hostile_texts_stay_texts(hostile: str) -> None:
    text = answer_markdown(found(hostile, hostile), "en")
    assert len(links(text)) == 2
    assert "".join(folded(hostile).split()) in "".join(shown(text).split())
    assert "\u202e" not in text.partition("Sources:")[2]


def test_an_abstention_a_list_and_prose() -> None:
    bot = FakeBot()
    assert answer_markdown(bot.ask("Capital of Australia"), "en") == (
        "## Capital of Australia\n\nThe articles do not say.\n"
    )
    about = replace(bot.ask("Capital of Australia"), status="about", message="Three:", articles=ARTICLES)
    assert len(links(answer_markdown(about, "en"))) == 3
    answered = found("Satz.")
    assert prose_markdown(answered, "en") == ""
    prose = prose_markdown(replace(answered, prose=Prose("Es *gilt* [1].", "m<b>")), "en")
    assert prose.startswith("Es \\*gilt\\* \\[1\\].\n\n*Written by the language model m\\<b\\>.")
