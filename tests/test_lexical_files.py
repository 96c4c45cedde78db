from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import IndexDamagedError, QAError
from qa.lexical import LexicalDoc, LexicalIndex
from qa.lexical_files import copy_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index = LexicalIndex.create(tmp_path / "lexical")
    index.add([LexicalDoc(1, "Haubitzen aus Seoul", "", "de", ())])
    index.commit()
    return tmp_path / "lexical"


def test_a_copy_answers_alike_and_takes_no_foreign_files_along(folder: Path, tmp_path: Path) -> None:
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "notes").mkdir()
    copy_files(folder, tmp_path / "copy")
    assert LexicalIndex.open(tmp_path / "copy").search("Haubitzen", 1).keys == [1]
    assert not (tmp_path / "copy" / ".DS_Store").exists()
    assert not (tmp_path / "copy" / "notes").exists()


def test_an_index_is_read_without_writing_to_its_folder(folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert LexicalIndex.open(folder).search("Seoul", 1).keys == [1]
    assert sorted(folder.iterdir()) == before


def test_no_room_for_temporary_files_is_no_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(folder / "none"))
    with pytest.raises(QAError, match=r"no temporary files can be written: .* - make room") as caught:
        LexicalIndex.open(folder)
    assert not isinstance(caught.value, IndexDamagedError)


def test_no_folder_is_damage(tmp_path: Path) -> None:
    with pytest.raises(IndexDamagedError, match="qa build"):
        LexicalIndex.open(tmp_path / "none")
