"""What is made to take all time or memory is refused or read within the limits of one file, measured from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from qa.reader import MEMORY, SECONDS

pytestmark = pytest.mark.slow

SENTENCE = "Der Hafen von Nordstadt bleibt wegen des Sturms geschlossen, sagte eine Sprecherin am Dienstag. "
MB = 2**20

#: Builds the index of a folder with an encoder that costs nothing; tells what became of the file, and what it took.
BUILD = """
import json, resource, sys, time
from pathlib import Path
from qa.build import build_index
from qa.config import Settings
from tests.fakes import WordEncoder

folder = Path(sys.argv[1])
started = time.perf_counter()
settings = Settings(articles=folder / "texts", index=folder / "index", max_file_mb=int(sys.argv[2]))
summary = build_index(settings, WordEncoder(8))
own, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({
    "bad": [one.reason for one in summary.bad],
    "skipped": [one.reason for one in summary.skipped],
    "chunks": summary.manifest.chunk_count,
    "seconds": time.perf_counter() - started,
    "cpu_s": own.ru_utime + own.ru_stime + child.ru_utime + child.ru_stime,
    "reading_s": child.ru_utime + child.ru_stime,
    "reading_mb": child.ru_maxrss / 1024,
    "own_mb": own.ru_maxrss / 1024,
}))
"""


def pdf(streams: Iterable[bytes], filters: str = "/FlateDecode") -> bytes:
    """A page for every stream, given as its filters would leave it."""
    bodies = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for stream in streams:
        number = len(bodies) + 1
        kids.append(f"{number} 0 R")
        page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F1 3 0 R>>>>"
        bodies.append(f"{page}/Contents {number + 1} 0 R>>".encode())
        bodies.append(f"<</Length {len(stream)}/Filter {filters}>>stream\n".encode() + stream + b"\nendstream")
    bodies[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>".encode()
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    trailer = f"trailer<</Root 1 0 R/Size {len(bodies) + 1}>>\nstartxref\n{len(out)}\n%%EOF"
    return out + f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


def deflated(piece: bytes, size: int) -> bytes:
    """So many bytes of repetition, compressed."""
    packer = zlib.compressobj(9)
    block = piece * (MB // len(piece))
    return b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()


def docx(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("word/document.xml", "w") as inside:
        for _ in range(500):
            inside.write(b" " * MB)


def entities() -> str:
    """Ten to the ninth times "lol"."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY l0 "lol">{levels}]><html><body><p>&l9; {SENTENCE * 3}</p></body></html>'


def aliases() -> str:
    """Nine to the twentieth times "x", in front matter."""
    levels = "".join(f"b{n}: &b{n} [{','.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 20))
    return f"---\nb0: &b0 [x,x,x,x,x,x,x,x,x]\n{levels}author: *b19\n---\n{SENTENCE}"


def lines(path: Path, line: str, size: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for _ in range(size // len(line)):
            file.write(line)


BOMBS: dict[str, Callable[[Path], object]] = {
    "text of 200 MB.txt": lambda path: lines(path, SENTENCE + "\n", 200 * MB),
    "line of 50 MB.txt": lambda path: lines(path, SENTENCE, 50 * MB),
    "line of 5 MB.txt": lambda path: lines(path, SENTENCE, 5 * MB),
    "word of 19 MB.txt": lambda path: lines(path, "a" * 1000, 19 * MB),
    "brackets.md": lambda path: lines(path, "![", 4 * MB),
    "quotes.md": lambda path: lines(path, "> ", 4 * MB),
    "lists.md": lambda path: path.write_text("".join("  " * n + "- a\n" for n in range(3000))),
    "aliases.md": lambda path: path.write_text(aliases()),
    "nested front matter.md": lambda path: path.write_text(f"---\ntitle: {'[' * 9000}\n---\n{SENTENCE}"),
    "nested.html": lambda path: path.write_text(f"<html><body>{'<div>' * 500_000}{SENTENCE * 20}"),
    "entities.html": lambda path: path.write_text(entities()),
    "attributes.html": lambda path: path.write_text(
        f"<html><body><p {' '.join(f'a{n}=1' for n in range(500_000))}>{SENTENCE}"
    ),
    "one gigabyte.pdf": lambda path: path.write_bytes(pdf([deflated(b" ", 1024 * MB)])),
    "twice packed.pdf": lambda path: path.write_bytes(
        pdf([zlib.compress(deflated(b" ", 1024 * MB), 9)], "[/FlateDecode/FlateDecode]")
    ),
    "200 pages of 5 MB.pdf": lambda path: path.write_bytes(
        pdf([deflated(b"BT /F1 12 Tf (Hallo) Tj ET\n", 5 * MB)] * 200)
    ),
    "string of 50 MB.pdf": lambda path: path.write_bytes(
        pdf([zlib.compress(b"BT /F1 12 Tf (" + b"a" * (50 * MB) + b") Tj ET", 9)])
    ),
    "zip of 500 MB.docx": docx,
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_file_takes_more_than_its_limits(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    BOMBS[name](texts / name)
    (texts / "whole.md").write_text(SENTENCE, encoding="utf-8")
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path), "20"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    took = json.loads(done.stdout)
    became = (took["bad"] or took["skipped"] or [f"read, {took['chunks'] - 1} passages"])[0]
    with capsys.disabled():
        figures = f"{took['cpu_s']:.1f} s of the processor, reading {took['reading_mb']:.0f} MB, build {took['own_mb']:.0f} MB"
        print(f"\n{name}: {became}; {figures}")
    assert took["chunks"] >= 1
    assert took["reading_s"] < SECONDS + 5
    assert took["reading_mb"] < MEMORY / MB
    assert took["own_mb"] < 1500
    assert done.stderr == ""
