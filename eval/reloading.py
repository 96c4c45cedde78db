"""What following the index and watching the articles cost a running server: ``python -m eval.reloading``.

1. How long a look at the articles folder takes, by its size (`qa.watch.listed`).
2. Questions one after the other, in a server's process, while the articles are built: not at all, by ``qa build`` in a
   process of its own (what ``qa serve --watch`` does), and in a thread of the same process (what it does not).
3. Twenty reloads under questions: how long each takes, open files, and the memory of the process.

The articles are those of seeds/, copied under other names with a sentence more each, so that every one is embedded.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from qa.build import build_index
from qa.config import Settings
from qa.embed import load_encoder
from qa.index import Index, load_index
from qa.live import LiveBot
from qa.watch import Builder, listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from qa.types import Encoder

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
QUESTIONS = (
    "which weapons did Seoul consider?",
    "Welche Luftverteidigungssysteme könnte Seoul liefern?",
    "What is the capital of Australia?",
    "Wie viele nordkoreanische Soldaten sind in Russland?",
)
SIZES = (1_000, 10_000, 100_000)
RELOADS = 20


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=200, help="articles that a build embeds")
    copies = parser.parse_args().articles
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _looks(root / "many")
        settings = Settings(articles=root / "articles", index=root / "index")
        encoder = load_encoder()
        _copy(settings.articles, 0, copies)
        build_index(settings, encoder)
        _answers_during_builds(settings, encoder, copies)
        _reloads(settings, encoder)


def _looks(folder: Path) -> None:
    for size in SIZES:
        for number in range(size):
            path = folder / f"{number // 1000}" / f"{number}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        times = []
        for _ in range(5):
            started = time.perf_counter()
            listed(folder)
            times.append(time.perf_counter() - started)
        print(f"a look at {size:7,} files: {statistics.median(times) * 1000:7.1f} ms")
    shutil.rmtree(folder)


def _copy(folder: Path, start: int, count: int) -> None:
    folder.mkdir(exist_ok=True)
    texts = [path.read_text(encoding="utf-8") for path in sorted(SEEDS.glob("*.md"))]
    for number in range(start, start + count):
        words = " ".join(f"{word}{number}" for word in texts[number % len(texts)].split()[40:160])
        (folder / f"{number}.md").write_text(words, encoding="utf-8")


def _answers_during_builds(settings: Settings, encoder: Encoder, copies: int) -> None:
    bot = LiveBot(encoder, load_index(settings, encoder))
    stop = threading.Event()
    threading.Timer(10, stop.set).start()
    _show("no build", _asked(bot, stop.is_set))
    for name, build in (
        ("a build in a process of its own", Builder(settings).run),
        ("a build in a thread", lambda: build_index(settings, encoder)),
    ):
        _copy(settings.articles, copies, copies)
        copies += copies
        thread = threading.Thread(target=build)
        started = time.perf_counter()
        thread.start()
        times = _asked(bot, lambda alive=thread.is_alive: not alive())  # type: ignore[misc]
        _show(f"{name} ({time.perf_counter() - started:.0f} s)", times)
    bot.close()


def _asked(bot: LiveBot, done: Callable[[], bool]) -> list[float]:
    times: list[float] = []
    for question in cycle(QUESTIONS):
        if done():
            return times
        started = time.perf_counter()
        bot.ask(question)
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(0.02)
    raise AssertionError


def _show(name: str, times_ms: list[float]) -> None:
    ordered = sorted(times_ms)
    p95, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.95, 0.99))
    middle = statistics.median(ordered)
    print(f"{name:<42} p50 {middle:7.1f} ms  p95 {p95:7.1f} ms  p99 {p99:7.1f} ms  n {len(ordered)}")


def _reloads(settings: Settings, encoder: Encoder) -> None:
    first = load_index(settings, encoder).folder
    _copy(settings.articles, 10**6, 1)
    second = build_index(settings, encoder).folder
    bot = LiveBot(encoder, Index(first))
    stop = threading.Event()
    asking = [threading.Thread(target=_asked, args=(bot, stop.is_set)) for _ in range(3)]
    for thread in asking:
        thread.start()
    times, held = [], []
    for number in range(RELOADS):
        started = time.perf_counter()
        bot.use(Index((second, first)[number % 2]))
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(0.2)
        held.append((len(list(Path("/proc/self/fd").iterdir())), _resident()))
    stop.set()
    for thread in asking:
        thread.join()
    size = sum(path.stat().st_size for path in first.rglob("*") if path.is_file())
    print(f"a reload of {size / 2**20:.0f} MiB under questions: median {statistics.median(times):.0f} ms")
    for number in (1, 5, 10, 15, 20):
        files, resident = held[number - 1]
        print(f"after reload {number:2}: {files} open files, {resident:.0f} MiB resident")
    bot.close()


def _resident() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
