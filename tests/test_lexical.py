"""The BM25 index: what meets what, ranking, persistence, and that searching changes nothing on disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa import lexical
from qa.errors import IndexDamagedError, IndexStaleError
from qa.lexical import FieldWeights, LexicalDoc, LexicalIndex, german_text, is_compound, plain_text
from qa.only import CodeRange

KOREA = (
    "Südkorea prüft die Lieferung von Waffen, darunter Luftverteidigungssysteme vom Typ Cheongung. "
    "Nordkoreas Führung in Pjöngjang schickte 10.000 Soldaten. K9-Haubitzen verschießen 155-Millimeter-Granaten."
)
DOCS = [
    LexicalDoc(1, KOREA, "Seoul erwägt Hilfe", "de"),
    LexicalDoc(2, "Der Bundestag stritt über die Rente und das Klimaschutzgesetz.", "Haushaltsdebatte", "de"),
    LexicalDoc(3, "The war brought ships and sailors to the harbour of Rotterdam.", "Harbour news", "en"),
    LexicalDoc(4, "Die Werft in Hamburg baut Schiffe, berichtet The Maritime Journal.", "", "de"),
    LexicalDoc(2**62 + 7, "A bakery in Leeds sells rye bread.", "Bread prices rise", "en"),
]


def built(folder, docs=DOCS):
    index = LexicalIndex.create(folder)
    index.add(docs)
    index.commit()
    return index


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return built(tmp_path_factory.mktemp("lexical") / "index")


def contents(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("Suedkorea", 1),
        ("Sudkorea", 1),
        ("SÜDKOREA", 1),
        ("Su\u0308dkorea", 1),
        ("Süd\u00adkorea", 1),
        ("Pjoengjang", 1),
        ("Nordkorea", 1),
        ("Waffenlieferungen", 1),
        ("Welche Luftverteidigung?", 1),
        ("System", 1),
        ("10000", 1),
        ("10 000", 1),
        ("10,000 troops", 1),
        ("10\u202f000", 1),
        ("155", 1),
        ("155mm", 1),
        ("K9", 1),
        ("k-9 howitzers", 1),
        ("Hilfe aus Seoul", 1),
        ("Gesetz zum Klimaschutz", 2),
        ("Debatte um den Haushalt", 2),
        ("Renten", 2),
        ("shipping war", 3),
        ("Rotterdams Hafen", 3),
        ("breads", 2**62 + 7),
        ("price of baking", 2**62 + 7),
    ],
)
def test_question_meets_its_passage(index, question, key):
    assert index.search(question, 5).keys[:1] == [key]


@pytest.mark.parametrize(
    ("question", "unwanted"),
    [
        ("Wer war die Ministerin und was hat sie also in der Hand?", 3),  # "war" is a word of content in English
        ("what is the name of the man who was in it", 4),  # "The Maritime Journal" is in a German text
        ("Did they die in an accident, and also what was so hot?", 1),
    ],
)
def test_function_words_of_one_language_do_not_meet_the_other(index, question, unwanted):
    assert unwanted not in index.search(question, 5).keys


def test_a_keyword_that_is_a_function_word_elsewhere_still_counts(index):
    assert index.search("ships of war", 1).keys == [3]
    assert index.search("who started the war?", 1).keys == [3]


def test_best_first_and_never_below_zero(index):
    hits = index.search("Waffen Soldaten Schiffe Bundestag Seoul bread", 10)
    assert len(hits.keys) == len(hits.scores) == len(set(hits.keys)) == 4
    assert hits.scores == sorted(hits.scores, reverse=True)
    assert min(hits.scores) > 0
    assert index.search("Waffen Soldaten Schiffe Bundestag Seoul bread", 2).keys == hits.keys[:2]


@pytest.mark.parametrize(
    "question", ["", "   ", "???", "\x00", "Xylophon", "der die das", "\ud800", '+-&|!(){}[]^"~*?:\\/']
)
def test_nothing_to_find(index, question):
    hits = index.search(question, 5)
    assert (hits.keys, hits.scores) == ([], [])


@pytest.mark.parametrize("k", [0, -1])
def test_no_passages_asked_for(index, k):
    assert index.search("Waffen", k).keys == []


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="Waffen ANDOR:\"*~^()[]{}\\/+-!<>=0.,'’ßäÜ\ud83d\u0130")))
def test_no_text_breaks_a_search(index, question):
    hits = index.search(question, 3)
    assert len(hits.keys) == len(hits.scores) <= 3
    assert hits == index.search(question, 3)


def test_long_questions_cost_little(index):
    assert index.search("Waffen " * 15_000, 3).keys == [1]
    assert index.search(" ".join(f"wort{n}" for n in range(20_000)), 3).keys == []
    assert index.search("ä" * 100_000, 3).keys == []
    terms = lexical.analysers().terms(" ".join(f"Waffe{n}" for n in range(5000)))
    assert max(map(len, terms.values())) <= 64


@given(st.text(), st.sampled_from(["de", "en"]))
@settings(max_examples=100, deadline=None)
def test_analysis_is_repeatable_and_bounded(text, lang):
    plain = plain_text(text)
    assert plain_text(text) == plain
    assert german_text(plain) == german_text(plain)
    assert len(german_text(plain)) <= len(plain)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("10.000 Soldaten", "10000 soldaten"),
        ("1.234.567,89", "1234567,89"),
        ("24.10.2024, 14:17 Uhr", "24.10.2024, 14:17 uhr"),
        ("im Jahr 2019 300 Soldaten", "im jahr 2019 300 soldaten"),
        ("155mm, 5G, 20er", "155 mm, 5g, 20 er"),
        ("K-9 und KN-23, nicht Covid-19", "k9 und kn23, nicht covid-19"),
        ("Ａ１\u200b", "a1"),
    ],
)
def test_plain_text(text, plain):
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    ("plain", "german"),
    [
        ("suedkorea", "südkorea"),
        ("goethe", "göthe"),
        ("neue quelle, steuer", "neue quelle, steuer"),
        ("nordkoreas kiews trumps obamas", "nordkorea kiew trump obama"),
        ("gas haus status preis was", "gas haus status preis was"),
    ],
)
def test_german_text(plain, german):
    assert german_text(plain) == german


def test_equal_passages_rank_by_key_whatever_the_order(tmp_path):
    keys = [7, 3, 40, 1, 22, 5, 9, 30, 2, 12, 18, 4]
    same = [LexicalDoc(key, "Waffen für Seoul.", "Hilfe", "de") for key in keys]
    one = built(tmp_path / "one", [*same, *DOCS[1:]])
    two = LexicalIndex.create(tmp_path / "two")
    for doc in [*DOCS[1:], *reversed(same)]:  # one segment each
        two.add([doc])
        two.commit()
    for k in (1, 3, 11, 12):
        assert one.search("Waffen Seoul", k).keys == sorted(keys)[:k]
        assert two.search("Waffen Seoul", k) == one.search("Waffen Seoul", k)


def test_title_counts_less_than_text(tmp_path):
    docs = [LexicalDoc(1, "Ein Wort.", "Haubitzen", "de"), LexicalDoc(2, "Haubitzen Wort.", "Anderes", "de")]
    built(tmp_path / "index", docs)
    assert LexicalIndex.open(tmp_path / "index").search("Haubitze", 2).keys == [2, 1]
    untitled = LexicalIndex.open(tmp_path / "index", FieldWeights(parts=0.5, title=0.0))
    assert untitled.search("Haubitze", 2).keys == [2]


def test_the_two_languages_weigh_the_same(tmp_path):
    docs = [LexicalDoc(1, "Rotterdam Zebra", "", "en"), LexicalDoc(2, "Rotterdam Zebra", "", "de")]
    one, two = built(tmp_path / "index", docs).search("Zebra", 2).scores
    assert one == pytest.approx(two, rel=0.01)


def test_empty_index(tmp_path):
    index = LexicalIndex.create(tmp_path / "index")
    assert (len(index), index.search("Waffen", 5).keys) == (0, [])
    assert len(LexicalIndex.open(tmp_path / "index")) == 0


def test_create_refuses_a_folder_in_use(tmp_path):
    built(tmp_path / "index")
    with pytest.raises(FileExistsError):
        LexicalIndex.create(tmp_path / "index")


@pytest.mark.parametrize("key", [-1, 2**63])
def test_keys_out_of_range(tmp_path, key):
    with pytest.raises(ValueError, match="key"):
        built(tmp_path / "index", [LexicalDoc(key, "Text", "", "de")])


def test_what_is_not_committed_is_not_searched(tmp_path):
    index = LexicalIndex.create(tmp_path / "index")
    index.add(DOCS)
    assert (len(index), index.search("Waffen", 5).keys) == (0, [])
    index.commit()
    assert (len(index), index.search("Waffen", 5).keys) == (len(DOCS), [1])
    index.commit()  # nothing to write
    assert len(index) == len(DOCS)


def test_update_of_a_copied_index(tmp_path):
    before = built(tmp_path / "old")
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    index = LexicalIndex.open(tmp_path / "new")
    index.remove([1, 2**62 + 7, 999, -5])
    index.add([LexicalDoc(1, "Neue Haubitzen und Schiffe.", "", "de")])
    index.remove([])
    index.commit()
    for searched in (index, LexicalIndex.open(tmp_path / "new")):
        assert len(searched) == 4
        assert searched.search("Südkorea bread", 5).keys == []
        assert searched.search("Haubitze", 5).keys == [1]  # the analysers are in force after opening, too
    assert before.search("bread", 5).keys == [2**62 + 7]
    index.remove(range(10))
    index.commit()
    assert len(LexicalIndex.open(tmp_path / "new")) == 0


def test_a_copy_shares_its_segments_and_leaves_the_original_as_it_was(tmp_path):
    old = LexicalIndex.create(tmp_path / "old")
    old.add(DOCS)
    old.commit()
    before = {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()}
    new = LexicalIndex.open(tmp_path / "old").extend(tmp_path / "new")
    shared = {path.name for path in (tmp_path / "new").iterdir() if path.stat().st_nlink > 1}
    assert shared == {name for name in before if not name.endswith(".json")}
    new.remove([1, 99])
    new.add([LexicalDoc(77, "Ein neuer Text über Haubitzen.", "", "de")])
    new.commit()
    assert {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before
    assert 1 not in new.search("Seoul Haubitzen", 5).keys
    assert 77 in new.search("Seoul Haubitzen", 5).keys
    assert old.search("Seoul", 5).keys == LexicalIndex.open(tmp_path / "old").search("Seoul", 5).keys != []
    assert (old.removed, new.removed, LexicalIndex.open(tmp_path / "new").removed) == (0, 2, 2)


def test_commit_leaves_no_lock_and_no_thread(tmp_path):
    folder = tmp_path / "index"
    index = built(folder)
    assert not [path.name for path in folder.iterdir() if "lock" in path.name or "tmp" in path.name]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {folder.stat().st_mode & 0o666}
    folder.rename(tmp_path / "published")
    assert index.search("Waffen", 1).keys == [1]
    other = LexicalIndex.open(tmp_path / "published")
    other.add(DOCS[:0])  # takes the writer's lock: nobody else holds it
    other.commit()


def test_opening_and_searching_change_nothing(tmp_path):
    built(tmp_path / "index")
    folder = tmp_path / "copy"
    shutil.copytree(tmp_path / "index", folder)
    before = contents(folder)
    index = LexicalIndex.open(folder)
    assert index.search("Waffen", 3).keys == [1]
    assert contents(folder) == before


@pytest.fixture
def readable():
    """A folder that every user may read; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_opens_in_a_folder_it_cannot_write_to(readable):
    folder = readable / "index"
    built(folder)
    before = contents(folder)
    folder.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)  # root writes whatever the permissions say
        assert not os.access(folder, os.W_OK, effective_ids=True)
        assert LexicalIndex.open(folder).search("Waffen", 1).keys == [1]
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
    assert contents(folder) == before


def test_an_open_index_outlives_its_folder(tmp_path):
    built(tmp_path / "index")
    index = LexicalIndex.open(tmp_path / "index")
    shutil.rmtree(tmp_path / "index")
    assert index.search("Waffen", 1).keys == [1]


@pytest.mark.parametrize("kind", ["meta.json", "analysis.json", ".term", ".idx", ".fast", ".fieldnorm"])
@pytest.mark.parametrize("harm", ["gone", "empty", "cut"])
def test_damage_is_named(tmp_path, kind, harm):
    built(tmp_path / "index")
    (path,) = (path for path in (tmp_path / "index").iterdir() if path.name.endswith(kind) and path.name[0] != ".")
    whole = path.read_bytes()
    path.unlink()
    if harm != "gone":
        path.write_bytes(whole[: len(whole) // 2] if harm == "cut" else b"")
    with pytest.raises(IndexDamagedError, match="lexical index") as raised:
        LexicalIndex.open(tmp_path / "index")
    assert "qa build" in str(raised.value)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_no_index_there(tmp_path, name):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(IndexDamagedError):
        LexicalIndex.open(tmp_path / name)


def test_another_list_of_parts_makes_an_index_stale(tmp_path, monkeypatch):
    built(tmp_path / "index")
    monkeypatch.setattr(lexical, "analysis_id", lambda: "other")
    with pytest.raises(IndexStaleError, match="analyser"):
        LexicalIndex.open(tmp_path / "index")


def test_searches_from_many_threads_agree(index):
    questions = ["Waffenlieferungen", "war ships", "Klimaschutz", "bread in Leeds", "Pjöngjang"] * 40
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda question: index.search(question, 3), questions))
    assert found == [index.search(question, 3) for question in questions]


def test_a_search_among_some_codes_keeps_the_scores(tmp_path: Path) -> None:
    docs = [
        LexicalDoc(n, f"Haubitze {'Seoul ' * (n % 5)} Nummer {n}", "", "de", (20240100 + n, 1_20240100 + n))
        for n in range(30)
    ]
    index = built(tmp_path / "index", [*docs, LexicalDoc(99, "Haubitze Seoul", "", "en")])
    everything = index.search("Haubitze Seoul", 99)
    scores = dict(zip(everything.keys, everything.scores, strict=True))
    for among, allowed in (
        ([CodeRange(20240105, 20240109)], set(range(5, 10))),
        ([CodeRange(20240100, 20240101), CodeRange(1_20240128, 1_20249999)], {0, 1, 28, 29}),
        ([CodeRange(20250000, 20259999)], set()),
        ([], set()),
    ):
        hits = index.search("Haubitze Seoul", 99, among)
        assert set(hits.keys) == allowed
        assert hits.scores == [scores[key] for key in hits.keys]
        assert hits.keys == [key for key in everything.keys if key in allowed]


@pytest.mark.parametrize(
    ("word", "passages"),
    [
        ("südkorea", 1),
        ("suedkorea", 0),
        ("Südkorea", 0),
        ("the", 2),
        ("haushaltsdebatte", 1),
        ("k9", 1),
        ("haubitze", 0),
    ],
)
def test_frequency_counts_passages_that_have_the_very_word(index, word, passages):
    assert index.frequency(word) == passages


def test_starting_gives_the_words_as_they_stand_frequent_ones_first(index):
    assert index.starting("ha") == ["hamburg", "harbour", "haubitzen", "haushaltsdebatte"]
    assert index.starting("the") == ["the"]
    assert index.starting("xyz") == []


def test_starting_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(lexical, "_MAX_STARTING", 3)
    found = built(tmp_path / "index", [LexicalDoc(1, "alt alb all alm als", "", "de"), LexicalDoc(2, "als", "", "de")])
    assert found.starting("al")[0] == "als"
    assert len(found.starting("al")) == 3


@pytest.mark.parametrize("word", ["Haubitze", "haubitzen", "Suedkorea", "Schiff", "ship", "Haushaltsdebatten", "k9"])
def test_a_word_is_found_in_another_form(index, word):
    assert index.finds(word)


@pytest.mark.parametrize("word", ["Haubizen", "und", "the", "", "?", "Klimagesetze", "zwei Worte"])
def test_a_word_that_is_not_there_or_says_nothing_is_not_found(index, word):
    assert not index.finds(word)


def test_words_are_not_searched(tmp_path):
    """The field of words as they stand is a dictionary: function words find nothing."""
    assert built(tmp_path / "index", [LexicalDoc(1, "Und der Rat?", "", "de")]).search("und der", 5).keys == []


@pytest.mark.parametrize(
    ("word", "made_of_parts"),
    [
        ("Waffenlieferung", True),
        ("Luftverteidigungssysteme", True),
        ("Waffe", False),
        ("Haubizen", False),
        ("und", False),
    ],
)
def test_a_compound_is_made_of_known_parts(word, made_of_parts):
    assert is_compound(word) is made_of_parts
