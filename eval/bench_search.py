"""Asking an archive that `eval.bench_build` has built: loading, memory, milliseconds by stage, what is found."""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from eval.archive import Asked, Material, asked, questions, read_material
from qa.answer import PASSAGES
from qa.bot import Bot
from qa.dense import FaissStore
from qa.embed import load_encoder
from qa.index import CHUNK_KEYS, KEY_TYPE, Index
from qa.retrieve import retrieve
from qa.segments import Segments

if TYPE_CHECKING:
    from qa.types import Encoder, Hits, Keys, Lang, Selection, Vectors, VectorStore

#: Questions of each kind, and how many of them are answered in full.
EACH, ANSWERED = 60, 20

#: Questions of a language for which the answer is looked for with exact and with approximate search.
JUDGED = 150

LANGS: tuple[Lang, Lang] = ("de", "en")
DEPTH = 10
SEARCH = ("dense", "lexical", "pieces", "words", "fuse")


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: half of the questions take no longer than ``p50``, 95 of 100 than ``p95``."""

    p50: float
    p95: float

    @classmethod
    def of(cls, times: Sequence[float]) -> Spread:
        """Of some times."""
        return cls(*(round(float(np.percentile(times, share)), 3) for share in (50, 95)))


@dataclass(slots=True)
class Searched:
    """What asking an archive gave. Megabytes are the whole process, the encoder's 200 included.

    Attributes:
        load_s: Seconds to open the index, its files compared with their checksums.
        own_mb: What the process holds, files that it has mapped left out.
        resident_mb: The same with the pages of mapped files that were read so far.
        stages: Milliseconds by stage; ``search`` is all between the question's vector and the ranked passages.
        recall: Share of the ten best by vectors that are found, by kind of question.
        right: Share of questions whose article comes first, by language, then with approximate and exact search.
    """

    chunks: int
    load_s: float = 0.0
    own_mb: float = 0.0
    resident_mb: float = 0.0
    index_mb: dict[str, float] = field(default_factory=dict)
    stages: dict[str, Spread] = field(default_factory=dict)
    recall: dict[str, float] = field(default_factory=dict)
    right: dict[str, tuple[float, float]] = field(default_factory=dict)
    asked: int = 0


class ExactStore:
    """A `FaissStore` of which every vector is compared."""

    def __init__(self, store: FaissStore, keys: Keys) -> None:
        """The store, and all of its keys."""
        self._store, self._all = store, store.select(keys)

    def __len__(self) -> int:
        return len(self._store)

    def search(self, queries: Vectors, k: int, among: Selection | None = None) -> Hits:
        """As the store, exactly."""
        return self._store.search(queries, k, self._all if among is None else among)


class Known:
    """An encoder of which these questions were asked before."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        """The encoder, and the questions."""
        self._encoder = encoder
        self._rows = dict(zip(texts, encoder.encode_queries(texts), strict=True))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the encoder has
        return getattr(self._encoder, name)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Looked up."""
        return np.stack([self._rows[text] for text in texts])


def kinds_of(material: Material, dev: Path) -> dict[str, list[str]]:
    """The questions, `EACH` of a kind: what people ask, and whole sentences, which are longer."""
    people = {lang: asked(dev, lang) for lang in LANGS}
    step = {lang: len(ones) // EACH for lang, ones in people.items()}
    return {
        "questions in German": [one.question for one in people["de"][:: step["de"]]][:EACH],
        "questions in English": [one.question for one in people["en"][:: step["en"]]][:EACH],
        "sentences told, in English": questions(material.told, EACH, 1),
        "sentences held out, in English": questions(material.held_out, EACH, 2),
        "sentences held out, in German": [one.german for one in material.held_out[-EACH:]],
    }


def search(folder: Path, material: Material, dev: Path) -> Searched:
    """Open an index, ask it everything, and say how that went."""
    encoder = load_encoder()
    encoder.encode_queries(["warm"])
    gc.collect()
    started = time.perf_counter()
    index = Index(folder)
    result = Searched(index.manifest.chunk_count, load_s=round(time.perf_counter() - started, 3))
    kinds = kinds_of(material, dev)
    _time(index, encoder, kinds, result)
    result.own_mb, result.resident_mb = _memory()
    result.index_mb = _sizes(folder)
    _compare(index, encoder, kinds, dev, result)
    return result


def _time(index: Index, encoder: Encoder, kinds: dict[str, list[str]], result: Searched) -> None:
    """Milliseconds by stage; every question is asked once before, to warm the files up."""
    laps: dict[str, list[float]] = {}
    bot = Bot(index, encoder)
    evidence = index.manifest.sentence_count > 0
    for counted in (False, True):
        for kind, texts in kinds.items():
            for place, text in enumerate(texts):
                stages = dict(retrieve(index, encoder, text, PASSAGES).timings_ms)
                stages["search"] = sum(stages[name] for name in SEARCH)
                stages[f"search: {kind}"] = stages["search"]
                if evidence and place < ANSWERED:
                    timings = bot.ask(text).timings_ms
                    if "answer" in timings:
                        stages |= {"evidence": timings["answer"], "whole": timings["total"]}
                for name, value in stages.items() if counted else ():
                    laps.setdefault(name, []).append(value)
    result.stages = {name: Spread.of(values) for name, values in laps.items()}
    result.asked = sum(map(len, kinds.values()))


def _compare(index: Index, encoder: Encoder, kinds: dict[str, list[str]], dev: Path, result: Searched) -> None:
    """What is found beside what exact search finds."""
    store = index.store
    if not isinstance(store, FaissStore):
        raise TypeError("the store is not FAISS's")
    exact = ExactStore(store, Segments(index.folder / CHUNK_KEYS, KEY_TYPE).all())
    for kind, texts in kinds.items():
        queries = encoder.encode_queries(texts)
        pairs = zip(store.search(queries, DEPTH).keys, exact.search(queries, DEPTH).keys, strict=True)
        shares = [len(set(found.tolist()) & set(best.tolist())) / DEPTH for found, best in pairs]
        result.recall[kind] = round(float(np.mean(shares)), 4)
    for lang in LANGS:
        judged = asked(dev, lang)
        judged = judged[:: max(1, len(judged) // JUDGED)][:JUDGED]
        known = cast("Encoder", Known(encoder, [one.question for one in judged]))
        approximate = _right(index, known, judged)
        index.store = cast("VectorStore", exact)
        result.right[lang] = approximate, _right(index, known, judged)
        index.store = store


def _right(index: Index, encoder: Encoder, judged: Sequence[Asked]) -> float:
    """Share of the questions whose article comes first."""
    first = (retrieve(index, encoder, one.question, 1).candidates for one in judged)
    hits = [bool(got) and got[0].passage.article.id == one.article_id for one, got in zip(judged, first, strict=True)]
    return round(float(np.mean(hits)), 4)


def _memory() -> tuple[float, float]:
    """Megabytes of this process: its own, and with mapped files."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.endswith(" kB")}
    return round(sizes["RssAnon"], 1), round(sizes["VmRSS"], 1)


def _sizes(folder: Path) -> dict[str, float]:
    """Megabytes by file or folder."""
    entries = sorted(folder.iterdir())
    files = {one.name: [one] if one.is_file() else [*one.rglob("*")] for one in entries}
    return {name: round(sum(path.stat().st_size for path in paths) / 2**20, 2) for name, paths in files.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask one archive: what `eval.bench` starts as a process of its own, so that its memory is its own."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="an index of eval.bench_build")
    parser.add_argument("target", type=Path, help="file that the figures are written to")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and dev/")
    options = parser.parse_args(arguments)
    result = search(options.folder, read_material(options.data / "train"), options.data / "dev")
    options.target.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
