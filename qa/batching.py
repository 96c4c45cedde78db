"""Texts cut into batches by their length, and batches computed side by side, each by one thread."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

Batch = TypeVar("Batch")
Found = TypeVar("Found")

#: Batches for each thread whose outputs may wait for the caller: 0.4 MB each with the states of 256 pieces. A thread
#: needs one to go on while the caller is at work.
AHEAD = 4


def token_batches(lengths: NDArray[np.int64], budget: int) -> Iterator[NDArray[np.int64]]:
    """Cut texts into batches of like length.

    Args:
        lengths: Pieces of each text, ``(n,)``.
        budget: Padded pieces in a batch, rows times the longest; a text longer than this stands alone.

    Yields:
        Positions in ``lengths``; together each position once, the longest texts first.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + rows]
        start += rows


def side_by_side(run: Callable[[Batch], Found], batches: Sequence[Batch], threads: int) -> Iterator[Found]:
    """What ``run`` gives for each batch, in order, at most ``threads`` of them computed at a time.

    One thread, or one batch, stays in the thread of the caller. An error of ``run`` is raised where its output was due;
    batches not yet begun are then left out, as where the caller stops taking.
    """
    threads = min(threads, len(batches))
    if threads <= 1:
        yield from map(run, batches)
        return
    waiting: deque[Future[Found]] = deque()
    # Threads of this call alone: they start in 0.1 ms, and none is left over where a process forks or ends.
    with ThreadPoolExecutor(threads, "encode") as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(run, batch))
                if len(waiting) > AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
