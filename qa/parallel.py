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

from qa import __version__
from qa.embed import load_encoder
from qa.errors import EncoderError
from qa.pieces import joined, without_pieces

if TYPE_CHECKING:
    from qa.types import Encoded, EncodedQuestion, Encoder, Vectors

#: Texts in a batch where the caller has no batches of its own.
BATCH = 256
#: Fewer batches than this are encoded here: starting two workers takes about as long as encoding three batches of 256
#: passages with four threads (1.5 s and 0.5 s, python -m eval.parallel). Measured before 256 texts of a build made two
#: batches, one with pieces and one without.
WORTH_STARTING = 4
#: Batches for each worker that may be under way or waiting for their turn: 0.4 MB each at 384 dimensions, 0.8 MB
#: more where 256 passages come with the codes of their pieces.
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
class Batch:
    """Passages that are encoded together, with the codes of their pieces or without."""

    texts: Sequence[str]
    pieces: bool = False

    def encoded(self, encoder: Encoder) -> Encoded:
        """What this encoder makes of them."""
        if self.pieces:
            return encoder.encode_pieces(self.texts)
        return without_pieces(encoder.encode_passages(self.texts), encoder.piece_bytes)


@dataclass(frozen=True, slots=True)
class Done:
    """Which worker is free again, and what it has made of the batch that it was given."""

    worker: int
    encoded: Encoded


class Team(Protocol):
    """Workers, each with the encoder loaded, numbered from 0. Every method may raise `EncoderError`."""

    def start(self) -> int:
        """Start the workers; gives how many there are."""

    def give(self, worker: int, batch: Batch) -> None:
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

    @property
    def piece_bytes(self) -> int:
        """As `Encoder`."""
        return self._encoder.piece_bytes

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions to float32 rows of length 1, shape ``(n, dim)``."""
        return self._encoder.encode_queries(texts)

    def encode_question(self, text: str) -> EncodedQuestion:
        """A question to its vector and its pieces."""
        return self._encoder.encode_question(text)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """Single words to float32 rows of length 1, shape ``(n, dim)``."""
        return self._encoder.encode_words(words)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        """Cosines of the vectors of a few words and of many, ``(asked, words)``."""
        return self._encoder.word_cosines(asked, words)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Passages to float32 rows of length 1, shape ``(n, dim)``."""
        return joined(list(self.encode_batches(batches_of(texts, BATCH)))).vectors

    def encode_pieces(self, texts: Sequence[str]) -> Encoded:
        """Passages to their vectors and the codes of their pieces."""
        return joined(list(self.encode_batches(batches_of(texts, BATCH, pieces=True))))

    def encode_batches(self, batches: Iterable[Batch]) -> Iterator[Encoded]:
        """What the encoder makes of batches of passages, in order.

        Raises:
            EncoderError: A worker cannot load the encoder, or ended before its work.
        """
        source = iter(batches)
        held: list[Batch] = []
        for batch in source:
            held.append(batch)
            if self._size or (len(held) >= WORTH_STARTING and all(one.texts for one in held)):
                break
            if not batch.texts:  # what was embedded before needs nobody, nor has it to wait
                yield from (one.encoded(self._encoder) for one in held)
                held = []
        else:
            yield from (one.encoded(self._encoder) for one in held)
            return
        try:
            self._size = self._size or self._team.start()
            yield from self._in_order(enumerate(chain(held, source)))
        except BaseException:  # Ctrl-C too: workers that still hold a batch are of no use to the next caller
            self.close()
            raise

    def _in_order(self, batches: Iterator[tuple[int, Batch]]) -> Iterator[Encoded]:
        free = list(range(self._size))
        holds: dict[int, int] = {}
        ready: dict[int, Encoded] = {}
        following = given = 0

        def hand_out() -> None:
            nonlocal given
            while free and given < following + AHEAD * self._size and (numbered := next(batches, None)) is not None:
                worker = free.pop()
                holds[worker], batch = numbered
                self._team.give(worker, batch)
                given += 1

        hand_out()
        while holds:
            done = self._team.take()
            free.append(done.worker)
            ready[holds.pop(done.worker)] = done.encoded
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


def batches_of(texts: Sequence[str], size: int, *, pieces: bool = False) -> list[Batch]:
    """Texts in batches of at most ``size``, at least one batch."""
    return [Batch(texts[start : start + size], pieces) for start in range(0, max(len(texts), 1), size)]


def encoded(encoder: Encoder, batches: Iterable[Batch]) -> Iterator[Encoded]:
    """What the encoder makes of each batch of passages, in order; by as many workers as it has.

    Raises:
        EncoderError: A worker failed.
    """
    if isinstance(encoder, ParallelEncoder):
        return encoder.encode_batches(batches)
    return (batch.encoded(encoder) for batch in batches)
