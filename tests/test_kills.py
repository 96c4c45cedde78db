"""Killed anywhere: the old index or the new one answers, whole, and the next build leaves nothing of the accident."""

from __future__ import annotations

import functools
import itertools
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pytest

from qa.builds import list_builds
from qa.errors import IndexMissingError
from tests.fault_actions import back, build, content, prune, settings_of, temporary, write_article
from tests.syscalls import Fault, fork_server, strike, unavailable

#: Kills at random times, beside those at every change of a file.
RANDOM_TIMES = 100

#: Runs that end by themselves before the last change is taken for struck.
SPARE = 6


@dataclass(frozen=True, slots=True)
class Scene:
    """A place before something is done to it, and what it answers before and after."""

    place: Path
    action: Callable[[Path], str]
    before: dict[str, object] | None
    after: dict[str, object]

    def copy(self, to: Path) -> Path:
        # Builds may share files by hard links, and so must the copy.
        subprocess.run(["cp", "-a", str(self.place), str(to)], check=True)
        return to


def answers(place: Path) -> dict[str, object] | None:
    """What the index answers from, each file checked; None where there is none."""
    try:
        return content(place)
    except IndexMissingError:
        return None


def scene(folder: Path, action: Callable[[Path], str], prepare: Iterable[Callable[[Path], object]]) -> Scene:
    place, done = folder / "place", folder / "done"
    for step in prepare:
        step(place)
    before = answers(place)
    made = Scene(place, action, before, {})
    action(made.copy(done))
    after = content(done)
    return Scene(place, action, before, after)


def articles(*towns: str) -> Callable[[Path], None]:
    def write(place: Path) -> None:
        shutil.rmtree(place / "articles", ignore_errors=True)
        for town in towns:
            write_article(place, f"{town}.md", town.removesuffix("-neu"))

    return write


FIRST, SECOND = articles("Seoul", "Busan", "Incheon"), articles("Seoul", "Incheon", "Kiew", "Moskau")

#: Name, what is struck, and what comes before it.
SCENES = {
    "first build": (build, [FIRST]),
    "update": (build, [FIRST, build, SECOND]),
    "update of an update": (build, [FIRST, build, SECOND, build, FIRST]),
    "rollback": (back, [FIRST, build, SECOND, build]),
    "build over a rollback": (build, [FIRST, build, SECOND, build, back]),
    "prune": (prune, [FIRST, build, SECOND, build]),
}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Scene]:
    @functools.cache
    def make(name: str) -> Scene:
        action, prepare = SCENES[name]
        return scene(tmp_path_factory.mktemp("scene"), action, prepare)

    return make


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "work"
    shutil.rmtree(tmp_path / "work", ignore_errors=True)


def check(was: Scene, work: Path) -> str:
    """Which index answers, ``old`` or ``new``; the next build then ends what was begun and cleans up."""
    found = answers(work)
    assert found in (was.before, was.after), "neither the old index nor the new one, but a mixture"
    build(work)
    builds = list_builds(work / "index")
    assert [one.fault for one in builds if one.fault] == []
    assert len(builds) <= settings_of(work).keep_builds + 1
    assert not list((work / "index").glob(".tmp-*"))
    assert list(temporary(work).iterdir()) == []
    ended = content(work)
    if was.action is build:
        assert ended == was.after
    return "new" if found == was.after else "old"


def killed_at(was: Scene, work: Path, fault: Fault) -> str:
    """As `check`; ``ended`` where it made fewer changes than that."""
    was.copy(work)
    run = strike(functools.partial(was.action, work), work / "index", fault)
    assert run.status in {-9, 0}, run.said
    try:
        found = check(was, work)
    except Exception as error:
        raise AssertionError(f"killed at {fault}, {run.changes[-3:]}: {error}") from error
    finally:
        shutil.rmtree(work)
    return found if run.status else "ended"


def around_renames(was: Scene, work: Path) -> Counter[str]:
    """Kills before every rename of ours and right behind it: by these a build is published, moved and removed."""
    found: Counter[str] = Counter()
    for at in range(changes_of(was, work).count("rename")):
        for behind in (False, True):
            found[killed_at(was, work, Fault(at, name="rename", behind=behind))] += 1
    return found


def changes_of(was: Scene, work: Path) -> list[str]:
    run = strike(functools.partial(was.action, was.copy(work)), work / "index")
    assert run.status == 0, run.said
    assert check(was, work) == "new"
    shutil.rmtree(work)
    return run.changes


@pytest.mark.parametrize("name", SCENES)
def test_killed_at_some_changes_one_whole_index_answers(scenes, work: Path, name: str) -> None:
    """A sample: where it is published, and one place anywhere."""
    if unavailable():
        pytest.skip(unavailable())
    was = scenes(name)
    found = around_renames(was, work)
    assert found["new"]
    assert found["old"] or was.before == was.after
    killed_at(was, work, Fault(random.Random(name).randrange(200)))


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_killed_at_every_change_one_whole_index_answers(scenes, work: Path, name: str) -> None:
    if unavailable():
        pytest.skip(unavailable())
    was = scenes(name)
    found = around_renames(was, work)
    for at in itertools.count():
        found[killed_at(was, work, Fault(at))] += 1
        # A thread of the lexical index makes some calls more or fewer from run to run.
        if found["ended"] > SPARE:
            break
    kills = found.total() - found.pop("ended")
    assert kills > len(changes_of(was, work)) * 0.9
    assert found["new"]
    assert found["old"] or was.before == was.after
    print(f"{name}: {kills} kills, one at every change of a file: {dict(found)}")


def timed_kill(action: Callable[[Path], str], work: Path, seconds: float) -> bool:
    process = fork_server().Process(target=action, args=(work,))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == -9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first build", "update"])
def test_killed_at_random_times_one_whole_index_answers(scenes, work: Path, name: str) -> None:
    """Where no call is made: while a mapped file is filled, a thread of a library runs, the encoder works."""
    was = scenes(name)
    started = perf_counter()
    assert not timed_kill(was.action, was.copy(work), 60)
    lasts = perf_counter() - started
    shutil.rmtree(work)
    clock = random.Random(name)
    found: Counter[str] = Counter()
    for _ in range(RANDOM_TIMES):
        seconds = clock.uniform(0, lasts)
        killed = timed_kill(was.action, was.copy(work), seconds)
        found[f"{'killed, ' if killed else 'ended, '}{check(was, work)}"] += 1
        shutil.rmtree(work)
    print(f"{name}: {RANDOM_TIMES} kills at random times within {lasts:.2f} s: {dict(found)}")
