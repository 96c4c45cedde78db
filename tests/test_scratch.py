"""What a killed process leaves goes with the next one; what a living one uses, and what is another's, stays."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qa import scratch
from qa.scratch import PREFIX, places, scratch_folder, sweep

ROOT = Path(__file__).resolve().parent.parent
#: Says that it has its folder, and then waits for its end.
HOLDS = """
import sys
from pathlib import Path
from qa.linked import linked

with linked(Path(sys.argv[1]), [".lock"]) as view:
    print(view, flush=True)
    sys.stdin.read()
"""


def holder(index: Path, temporary: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(index)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "meta.json").write_text("{}")
    return folder


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def test_a_killed_process_s_folder_goes_with_the_next_one_and_a_living_one_s_stays(
    index: Path, temporary: Path
) -> None:
    killed, living = holder(index, temporary), holder(index, temporary)
    try:
        assert killed.stdout is not None
        assert living.stdout is not None
        left, used = Path(killed.stdout.readline().strip()), Path(living.stdout.readline().strip())
        end(killed)
        assert killed.returncode == -signal.SIGKILL
        assert sorted(path.name for path in left.iterdir()) == [".lock", "meta.json"]
        with scratch_folder(temporary) as ours:
            assert sorted(temporary.iterdir()) == sorted([used, ours])
            assert (used / "meta.json").read_text() == "{}"
        living.communicate("")
        assert living.returncode == 0
        assert list(temporary.iterdir()) == []
        assert (index / "meta.json").exists()
    finally:
        end(killed)
        end(living)


def test_two_threads_leave_each_other_s_folders_alone(temporary: Path) -> None:
    def work(_: int) -> None:
        with scratch_folder(temporary) as folder:
            (folder / "file").touch()
            sweep(temporary)
            assert (folder / "file").exists()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(200)))
    assert list(temporary.iterdir()) == []


def test_a_folder_swept_before_it_was_locked_is_made_again(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = scratch.tempfile.mkdtemp

    def swept(prefix: str, dir: Path) -> str:
        monkeypatch.undo()
        folder = made(prefix=prefix, dir=dir)
        sweep(temporary)
        assert list(temporary.iterdir()) == []
        return folder

    monkeypatch.setattr(scratch.tempfile, "mkdtemp", swept)
    with scratch_folder(temporary) as folder:
        assert folder.is_dir()


def test_links_files_other_names_and_other_users_are_left_alone(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "kept").touch()
    (temporary / f"{PREFIX}link").symlink_to(theirs)
    (temporary / f"{PREFIX}file").touch()
    (temporary / "another").mkdir()
    (temporary / f"{PREFIX}deep" / "below").mkdir(parents=True)
    inside = temporary / f"{PREFIX}inside"
    inside.mkdir()
    (inside / "link").symlink_to(theirs)
    sweep(temporary)
    assert (theirs / "kept").exists()
    assert sorted(path.name for path in temporary.iterdir()) == sorted(
        [f"{PREFIX}link", f"{PREFIX}file", "another", f"{PREFIX}deep"]
    )
    (temporary / f"{PREFIX}other").mkdir()
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    sweep(temporary)
    assert (temporary / f"{PREFIX}other").is_dir()


def test_without_locks_nothing_is_swept(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    (temporary / f"{PREFIX}other").mkdir()
    with scratch_folder(temporary) as folder:
        assert len(list(temporary.iterdir())) == 2
    assert not folder.exists()


def test_the_variables_come_before_the_usual_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    usual = [Path("/tmp"), Path("/var/tmp")]  # noqa: S108
    assert places() == usual
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert places() == [tmp_path, *usual]


def test_what_is_put_there_while_it_is_removed_goes_too(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, late = scratch.shutil.rmtree, [b"a", b"b"]

    def rmtree(folder: Path, *, ignore_errors: bool) -> None:
        if late:
            (folder / "late").write_bytes(late.pop())
            for path in folder.iterdir():
                if path.name != "late":
                    path.unlink()
            return
        real(folder, ignore_errors=ignore_errors)

    monkeypatch.setattr(scratch.shutil, "rmtree", rmtree)
    with scratch_folder(temporary) as folder:
        (folder / "link").touch()
    assert list(temporary.iterdir()) == []
