from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qa.errors import IndexBusyError, IndexDamagedError, IndexMissingError, QAError
from qa.publish import CURRENT_FILE, build_lock, current_build, prune, publishing, share, sweep


def publish(root: Path, build_id: str, text: str = "x") -> Path:
    with build_lock(root), publishing(root, build_id) as folder:
        (folder / "manifest.json").write_text(text)
        (folder / "sub").mkdir()
        (folder / "sub" / "file").write_text(text)
    return current_build(root)


def test_a_published_build_is_the_current_one(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "index"
    assert publish(root, "1") == root / "1"
    assert publish(root, "2", "new") == root / "2"
    assert (root / "1" / "sub" / "file").read_text() == "x"
    assert (root / CURRENT_FILE).read_text() == "2\n"


def test_without_a_build_the_mend_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="qa build"):
        current_build(tmp_path)


@pytest.mark.parametrize("content", [b"gone\n", b"", b"../x\n", b"\xff"])
def test_a_pointer_to_nowhere_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CURRENT_FILE).write_bytes(content)
    with pytest.raises(IndexDamagedError, match="qa build"):
        current_build(tmp_path)


def test_an_error_while_writing_leaves_the_old_build_and_nothing_else(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="no"), build_lock(tmp_path), publishing(tmp_path, "2") as folder:
        (folder / "half").write_text("half")
        raise ValueError("no")
    assert current_build(tmp_path).name == "1"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    with pytest.raises(QAError, match="No space left") as caught, build_lock(tmp_path), publishing(tmp_path, "2"):
        raise OSError(28, "No space left on device")
    assert "\n" not in str(caught.value)
    assert current_build(tmp_path).name == "1"


KILLED = """
import os, signal, sys
from pathlib import Path
from qa.publish import build_lock, publishing
root = Path(sys.argv[1])
with build_lock(root), publishing(root, "2") as folder:
    (folder / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_build_leaves_the_old_one_and_no_lock(tmp_path: Path) -> None:
    publish(tmp_path, "1")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert current_build(tmp_path).name == "1"
    assert (tmp_path / ".tmp-2").is_dir()
    with build_lock(tmp_path, timeout_s=0):
        sweep(tmp_path)
    assert not (tmp_path / ".tmp-2").exists()


def test_the_next_build_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    (tmp_path / ".tmp-old").mkdir(parents=True)
    (tmp_path / ".tmp-old" / "file").write_text("x")
    publish(tmp_path, "1")
    assert not (tmp_path / ".tmp-old").exists()


HOLDER = """
import sys
from pathlib import Path
from qa.publish import build_lock
with build_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_build_is_told_and_refused(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        told: list[bool] = []
        with (
            pytest.raises(IndexBusyError, match="another build"),
            build_lock(tmp_path, timeout_s=0.1, waiting=lambda: told.append(True)),
        ):
            pass
        holder.stdin.close()
    assert told == [True]
    with build_lock(tmp_path, timeout_s=0):
        pass


def test_pruning_keeps_the_current_build_the_newest_others_and_what_is_not_ours(tmp_path: Path) -> None:
    for name in ("1", "2", "3", "4"):
        publish(tmp_path, name)
    (tmp_path / "notes").mkdir()
    (tmp_path / "0-mine.txt").write_text("mine")
    with build_lock(tmp_path):
        prune(tmp_path, keep=1)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == [
        "0-mine.txt",
        "3",
        "4",
        "CURRENT",
        "notes",
    ]


@pytest.mark.skipif(os.name != "posix", reason="needs a path that cannot be a folder")
def test_a_root_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(QAError, match="cannot be written"), build_lock(tmp_path / "file" / "index"):
        pass


def test_a_shared_file_outlives_the_build_it_came_from(tmp_path: Path) -> None:
    publish(tmp_path, "1", "one")
    with build_lock(tmp_path), publishing(tmp_path, "2") as folder:
        share(tmp_path / "1" / "sub" / "file", folder / "data")
        (folder / "manifest.json").write_text("{}")
    with build_lock(tmp_path):
        prune(tmp_path, keep=0)
    assert (tmp_path / "2" / "data").read_text() == "one"
