"""The compound splitter and the list made from it."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from itertools import pairwise

import pytest
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from qa.lexical import compound_parts
from qa.train.compounds import (
    Counts,
    Settings,
    Splitter,
    count_words,
    derive,
    german_lines,
    main,
    walk,
)

SMALL = Settings(min_part_count=2, min_short_count=2, min_whole_count=3, min_guard_count=3)

NEWS_COMPOUNDS = (
    "luft+verteidigungs+systeme waffen+lieferungen artillerie+geschosse artillerie+munition kurz+strecken+raketen "
    "verteidigungs+minister sicherheits+berater beistands+pakt minen+räumung waffen+exporteur geheim+dienst "
    "truppen+entsendung truppen+verlegung staats+präsident bundes+verfassungs+gericht grenz+region raketen+tests "
    "presse+konferenz flüchtlings+lager klima+schutz+gesetz sicherheits+rat gas+lieferungen "
    "zentral+bank kampf+panzer drohnen+angriff liefer+ketten energie+preise minister+präsidentin"
)
WHOLE_WORDS = (
    "ministerin nordkorea südkorea russland frankreich soldatinnen munition partnerschaft beteiligung konferenz "
    "universität staatsanwaltschaft donnerstag interesse lieferanten zusammenarbeit information erdbeben "
    "gegenleistung entscheidung krankenhaus wissenschaftler demokratie"
)


def counts_of(nouns: dict[str, int], others: dict[str, int] | None = None) -> Counts:
    words = Counter({**nouns, **(others or {})})
    return Counts(words, Counter(words), Counter(nouns))


def shipped(word: str) -> list[str]:
    parts = frozenset(compound_parts())
    found = walk(word, parts, max(map(len, parts)))
    return found if found[-1] in parts else [word]


def test_split_takes_the_parts_that_are_more_frequent_than_the_word():
    splitter = Splitter(counts_of({"waffen": 50, "lieferung": 40, "waffenlieferung": 5}), SMALL)
    assert splitter.split("waffenlieferung") == ["waffen", "lieferung"]


def test_split_leaves_a_word_that_is_more_frequent_than_its_parts():
    splitter = Splitter(counts_of({"nord": 9, "korea": 16, "nordkorea": 13, "nordkoreo": 1}), SMALL)
    assert splitter.split("nordkorea") == ["nordkorea"]  # the geometric mean of 9 and 16 is 12
    splitter = Splitter(counts_of({"nord": 9, "korea": 16, "nordkorea": 11}), SMALL)
    assert splitter.split("nordkorea") == ["nord", "korea"]


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("sicherheitsberater", ["sicherheits", "berater"]),
        ("grenzregion", ["grenz", "region"]),
        ("lieferkette", ["liefer", "kette"]),
        ("bundesamt", ["bundes", "amt"]),
        ("sicherheitsberaterregion", ["sicherheits", "berater", "region"]),
    ],
)
def test_split_knows_linking_elements_and_lost_endings(word, parts):
    nouns = {"sicherheit": 9, "berater": 9, "grenze": 9, "region": 9, "kette": 9, "bund": 9, "amt": 9}
    assert Splitter(counts_of(nouns, {"liefern": 9}), SMALL).split(word) == parts


def test_split_ends_in_a_noun_and_takes_no_particles():
    splitter = Splitter(counts_of({"minister": 9, "stützung": 9}, {"politisch": 9, "unter": 99, "innen": 99}), SMALL)
    for word in ("ministerpolitisch", "unterstützung", "ministerinnen"):
        assert splitter.split(word) == [word]


@given(st.text(alphabet="abesn", max_size=30))
def test_split_and_walk_keep_every_letter(word):
    nouns = {"abba": 5, "ebbe": 7, "base": 9, "nabe": 3}
    assert "".join(Splitter(counts_of(nouns), SMALL).split(word)) == word
    assert "".join(walk(word, set(nouns), 4)) == word


def test_walk_takes_the_longest_part_and_gives_the_rest_as_one_piece():
    assert walk("staubecken", {"stau", "staub", "becken", "ecken"}, 6) == ["staub", "ecken"]
    assert walk("staubbild", {"staub"}, 5) == ["staub", "bild"]
    assert walk("", {"staub"}, 5) == []


def test_derive_drops_parts_that_mislead_the_greedy_walk():
    nouns = {
        "mehrwert": 20,
        "steuer": 90,
        "teuer": 30,
        "mehrwerts": 1,
        "mehrwertsteuer": 4,
        "lohnsteuer": 3,
        "lohn": 50,
    }
    parts = set(derive(counts_of(nouns), SMALL))
    assert {"mehrwert", "steuer", "lohn"} <= parts
    assert walk("mehrwertsteuer", parts, 14) == ["mehrwert", "steuer"]


def test_derive_keeps_frequent_whole_words_whole():
    nouns = {"nord": 9, "korea": 9, "nordkorea": 90, "see": 9, "nordsee": 2, "koreareise": 1, "reise": 20}
    parts = set(derive(counts_of(nouns), SMALL))
    assert walk("nordkorea", parts, 12) == ["nordkorea"]


def test_count_words_tells_nouns_by_capitals_inside_sentences():
    counts = count_words(["Liefern wir? Liefern ist schwer. Die Suedkoreaner liefern.", "„Liefern“ heißt die Kette."])
    assert counts.words["liefern"] == 4
    assert not counts.is_noun("liefern")
    assert counts.is_noun("kette")
    assert counts.words["südkoreaner"] == 1


def write_corpus(folder):
    german = "Die Waffen und die Lieferung der Waffen: eine Lieferung, zwei Waffenlieferungen, Lieferungen."
    rows = [{"g": "a", "p": "en-de", "s": "English words", "t": [german, german]}]
    rows += [{"g": "b", "p": "de-en", "s": german, "t": ["More English words"]}] * 6
    with lzma.open(folder / "wmt_lines.jsonl.xz", "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    with lzma.open(folder / "sentence_pairs.tsv.xz", "wt", encoding="utf-8") as out:
        out.write(f"English again\t{german}\n")


def test_main_writes_the_same_sorted_list_every_time(tmp_path, capsys):
    write_corpus(tmp_path)
    assert not any("English" in line for line in german_lines(tmp_path))
    files = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for file in files:
        main(["--data", str(tmp_path), "--out", str(file)])
    assert files[0].read_bytes() == files[1].read_bytes()
    header, *parts = files[0].read_text(encoding="utf-8").splitlines()
    assert header.startswith("# ")
    assert parts == sorted(parts)
    assert {"waffen", "lieferungen"} <= set(parts)
    assert f"{len(parts)} parts" in capsys.readouterr().out


def test_main_says_when_the_folder_holds_no_text(tmp_path):
    with pytest.raises(FileNotFoundError, match="wmt_lines"):
        main(["--data", str(tmp_path), "--out", str(tmp_path / "out.txt")])


def test_walk_does_what_tantivy_does():
    parts = compound_parts()
    split = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).filter(tantivy.Filter.split_compound(parts))
    words = [first + second for first, second in pairwise(parts[::40])] + NEWS_COMPOUNDS.replace("+", "").split()
    assert split.build().analyze(" ".join(words)) == [part for word in words for part in shipped(word)]


def test_shipped_list_is_small_sorted_and_lower_case():
    parts = compound_parts()
    assert 10_000 <= len(parts) <= 25_000
    assert parts == sorted(set(parts))
    assert sum(len(part.encode()) + 1 for part in parts) < 200_000
    assert all(len(part) >= 3 and part == part.lower() and part.isalpha() for part in parts)


@pytest.mark.parametrize("split", NEWS_COMPOUNDS.split())
def test_shipped_list_splits_news_compounds(split):
    assert shipped(split.replace("+", "")) == split.split("+")


@pytest.mark.parametrize("word", WHOLE_WORDS.split())
def test_shipped_list_leaves_whole_words_whole(word):
    assert shipped(word) == [word]
