"""Rows come back as they were, whatever builds they were added in, and no build touches another's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa import segments
from qa.errors import IndexDamagedError
from qa.segments import Segments, SegmentWriter


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def build(folder: Path, parts: list[int], before: Path | None = None) -> SegmentWriter:
    """Append parts of so many rows, numbered on."""
    writer = SegmentWriter(folder, np.int64, (2,), before=before)
    for count in parts:
        start = len(writer)
        numbers = np.arange(start, start + count)
        assert writer.append(np.stack([numbers, -numbers], axis=1)) == start
        assert writer.rows(start, start + count)[:, 0].tolist() == numbers.tolist()
    return writer


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(builds=st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=8), small=st.sampled_from([1, 64, 1 << 20]))
def test_rows_come_back_and_old_builds_stay(
    tmp_path_factory: pytest.TempPathFactory, builds: list[list[int]], small: int
) -> None:
    root = tmp_path_factory.mktemp("segments")
    before, kept = None, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SMALL_BYTES", small)
        patch.setattr(segments, "FULL_BYTES", 300)
        for number, parts in enumerate(builds):
            folder = root / str(number)
            writer = build(folder, parts, before)
            for start in range(len(writer)):
                assert writer.rows(start, start + 1).tolist() == [[start, -start]]
            writer.close()
            kept.append((folder, contents(folder)))
            before = folder
    for folder, files in kept:
        assert contents(folder) == files
    if before is not None:
        found = Segments(before, np.int64, (2,))
        assert len(found) == sum(map(sum, builds))
        assert found.all()[:, 0].tolist() == list(range(len(found)))
        assert found.rows(0, 0).shape == (0, 2)


def test_one_row_at_a_time_makes_few_files_and_copies_each_row_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SMALL_BYTES", 0)
    before, written = None, 0
    for number in range(256):
        folder = tmp_path / str(number)
        build(folder, [1], before).close()
        written += sum(path.stat().st_size for path in folder.iterdir() if path.stat().st_nlink == 1) // 16
        before = folder
    assert len(contents(tmp_path / "255")) <= 9
    assert written <= 256 * 9


def test_a_full_file_is_never_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "FULL_BYTES", 160)
    build(tmp_path / "a", [10, 10, 4]).close()
    assert sorted(contents(tmp_path / "a")) == ["000000000000", "000000000010", "000000000020"]
    build(tmp_path / "b", [1], tmp_path / "a").close()
    assert sorted(contents(tmp_path / "b")) == ["000000000000", "000000000010", "000000000020"]
    same = [(tmp_path / "b" / name).samefile(tmp_path / "a" / name) for name in sorted(contents(tmp_path / "b"))]
    assert same == [True, True, False]


def test_a_disk_without_links_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path / "a", [3]).close()

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", refuse)
    SegmentWriter(tmp_path / "b", np.int64, (2,), before=tmp_path / "a").close()
    assert contents(tmp_path / "b") == contents(tmp_path / "a")
    assert (tmp_path / "b" / "000000000000").stat().st_nlink == 1


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shape"):
        SegmentWriter(tmp_path / "a", np.int64, (2,)).append(np.zeros((1, 3)))


def test_a_folder_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert len(Segments(tmp_path / "none", np.int64)) == 0


def test_a_lost_or_cut_file_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "FULL_BYTES", 16)
    build(tmp_path / "a", [1, 1]).close()
    last = tmp_path / "a" / "000000000001"
    last.write_bytes(b"123")
    with pytest.raises(IndexDamagedError, match="qa build"):
        Segments(tmp_path / "a", np.int64, (2,))
    last.unlink()
    (tmp_path / "a" / "000000000000").rename(last)
    with pytest.raises(IndexDamagedError, match="has no file 000000000000"):
        Segments(tmp_path / "a", np.int64, (2,))
