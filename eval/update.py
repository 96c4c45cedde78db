"""What bringing a large index up to date costs: ``python -m eval.update --articles 20000 [--folder DIR]``.

Articles are those of `eval.archive`, a file each. The encoder is a stand-in: what embedding costs grows with what is
new and is measured by `eval.encoder_speed`; what is measured here is all the rest. Every step is a process of its own,
timed from outside, so that starting Python and importing count; loading the bundled encoder is timed by itself.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eval.archive import article, read_material
from qa.build import build_index
from qa.config import Settings
from qa.embed import load_encoder
from qa.index import load_index
from qa.machine import cores
from qa.pieces import NoPieces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qa.types import Vectors

#: Times that each small step is run; the median is printed, with the least and the most.
RUNS = 5
DIM = 384
_TABLE = 4096


class StandIn(NoPieces):
    """Unit vectors by checksum, as many numbers in each as the bundled encoder gives."""

    def __init__(self) -> None:
        self.name, self.sha256, self.dim = "stand-in", "0" * 64, DIM
        self.prompts: Mapping[str, str] = {}
        self._table = np.random.default_rng(1).standard_normal((_TABLE, DIM), dtype=np.float32)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As passages."""
        return self.encode_passages(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """The same for the same text."""
        sums = np.array([zlib.crc32(text.encode()) for text in texts], dtype=np.int64)
        rows: Vectors = self._table[sums % _TABLE] + self._table[sums // _TABLE % _TABLE]
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """Of zeros."""
        return np.zeros((len(words), DIM), dtype=np.float32)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        """Zeros."""
        return np.zeros((len(asked), len(words)), dtype=np.float32)


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, help="where articles and index are made; else a temporary folder")
    parser.add_argument("--train", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--step", choices=("build", "load"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(_step(options.step, options.folder)))
    elif options.folder:
        _measure(options.folder, options.articles, options.train)
    else:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), options.articles, options.train)


def _settings(folder: Path) -> Settings:
    return Settings(articles=folder / "articles", index=folder / "index")


def _measure(folder: Path, count: int, train: Path) -> None:
    material = read_material(train)
    settings = _settings(folder)
    settings.articles.mkdir(parents=True, exist_ok=True)

    def write(number: int, name: int) -> None:
        one = article(number, material)
        head = f"---\ntitle: {json.dumps(one.title)}\ndate: {one.published}\noutlet: {one.outlet}\n---\n"
        (settings.articles / f"{name:07d}.md").write_text(head + one.text, encoding="utf-8")

    for number in range(count):
        write(number, number)
    print(f"{count} articles, {cores()} cores; encoder: a stand-in")
    _show("full build", [_run("build", folder)])
    _show("no change", [_run("build", folder) for _ in range(RUNS)])
    steps: dict[str, list[dict[str, float]]] = {"add one": [], "change one": [], "remove one": []}
    for run in range(RUNS):
        write(count + run, count + run)
        steps["add one"].append(_run("build", folder))
        write(count + RUNS + run, run)
        steps["change one"].append(_run("build", folder))
        (settings.articles / f"{RUNS + run:07d}.md").unlink()
        steps["remove one"].append(_run("build", folder))
    for name, found in steps.items():
        _show(name, found)
    _show("load", [_run("load", folder) for _ in range(RUNS)])
    started = time.perf_counter()
    load_encoder().encode_queries(["?"])
    print(f"{'loading the bundled encoder':<12} {time.perf_counter() - started:.2f} s")


def _run(step: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "eval.update", "--step", step, "--folder", str(folder)]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"all": time.perf_counter() - started, **json.loads(done.stdout)}


def _show(name: str, found: Sequence[Mapping[str, float]]) -> None:
    times = [one["all"] for one in found]
    stages = {key: statistics.median(one[key] for one in found) for key in found[0] if key != "all"}
    told = ", ".join(f"{key} {value:.6g}" for key, value in stages.items())
    spread = f" ({min(times):.2f} to {max(times):.2f})" if len(times) > 1 else ""
    print(f"{name:<12} {statistics.median(times):.2f} s{spread}: {told}", flush=True)


def _step(step: str, folder: Path) -> dict[str, float]:
    settings, encoder = _settings(folder), StandIn()
    started = time.perf_counter()
    found: dict[str, float] = {}
    if step == "load":
        index = load_index(settings, encoder)
        found["load s"] = time.perf_counter() - started
        folder, chunks = index.folder, index.manifest.chunk_count
    else:
        laps = {"begun": started}

        def note(stage: str, _done: int, _total: int) -> None:
            laps[stage] = time.perf_counter()

        summary = build_index(settings, encoder, progress=note)
        laps["published"] = time.perf_counter()
        found = {f"{stage} s": laps[stage] - laps[before] for before, stage in itertools.pairwise(laps)}
        folder, chunks = summary.folder, summary.manifest.chunk_count
        found["embedded"] = summary.embedded
    used = resource.getrusage(resource.RUSAGE_SELF)
    found["processor s"] = used.ru_utime + used.ru_stime
    files = [path.stat() for path in folder.rglob("*") if path.is_file()]
    found["MiB"] = sum(one.st_size for one in files) / 2**20
    found["new MiB"] = sum(one.st_size for one in files if one.st_nlink == 1) / 2**20
    found["chunks"] = chunks
    found["resident MiB"] = used.ru_maxrss / 1024
    return found


if __name__ == "__main__":
    main()
