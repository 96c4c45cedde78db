"""A team of processes on this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from qa.errors import EncoderError, QAError
from qa.parallel import Done

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from qa.parallel import Batch, EncoderSpec
    from qa.types import Encoded

#: Seconds that a process may take to end once it was told to.
_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class _Failure:
    """What went wrong in a worker, for people."""

    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection


class ProcessTeam:
    """Processes that each load the encoder once. None outlives this process, however that ends.

    They are spawned, not forked: onnxruntime and the tokenizers have threads, of which a fork copies the locks alone.
    """

    def __init__(self, spec: EncoderSpec, workers: int) -> None:
        self._spec = spec
        self._count = workers
        self._team: list[_Worker] = []
        self._busy: dict[Connection, int] = {}

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._team if worker.process.pid is not None]

    def start(self) -> int:
        """Start the workers; gives how many there are.

        Raises:
            EncoderError: The system gives no more processes.
        """
        context = get_context("spawn")
        try:
            with _sigint_blocked():
                for _ in range(self._count):
                    here, there = context.Pipe()
                    process = context.Process(target=_work, args=(there, self._spec), daemon=True)
                    self._team.append(_Worker(process, here))
                    process.start()
                    # Held by the worker alone, it closes with the worker: that is how its death is noticed.
                    there.close()
        except OSError as error:
            self.close()
            reason = (error.strerror or str(error)).lower()
            raise EncoderError(f"{self._count} workers cannot be started: {reason}", "name fewer workers") from None
        return len(self._team)

    def give(self, worker: int, batch: Batch) -> None:
        """Let a worker that is free encode passages. It reads at once, so this does not wait for long.

        Raises:
            EncoderError: It has ended.
        """
        connection = self._team[worker].connection
        try:
            connection.send(batch)
        except OSError:
            raise self._ended(worker) from None
        self._busy[connection] = worker

    def take(self) -> Done:
        """Wait for any of the workers that are at work.

        Raises:
            EncoderError: It could not load the encoder, failed or has ended.
        """
        ready = wait(list(self._busy))
        # Not by a generator that is left half used: Ctrl-C that meets Python while it ends one is lost.
        [connection, *_] = [one for one in self._busy if one in ready]
        worker = self._busy.pop(connection)
        try:
            result: Encoded | _Failure = connection.recv()
        except (EOFError, OSError):
            raise self._ended(worker) from None
        if isinstance(result, _Failure):
            raise EncoderError(result.message, result.mend)
        return Done(worker, result)

    def close(self) -> None:
        """End the workers, whatever they do."""
        team, self._team = self._team, []
        self._busy.clear()
        for worker in team:
            worker.connection.close()
            if worker.process.pid is not None:
                worker.process.terminate()
        for worker in team:
            if worker.process.pid is None:
                continue
            worker.process.join(_GRACE)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
            worker.process.close()

    def _ended(self, worker: int) -> EncoderError:
        process = self._team[worker].process
        process.join(_GRACE)
        code = process.exitcode or 0
        how = f"was killed by signal {_named(-code)}" if code < 0 else f"ended with status {code}"
        return EncoderError(
            f"a worker ({worker + 1} of {self._count}) {how} while it encoded; nothing was published",
            "if memory ran out, name fewer workers; else try again",
        )


def _named(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """A process keeps what its parent blocked: Ctrl-C, which reaches them all, is then for the parent alone."""
    # Started with the first process else, it would let the signal through again.
    resource_tracker.ensure_running()
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, spec: EncoderSpec) -> None:
    """The life of a worker: it ends when the other end of the connection is closed, be it by a kill."""
    threading.Thread(target=_end_with_build, daemon=True).start()
    with suppress(EOFError, OSError):
        result: Encoded | _Failure
        try:
            encoder = spec.load()
            while True:
                batch: Batch = connection.recv()
                result = batch.encoded(encoder)
                connection.send(result)
        except (EOFError, OSError):
            raise
        except QAError as error:
            connection.send(_Failure(error.message, error.mend))
        except Exception as error:  # noqa: BLE001 - whatever a model raises must reach the person who builds
            reason = " ".join(str(error).split())[:300]
            message = f"a worker failed with {type(error).__name__}: {reason}"
            connection.send(_Failure(message, "qa build without --workers tells whether it is the encoder"))


def _end_with_build() -> None:
    """In the middle of a batch too, which may take seconds: nobody wants it any more."""
    build = parent_process()
    if build is not None:
        build.join()
        os._exit(1)
