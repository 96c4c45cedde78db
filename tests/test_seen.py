"""A file is read again when it may have changed, and only then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qa import seen as module
from qa.articles import list_files
from qa.seen import SEEN_FILE, YOUNG_NS, Seen

LONG_AGO = 1_600_000_000 * 10**9


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read."""
    names: list[str] = []
    honest = module.sha256_or_reason
    monkeypatch.setattr(module, "sha256_or_reason", lambda path: (names.append(path.name), honest(path))[1])
    return names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files; the clock stands well after they were written, since no call sets a file's time of change."""
    articles = tmp_path / "articles"
    articles.mkdir()
    (tmp_path / "index").mkdir()
    for name in ("a.md", "b.md"):
        (articles / name).write_text(name)
    now = module.time.time_ns()
    monkeypatch.setattr(module.time, "time_ns", lambda: now + 10 * YOUNG_NS)
    return articles


def check(folder: Path) -> dict[str, str]:
    seen = Seen(folder.parent / "index", folder)
    hashes = seen.hashes(list_files(folder))
    seen.save()
    return hashes


def test_what_is_unchanged_is_not_read_again(folder: Path, read: list[str]) -> None:
    first = check(folder)
    assert read == ["a.md", "b.md"]
    assert check(folder) == first
    assert len(read) == 2


@pytest.mark.parametrize("keep_time", [False, True])
def test_a_changed_file_is_read_even_with_its_old_size_and_time(folder: Path, read: list[str], keep_time: bool) -> None:
    first = check(folder)
    before = (folder / "a.md").stat()
    (folder / "a.md").write_text("x.md")
    if keep_time:
        os.utime(folder / "a.md", ns=(before.st_atime_ns, before.st_mtime_ns))
    second = check(folder)
    assert read[2:] == ["a.md"]
    assert second["a.md"] != first["a.md"]
    assert second["b.md"] == first["b.md"]


def test_a_file_put_in_its_place_is_read(folder: Path, read: list[str]) -> None:
    check(folder)
    (folder.parent / "new").write_text("n.md")
    (folder.parent / "new").replace(folder / "a.md")
    check(folder)
    assert read[2:] == ["a.md"]


def test_what_was_just_written_is_not_trusted(folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = max(path.stat().st_ctime_ns for path in folder.iterdir())
    monkeypatch.setattr(module.time, "time_ns", lambda: now + YOUNG_NS // 2)
    check(folder)
    check(folder)
    assert read == ["a.md", "b.md"] * 2
    monkeypatch.setattr(module.time, "time_ns", lambda: now + 2 * YOUNG_NS)
    check(folder)
    check(folder)
    assert read == ["a.md", "b.md"] * 3


def test_gone_files_are_forgotten(folder: Path) -> None:
    check(folder)
    (folder / "a.md").unlink()
    assert list(check(folder)) == ["b.md"]
    assert "a.md" not in (folder.parent / "index" / SEEN_FILE).read_text()


def test_a_file_that_cannot_be_read_is_tried_every_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refuse(path: Path) -> str:
        tried.append(path.name)
        return "unreadable: Permission denied"

    monkeypatch.setattr(module, "sha256_or_reason", refuse)
    assert set(check(folder).values()) == {"unreadable: Permission denied"}
    check(folder)
    assert len(tried) == 4


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"articles": 1, "files": 2}', "\x00", '{"articles": "'])
def test_a_broken_memory_costs_only_time(folder: Path, read: list[str], content: str) -> None:
    check(folder)
    (folder.parent / "index" / SEEN_FILE).write_text(content)
    check(folder)
    assert len(read) == 4


def test_another_folder_is_another_memory(folder: Path, read: list[str], tmp_path: Path) -> None:
    check(folder)
    folder.rename(tmp_path / "moved")
    Seen(tmp_path / "index", tmp_path / "moved").hashes(list_files(tmp_path / "moved"))
    assert len(read) == 4


def test_forgetting_reads_everything(folder: Path, read: list[str]) -> None:
    check(folder)
    seen = Seen(folder.parent / "index", folder)
    seen.forget()
    told: list[tuple[int, int]] = []
    seen.hashes(list_files(folder), lambda done, total: told.append((done, total)))
    assert len(read) == 4
    assert told == [(2, 2)]
