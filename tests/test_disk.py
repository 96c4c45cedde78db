"""A disk that is full, fails or may not be written to: one line, and what was published before goes on."""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.publish import current_build
from tests.commands import qa_command
from tests.fault_actions import build, content, write_article
from tests.syscalls import GROWING, Fault, strike, unavailable

#: Name, error, the calls that give it, and whether it lasts.
TROUBLES = {
    "full": (errno.ENOSPC, GROWING, True),
    "full for a moment": (errno.ENOSPC, GROWING, False),
    "failing": (errno.EIO, frozenset({"write", "pwrite64", "writev", "fsync", "fdatasync", "rename"}), True),
    "forbidden": (errno.EACCES, frozenset({"openat", "mkdir", "rename", "renameat", "linkat", "link"}), True),
}

REFUSED = ("QAError: the index cannot be written to ", "QAError: no temporary files can be written: ")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index, and one article more than it holds."""
    place = tmp_path_factory.mktemp("before") / "place"
    for town in ("Seoul", "Busan"):
        write_article(place, f"{town}.md", town)
    build(place)
    write_article(place, "Kiew.md", "Kiew")
    return place


@pytest.fixture(scope="module")
def after(before: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    place = tmp_path_factory.mktemp("after") / "place"
    subprocess.run(["cp", "-a", str(before), str(place)], check=True)
    build(place)
    return content(place)


def struck(before: Path, after: dict[str, object], work: Path, name: str, at: int) -> str | None:
    """What the build says that is struck there; None where it made fewer changes than that."""
    number, only, lasting = TROUBLES[name]
    subprocess.run(["cp", "-a", str(before), str(work)], check=True)
    builds = len(list((work / "index").glob("2*")))
    run = strike(functools.partial(build, work), work / "index", Fault(at, number, lasting, only))
    said = run.said if run.status else "built"
    assert run.status in {0, 1}, f"{name} at {at}: status {run.status}"
    try:
        assert "\n" not in said
        answered = content(work)
        if run.status:
            assert said.startswith(REFUSED)
            assert " - name another folder" in said or " - make room" in said
            # An error after CURRENT was replaced is told, but the new index is there.
            assert answered in (content(before), after)
            if name == "full" and answered != after:
                assert len(list((work / "index").glob("2*"))) == builds
                assert not [path for path in (work / "index").glob(".tmp-*") if path.is_dir()]
        else:
            assert answered == after
        build(work)
        assert content(work) == after
        assert not list((work / "index").glob(".tmp-*"))
    except AssertionError as error:
        raise AssertionError(f"{name} at change {at} ({run.changes[at : at + 1]}): {said}") from error
    finally:
        shutil.rmtree(work)
    return said if len(run.changes) > at else None


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_at_some_changes_is_one_line(before: Path, after, tmp_path: Path, name: str) -> None:
    if unavailable():
        pytest.skip(unavailable())
    for at in random.Random(name).sample(range(200), 3):
        struck(before, after, tmp_path / "work", name, at)


@pytest.mark.slow
@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_at_every_change_is_one_line(before: Path, after, tmp_path: Path, name: str) -> None:
    if unavailable():
        pytest.skip(unavailable())
    said = itertools.takewhile(
        lambda line: line is not None, (struck(before, after, tmp_path / "work", name, at) for at in itertools.count())
    )
    counted = Counter("built" if line == "built" else "refused in one line" for line in said)
    assert counted["refused in one line"] > 100 or name == "full for a moment"
    print(f"disk {name}: struck at each of {counted.total()} changes: {dict(counted)}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")
def test_a_disk_that_fills_up_leaves_the_old_index_answering(small_disk: Path, tmp_path: Path) -> None:
    for town in ("Seoul", "Busan"):
        write_article(small_disk, f"{town}.md", town)
    build(small_disk)
    before, folder = content(small_disk), current_build(small_disk / "index")
    write_article(small_disk, "Kiew.md", "Kiew")
    filler = small_disk / "filler"
    refused = 0
    for room in (0, 10_000, 40_000, 70_000, 100_000, 200_000, 500_000):
        fill(filler, leave=room)
        ran = qa_command(small_disk, "build")
        if ran.status == 0:
            break
        refused += 1
        assert (ran.out, ran.err.count("\n")) == ("", 1), ran.err
        assert ran.err.startswith("qa: the index cannot be written to ")
        assert content(small_disk) == before
        assert current_build(small_disk / "index") == folder
        filler.unlink()
    assert refused >= 3
    filler.unlink(missing_ok=True)
    build(small_disk)
    assert len(content(small_disk)["articles"]) == 3


def fill(path: Path, *, leave: int) -> None:
    room = os.statvfs(path.parent)
    with path.open("wb") as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - leave)


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Path]:
    """An index that may be read and not written."""
    place = tmp_path / "place"
    for town in ("Seoul", "Busan"):
        write_article(place, f"{town}.md", town)
    build(place)
    for path in (place / "index", *(place / "index").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
        if not os.getuid():
            os.chown(path, 65534, 65534)
    yield place
    for path in (place / "index", *(place / "index").rglob("*")):
        path.chmod(0o755)


def test_an_index_that_may_only_be_read_answers_and_refuses_a_build_in_one_line(foreign: Path) -> None:
    asked = qa_command(foreign, "ask", "Wo stehen Haubitzen?")
    assert (asked.status, asked.err) == (0, ""), asked.err
    assert "In Seoul stehen Haubitzen" in asked.out
    for command in (["build"], ["index", "rollback"], ["index", "prune"]):
        ran = qa_command(foreign, *command)
        assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
        assert ran.err.startswith(f"qa: the index cannot be written to {foreign}/index: Permission denied - ")


def test_an_index_that_may_not_be_read_is_one_line_everywhere(foreign: Path) -> None:
    folder = current_build(foreign / "index")
    for hidden in (folder / "corpus.db", folder / "manifest.json", foreign / "index" / "CURRENT", folder):
        mode = hidden.stat().st_mode
        hidden.chmod(0)
        for command in (["ask", "Wo?"], ["info"], ["build"], ["index", "prune"]):
            ran = qa_command(foreign, *command)
            assert (ran.status > 0, ran.out, ran.err.count("\n")) == (True, "", 1), (hidden, command, ran)
            assert "Permission denied" in ran.err, (hidden, command, ran)
            assert ran.err.startswith("qa: ")
            assert "unexpected" not in ran.err, (hidden, command, ran)
        hidden.chmod(mode)
