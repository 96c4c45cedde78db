"""Encoding with many workers: the build's batches go out to a team, and their vectors come back in order.

A vector can differ in the last bit with the texts that share its batch, but not with the process or the number of
threads that compute it (`qa.embed`). So the batches stay those of the plain build, and so do the vectors, bit for bit,
whoever encodes a batch - on processors of one kind: onnxruntime has other kernels for other instruction sets, and
machines of different kinds agree to 1e-5 in any coordinate. Of other encoders than ours nothing is known.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from qa import __version__
from qa.embed import load_encoder
from qa.errors import EncoderError

if TYPE_CHECKING:
    from qa.types import Encoder, Vectors

#: Texts in a batch where the caller has no batches of its own.
BATCH = 256
#: Fewer batches than this are encoded here: starting two workers takes about as long as encoding three batches of 256
#: passages with four threads (1.5 s and 0.5 s, python -m eval.parallel).
WORTH_STARTING = 4
#: Batches for each worker that may be under way or waiting for their turn: 0.4 MB each at 384 dimensions.
AHEAD = 4


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """What a worker needs in order to load the encoder that its team was started for.

    Attributes:
        name: As `load_encoder` takes it; folders by their absolute path.
        prompts: Put before questions and passages.
        sha256: What the loaded encoder must be.
        threads: Threads of one worker.
        version: Of this package.
    """

    name: str
    prompts: Mapping[str, str]
    sha256: str
    threads: int
    version: str = __version__

    @classmethod
    def of(cls, encoder: Encoder, threads: int) -> EncoderSpec:
        """The spec of a loaded encoder."""
        folder = Path(os.path.expanduser(encoder.name))  # noqa: PTH111 - pathlib's raises where there is no such user
        name = str(folder.resolve()) if folder.is_dir() else encoder.name
        return cls(name, dict(encoder.prompts), encoder.sha256, threads)

    def load(self) -> Encoder:
        """Load the encoder, in a worker.

        Raises:
            EncoderError: It cannot be loaded, or is another one than the team was started for.
        """
        if self.version != __version__:
            raise EncoderError(
                f"a worker has article-qa {__version__}, the build {self.version}",
                "install one version on all machines",
            )
        encoder = load_encoder(self.name, threads=self.threads, prompts=self.prompts)
        if encoder.sha256 != self.sha256:
            raise EncoderError(
                f"encoder {self.name} of a worker is not the one of the build", "put the same files on all machines"
            )
        return encoder


@dataclass(frozen=True, slots=True)
class Done:
    """Which worker is free again, and the vectors ``(n, dim)`` of the batch that it was given."""

    worker: int
    vectors: Vectors


class Team(Protocol):
    """Workers, each with the encoder loaded, numbered from 0. Every method may raise `EncoderError`."""

    def start(self) -> int:
        """Start the workers; gives how many there are."""

    def give(self, worker: int, texts: Sequence[str]) -> None:
        """Let a worker that is free encode passages."""

    def take(self) -> Done:
        """Wait for any of the workers that are at work."""

    def close(self) -> None:
        """End the workers, whatever they do."""


class ParallelEncoder:
    """An encoder whose passages are encoded by a team; all else it does itself.

    The team is started by the first work that is worth it, and ended by `close` or by an error.
    """

    def __init__(self, encoder: Encoder, team: Team) -> None:
        self._encoder = encoder
        self._team = team
        self._size = 0

    @property
    def name(self) -> str:
        """As `Encoder`."""
        return self._encoder.name

    @property
    def sha256(self) -> str:
        """As `Encoder`."""
        return self._encoder.sha256

    @property
    def dim(self) -> int:
        """As `Encoder`."""
        return self._encoder.dim

    @property
    def prompts(self) -> Mapping[str, str]:
        """As `Encoder`."""
        return self._encoder.prompts

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions to float32 rows of length 1, shape ``(n, dim)``."""
        return self._encoder.encode_queries(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """Single words to float32 rows of length 1, shape ``(n, dim)``."""
        return self._encoder.encode_words(words)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        """Cosines of the vectors of a few words and of many, ``(asked, words)``."""
        return self._encoder.word_cosines(asked, words)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Passages to float32 rows of length 1, shape ``(n, dim)``."""
        batches = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
        return np.concatenate([np.empty((0, self.dim), np.float32), *self.encode_batches(batches)])

    def encode_batches(self, batches: Iterable[Sequence[str]]) -> Iterator[Vectors]:
        """Batches of passages to their vectors, in order.

        Raises:
            EncoderError: A worker cannot load the encoder, or ended before its work.
        """
        source = iter(batches)
        held: list[Sequence[str]] = []
        for batch in source:
            held.append(batch)
            if self._size or (len(held) >= WORTH_STARTING and all(held)):
                break
            if not batch:  # what was embedded before needs nobody, nor has it to wait
                yield from map(self._encoder.encode_passages, held)
                held = []
        else:
            yield from map(self._encoder.encode_passages, held)
            return
        try:
            self._size = self._size or self._team.start()
            yield from self._in_order(enumerate(chain(held, source)))
        except BaseException:  # Ctrl-C too: workers that still hold a batch are of no use to the next caller
            self.close()
            raise

    def _in_order(self, batches: Iterator[tuple[int, Sequence[str]]]) -> Iterator[Vectors]:
        free = list(range(self._size))
        holds: dict[int, int] = {}
        ready: dict[int, Vectors] = {}
        following = given = 0

        def hand_out() -> None:
            nonlocal given
            while free and given < following + AHEAD * self._size and (batch := next(batches, None)) is not None:
                worker = free.pop()
                holds[worker], texts = batch
                self._team.give(worker, texts)
                given += 1

        hand_out()
        while holds:
            done = self._team.take()
            free.append(done.worker)
            ready[holds.pop(done.worker)] = done.vectors
            # Before what is ready is passed on: the caller's work on it is then done beside theirs.
            hand_out()
            while following in ready:
                yield ready.pop(following)
                following += 1
            hand_out()

    def close(self) -> None:
        """End the team."""
        self._size = 0
        self._team.close()


def encoded(encoder: Encoder, batches: Iterable[Sequence[str]]) -> Iterator[Vectors]:
    """The vectors of each batch of passages, in order; by as many workers as the encoder has.

    Raises:
        EncoderError: A worker failed.
    """
    if isinstance(encoder, ParallelEncoder):
        return encoder.encode_batches(batches)
    return map(encoder.encode_passages, batches)
