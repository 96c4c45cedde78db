from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qa.build import build_index, ensure_index
from qa.builds import list_builds, prune_builds, roll_back, size_on_disk
from qa.config import Settings
from qa.console import show_builds
from qa.errors import IndexBusyError, IndexDamagedError, IndexMissingError, IndexStaleError
from qa.index import load_index
from qa.publish import CURRENT_FILE, HELD_FILE, build_lock, current_build, held_build
from tests.fakes import WordEncoder

TEXTS = ["Erster Stand. Alles ist ruhig.", "Zweiter Stand. Es regnet heute.", "Dritter Stand. Nun schneit es."]


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    """An index folder with three builds of one article that changed twice."""
    (tmp_path / "articles").mkdir()
    settings = Settings(articles=tmp_path / "articles", index=tmp_path / "index", keep_builds=2)
    for text in TEXTS:
        write(settings, text)
        build_index(settings, WordEncoder())
    return settings


def write(settings: Settings, text: str) -> None:
    (settings.articles / "a.md").write_text(text, encoding="utf-8")


def text_of(settings: Settings) -> str:
    (article,) = load_index(settings, WordEncoder()).corpus.articles()
    return article.text


def ids(settings: Settings) -> list[str]:
    return [build.id for build in list_builds(settings.index)]


def spoil(folder: Path) -> None:
    damaged = folder / "corpus.db"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")


def test_builds_are_listed_newest_first_with_what_they_hold(
    place: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    builds = list_builds(place.index)
    assert [build.current for build in builds] == [True, False, False]
    assert [build.id for build in builds] == sorted((build.id for build in builds), reverse=True)
    assert {(build.articles, build.encoder, build.fault) for build in builds} == {(1, "words", "")}
    assert 0 < size_on_disk(place.index) <= sum(build.bytes for build in builds)
    show_builds(builds, size_on_disk(place.index), as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert [build["current"] for build in record["builds"]] == [True, False, False]
    show_builds(builds, size_on_disk(place.index), as_json=False)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown[:3]] == ids(place)
    assert shown[0].endswith("words  current")
    (place.index / CURRENT_FILE).unlink()
    show_builds(list_builds(place.index), 0, as_json=False)
    assert "none of them is the current one - qa build" in capsys.readouterr().out


def test_a_damaged_build_and_one_of_another_version_are_listed_as_such(place: Settings) -> None:
    newest, middle, oldest = (place.index / name for name in ids(place))
    spoil(middle)
    (oldest / "manifest.json").write_text('{"schema": 0}')
    (newest / "manifest.json").unlink()
    faults = [build.fault for build in list_builds(place.index)]
    assert faults[0].startswith("damaged: ")
    assert "corpus.db is damaged" in faults[1]
    assert faults[2] == "of another version"


def test_a_rollback_goes_back_step_by_step_and_forward_by_name(place: Settings) -> None:
    third, second, first = ids(place)
    assert roll_back(place, WordEncoder()).manifest.build_id == second
    assert text_of(place) == TEXTS[1]
    assert [build.held for build in list_builds(place.index)] == [False, True, False]
    assert roll_back(place, WordEncoder()).manifest.build_id == first
    with pytest.raises(IndexMissingError, match="older"):
        roll_back(place, WordEncoder())
    forward = roll_back(place, WordEncoder(), third)
    assert (text_of(place), forward.folder_same) == (TEXTS[2], True)


def test_it_says_whether_the_folder_differs(place: Settings) -> None:
    assert roll_back(place, WordEncoder()).folder_same is False
    write(place, TEXTS[1])
    assert roll_back(place, WordEncoder(), current_build(place.index).name).folder_same is True
    assert roll_back(replace(place, articles=place.articles / "none"), WordEncoder()).folder_same is None


def test_nothing_builds_over_a_rollback_but_a_build_that_was_asked_for(place: Settings) -> None:
    roll_back(place, WordEncoder())
    said: list[str] = []
    started: list[str] = []
    index = ensure_index(place, WordEncoder(), starting=started.append, held=said.append)
    assert [article.text for article in index.corpus.articles()] == [TEXTS[1]]
    assert (started, len(said)) == ([], 1)
    assert index.id in said[0]
    assert not build_index(place, WordEncoder(), outright=False).built
    assert current_build(place.index).name == index.id

    summary = build_index(place, WordEncoder())
    assert (summary.built, summary.released) == (True, index.id)
    assert text_of(place) == TEXTS[2]
    assert held_build(place.index) is None
    assert not (place.index / HELD_FILE).exists()
    write(place, "Vierter Stand. Die Sonne scheint.")
    assert ensure_index(place, WordEncoder()).id != summary.manifest.build_id


def test_a_build_that_finds_nothing_changed_ends_the_rollback_too(place: Settings) -> None:
    roll_back(place, WordEncoder())
    write(place, TEXTS[1])
    summary = build_index(place, WordEncoder())
    assert (summary.built, summary.released) == (False, summary.manifest.build_id)
    assert held_build(place.index) is None


def test_the_build_that_was_gone_back_to_stays_beside_the_next_one(place: Settings) -> None:
    _, second, _ = ids(place)
    roll_back(place, WordEncoder())
    build_index(replace(place, keep_builds=1), WordEncoder())
    assert ids(place)[1:] == [second]


def test_a_held_build_that_cannot_answer_is_refused_and_not_replaced(place: Settings) -> None:
    roll_back(place, WordEncoder())
    before = ids(place)
    spoil(current_build(place.index))
    with pytest.raises(IndexDamagedError, match=r"a rollback holds .* - qa index rollback BUILD .* qa build"):
        ensure_index(place, WordEncoder())
    roll_back(place, WordEncoder(), before[0])
    with pytest.raises(IndexStaleError, match="a rollback holds"):
        ensure_index(replace(place, chunk_words=30), WordEncoder())
    assert ids(place) == before


def test_a_build_that_cannot_answer_is_not_gone_back_to(place: Settings) -> None:
    third, second, first = ids(place)
    spoil(place.index / second)
    with pytest.raises(IndexDamagedError, match=rf"build {second} cannot answer: .*corpus.db .* - qa index list"):
        roll_back(place, WordEncoder())
    with pytest.raises(IndexStaleError, match="made otherwise"):
        roll_back(place, WordEncoder(salt="other"), first)
    for wrong in ("nope", "..", f"../index/{first}", ""):
        with pytest.raises(IndexMissingError, match="no build"):
            roll_back(place, WordEncoder(), wrong)
    assert (current_build(place.index).name, held_build(place.index)) == (third, None)


def test_a_lost_pointer_is_mended_by_a_rollback(place: Settings) -> None:
    newest = ids(place)[0]
    (place.index / CURRENT_FILE).write_text("gone\n")
    roll_back(place, WordEncoder(), newest)
    (place.index / CURRENT_FILE).unlink()
    assert roll_back(place, WordEncoder()).manifest.build_id == newest


def test_while_a_build_is_under_way_nothing_is_moved(place: Settings) -> None:
    with build_lock(place.index):
        with pytest.raises(IndexBusyError):
            roll_back(place, WordEncoder())
        with pytest.raises(IndexBusyError):
            prune_builds(place.index, 0)


def test_pruning_removes_old_builds_and_leftovers(place: Settings) -> None:
    third, second, first = ids(place)
    (place.index / ".tmp-half").mkdir()
    (place.index / ".tmp-half" / "file").write_text("x" * 100)
    pruned = prune_builds(place.index, 1)
    assert pruned.names == (first,)
    assert pruned.freed > 100
    assert ids(place) == [third, second]
    assert not list(place.index.glob(".tmp-*"))
    roll_back(place, WordEncoder())
    assert prune_builds(place.index, 0).names == (third,)
    assert prune_builds(place.index, 0).names == ()
    assert text_of(place) == TEXTS[1]


def test_without_knowing_the_current_build_nothing_is_removed(place: Settings) -> None:
    (place.index / CURRENT_FILE).write_text("gone\n")
    with pytest.raises(IndexDamagedError):
        prune_builds(place.index, 0)
    assert len(ids(place)) == 3


def test_where_there_is_no_index_that_is_one_line(tmp_path: Path) -> None:
    nowhere = Settings(articles=tmp_path, index=tmp_path / "none")
    for act in (
        lambda: list_builds(nowhere.index),
        lambda: roll_back(nowhere, WordEncoder()),
        lambda: prune_builds(nowhere.index, 1),
    ):
        with pytest.raises(IndexMissingError, match="qa build"):
            act()
    assert not nowhere.index.exists()
