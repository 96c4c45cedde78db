"""onnxruntime is loaded without its reports: nothing of it is written, so nothing can be sent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qa.runtime import onnxruntime

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "ORT_DISABLE_TELEMETRY"
ENCODES = "from qa.embed import load_encoder; load_encoder().encode_queries(['Wo ist Seoul?'])"


def test_nothing_is_written_beside_the_index(tmp_path: Path) -> None:
    """With its reports on, a device id, a list of events and a session were found here."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE and "CACHE" not in name}
    folders = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-B", "-c", ENCODES], env={**environment, **folders, "PYTHONPATH": str(ROOT)}, check=True
    )
    assert list(tmp_path.rglob("*")) == []


def test_who_wants_the_reports_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    assert onnxruntime().InferenceSession
    assert os.environ[VARIABLE] == "0"
