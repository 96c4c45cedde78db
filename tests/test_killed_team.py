"""``qa build --workers 2`` killed: the old index or the new one, whole; nobody lives on, nothing stays.

In processes of their own, with the encoder that is shipped: a worker is started and loads it as it does for everyone.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qa.build import build_index
from qa.config import Settings
from qa.index import load_index
from qa.manifest import checksums
from qa.publish import current_build
from tests.processes import command_of, descendants, environment, is_running, still_running

if TYPE_CHECKING:
    from qa.types import Encoder

pytestmark = [pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")]

#: Kills at random times.
RANDOM_TIMES = 60
#: Seconds that what a build started may outlive it: starting an interpreter takes most of a second, and one that is
#: being started sees its end when it has loaded what it needs.
OUTLIVES = 15.0
#: `qa` with batches so small that a few articles are work for a team.
COMMAND = "import qa.ingest; qa.ingest.EMBED_SLICE = 16; from qa.cli import main; main()"
PAGE = "<html><body><p>In der Halle von Nordhafen stehen seit Montag 40 Boote zum Verkauf.</p></body></html>"


@dataclass(frozen=True, slots=True)
class Place:
    """Articles with an index of fewer of them; digests of the files of that index, and of the one that a build makes."""

    folder: Path
    before: dict[str, str]
    after: dict[str, str]

    def copy(self, to: Path) -> Path:
        subprocess.run(["cp", "-a", str(self.folder), str(to)], check=True)
        return to


def settings_of(place: Path) -> Settings:
    return Settings(articles=place / "articles", index=place / "index")


def content(place: Path) -> dict[str, str]:
    """Of the files of the published index; tantivy names its own at random."""
    files = checksums(current_build(place / "index"))
    return {name: sha for name, sha in files.items() if not name.startswith("lexical/")}


@pytest.fixture(scope="module")
def place(encoder: Encoder, seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("team") / "place"
    (folder / "articles").mkdir(parents=True)
    (folder / "temporary").mkdir()
    articles = sorted(seeds.glob("*.md"))
    shutil.copy(articles[0], folder / "articles")
    build_index(settings_of(folder), encoder)
    for path in articles[1:]:
        shutil.copy(path, folder / "articles")
    # Read by a process too.
    (folder / "articles" / "page.html").write_text(PAGE, encoding="utf-8")
    done = folder.with_name("done")
    made = Place(folder, content(folder), {})
    build_index(settings_of(made.copy(done)), encoder)
    return Place(folder, made.before, content(done))


def start(place: Path) -> subprocess.Popen[str]:
    command = ["build", "--workers", "2", "--articles", str(place / "articles"), "--index", str(place / "index")]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *command],
        env=environment(TMPDIR=str(place / "temporary"), OMP_NUM_THREADS="1"),
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    return [pid for pid in descendants(process.pid) if "spawn_main" in command_of(pid)]


def kill(process: subprocess.Popen[str]) -> list[int]:
    """Kill it with nothing else; gives what it had started until then, which it cannot add to any more."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGSTOP)
    team = descendants(process.pid)
    process.kill()
    # Not to the end of its output: those it started have that open too.
    process.wait()
    return team


def ended(process: subprocess.Popen[str]) -> str:
    """What it said on its standard error, and all that it started."""
    _, said = process.communicate(timeout=OUTLIVES)
    return said


def is_quiet(said: str) -> bool:
    """Whether nothing was said, but by a worker that had been started and not yet been told what to do.

    That is multiprocessing's own, in the microseconds between its two steps.
    """
    return said == "" or (said.count("Traceback") == 1 and said.endswith("EOFError: Ran out of input\n"))


def build_again(place: Path) -> None:
    process = start(place)
    said = ended(process)
    assert (process.returncode, said) == (0, "")


def whole(place: Path, encoder: Encoder, was: Place, again: Callable[[Path], object] = build_again) -> str:
    """Which index answers, ``old`` or ``new``; the next build ends what was begun and cleans up."""
    found = content(place)
    assert found in (was.before, was.after), "neither the old index nor the new one"
    load_index(settings_of(place), encoder).close()  # compares every checksum
    again(place)
    assert content(place) == was.after
    assert not list((place / "index").glob(".tmp-*"))
    assert list((place / "temporary").iterdir()) == []
    return "new" if found == was.after else "old"


def until(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    while not reached():
        assert process.poll() is None, ended(process)
        os.sched_yield()


def writing(place: Path) -> bool:
    """Whether a build has begun to write vectors."""
    return any((place / "index").glob(".tmp-*/sentences/*"))


@pytest.fixture
def build_here(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], object]:
    """As `build_again`, in this process, which has everything loaded."""

    def build(place: Path) -> object:
        monkeypatch.setattr("tempfile.tempdir", str(place / "temporary"))
        return build_index(settings_of(place), encoder)

    return build


@pytest.mark.parametrize("moment", ["while they start", "while they encode"])
def test_a_build_with_workers_that_is_killed_leaves_one_whole_index_and_nobody(
    place: Place, encoder: Encoder, build_here: Callable[[Path], object], tmp_path: Path, moment: str
) -> None:
    work = place.copy(tmp_path / "work")
    process = start(work)
    until(process, lambda: writing(work) if moment == "while they encode" else len(workers_of(process)) > 0)
    team = kill(process)
    assert any(map(is_running, team)) or moment == "while they encode"
    assert still_running(team, OUTLIVES) == []
    assert process.returncode == -signal.SIGKILL
    assert is_quiet(ended(process))
    whole(work, encoder, place, build_here)


def test_a_worker_that_is_killed_ends_the_build_with_one_line(
    place: Place, encoder: Encoder, build_here: Callable[[Path], object], tmp_path: Path
) -> None:
    """As where memory runs out."""
    work = place.copy(tmp_path / "work")
    process = start(work)
    until(process, lambda: len(workers_of(process)) == 2)
    team = descendants(process.pid)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    said = ended(process)
    assert process.returncode == 1
    assert said.splitlines() == [
        "qa: a worker (1 of 2) was killed by signal 9 (SIGKILL) while it encoded; nothing was published - "
        "if memory ran out, name fewer workers; else try again"
    ]
    assert still_running(team, OUTLIVES) == []
    assert whole(work, encoder, place, build_here) == "old"


@pytest.mark.slow
def test_builds_with_workers_killed_at_random_times(place: Place, encoder: Encoder, tmp_path: Path) -> None:
    started = time.perf_counter()
    process = start(place.copy(tmp_path / "work"))
    assert ended(process) == ""
    lasts = time.perf_counter() - started
    shutil.rmtree(tmp_path / "work")
    clock = random.Random(7)
    found: Counter[str] = Counter()
    longest = 0.0
    for _ in range(RANDOM_TIMES):
        work = place.copy(tmp_path / "work")
        process, seconds = start(work), clock.uniform(0, lasts)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            team = kill(process)
        else:
            team = []
        killed = time.perf_counter()
        assert still_running(team, OUTLIVES) == [], f"after {seconds:.2f} of {lasts:.2f} s"
        longest = max(longest, time.perf_counter() - killed)
        assert is_quiet(ended(process)), f"after {seconds:.2f} of {lasts:.2f} s"
        how = "killed" if process.returncode == -signal.SIGKILL else "ended"
        found[f"{how} with {len(team)} more, {whole(work, encoder, place)}"] += 1
        shutil.rmtree(work)
    print(f"{RANDOM_TIMES} kills at random times within {lasts:.2f} s, all gone after {longest:.2f} s: {dict(found)}")
