"""Whatever happens to a file of a published index: it is found when the index is opened, named, and mended by a build."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qa.builds import list_builds
from qa.errors import IndexDamagedError, IndexMissingError
from qa.publish import current_build
from tests.commands import qa_command
from tests.fault_actions import build, content, settings_of, write_article

#: Damages made to the files of one index, each at a place of its own.
DAMAGES = 150


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that was built and once brought up to date."""
    place = tmp_path_factory.mktemp("sound") / "place"
    for town in ("Seoul", "Busan"):
        write_article(place, f"{town}.md", town)
    build(place)
    write_article(place, "Kiew.md", "Kiew")
    build(place)
    return place


@pytest.fixture(scope="module")
def whole(sound: Path) -> dict[str, object]:
    return content(sound)


def copy(place: Path, to: Path) -> Path:
    subprocess.run(["cp", "-a", str(place), str(to)], check=True)
    return to


def files_of(place: Path) -> list[Path]:
    folder = current_build(place / "index")
    return sorted(path.relative_to(place) for path in folder.rglob("*") if path.is_file())


@st.composite
def spoilt(draw: st.DrawFn, content: bytes) -> bytes | None:
    """A file with one bit flipped, cut off, grown, overwritten, or gone (None)."""
    kind = draw(st.sampled_from(["flip", "cut", "grow", "zeros", "gone"]))
    place = draw(st.integers(0, max(0, len(content) - 1)))
    if kind == "gone":
        return None
    if kind == "grow" or not content:
        return content + draw(st.binary(min_size=1, max_size=8))
    if kind == "cut":
        return content[:place]
    if kind == "zeros":
        end = place + draw(st.integers(1, 4096))
        return content[:place] + bytes(len(content[place:end])) + content[end:]
    return content[:place] + bytes([content[place] ^ 1 << draw(st.integers(0, 7))]) + content[place + 1 :]


@given(data=st.data())
@settings(max_examples=DAMAGES, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_found_and_named_when_the_index_is_opened(sound: Path, whole, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(files_of(sound)))
    path = sound / name
    before = path.read_bytes()
    after = data.draw(spoilt(before))
    aside = path.rename(sound / "aside")
    try:
        if after is not None:
            path.write_bytes(after)
        if after == before:
            assert content(sound) == whole
            return
        with pytest.raises(IndexDamagedError) as caught:
            content(sound)
        assert name.name in caught.value.message
        assert caught.value.mend == "qa build"
        assert "\n" not in str(caught.value)
        assert list_builds(sound / "index")[0].fault.startswith("damaged: ")
    finally:
        aside.replace(path)  # not written anew: it may be a file of two builds


@given(pointer=st.binary(max_size=40))
@example(b"")
@example(b"\n")
@example(b".")
@example(b"..")
@example(b"../index")
@example(b"/etc")
@example(b".tmp-x")
@example(b"articles\x00")
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_pointer_that_names_no_build_is_damage(sound: Path, pointer: bytes) -> None:
    path = sound / "index" / "CURRENT"
    before = path.read_bytes()
    try:
        path.write_bytes(pointer)
        with pytest.raises(IndexDamagedError, match=r"CURRENT .* - qa build"):
            content(sound)
    finally:
        path.write_bytes(before)


def test_what_is_no_part_of_a_build_is_passed_over(sound: Path, whole, tmp_path: Path) -> None:
    place = copy(sound, tmp_path / "place")
    folder = current_build(place / "index")
    for parent in (folder, *(path for path in folder.rglob("*") if path.is_dir()), place / "index"):
        (parent / ".DS_Store").write_bytes(b"x")
        (parent / "corpus.db.bak").write_bytes(b"x")
        (parent / "notes").mkdir()
    assert content(place) == whole
    write_article(place, "Incheon.md", "Incheon")
    build(place)
    assert len(content(place)["articles"]) == 4


def test_a_file_that_two_builds_share_damages_both_and_the_next_build_mends_it(
    sound: Path, whole, tmp_path: Path
) -> None:
    """An update links what it did not change: such builds are no copies of each other."""
    place = copy(sound, tmp_path / "place")
    folder = current_build(place / "index")
    shared = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_nlink > 1]
    if not shared:
        pytest.skip("this file system has no hard links")
    shared[0].write_bytes(shared[0].read_bytes() + b"x")
    faults = [one.fault for one in list_builds(place / "index")]
    assert len(faults) == 2
    assert all(shared[0].name in fault for fault in faults)
    ran = qa_command(place, "index", "rollback")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert f"{shared[0].name} is damaged" in ran.err
    build(place)
    assert content(place) == whole


#: `qa serve` is not among them: it waits for a sound index (test_reload.py).
COMMANDS = (["ask", "Wo stehen Haubitzen?", "--no-build"], ["info"])


def damaged_places(sound: Path) -> list[tuple[str, bytes | None]]:
    """The files of the build, one of each folder in it, and ``CURRENT``, in turn cut to a half, empty or gone."""
    depth = min(len(name.parts) for name in files_of(sound))
    some = {name if len(name.parts) == depth else name.parent: name for name in files_of(sound)}
    names = [*map(str, some.values()), "index/CURRENT"]
    ways = [lambda old: old[: len(old) // 2], lambda _old: b"", lambda _old: None]
    return [(name, ways[place % 3]((sound / name).read_bytes())) for place, name in enumerate(names)]


def test_every_command_says_one_line_and_a_build_mends_it(sound: Path, whole, tmp_path: Path) -> None:
    place = copy(sound, tmp_path / "place")
    for turn, (name, left) in enumerate(damaged_places(sound)):
        shutil.rmtree(place)
        copy(sound, place)
        (place / name).unlink()
        if left is not None:
            (place / name).write_bytes(left)
        ran = qa_command(place, *COMMANDS[turn % len(COMMANDS)])
        assert (ran.status > 0, ran.out, ran.err.count("\n")) == (True, "", 1), (name, ran)
        assert Path(name).name in ran.err or left is None
        assert " - qa build --articles" in ran.err, (name, ran)
        assert "unexpected" not in ran.err
    doctor = qa_command(place, "doctor")
    assert doctor.status == 1
    assert "FAIL index: " in doctor.out
    assert "mend: qa build" in doctor.out


@pytest.mark.parametrize("command", [["build"], ["ask", "Wo stehen Haubitzen?"]])
def test_damage_is_mended_and_told(sound: Path, whole, tmp_path: Path, command: list[str]) -> None:
    place = copy(sound, tmp_path / "place")
    corpus = current_build(place / "index") / "corpus.db"
    corpus.write_bytes(corpus.read_bytes()[:-1])
    ran = qa_command(place, *command)
    assert ran.status == 0, ran
    told = ran.out if command == ["build"] else ran.err
    assert "corpus.db is damaged" in told
    assert content(place) == whole
    assert [build.fault for build in list_builds(place / "index") if build.current] == [""]


def test_an_index_that_lost_its_pointer_is_built_again(sound: Path, whole, tmp_path: Path) -> None:
    place = copy(sound, tmp_path / "place")
    (place / "index" / "CURRENT").unlink()
    with pytest.raises(IndexMissingError, match="qa build"):
        content(place)
    build(place)
    assert content(place) == whole
    assert len(list_builds(place / "index")) <= settings_of(place).keep_builds + 1
