"""The articles folder is watched: a build follows every change, once the folder is at rest."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.build import build_index
from qa.builds import roll_back
from qa.config import Settings
from qa.errors import ArticlesError, QAError
from qa.manifest import read_manifest
from qa.publish import current_build
from qa.watch import FIRST_RETRY, LAST_RETRY, SHARE, Builder, Watcher, listed
from tests.archives import until
from tests.fakes import WordEncoder


class Clock:
    """A clock that goes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watch:
    """A watcher over a folder of its own, with a clock by hand; ``builds`` keeps what each build would have read."""

    def __init__(self, root: Path, *, known: bool = True) -> None:
        self.articles = root / "articles"
        self.articles.mkdir()
        (self.articles / "a.md").write_text("Ein Satz.", encoding="utf-8")
        self.settings = Settings(
            articles=self.articles, index=root / "index", watch_seconds=5, settle_seconds=3, chunk_words=20
        )
        self.clock = Clock()
        self.builds: list[dict[str, str]] = []
        self.error: QAError | None = None
        before = listed(self.articles) if known else None
        self.watcher = Watcher(self.settings, before, build=self.build, clock=self.clock)

    def build(self) -> None:
        self.builds.append({path.name: path.read_text(encoding="utf-8") for path in self.articles.glob("*.md")})
        if self.error is not None:
            raise self.error

    def go(self, seconds: float) -> None:
        """Let time pass, looking whenever the watcher wants to."""
        ends = self.clock.now + seconds
        while (wakes := self.clock.now + self.watcher.look()) <= ends:
            self.clock.now = wakes
        self.clock.now = ends


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


def test_nothing_is_built_while_nothing_changes(watch: Watch) -> None:
    watch.go(600)
    assert watch.builds == []
    assert watch.watcher.state.error is None


def test_what_the_index_was_built_from_is_not_known_it_is_built_once(tmp_path: Path) -> None:
    watch = Watch(tmp_path, known=False)
    watch.go(600)
    assert watch.builds == [{"a.md": "Ein Satz."}]


def _write(folder: Path) -> None:
    (folder / "b.md").write_text("Neu.", encoding="utf-8")


def _change(folder: Path) -> None:
    (folder / "a.md").write_text("Ein anderer Satz.", encoding="utf-8")


def _change_with_the_old_time(folder: Path) -> None:
    path = folder / "a.md"
    seen = path.stat()
    path.write_text("Kein Satz", encoding="utf-8")
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (seen.st_size, seen.st_mtime_ns)


def _remove(folder: Path) -> None:
    (folder / "a.md").unlink()
    _write(folder)


def _rename(folder: Path) -> None:
    (folder / "a.md").rename(folder / "c.md")


def _in_a_folder(folder: Path) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    _write(folder / "deep" / "er")


@pytest.mark.parametrize("change", [_write, _change, _change_with_the_old_time, _remove, _rename, _in_a_folder])
def test_a_change_is_built_once_it_is_at_rest(watch: Watch, change: Callable[[Path], None]) -> None:
    watch.go(20)
    change(watch.articles)
    watch.go(5 + 3)
    assert len(watch.builds) == 1
    watch.go(600)
    assert len(watch.builds) == 1
    assert watch.watcher.state.built == 1


@pytest.mark.parametrize("name", [".hidden.md", "a.md.part", "picture.png", "README"])
def test_what_is_never_read_builds_nothing(watch: Watch, name: str) -> None:
    (watch.articles / name).write_text("x", encoding="utf-8")
    (watch.articles / ".git").mkdir()
    (watch.articles / ".git" / "b.md").write_text("x", encoding="utf-8")
    watch.go(600)
    assert watch.builds == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["a.md", "b.md", "c.md"]), st.integers(1, 9), st.floats(0.1, 20)),
        min_size=1,
        max_size=8,
    )
)
def test_no_build_reads_a_folder_that_is_still_being_written(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[str, int, float]]
) -> None:
    """Every build begins 3 s or more after the last write, and the last build has read the last state."""
    watch = Watch(tmp_path_factory.mktemp("watch"))
    written, begun = watch.clock.now, []
    build = watch.build

    def noting() -> None:
        begun.append(watch.clock.now - written)
        build()

    watch.watcher = Watcher(watch.settings, listed(watch.articles), build=noting, clock=watch.clock)
    for name, size, wait in writes:
        with (watch.articles / name).open("a", encoding="utf-8") as file:
            file.write("x" * size)
        written = watch.clock.now
        watch.go(wait)
    watch.go(20)
    assert all(rest > watch.settings.settle_seconds - 1e-6 for rest in begun)
    assert watch.builds[-1] == {path.name: path.read_text(encoding="utf-8") for path in watch.articles.glob("*.md")}


def test_a_build_that_fails_is_told_once_and_tried_again_ever_more_seldom(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    watch.error = QAError("the index cannot be written: no space left on device", "make room")
    _write(watch.articles)
    watch.go(20)
    assert watch.watcher.state.error == str(watch.error)
    watch.go(10 * LAST_RETRY)
    tries = len(watch.builds)
    assert 8 < tries < 20
    assert [record.getMessage() for record in caplog.records] == [f"{watch.error}; the index stays as it is"]
    assert (watch.watcher.state.failed, watch.watcher.state.built) == (tries, 0)
    watch.error = None
    with caplog.at_level(logging.INFO, "qa.watch"):
        watch.go(LAST_RETRY + 10)
    assert (len(watch.builds), watch.watcher.state.error) == (tries + 1, None)
    assert "can be indexed again" in caplog.text


def test_a_change_is_built_at_once_after_a_failure(watch: Watch) -> None:
    watch.error = QAError("no space left on device")
    _write(watch.articles)
    watch.go(20)
    watch.error = None
    assert FIRST_RETRY > 20
    _change(watch.articles)
    watch.go(10)
    assert (len(watch.builds), watch.watcher.state.error) == (2, None)


def test_a_folder_that_is_gone_is_told_once_and_builds_nothing(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    away = watch.articles.with_name("away")
    watch.articles.rename(away)
    watch.go(600)
    assert "cannot be read: no such file or directory" in str(watch.watcher.state.error)
    away.rename(watch.articles)
    watch.go(20)
    assert watch.builds == []
    assert watch.watcher.state.error is None
    assert len(caplog.records) == 1


def test_an_empty_folder_does_not_empty_an_index(watch: Watch) -> None:
    """So looks a network mount that is not there."""
    build_index(watch.settings, WordEncoder())
    (watch.articles / "a.md").rename(watch.articles / ".a.md")
    watch.go(600)
    assert watch.builds == []
    assert "is empty now, and the index keeps its 1 articles" in str(watch.watcher.state.error)
    (watch.articles / ".a.md").rename(watch.articles / "a.md")
    watch.go(20)
    assert watch.watcher.state.error is None


def test_a_rollback_holds_until_somebody_builds(watch: Watch) -> None:
    first = build_index(watch.settings, WordEncoder()).manifest.build_id
    _change(watch.articles)
    build_index(watch.settings, WordEncoder())
    roll_back(watch.settings, WordEncoder(), first)
    watch.watcher = Watcher(watch.settings, listed(watch.articles), build=watch.build, clock=watch.clock)
    watch.go(20)
    assert watch.watcher.state.error is None
    _write(watch.articles)
    watch.go(600)
    assert watch.builds == []
    held = f"the articles have changed, and a rollback holds build {first} - qa build"
    assert watch.watcher.state.error == held
    build_index(watch.settings, WordEncoder())
    watch.go(10)
    assert (len(watch.builds), watch.watcher.state.error) == (1, None)


def test_bad_files_are_named_once(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    def build() -> None:
        build_index(watch.settings, WordEncoder())

    watch.watcher = Watcher(watch.settings, listed(watch.articles), build=build, clock=watch.clock)
    (watch.articles / "bad.pdf").write_bytes(b"no PDF")
    watch.go(20)
    _write(watch.articles)
    watch.go(20)
    assert (watch.watcher.state.built, watch.watcher.state.bad_files, watch.watcher.state.error) == (2, 1, None)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("files that cannot be read and cannot be quoted: 1 (bad.pdf: ")
    assert read_manifest(current_build(watch.settings.index)).article_count == 2


def test_a_folder_that_takes_long_to_list_is_looked_at_more_seldom(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = listed(watch.articles)

    def slowly(_: Path) -> object:
        watch.clock.now += 2
        return found

    monkeypatch.setattr("qa.watch.listed", slowly)
    assert watch.watcher.look() == 2 / SHARE


def test_a_listing_does_not_depend_on_the_order_of_the_system(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder, names in zip(folders, (["a.md", "b.md", "c.txt"], ["c.txt", "a.md", "b.md"]), strict=True):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(name, encoding="utf-8")
    assert [listed(folder).count for folder in folders] == [3, 3]
    assert listed(folders[0]) == listed(folders[0]) != listed(folders[1])


def test_a_link_to_nothing_and_odd_names_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.md").symlink_to(tmp_path / "nothing")
    (tmp_path / os.fsdecode(b"\xff.md")).write_text("x", encoding="utf-8")
    assert listed(tmp_path).count == 2


def test_a_missing_folder_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(ArticlesError, match="no such file or directory"):
        listed(tmp_path / "gone")


def test_a_build_of_its_own_process_is_published(watch: Watch) -> None:
    Builder(watch.settings).run()
    manifest = read_manifest(current_build(watch.settings.index))
    assert manifest.article_count == 1
    (watch.articles / "bad.pdf").write_bytes(b"no PDF")
    Builder(watch.settings).run()
    assert list(read_manifest(current_build(watch.settings.index)).bad_files) == ["bad.pdf"]


def test_what_a_failed_build_said_is_the_error(watch: Watch) -> None:
    (watch.articles.parent / "index").write_text("a file", encoding="utf-8")
    with pytest.raises(QAError, match=r"the index cannot be written to .*index: .* - name another folder"):
        Builder(watch.settings).run()


def test_a_stopped_watcher_breaks_its_build_off(tmp_path: Path) -> None:
    watch = Watch(tmp_path, known=False)
    for number in range(300):
        text = " ".join(f"Satz {one} über Ort {number}." for one in range(40))
        (watch.articles / f"{number}.md").write_text(text, encoding="utf-8")
    watcher = Watcher(replace(watch.settings, settle_seconds=0, watch_seconds=0.05))
    with watcher.running():
        until(lambda: bool(list(watch.settings.index.glob(".lock"))))
    assert threading.active_count() == len([one for one in threading.enumerate() if one.name != "qa-watch"])
    assert not (watch.settings.index / "CURRENT").exists()
    assert watcher.state.error is None
