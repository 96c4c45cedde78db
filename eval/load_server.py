"""A server to put load on: `qa serve` in a process of its own, and what the system says of its memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from qa.build import ensure_index
from qa.config import Settings
from qa.embed import load_encoder
from qa.errors import QAError

ROOT: Final = Path(__file__).resolve().parent.parent
#: Seconds that a server may take to listen; Gradio's import takes six on a quiet machine.
_STARTING: Final = 180.0
#: Seconds between two looks at the memory.
_LOOK: Final = 0.5
_MIB: Final = 2**20
#: Questions after which no cache of a server over 10,000 passages grows any more. Chunks and the languages of words are
#: at their bounds after 500, numbers in words after 2,000, the forms of words (`qa.quoting.words`) after 3,300;
#: from then on the objects of the interpreter and what malloc has in use stay the same (eval/LOG.md).
FULL: Final = 4_000
_READY: Final = "article-qa is at "


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address, and the number of its process, 0 where it was started by others."""

    url: str
    pid: int = 0


def build_once(articles: Path, index: Path) -> int:
    """Bring the index of a folder up to date; gives how many passages it has."""
    settings = Settings(articles=articles, index=index)
    return ensure_index(settings, load_encoder()).manifest.chunk_count


@contextlib.contextmanager
def running(articles: Path, index: Path, settings: Mapping[str, object], flags: Sequence[str] = ()) -> Iterator[Server]:
    """`qa serve` on a free port of this machine, with these settings, until the block ends.

    Its working folder is empty and no setting of the environment holds.

    Raises:
        QAError: It does not start.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("QA_")}
    environ |= {f"QA_{name.upper()}": str(value) for name, value in settings.items()}
    environ["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "qa", "serve", "--no-build", "--port", "0"]
    command += ["--articles", str(articles), "--index", str(index), *flags]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+b") as log:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=log)
        try:
            yield Server(_address(process, Path(log.name)), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    output: IO[bytes] | None = process.stdout
    ends = time.monotonic() + _STARTING
    if output is None:
        raise QAError("the server has no output to read its address from")
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while time.monotonic() < ends:
            if not selector.select(1.0):
                continue
            line = output.readline().decode()
            if line.startswith(_READY):
                return line.removeprefix(_READY).strip()
            if not line and process.poll() is not None:
                break
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise QAError(f"the server did not start: {said[-1] if said else 'it says nothing'}")


@dataclass(slots=True)
class Memory:
    """Resident memory over time: seconds from the start, MiB (all, and without mapped files), questions answered."""

    seconds: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)
    private: list[float] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)

    @property
    def filled(self) -> bool:
        """Whether the caches were full through the last half, so that nothing should grow there."""
        return bool(self.answered) and self.answered[-1] >= 2 * FULL

    def slope(self) -> float:
        """MiB a minute in the last half of the questions, by least squares; 0 of too few looks."""
        half = self._half()
        times, values = self.seconds[half:], self.private[half:]
        if len(times) < 3:  # noqa: PLR2004 - a line through less says nothing
            return 0.0
        middle, mean = sum(times) / len(times), sum(values) / len(values)
        spread = sum((one - middle) ** 2 for one in times)
        return 60 * sum((x - middle) * (y - mean) for x, y in zip(times, values, strict=True)) / spread

    def growth(self) -> float:
        """MiB that the last half of the questions adds, along that line."""
        return self.slope() * (self.seconds[-1] - self.seconds[self._half()]) / 60 if self.seconds else 0.0

    def _half(self) -> int:
        last = self.answered[-1] if self.answered else 0
        return next((at for at, count in enumerate(self.answered) if 2 * count >= last), 0)


def resident(pid: int) -> tuple[float, float]:
    """Resident memory of a process and its share without mapped files, MiB; zeros where it cannot be read (Linux)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0, 0.0
    sizes = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines) if rest.endswith("kB")}
    return float(sizes.get("VmRSS", 0)) * 1024 / _MIB, float(sizes.get("RssAnon", 0)) * 1024 / _MIB


async def measure_memory(pid: int, done: asyncio.Event, answered: Callable[[], int]) -> Memory:
    """Look at the memory of a process, and at how many questions were answered, twice a second until it is done."""
    found = Memory()
    started = time.monotonic()
    while not done.is_set():
        whole, own = resident(pid)
        if whole:
            found.seconds.append(time.monotonic() - started)
            found.resident.append(whole)
            found.private.append(own)
            found.answered.append(answered())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _LOOK)
    return found
