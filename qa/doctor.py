"""Proof that an installation works: the model, the index, the articles, the libraries."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from qa.articles import list_files
from qa.config import api_key_variable
from qa.embed import load_encoder
from qa.errors import QAError
from qa.index import Index, articles_digest, load_index
from qa.publish import held_build
from qa.runtime import onnxruntime
from qa.types import Citation
from qa.writer import load_writer

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.types import Encoder

#: Largest deviation of a stored vector's length from 1: they are kept as float16, which rounds by up to 5e-4.
UNIT_TOLERANCE = 2e-3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, what was found, and the command that mends it."""

    name: str
    ok: bool
    found: str
    mend: str = ""


def examine(settings: Settings, *, ask_writer: bool = False) -> list[Check]:
    """Look at everything that an answer depends on; a check that needs a failed one is left out.

    Nothing is asked of another machine, but with ``ask_writer`` of the writer's server.
    """
    checks = [*_libraries(), examine_writer(settings, ask=ask_writer)]
    encoder = _encoder(settings, checks)
    if encoder is not None:
        index = _index(settings, encoder, checks)
        if index is not None:
            checks.append(_try("articles", "qa build", lambda: _articles(settings, index)))
            checks.append(_try("vectors", "qa build --fresh", lambda: _vectors(index)))
            checks.append(_try("search", "qa build --fresh", lambda: _search(index, encoder)))
    return checks


#: What the writer is asked on trial: one quote, which answers.
_TRIAL = "The ferry leaves at seven."


def examine_writer(settings: Settings, *, ask: bool) -> Check:
    """The writer's settings, and with ``ask`` whether its server answers."""
    try:
        writer = load_writer(settings)
        if writer is None:
            return Check("writer", True, "none: answers are quotes alone")
        key = api_key_variable(settings)
        told = f"{writer.name} at {settings.base_url}, {f'key from {key}' if key else 'no key'}"
        if not ask:
            return Check("writer", True, f"{told}; not asked, qa doctor --ask-writer does")
        quote = Citation(1, "trial", None, None, None, None, _TRIAL, 0, len(_TRIAL), "en", 1.0)
        started = perf_counter()
        wrote = "".join(writer.write("When does the ferry leave?", "en", [quote]))
    except QAError as error:
        return Check("writer", False, error.message, error.mend)
    return Check("writer", True, f"{told}; wrote {len(wrote)} characters in {perf_counter() - started:.1f} s")


def _libraries() -> Iterator[Check]:
    yield Check("python", True, platform.python_version())
    for module in ("faiss", "tantivy", "onnxruntime", "gradio"):
        try:
            loaded = onnxruntime() if module == "onnxruntime" else importlib.import_module(module)
            version = str(getattr(loaded, "__version__", "loads"))
            yield Check(module, True, version)
        except ImportError as error:
            yield Check(module, False, f"does not load: {error}", "make setup")


def _encoder(settings: Settings, checks: list[Check]) -> Encoder | None:
    try:
        encoder = load_encoder(settings.encoder, prompts=settings.prompts)
    except QAError as error:
        checks.append(Check("encoder", False, error.message, error.mend))
        return None
    checks.append(Check("encoder", True, f"{encoder.name}, {encoder.dim} dimensions, sha256 {encoder.sha256}"))
    return encoder


def _index(settings: Settings, encoder: Encoder, checks: list[Check]) -> Index | None:
    try:
        index = load_index(settings, encoder)
    except QAError as error:
        checks.append(Check("index", False, error.message, error.mend))
        return None
    found = f"{index.folder}, every file as written, made with this encoder and these settings"
    checks.append(Check("index", True, found))
    return index


def _articles(settings: Settings, index: Index) -> str:
    listing = list_files(settings.articles)
    held = held_build(settings.index) == index.id
    if not held and index.manifest.articles_digest != articles_digest(settings.articles, listing):
        raise ValueError(f"{settings.articles} has changed since the index was built")
    files = index.corpus.files()
    known = {article.path for article in index.corpus.articles()}
    copies = {source.path for article in index.corpus.articles() for source in article.also}
    lost = [name for name, file in files.items() if file.reason is None and name not in known | copies]
    if lost:
        raise ValueError(f"{lost[0]} is neither indexed nor listed as bad")
    silent = [article.path for article in index.corpus.articles() if not index.corpus.chunks_of(article.id)]
    if silent:
        raise ValueError(f"{silent[0]} has no passages")
    bad = index.manifest.bad_files
    listed = f", listed as bad: {', '.join(f'{path} ({reason})' for path, reason in bad.items())}" if bad else ""
    holding = ", a rollback holds it whatever the folder is now (qa build ends that)" if held else ""
    return f"{len(known)} indexed, {len(copies)} copies{listed}{holding}"


def _vectors(index: Index) -> str:
    for article in index.corpus.articles():
        for record in index.corpus.chunks_of(article.id):
            rows = np.vstack([index.vector_of(record)[None], index.sentence_vectors_of(record)])
            if not np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=UNIT_TOLERANCE):
                raise ValueError(f"a passage of {article.path} has no proper vector")
    if len(index.store) != index.manifest.chunk_count or len(index.lexical) != index.manifest.chunk_count:
        raise ValueError(
            f"{index.manifest.chunk_count} passages, but {len(index.store)} in the vector store"
            f" and {len(index.lexical)} in the lexical index"
        )
    return f"{len(index.store)} passages embedded, {len(index.lexical)} in the lexical index"


def _search(index: Index, encoder: Encoder) -> str:
    """Every article's first passage must be the nearest to itself."""
    for article in index.corpus.articles():
        for record in index.corpus.chunks_of(article.id)[:1]:
            hits = index.store.search(index.vector_of(record)[None], 1)
            if float(hits.scores[0, 0]) < 1.0 - UNIT_TOLERANCE:
                raise ValueError(f"the first passage of {article.path} is not found by its own vector")
    encoder.encode_queries(["?"])
    return "every article is found by its own first passage"


def _try(name: str, mend: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except QAError as error:
        return Check(name, False, error.message, error.mend or mend)
    except ValueError as error:
        return Check(name, False, str(error), mend)
