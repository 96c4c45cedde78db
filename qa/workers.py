"""Which team encodes: chosen by the settings ``workers`` and ``engine``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from qa.errors import ConfigError
from qa.machine import cores
from qa.parallel import EncoderSpec, ParallelEncoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qa.config import Settings
    from qa.parallel import Team
    from qa.types import Encoder


@contextmanager
def many_workers(settings: Settings, encoder: Encoder) -> Iterator[Encoder]:
    """The encoder with the workers of ``settings``, ended on leaving; the encoder itself where one process is to do.

    Raises:
        ConfigError: The engine is not installed.
    """
    team = _team(settings, encoder)
    if team is None:
        yield encoder
        return
    wide = ParallelEncoder(encoder, team)
    try:
        yield wide
    finally:
        wide.close()


def _team(settings: Settings, encoder: Encoder) -> Team | None:
    if settings.engine == "ray":
        try:
            from qa.ray_team import RayTeam  # noqa: PLC0415 - needs the extra ray
        except ImportError:
            raise ConfigError(
                'engine = "ray" needs a package that is missing', "pip install 'article-qa[ray]'"
            ) from None
        return RayTeam(EncoderSpec.of(encoder, threads=1), settings.workers)
    usable = cores()
    workers = settings.workers or usable
    if workers == 1:
        return None
    from qa.process_team import ProcessTeam  # noqa: PLC0415 - multiprocessing, which few builds need

    return ProcessTeam(EncoderSpec.of(encoder, threads=max(1, usable // workers)), workers)
