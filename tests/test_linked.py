from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import IndexDamagedError, QAError
from qa.linked import linked


def test_the_view_holds_the_files_and_locks_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "lock").write_text("theirs")
    with linked(tmp_path, ["lock"]) as view:
        assert (Path(view) / "file").read_text() == "x"
        assert (Path(view) / "lock").read_text() == ""
    assert not Path(view).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "lock"]


def test_no_room_for_it_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with (
        pytest.raises(QAError, match=r"no temporary files can be written: .* - make room") as caught,
        linked(tmp_path, []),
    ):
        pass
    assert not isinstance(caught.value, IndexDamagedError)


def test_where_one_place_takes_nothing_the_next_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "file").write_text("x")
    (tmp_path / "next").mkdir()
    monkeypatch.setattr("qa.linked.places", lambda: [tmp_path / "none", tmp_path / "next"])
    with linked(tmp_path / "index", []) as view:
        assert Path(view).parent == tmp_path / "next"
        assert (Path(view) / "file").read_text() == "x"
    assert list((tmp_path / "next").iterdir()) == []


def test_no_folder_is_damage(tmp_path: Path) -> None:
    with pytest.raises(IndexDamagedError, match="cannot be read"), linked(tmp_path / "none", []):
        pass
