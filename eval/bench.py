"""How building and asking grow with the archive: ``python -m eval.bench --sizes 1000,10000,100000,1000000 --write``.

Each size is built and asked in processes of its own, so that their memory is their own. Vectors stay in the cache
folder, and so do indexes of more than 100,000 chunks, which take a quarter of an hour: without ``--fresh`` their
figures of building are those of the run that built them. ``--write`` puts table and plots into docs/PERFORMANCE.md and
docs/images.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from eval.archive import articles, read_material
from eval.bench_build import EMBEDDED_UP_TO, SENTENCES_UP_TO
from eval.bench_report import Row, plots, table
from qa.chunks import chunk_article, embedding_text, sentence_texts
from qa.config import Settings
from qa.embed import load_encoder
from qa.errors import QAError
from qa.machine import cores, processor
from qa.manifest import read_manifest

SIZES = "1000,10000,100000,1000000"
CACHE = Path(tempfile.gettempdir()) / "article-qa-bench"
DOCUMENT, IMAGES = Path("docs/PERFORMANCE.md"), Path("docs/images")
BEGIN, END = "<!-- eval.bench: begin -->", "<!-- eval.bench: end -->"

#: Sizes up to here are built in every run.
BUILT_UP_TO = 100_000

#: Articles of which embedding is timed.
TIMED = 40


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default=SIZES, help=f"chunks, parted by commas (default {SIZES})")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"folder of what was built (default {CACHE})")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with train/ and dev/")
    parser.add_argument("--fresh", action="store_true", help=f"build what has more than {BUILT_UP_TO} chunks, too")
    parser.add_argument("--write", action="store_true", help=f"put table and plots into {DOCUMENT} and {IMAGES}")
    options = parser.parse_args(arguments)
    sizes = sorted(int(size) for size in options.sizes.split(","))
    options.cache.mkdir(parents=True, exist_ok=True)
    for size in sizes:
        if options.fresh or size <= BUILT_UP_TO or not _is_built(options.cache, size):
            _run("build", size, options.cache, options.data)
        _run("search", size, options.cache, options.data)
    rows = [Row.read(options.cache, size) for size in sizes]
    report = _report(rows, embedding_rate(options.data))
    print(report)
    if options.write:
        _write(report, plots(rows))


def _is_built(cache: Path, size: int) -> bool:
    """Whether an index lies in the cache that this version can read."""
    try:
        return read_manifest(cache / str(size)).chunk_count >= size and (cache / f"{size}.json").exists()
    except QAError:
        return False


def _run(step: str, size: int, cache: Path, data: Path) -> None:
    folder = cache / str(size)
    own = {
        "build": [str(size), str(folder), "--vectors", str(cache / "vectors")],
        "search": [str(folder), str(cache / f"{size}.search.json")],
    }
    started = time.perf_counter()
    command = [sys.executable, "-m", f"eval.bench_{step}", *own[step], "--data", str(data)]
    subprocess.run(command, check=True)
    print(f"{size:,} chunks: {step} took {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)


def embedding_rate(data: Path) -> float:
    """Chunks a second that the bundled encoder embeds, each with its sentences, as a build does."""
    encoder, texts, chunks = load_encoder(), [], 0
    for article in islice(articles(read_material(data / "train")), TIMED):
        chunked = chunk_article(article, max_words=Settings().chunk_words)
        chunks += len(chunked.chunks)
        texts += [embedding_text(article, chunk) for chunk in chunked.chunks]
        texts += [text for group in sentence_texts(article, chunked) for text in group]
    encoder.encode_passages(texts[:8])
    started = time.perf_counter()
    encoder.encode_passages(texts)
    return chunks / (time.perf_counter() - started)


def _report(rows: Sequence[Row], embedding: float) -> str:
    asked = rows[0].searched["asked"]
    note = (
        f"{processor()}, {cores()} cores, Python {platform.python_version()}. "
        f"{asked} questions, each asked once before it counts. Texts are articles of German sentences recombined from "
        "`train/wmt_lines`, and the paragraphs of XQuAD among them. Embedding is timed on a sample, each chunk with "
        f"its five sentences. Up to {EMBEDDED_UP_TO:,} chunks all vectors are the encoder's own; above, chunks that "
        "were never embedded get a vector made up from those of their sentences, with noise as large as what that "
        f"misses (`eval.vectors.Composer`). Above {SENTENCES_UP_TO:,} chunks sentences have no vectors, and there is "
        "no evidence."
    )
    return f"{note}\n\n{table(rows, embedding)}"


def _write(report: str, images: dict[str, str]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{DOCUMENT} has no place for the table: {BEGIN} … {END}")
    shown = "\n".join(f"![{name}](images/{name})" for name in images)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{report}\n\n{shown}\n{END}{after}", encoding="utf-8")
    for name, image in images.items():
        (IMAGES / name).write_text(image, encoding="utf-8")


if __name__ == "__main__":
    main()
