"""Builds at the same time, in processes of their own: one at a time writes, and a killed one leaves no lock."""

from __future__ import annotations

import os
import signal
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from qa.build import build_index
from qa.builds import list_builds
from qa.publish import build_lock
from tests.commands import qa_command
from tests.fakes import PieceEncoder
from tests.fault_actions import build, content, settings_of, write_article
from tests.syscalls import fork_server


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for town in ("Seoul", "Busan"):
        write_article(tmp_path, f"{town}.md", town)
    return tmp_path


def build_that_stops(place: Path, here: Connection) -> None:
    """Tells where it is and goes on when it is told to."""

    def stop(stage: str, _done: int, _total: int) -> None:
        if stage == "embed":
            here.send("embedding")
            here.recv()

    here.send(build_index(settings_of(place), PieceEncoder(), progress=stop).built)


def build_that_waits(place: Path, here: Connection) -> None:
    summary = build_index(settings_of(place), PieceEncoder(), waiting=lambda: here.send("waiting"))
    here.send(summary.built)


def start(target, place: Path) -> tuple[Connection, object]:
    ours, theirs = fork_server().Pipe()
    process = fork_server().Process(target=target, args=(place, theirs))
    process.start()
    theirs.close()
    return ours, process


def test_a_second_build_waits_and_finds_the_work_done(place: Path) -> None:
    first, first_process = start(build_that_stops, place)
    assert first.recv() == "embedding"
    second, second_process = start(build_that_waits, place)
    assert second.recv() == "waiting"
    assert qa_command(place, "index", "prune").err.startswith("qa: no index in")
    first.send("go on")
    assert first.recv() is True
    assert second.recv() is False
    first_process.join()
    second_process.join()
    assert len(list_builds(place / "index")) == 1


def test_a_killed_build_leaves_no_lock(place: Path) -> None:
    first, first_process = start(build_that_stops, place)
    assert first.recv() == "embedding"
    second, second_process = start(build_that_waits, place)
    assert second.recv() == "waiting"
    os.kill(first_process.pid, signal.SIGKILL)
    assert second.recv() is True
    second_process.join()
    first_process.join()
    assert len(content(place)["articles"]) == 2
    assert not list((place / "index").glob(".tmp-*"))


def test_while_a_build_runs_the_old_index_answers_and_is_not_moved(place: Path) -> None:
    build(place)
    before = content(place)
    write_article(place, "Kiew.md", "Kiew")
    first, first_process = start(build_that_stops, place)
    assert first.recv() == "embedding"
    assert content(place) == before
    for command in (["index", "rollback"], ["index", "prune"]):
        ran = qa_command(place, *command)
        assert (ran.status, ran.err.count("\n")) == (1, 1)
        assert "another build is writing" in ran.err
    first.send("go on")
    assert first.recv() is True
    first_process.join()
    assert len(content(place)["articles"]) == 3


ROUNDS = 100


def take_turns(place: Path, here: Connection) -> None:
    """Takes the lock again and again; a file that only one may make at a time tells if two had it."""
    alone = place / "alone"
    for _ in range(ROUNDS):
        with build_lock(place / "index"):
            os.close(os.open(alone, os.O_CREAT | os.O_EXCL))
            alone.unlink()
    here.send("never two")


def test_the_lock_is_never_held_twice(place: Path) -> None:
    started = [start(take_turns, place) for _ in range(4)]
    assert [pipe.recv() for pipe, _ in started] == ["never two"] * 4
    for _, process in started:
        process.join()


def test_builds_that_start_together_leave_one_whole_index(place: Path) -> None:
    processes = [fork_server().Process(target=partial(build, place)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert [one.fault for one in list_builds(place / "index")] == [""]
    assert len(content(place)["articles"]) == 2
