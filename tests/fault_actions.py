"""What the fault tests strike: builds and rollbacks of a small folder, and the answer of what they leave."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from unittest import mock

import numpy as np

from qa.build import build_index
from qa.builds import prune_builds, roll_back
from qa.config import Settings
from qa.index import load_index
from qa.lexical import is_compound
from tests.fakes import PieceEncoder

# Loaded before the fork server forks, so that a struck process is at work at once.
for heavy in ("faiss", "tantivy", "datasketch", "sqlite3"):
    with contextlib.suppress(ImportError):
        importlib.import_module(heavy)
is_compound("Haubitzen")


def settings_of(place: Path) -> Settings:
    return Settings(articles=place / "articles", index=place / "index", chunk_words=20)


def write_article(place: Path, name: str, town: str) -> None:
    path = place / "articles" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"---\ntitle: Bericht aus {town}\noutlet: Bote\n---\n"
        f"In {town} stehen Haubitzen bereit. Das teilte ein Sprecher am Dienstag in {town} mit, wie es hieß. "
        f"Weitere {len(town)}00 Soldaten kommen im Winter nach {town}.\n",
        encoding="utf-8",
    )


def temporary(place: Path) -> Path:
    """Where the struck process has its temporary files."""
    folder = place / "temporary"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def build(place: Path) -> str:
    # Articles as young as those of a test would not be remembered, and that file is to be struck too.
    with mock.patch("qa.seen.YOUNG_NS", -(10**12)), mock.patch("tempfile.tempdir", str(temporary(place))):
        return build_index(settings_of(place), PieceEncoder()).manifest.build_id


def back(place: Path) -> str:
    with mock.patch("tempfile.tempdir", str(temporary(place))):
        return roll_back(settings_of(place), PieceEncoder()).manifest.build_id


def prune(place: Path) -> str:
    return " ".join(prune_builds(place / "index", 0).names)


def content(place: Path) -> dict[str, object]:
    """Everything that the published index answers from, free of build names; each file was compared with its checksum."""
    encoder = PieceEncoder()
    index = load_index(settings_of(place), encoder)
    found: dict[str, object] = {"files": index.corpus.files(), "articles": list(index.corpus.articles())}
    for article in index.corpus.articles():
        for record in index.corpus.chunks_of(article.id):
            vectors = np.vstack([index.vector_of(record)[None], index.sentence_vectors_of(record)])
            pieces = index.pieces_of([record]).codes.tobytes(), record.piece_counts
            found[record.chunk.id] = (record.chunk, record.sentences, vectors.tobytes(), pieces)
    hits = index.store.search(encoder.encode_queries(["Haubitzen in Seoul"]), 10)
    found["dense"] = (hits.keys.tolist(), hits.scores.tolist())
    lexical = index.lexical.search("Haubitzen Soldaten Sprecher", 10)
    found["lexical"] = (lexical.keys, lexical.scores)
    found["counts"] = (index.manifest.chunk_count, len(index.store), len(index.lexical))
    index.corpus.close()
    return found
