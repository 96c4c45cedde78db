"""A team of actors on a Ray cluster, or of Ray on this machine: the one door to the extra ``ray``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Read when ray is imported: nothing is told to anyone about what is built here.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

from qa.errors import EncoderError, QAError
from qa.parallel import Done

if TYPE_CHECKING:
    from qa.parallel import Batch, EncoderSpec
    from qa.types import Encoded, Encoder


class _EncodeActor:
    """Lives in a process of the cluster, with the encoder loaded."""

    def __init__(self, spec: EncoderSpec) -> None:
        self._spec = spec
        self._encoder: Encoder | None = None

    def encode(self, batch: Batch) -> Encoded:
        """Encode passages. The encoder is loaded by the first call: an error of a constructor loses its message."""
        if self._encoder is None:
            self._encoder = self._spec.load()
        return batch.encoded(self._encoder)


class RayTeam:
    """Actors with a CPU each. ``RAY_ADDRESS`` names the cluster; without it, this machine's, or one made for the build.

    Args:
        spec: The encoder; its folder, if it has one, must lie at the same path on every machine.
        workers: How many; 0: one for every CPU of the cluster.
    """

    def __init__(self, spec: EncoderSpec, workers: int) -> None:
        self._spec = spec
        self._count = workers
        self._actors: list[Any] = []
        self._busy: dict[Any, int] = {}
        self._own = False

    def start(self) -> int:
        """Start the actors; gives how many there are.

        Raises:
            EncoderError: The cluster cannot be reached, or has too few CPUs.
        """
        if not ray.is_initialized():
            try:
                ray.init(log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, OSError, RuntimeError, ValueError) as error:
                address = os.environ.get("RAY_ADDRESS")
                where = f"the Ray cluster at {address} cannot be reached" if address else "Ray cannot be started here"
                reason = next(iter(str(error).splitlines()), type(error).__name__)
                raise EncoderError(f"{where}: {reason}", "check RAY_ADDRESS and `ray status`") from None
            self._own = True
        cpus = int(ray.cluster_resources().get("CPU", 0))
        count = self._count or cpus
        if not 0 < count <= cpus:
            raise EncoderError(
                f"the Ray cluster has {cpus} CPUs, too few for {count or 1} workers", "name fewer workers"
            )
        actor = ray.remote(num_cpus=1)(_EncodeActor)
        self._actors = [actor.remote(self._spec) for _ in range(count)]
        return count

    def give(self, worker: int, batch: Batch) -> None:
        """Let an actor that is free encode passages."""
        self._busy[self._actors[worker].encode.remote(batch)] = worker

    def take(self) -> Done:
        """Wait for any of the actors that are at work.

        Raises:
            EncoderError: It could not load the encoder, failed, or was lost with its machine.
        """
        ready, _ = ray.wait(list(self._busy), num_returns=1)
        worker = self._busy.pop(ready[0])
        try:
            return Done(worker, ray.get(ready[0]))
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, QAError):
                raise EncoderError(cause.message, cause.mend) from None
            reason = " ".join(str(cause).split())[:300]
            raise EncoderError(
                f"a worker on the Ray cluster failed with {type(cause).__name__}: {reason}",
                "qa build without --engine tells whether it is the encoder",
            ) from None
        except ray.exceptions.RayError as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise EncoderError(
                f"a worker on the Ray cluster was lost; nothing was published: {reason}",
                "check `ray status`, try again",
            ) from None

    def close(self) -> None:
        """End the actors, and the cluster if it was made for this build."""
        actors, self._actors = self._actors, []
        self._busy.clear()
        if not ray.is_initialized():
            return
        for actor in actors:
            ray.kill(actor)
        if self._own:
            ray.shutdown()
            self._own = False
