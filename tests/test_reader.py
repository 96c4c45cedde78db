"""No file stops a build: what takes too much is named and left out, and the files after it are read."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from qa.articles import MAX_BYTES, read_article
from qa.build import build_index
from qa.config import Settings
from qa.errors import BadFileError
from qa.reader import SMALL, Reader
from tests.fakes import WordEncoder
from tests.fuzzing import article_seeds
from tests.processes import environment, still_running, worked

PAGE = b"<html><body><p>Ein Satz im Netz.</p></body></html>"
#: The cost of these grows with the square of their number: 40 s.
BRACKETS = b"![" * 200_000


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".md", ".txt", ".html", ".pdf"])
def test_the_process_reads_what_would_be_read_here(suffix: str, tmp_path: Path) -> None:
    with Reader() as reader:
        for number, data in enumerate(article_seeds(suffix)[:3]):
            large = (
                data + b"\n\nUnd noch ein Satz mit mehr Worten." * (SMALL // 30) if suffix in (".md", ".txt") else data
            )
            path = put(tmp_path, f"{number}{suffix}", large)
            try:
                expected = read_article(path, tmp_path)
            except BadFileError as error:
                with pytest.raises(BadFileError) as caught:
                    reader.read(path, tmp_path, max_bytes=MAX_BYTES)
                assert caught.value.message == error.message
            else:
                assert reader.read(path, tmp_path, max_bytes=MAX_BYTES) == expected


def test_small_texts_need_no_process(tmp_path: Path) -> None:
    with Reader() as reader:
        article = reader.read(put(tmp_path, "a.md", b"Ein Satz."), tmp_path, max_bytes=MAX_BYTES)
        assert article.text == "Ein Satz."
        with pytest.raises(BadFileError, match="cannot be read"):
            reader.read(tmp_path / "gone.md", tmp_path, max_bytes=MAX_BYTES)
        assert reader._process is None


def test_a_file_that_takes_too_long_is_bad_and_the_next_is_read(tmp_path: Path) -> None:
    with Reader(seconds=2.0) as reader:
        with pytest.raises(BadFileError, match=r"^reading the file takes more than 2 s$"):
            reader.read(put(tmp_path, "a.md", BRACKETS), tmp_path, max_bytes=MAX_BYTES)
        article = reader.read(put(tmp_path, "b.html", PAGE), tmp_path, max_bytes=MAX_BYTES)
        assert article.text == "Ein Satz im Netz."


def test_a_file_that_takes_too_much_memory_is_bad_and_the_next_is_read(tmp_path: Path) -> None:
    with Reader(memory=512 * 2**20) as reader:
        with pytest.raises(BadFileError, match=r"^reading the file takes more than 0.5 GB of memory"):
            reader.read(put(tmp_path, "a.md", b"- a\n" * 1_200_000), tmp_path, max_bytes=MAX_BYTES)
        article = reader.read(put(tmp_path, "b.html", PAGE), tmp_path, max_bytes=MAX_BYTES)
        assert article.text == "Ein Satz im Netz."


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    page = put(tmp_path, "a.html", PAGE)
    with Reader() as reader:
        reader.read(page, tmp_path, max_bytes=MAX_BYTES)
        assert reader._process is not None
        pid = reader._process.pid
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(BadFileError, match="breaks the program that reads"):
            reader.read(page, tmp_path, max_bytes=MAX_BYTES)
        assert reader.read(page, tmp_path, max_bytes=MAX_BYTES).text == "Ein Satz im Netz."
        second = reader._process
        assert second is not None
    assert second.returncode == -signal.SIGKILL


#: Reads a page, says which process reads, and has it read what takes a minute.
ASKS = """
import sys
from pathlib import Path
from qa.reader import Reader

folder = Path(sys.argv[1])
with Reader() as reader:
    for _ in range(2):
        reader.read(folder / "a.html", folder, max_bytes=10**7)
    print(reader._process.pid, flush=True)
    reader.read(folder / "b.md", folder, max_bytes=10**7)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_a_process_that_reads_ends_with_the_one_that_asked(tmp_path: Path) -> None:
    put(tmp_path, "a.html", PAGE)
    put(tmp_path, "b.md", BRACKETS)
    asker = Popen([sys.executable, "-c", ASKS, str(tmp_path)], stdout=PIPE, text=True, env=environment())
    assert asker.stdout is not None
    reader = int(asker.stdout.readline())
    before = worked(reader)
    while worked(reader) < before + 0.3:
        os.sched_yield()
    asker.kill()
    asker.communicate()
    # Reading on would take it 40 s more.
    assert still_running([reader], seconds=10) == []


def test_a_build_goes_on_without_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.reader.SECONDS", 2.0)
    texts = tmp_path / "texts"
    texts.mkdir()
    put(texts, "a.md", BRACKETS)
    put(texts, "b.html", PAGE)
    put(texts, "c.md", b"Ein Satz.")
    summary = build_index(Settings(articles=texts, index=tmp_path / "index"), WordEncoder())
    assert summary.manifest.article_count == 2
    assert [(one.path, one.reason) for one in summary.bad] == [("a.md", "reading the file takes more than 2 s")]
