from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import IndexDamagedError, IndexStaleError
from qa.manifest import SCHEMA, Manifest, Recipe, checksums, read_manifest, verify

RECIPE = Recipe("bundled", "a" * 64, 384, "", "", 1, 1, 100, "faiss", "c" * 64)


def manifest(files: dict[str, str] | None = None) -> Manifest:
    return Manifest(
        SCHEMA, "b1", "2026-11-22T05:00:00+00:00", RECIPE, "/a", "d", 1, 2, 3, {"x.pdf": "empty"}, files or {}
    )


def test_what_was_written_is_read(tmp_path: Path) -> None:
    manifest().write(tmp_path)
    assert read_manifest(tmp_path) == manifest()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", f'{{"schema": {SCHEMA}}}', f'{{"schema": {SCHEMA}, "recipe": {{}}}}']
)
def test_a_broken_manifest_is_damage(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(IndexDamagedError, match="qa build"):
        read_manifest(tmp_path)


@given(st.data())
def test_any_other_byte_in_a_manifest_is_damage(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.json"
        manifest().write(Path(folder))
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        with pytest.raises(IndexDamagedError, match=r"manifest\.json"):
            read_manifest(Path(folder))


@pytest.mark.parametrize("content", ['{"schema": "\\ud800"}', f'{{"schema": {SCHEMA}, "x": "\\ud800"}}', "[" * 100_000])
def test_a_manifest_that_nobody_wrote_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises((IndexDamagedError, IndexStaleError)) as caught:
        read_manifest(tmp_path)
    assert str(caught.value).encode()


def test_a_missing_manifest_is_damage(tmp_path: Path) -> None:
    with pytest.raises(IndexDamagedError):
        read_manifest(tmp_path)


def test_another_schema_is_stale_not_damaged(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"schema": SCHEMA + 1, "new": True}))
    with pytest.raises(IndexStaleError, match="qa build"):
        read_manifest(tmp_path)


def test_every_file_is_checked(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b").write_text("two")
    written = manifest(checksums(tmp_path))
    assert sorted(written.files) == ["a", "sub/b"]
    written.write(tmp_path)
    verify(tmp_path, written)
    (tmp_path / "sub" / "b").write_text("twp")
    with pytest.raises(IndexDamagedError, match=r"sub/b is damaged"):
        verify(tmp_path, written)
    (tmp_path / "sub" / "b").unlink()
    with pytest.raises(IndexDamagedError, match=r"sub/b cannot be read"):
        verify(tmp_path, written)


def test_the_files_of_the_build_before_are_not_read_again(tmp_path: Path) -> None:
    for folder in (tmp_path / "old", tmp_path / "new"):
        folder.mkdir()
        (folder / "alike").write_text("one")
    (tmp_path / "old" / "same").write_text("two")
    (tmp_path / "new" / "same").hardlink_to(tmp_path / "old" / "same")
    found = checksums(tmp_path / "new", before=tmp_path / "old", known={"alike": "from before", "same": "from before"})
    assert found == {"alike": checksums(tmp_path / "old")["alike"], "same": "from before"}


def test_a_difference_of_recipes_is_named() -> None:
    other = replace(RECIPE, encoder_sha256="b" * 64, chunk_words=50)
    said = RECIPE.difference(other)
    assert said == "encoder_sha256 aaaaaaaaaaaa → bbbbbbbbbbbb, chunk_words 100 → 50"


def test_the_same_weights_under_another_name_are_the_same() -> None:
    assert RECIPE.difference(replace(RECIPE, encoder_name="elsewhere")) == ""
