"""The tool of the fault tests strikes where it says it does."""

from __future__ import annotations

import errno
import functools
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.syscalls import Fault, strike, unavailable


@pytest.fixture(autouse=True)
def traced() -> None:
    if unavailable():
        pytest.skip(unavailable())


def three_files(root: Path) -> str:
    for name in "abc":
        (root / name).write_text(name)
    return "done"


def test_every_change_is_seen_and_what_is_read_is_not(tmp_path: Path) -> None:
    run = strike(functools.partial(three_files, tmp_path), tmp_path)
    assert (run.status, run.said, run.changes) == (0, "done", ["openat", "write"] * 3)
    (tmp_path / "d").mkdir()
    assert strike(functools.partial(str, (tmp_path / "a").read_text()), tmp_path).changes == []


@pytest.mark.parametrize(("at", "left"), [(0, []), (1, ["a"]), (2, ["a"]), (5, ["a", "b", "c"])])
def test_it_is_killed_before_that_change(tmp_path: Path, at: int, left: list[str]) -> None:
    run = strike(functools.partial(three_files, tmp_path), tmp_path, Fault(at))
    assert run.status == -9
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def moved(root: Path) -> str:
    (root / "a").write_text("a")
    (root / "a").rename(root / "b")
    (root / "c").write_text("c")
    return "done"


def test_it_is_killed_at_a_change_of_a_name_or_right_behind_it(tmp_path: Path) -> None:
    assert strike(functools.partial(moved, tmp_path), tmp_path, Fault(0, name="rename")).status == -9
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert strike(functools.partial(moved, tmp_path), tmp_path, Fault(0, name="rename", behind=True)).status == -9
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def in_a_library_and_a_thread(root: Path) -> str:
    said = []

    def work() -> None:
        db = sqlite3.connect(root / "db")
        try:
            db.execute("CREATE TABLE t (a)")
        except sqlite3.OperationalError as error:
            said.append(str(error))
        db.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return " ".join(said)


def test_a_library_meets_the_error_in_a_thread_of_its_own(tmp_path: Path) -> None:
    fault = Fault(1, errno.ENOSPC, lasting=True, only=frozenset({"write", "pwrite64"}))
    run = strike(functools.partial(in_a_library_and_a_thread, tmp_path), tmp_path, fault)
    assert run.said == "database or disk is full"
    assert run.struck
