"""The articles that ship: other people's facts in the project's own words, and none of the facts lost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).resolve().parent.parent / "seeds"
FILES = sorted(FOLDER.glob("*.md"))

REQUIRED = {"title", "lang", "source"}
OPTIONAL = {"outlet", "published", "author", "url"}

#: Shared runs of this many words count as copied; the seeds as written share none of six beyond names.
RUN = 8
#: Longest direct speech, in words.
QUOTE_WORDS = 6

KBS, YOON, TRAINING, NTV, EURONEWS = (
    "000_0c8f76fdfa00fd75.txt",
    "001_08b234976d33b77f.txt",
    "002_a1f0e74da4a116cb.txt",
    "003_68a1184f5b068473.txt",
    "004_f8521756b56ce873.txt",
)

#: Figures of an original that are not its text: the caption of a picture, the line with the time of publication.
FURNITURE_FIGURES = {YOON: {"12.00"}, NTV: {"24.10.2024", "14:17"}}

#: Who is named, in that article's own spelling, with a word that says what they are and stands in the same sentence.
PEOPLE = {
    KBS: {
        "Kim Bum-soo": "KBS World Radio News",
        "Kim Tae-hyo": "stellvertretender Direktor",
        "Shin Won-sik": "Direktor für nationale Sicherheit",
    },
    YOON: {
        "Yoon Suk Yeol": "Präsident",
        "Kim Tae Hyo": "stellvertretenden nationalen Sicherheitsberaters",
        "Trump": "ersten Amtszeit",
    },
    TRAINING: {},
    NTV: {
        "Yoon Suk Yeol": "Präsident",
        "Andrzej Duda": "Polens Staatspräsident",
        "Kim Yong Hyun": "Verteidigungsminister",
        "Kim Jong Un": "Machthaber",
        "Cho Tae Yul": "Außenminister",
        "Wladimir Putin": "Präsident",
        "John Kirby": "Sprecher des Nationalen Sicherheitsrates",
        "Lloyd Austin": "Verteidigungsminister der USA",
        "Farah Dakhlallah": "Sprecherin der NATO",
    },
    EURONEWS: {
        "Kyrylo Budanov": "Chef des Militärgeheimdienstes",
        "Dmitri Peskow": "Sprecher des Kremls",
        "Georgi Sinowjew": "Botschafter",
    },
}

#: Places, bodies, agencies and things that a question may ask for; each stands in the original too.
THINGS = {
    KBS: "K9 Cheongung-I Cheongung-II Offensivwaffen Haubitzen USA UN-Sicherheitsrats KBS Pjöngjang Moskau "
    "Pressekonferenz Luftverteidigungssysteme 155-Millimeter-Artilleriegeschosse Experten Verbündeten",
    YOON: "Kursk Seoul Kreml Oberhaus Japan USA Munition Pressekonferenz Pjöngjang Westen US-Regierung trilaterale",
    TRAINING: "Seoul Kiew NATO USA Kurzstreckenraketen Artilleriegeschosse UNO-Generalversammlung Pjöngjang "
    "Präsidialamt Botschafter souveräne Minen Eskalation Demokratischen",
    NTV: "Yonhap Duma UN-Charta Pjöngjang Washington Brüssel Nordatlantikrat NATO Oberhaus AFP dpa AP einstimmig "
    "Kanonenfutter-Söldner Uniform Formsache Staatsbesuch Halbinsel Beweise",
    EURONEWS: "Yonhap Kiew Kursk Außenministerium Seoul Militärpersonal Artilleriemunition USA humanitäre Moskau "
    "widersprüchlich strategisch Waffenexporteure",
}

DAYS = {"montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"}
MONTHS = {
    *("januar", "februar", "märz", "april", "mai", "juni"),
    *("juli", "august", "september", "oktober", "november", "dezember"),
}
DAYS_AND_MONTHS = DAYS | MONTHS


@dataclass(frozen=True)
class Seed:
    name: str
    meta: dict[str, Any]
    body: str

    @property
    def prose(self) -> str:
        """What a reader sees: headline and text."""
        return f"{self.meta['title']}\n\n{self.body}"

    @property
    def sentences(self) -> list[str]:
        """Headings left out; German abbreviations with a point do not occur in the seeds."""
        lines = [line for line in self.body.splitlines() if line and not line.startswith("#")]
        return [sentence for line in lines for sentence in re.split(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ„])", line)]


def read(path: Path) -> Seed:
    before, matter, body = re.split(r"^---\n", path.read_text(encoding="utf-8"), maxsplit=2, flags=re.MULTILINE)
    assert not before, f"{path.name}: something stands before the front matter"
    return Seed(path.name, yaml.safe_load(matter), body)


@cache
def by_source() -> dict[str, Seed]:
    return {seed.meta["source"]: seed for seed in map(read, FILES)}


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def shared_runs(one: list[str], other: list[str], size: int) -> list[str]:
    """Runs of ``size`` words that stand in both, in the order of ``one``."""
    known = {tuple(other[at : at + size]) for at in range(len(other) - size + 1)}
    runs = (tuple(one[at : at + size]) for at in range(len(one) - size + 1))
    return [" ".join(run) for run in runs if run in known]


def figures(text: str) -> set[str]:
    """Numbers, thousands unmarked (``2.600``, ``2 600`` → ``2600``), with the letters of a type name (``K9``)."""
    plain = re.sub(r"(?<=\d)[.\u00a0\u202f ](?=\d{3}(?!\d))", "", text)
    return set(re.findall(r"(?<!\w)[^\W\d_]*\d+(?:[.,:]\d+)*", plain))


def quotes(text: str) -> list[str]:
    return re.findall(r"[„“\"»]([^„“”\"»«]+)[“”\"«]", text)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def seed(request: pytest.FixtureRequest) -> Seed:
    return read(request.param)


@pytest.fixture(params=sorted(PEOPLE))
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def originals(shared: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (shared / "articles").glob("*.txt")}


# --- form


def test_one_seed_for_each_source() -> None:
    assert sorted(read(path).meta["source"] for path in FILES) == sorted(PEOPLE)


def test_file_name_is_a_slug(seed: Seed) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*\.md", seed.name)


def test_front_matter_has_the_agreed_keys_and_no_empty_value(seed: Seed) -> None:
    assert set(seed.meta) >= REQUIRED
    assert set(seed.meta) - REQUIRED <= OPTIONAL
    assert all(isinstance(value, str) and value.strip() == value != "" for value in seed.meta.values())
    assert seed.meta["lang"] == "de"
    assert re.match(r"https?://", seed.meta.get("url", "https://"))


def test_published_is_a_date_or_a_minute(seed: Seed) -> None:
    if (published := seed.meta.get("published")) is not None:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d)?", published)
        assert datetime.fromisoformat(published).year >= 2024


def test_metadata_is_what_the_originals_tell() -> None:
    told = {name: {key: seed.meta[key] for key in OPTIONAL & set(seed.meta)} for name, seed in by_source().items()}
    assert told == {
        KBS: {"outlet": "KBS World Radio", "author": "Kim Bum-soo"},
        YOON: {},
        TRAINING: {},
        NTV: {"outlet": "ntv.de", "published": "2024-10-24T14:17", "author": "gut/AFP/dpa/AP"},
        EURONEWS: {"outlet": "euronews", "author": "Sasha Vakulina & Mascha Wolf"},
    }


def test_body_is_paragraphs_on_one_line_each_under_second_level_headings(seed: Seed) -> None:
    blocks = seed.body.strip().split("\n\n")
    assert all("\n" not in block for block in blocks)
    assert all(re.match(r"## \S|[A-ZÄÖÜ„]", block) for block in blocks)
    assert seed.meta["title"] not in seed.body
    assert len([block for block in blocks if not block.startswith("#")]) >= 4


# --- own words


def test_direct_speech_is_short(seed: Seed) -> None:
    assert seed.prose.count("„") == seed.prose.count("“")
    assert not [quote for quote in quotes(seed.prose) if len(words(quote)) > QUOTE_WORDS]


def test_exactly_one_seed_per_original(originals: dict[str, str]) -> None:
    assert sorted(by_source()) == sorted(originals)


def test_no_run_of_words_is_an_originals(seed: Seed, originals: dict[str, str]) -> None:
    copied = {name: shared_runs(words(seed.prose), words(text), RUN) for name, text in originals.items()}
    assert not {name: runs for name, runs in copied.items() if runs}


def test_no_sentence_is_an_originals(seed: Seed, originals: dict[str, str]) -> None:
    texts = [" ".join(words(text)) for text in originals.values()]
    assert not [line for line in seed.sentences if any(" ".join(words(line)) in text for text in texts)]


# --- every fact


def test_people_are_named_with_what_they_are(source: str) -> None:
    seed = by_source()[source]
    for name, role in PEOPLE[source].items():
        assert [line for line in seed.sentences if name in line and role in line], f"{seed.name}: {name}, {role}"


def test_things_are_named(source: str) -> None:
    seed = by_source()[source]
    text = f"{seed.prose} {seed.meta.get('author', '')}".casefold()
    assert [thing for thing in THINGS[source].split() if thing.casefold() not in text] == []


def test_names_are_spelt_as_in_the_article_itself(source: str) -> None:
    foreign = {name for names in PEOPLE.values() for name in names} - set(PEOPLE[source])
    elsewhere = {name for name in foreign if not any(name in own for own in PEOPLE[source])}
    assert [name for name in elsewhere if name in by_source()[source].prose] == []


def test_the_lists_of_names_are_the_originals(source: str, originals: dict[str, str]) -> None:
    text = originals[source].casefold()
    assert [name for name in PEOPLE[source] if name.casefold() not in text] == []
    assert [thing for thing in THINGS[source].split() if thing.casefold() not in text] == []


def test_figures_are_those_of_the_original(source: str, originals: dict[str, str]) -> None:
    expected = figures(originals[source]) - FURNITURE_FIGURES.get(source, set())
    assert figures(by_source()[source].prose) == expected


def test_furniture_figures_are_still_in_the_originals(originals: dict[str, str]) -> None:
    for name, furniture in FURNITURE_FIGURES.items():
        assert furniture <= figures(originals[name])


def test_days_and_months_are_those_of_the_original(source: str, originals: dict[str, str]) -> None:
    in_seed = DAYS_AND_MONTHS & set(words(by_source()[source].prose))
    assert in_seed == DAYS_AND_MONTHS & set(words(originals[source]))


# --- the yardsticks themselves


def test_figures_by_hand() -> None:
    text = "1500, 12.000, 2 600 und 155-mm; K9, 24.10.2024, 14:17, 3,5 Prozent."
    assert figures(text) == {"1500", "12000", "2600", "155", "K9", "24.10.2024", "14:17", "3,5"}


def test_quotes_by_hand() -> None:
    assert quotes('„Alle Optionen“ und "auf dem Tisch", »so« sagte er “es” dann') == [
        "Alle Optionen",
        "auf dem Tisch",
        "so",
        "es",
    ]


@given(
    before=st.lists(st.sampled_from("abc"), max_size=9),
    run=st.lists(st.sampled_from("xyz"), min_size=RUN, max_size=RUN),
    after=st.lists(st.sampled_from("def"), max_size=9),
)
def test_a_planted_run_is_found_and_a_shorter_one_is_not(before: list[str], run: list[str], after: list[str]) -> None:
    assert " ".join(run) in shared_runs([*before, *run, *after], [*after, *run, *before], RUN)
    assert shared_runs([*before, *run[1:], *after], ["-", *run[1:], "-"], RUN) == []
