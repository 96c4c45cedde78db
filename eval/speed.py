"""How long a person waits: ``python -m eval.speed`` prints the figures of the README, over seeds/.

Imports and ``qa ask`` run as fresh processes; a question on the page is timed inside one warm bot, which is all that
the server does for it. Set the number of cores from outside: ``taskset -c 0,1 python -m eval.speed``.
"""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from qa.bot import Bot
from qa.build import ensure_index
from qa.config import Settings
from qa.embed import load_encoder
from qa.machine import cores, processor

RUNS = 7
ASKED = 50
QUESTIONS = (
    "which weapons did Seoul consider?",
    "Welche Luftverteidigungssysteme könnte Seoul liefern?",
    "What is the capital of Australia?",
    "Wie viele nordkoreanische Soldaten sind in Russland?",
)


def main() -> None:
    """Print every figure with its spread."""
    print(f"{processor()}, {cores()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        _show("import qa", [_process("-c", "import qa") for _ in range(RUNS)])
        _show("an empty Python process, part of the above", [_process("-c", "") for _ in range(RUNS)])
        _show("qa ask, building the index first", [_process("-m", "qa", "ask", QUESTIONS[0], "--index", str(index))])
        asked = [_process("-m", "qa", "ask", QUESTIONS[0], "--index", str(index)) for _ in range(RUNS)]
        _show("qa ask, index built", asked)
        encoder = load_encoder()
        bot = Bot(ensure_index(Settings(index=index), encoder), encoder)
        bot.ask("warm")
        _show("a question at the running server", [_ask(bot, n) for n in range(ASKED)])


def _process(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def _ask(bot: Bot, n: int) -> float:
    started = time.perf_counter()
    bot.ask(f"{QUESTIONS[n % len(QUESTIONS)]} ({n})")
    return (time.perf_counter() - started) * 1000


def _show(name: str, times_ms: list[float]) -> None:
    ordered = sorted(times_ms)
    slow = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{name:<45} median {statistics.median(ordered):8.1f} ms  p95 {slow:8.1f} ms  n {len(ordered)}")


if __name__ == "__main__":
    main()
