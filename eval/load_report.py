"""What a load run found, as a table to read and to keep in the documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from eval.load_clients import Reply, Run, percentile
from eval.load_server import Memory
from eval.load_watch import Watch

#: What memory may gain in the last half of a run, as a share of what it is: more is called a leak. Once the caches are
#: full two runs of 10,000 questions added 0.3 % and 1.1 %, the words that no question had met before among them (up to
#: 150,000, `qa.wordtable`); in a shorter run the caches fill meanwhile, by up to 3 %.
FLAT, FLAT_WHILE_FILLING = 0.02, 0.03
#: What a page of the server's health may take under any load, milliseconds, at the 95th percentile.
HEALTH_MS: Final = 100.0


@dataclass(frozen=True, slots=True)
class Load:
    """Questions asked alone and by many clients at once; ``wrong`` says what differs."""

    clients: int
    servers: int
    alone: Run
    crowd: Run
    wrong: Sequence[str]
    health: Watch
    memory: Memory

    @property
    def flat(self) -> bool:
        """Whether the memory of the last half is level."""
        memory = self.memory
        allowed = FLAT if memory.filled else FLAT_WHILE_FILLING
        return not memory.private or memory.growth() <= allowed * memory.private[-1]


@dataclass(frozen=True, slots=True)
class Saturation:
    """More clients than places.

    Attributes:
        places: Questions that may be answered or wait at once.
        clients: How many asked at once.
        replies: All that came back.
        faults: Replies that were neither the right answer nor a well-formed refusal.
        health: Whether it could be reached meanwhile.
        recovered: The reply to one question right afterwards.
        freed: Seconds from when clients went away before their answers to when all places were free.
    """

    places: int
    clients: int
    replies: Sequence[Reply]
    faults: Sequence[str]
    health: Watch
    recovered: Reply
    freed: float


def load_table(load: Load, chunks: int) -> Iterator[str]:
    """Lines of Markdown for a load run."""
    asked = len(load.crowd.replies)
    yield "| | 1 client | " + f"{load.clients} clients |"
    yield "|---|---|---|"
    yield f"| questions over {chunks:,} passages | {asked:,} | {asked:,} |"
    yield f"| servers | 1 | {load.servers} |"
    yield f"| errors | {_errors(load.alone)} | {_errors(load.crowd)} |"
    yield f"| answers unlike those given alone | | {len(load.wrong)} |"
    yield f"| questions a second | {asked / load.alone.seconds:.1f} | {asked / load.crowd.seconds:.1f} |"
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        one, many = (percentile(run.latencies(), share) for run in (load.alone, load.crowd))
        yield f"| {name}, ms | {one:.0f} | {many:.0f} |"
    for path, times in load.health.milliseconds.items():
        yield f"| `{path}` p95, ms | | {percentile(sorted(times), 0.95):.0f} |"
    if load.memory.private:
        memory = load.memory
        yield f"| memory of the server at the end, MiB (without mapped files) | | {memory.private[-1]:.0f} |"
        caches = "caches full" if memory.filled else "caches still filling"
        grown = f"{memory.growth():+.1f} ({memory.slope():+.2f} a minute)"
        yield f"| its growth over the last half of the questions, {caches}, MiB | | {grown} |"


def saturation_table(found: Saturation) -> Iterator[str]:
    """Lines of Markdown for a saturation run."""
    by_status: dict[int, list[float]] = {}
    for one in found.replies:
        by_status.setdefault(one.status, []).append(1000 * one.seconds)
    yield f"| {found.clients} clients, {found.places} places | replies | p50, ms | p95, ms |"
    yield "|---|---|---|---|"
    for status, times in sorted(by_status.items()):
        times.sort()
        yield f"| status {status} | {len(times)} | {percentile(times, 0.5):.0f} | {percentile(times, 0.95):.0f} |"
    for path, times in found.health.milliseconds.items():
        times.sort()
        yield f"| `{path}` | {len(times)} | {percentile(times, 0.5):.0f} | {percentile(times, 0.95):.0f} |"
    yield ""
    yield (
        f"Neither the right answer nor a refusal with `Retry-After`: {len(found.faults)}. The next question "
        f"afterwards: status {found.recovered.status} in {1000 * found.recovered.seconds:.0f} ms. Places of clients "
        f"that went away before their answers: free after {found.freed:.1f} s."
    )


def outcomes(run: Run) -> str:
    """How many replies of each status, and how long they took."""
    times: dict[int, list[float]] = {}
    for one in run.replies:
        times.setdefault(one.status, []).append(1000 * one.seconds)
    parts = (
        f"{len(ms)} replies of status {status} (p95 {percentile(sorted(ms), 0.95):.0f} ms)"
        for status, ms in sorted(times.items())
    )
    return ", ".join(parts)


def _errors(run: Run) -> str:
    failed = Counter(one.status for one in run.replies if one.status != httpx.codes.OK)
    return ", ".join(f"{count} × {status}" for status, count in failed.items()) or "0"


def put_under(path: Path, heading: str, text: str, title: str) -> None:
    """Put a text under a heading of the second level in place of what stands there; the document is made if need be."""
    document = path.read_text(encoding="utf-8") if path.exists() else f"# {title}\n"
    part = f"## {heading}\n\n{text.strip()}\n"
    found = re.search(rf"^## {re.escape(heading)}\n(?:(?!^## ).*\n?)*", document, re.MULTILINE)
    if found is None:
        document = f"{document.rstrip()}\n\n{part}"
    else:
        rest = document[found.end() :]
        document = f"{document[: found.start()]}{part}{chr(10) if rest else ''}{rest}"
    path.write_text(document, encoding="utf-8")
