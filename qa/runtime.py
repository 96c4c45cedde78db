"""The one door to onnxruntime, which otherwise reports to its maker.

Since 1.31 its packages are made so that importing it is enough: it makes a device id and a list of events in the cache
folder of the user (``~/.cache/Microsoft``), a file in the one for temporary files, and sends the events, with the path
of the interpreter, to ``mobile.events.data.microsoft.com`` from threads of its own. It reads the variable when it is
loaded; `onnxruntime.disable_telemetry_events` comes too late for the first of them (its ``Privacy.md``).
"""

from __future__ import annotations

import importlib
import os
from typing import Any


def onnxruntime() -> Any:  # noqa: ANN401 - it has no types
    """The module, imported (0.3 s). ``ORT_DISABLE_TELEMETRY=0`` in the environment lets it report.

    Raises:
        ImportError: It is not installed or does not load.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return importlib.import_module("onnxruntime")
