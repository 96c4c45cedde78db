"""Several sources: one card an article, the newer first, agency copy once, runs that do not overlap."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from qa.chunks import quotable_spans
from qa.quoting.asked import read_asked
from qa.quoting.evidence import Evidence
from qa.quoting.sources import EQUAL, FURTHER_QUOTE, JOINED, REPEATS, choose, same_sentence
from qa.types import Article
from tests.fakes import article

ASKED = read_asked("Was geschah an der Brücke?")


def source(name: str, text: str, published: str | None = None) -> Article:
    return replace(article(text, name=name), published=published, outlet=f"Blatt {name}")


def weighed(*given: tuple[Article, int, float]) -> list[Evidence]:
    """Evidence from (article, number of the sentence, log-odds), best first."""
    found = [Evidence(one, quotable_spans(one)[number], logit, n) for n, (one, number, logit) in enumerate(given)]
    return sorted(found, key=lambda one: -one.logit)


def ids(chosen: list) -> list[str]:
    return [one.evidence.article.id for one in chosen]


def test_of_equally_good_articles_the_newer_comes_first() -> None:
    old = source("old", "Die Brücke ist seit Montag gesperrt.", "2024-01-01")
    new = source("new", "Autos müssen einen Umweg fahren.", "2024-02-01T08:00")
    undated = source("undated", "Radfahrer dürfen weiter hinüber.")
    chosen = choose(ASKED, weighed((old, 0, 1.0), (undated, 0, 0.99), (new, 0, 1.0 - EQUAL / 2)), 4)
    assert ids(chosen) == ["new-id", "old-id", "undated-id"]


def test_a_clearly_better_article_comes_first_whatever_its_date() -> None:
    old = source("old", "Die Brücke ist seit Montag gesperrt.", "2024-01-01")
    new = source("new", "Autos müssen einen Umweg fahren.", "2024-02-01")
    assert ids(choose(ASKED, weighed((old, 0, 1.0), (new, 0, 1.0 - 2 * EQUAL)), 4)) == ["old-id", "new-id"]


def test_the_quotes_of_one_article_stand_together() -> None:
    first = source("a", "Die Brücke ist gesperrt. Radfahrer klagen über Lärm.")
    second = source("b", "Autos fahren einen Umweg.")
    chosen = choose(ASKED, weighed((first, 0, 1.0), (second, 0, 0.8), (first, 1, 0.5)), 4)
    assert ids(chosen) == ["a-id", "a-id", "b-id"]


def test_agency_copy_is_quoted_once_and_named() -> None:
    text = "Die alte Brücke über die Weser bleibt nach Angaben der Stadt bis Oktober gesperrt."
    first, second = source("a", text), source("b", text.replace("Angaben der Stadt", "Angaben der Stadt Minden"))
    chosen = choose(ASKED, weighed((first, 0, 1.0), (second, 0, 0.2)), 4)
    assert ids(chosen) == ["a-id"]
    assert [one.article.id for one in chosen[0].repeats] == ["b-id"]


def test_of_agency_copy_the_newest_is_quoted() -> None:
    text = "Die alte Brücke über die Weser bleibt bis Oktober gesperrt."
    first, second = source("a", text, "2024-01-01"), source("b", text, "2024-01-02")
    chosen = choose(ASKED, weighed((first, 0, 1.0), (second, 0, 1.0)), 4)
    assert ids(chosen) == ["b-id"]
    assert [one.article.id for one in chosen[0].repeats] == ["a-id"]


def test_the_same_sentence_twice_in_one_article_is_quoted_once_and_not_named() -> None:
    text = "Die alte Brücke bleibt gesperrt."
    one = source("a", f"{text}\n\n{text}")
    chosen = choose(ASKED, weighed((one, 0, 1.0), (one, 1, 1.0)), 4)
    assert (ids(chosen), chosen[0].repeats) == (["a-id"], ())


def test_copies_are_named_up_to_a_limit() -> None:
    text = "Die alte Brücke bleibt gesperrt."
    given_ = [(source(f"n{n}", text), 0, 1.0) for n in range(REPEATS + 4)]
    [chosen] = choose(ASKED, weighed(*given_), 4)
    assert len(chosen.repeats) == REPEATS


def test_another_number_makes_another_sentence() -> None:
    first = "Nordkorea hat nach Angaben des Geheimdienstes 1500 Soldaten nach Russland geschickt."
    assert not same_sentence(first, first.replace("1500", "3000"))
    assert same_sentence(first, first.replace("1500", "1.500"))
    assert not same_sentence(first, first.replace("1500", "mehrere"))


def test_quotes_whose_runs_overlap_become_one() -> None:
    one = source("a", "Ines Kahl leitet das Amt. Sie sperrte die Brücke.")
    chosen = choose(ASKED, weighed((one, 1, 1.0), (one, 0, 0.5)), 4)
    assert [part.span.of(one.text) for part in chosen] == [one.text]


def test_on_a_page_of_lines_what_is_likely_to_answer_too_is_quoted_with_it() -> None:
    one = source("a", "Kinder bis zwölf kommen umsonst.\n\nEltern auch.\n\nDas Bad ist alt.")
    chosen = choose(ASKED, weighed((one, 0, 1.0), (one, 1, JOINED), (one, 2, JOINED - 0.1)), 4)
    assert [part.span.of(one.text) for part in chosen] == [one.text[: one.text.index("\n\nDas")]]


def test_weaker_sentences_and_more_than_asked_for_are_left_out() -> None:
    given_ = [(source(f"n{n}", f"Satz {name} allein."), 0, -0.3 * n) for n, name in enumerate(("eins", "zwei", "drei"))]
    far = (source("far", "Ganz etwas anderes."), 0, -FURTHER_QUOTE - 0.1)
    assert len(choose(ASKED, weighed(*given_, far), 4)) == 3
    assert len(choose(ASKED, weighed(*given_, far), 2)) == 2


SENTENCES = st.sampled_from(
    ["Die Brücke ist zu.", "Sie bleibt es.", "Es kamen 300 Gäste.", "Es kamen 500 Gäste.", "- ein Punkt", "Es folgt:"]
)
TEXTS = st.lists(SENTENCES, min_size=1, max_size=6).map(" ".join)


@given(
    st.lists(st.tuples(TEXTS, st.sampled_from([None, "2024-01-01", "2024-02-01"])), min_size=1, max_size=4), st.data()
)
def test_quotes_are_slices_that_do_not_overlap_one_card_an_article(
    texts: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    articles = [source(f"n{n}", text, published) for n, (text, published) in enumerate(texts)]
    given_ = [
        (one, number, data.draw(st.floats(-2, 2))) for one in articles for number in range(len(quotable_spans(one)))
    ]
    top = data.draw(st.integers(1, 5))
    question = data.draw(st.sampled_from(["Wie viele Gäste kamen?", "Was geschah?", "Who came?"]))
    chosen = choose(read_asked(question), weighed(*given_), top)
    assert 1 <= len(chosen) <= top
    order = ids(chosen)
    assert order == sorted(order, key=order.index), "the quotes of one article stand together"
    for n, one in enumerate(chosen):
        text = one.evidence.article.text
        assert one.span.start <= one.evidence.span.start < one.evidence.span.end <= one.span.end
        assert one.span.of(text).strip() == one.span.of(text) != ""
        for other in chosen[:n]:
            same = other.evidence.article.id == one.evidence.article.id
            assert not same or other.span.end <= one.span.start or one.span.end <= other.span.start
        assert one.evidence.article.id not in {repeat.article.id for repeat in one.repeats}
