"""What every encoder has in common: how many threads it takes, and the prompts before its texts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qa.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Batches computed side by side, at most. Not measured beyond; a server leaves the other cores to other questions.
MAX_THREADS = 4


def default_threads() -> int:
    """Threads of one call where nobody says how many."""
    return min(MAX_THREADS, os.cpu_count() or 1)


def merge_prompts(own: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    """The prompts of a model, ``query`` and ``passage``, with those ``given`` in their place.

    Raises:
        EncoderError: A key is unknown.
    """
    merged = {"query": own.get("query", ""), "passage": own.get("passage", ""), **(given or {})}
    if set(merged) != {"query", "passage"}:
        raise EncoderError(
            f"prompts for the encoder have unknown keys: {', '.join(sorted(merged))}", "use query and passage"
        )
    return merged
