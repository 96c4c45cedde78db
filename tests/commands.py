"""The command line in a process of its own, forked from one that has everything loaded, with a quick encoder."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
import types
from dataclasses import dataclass
from pathlib import Path

import qa.build
import qa.console
import qa.doctor
import qa.embed
from qa.cli import main
from tests.fakes import PieceEncoder
from tests.syscalls import fork_server


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left with and said."""

    status: int
    out: str
    err: str


def qa_command(place: Path, *command: str) -> Ran:
    """Run ``qa`` over the articles and the index in ``place``; permissions hold, even for a superuser."""
    with tempfile.TemporaryDirectory() as said:
        process = fork_server().Process(target=_run, args=(place, command, Path(said)))
        process.start()
        process.join()
        out, err = ((Path(said) / name).read_text(encoding="utf-8") for name in ("out", "err"))
    return Ran(int(process.exitcode or 0), out, err)


def _run(place: Path, command: tuple[str, ...], said: Path) -> None:
    for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
        stream.flush()
        os.dup2(os.open(said / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream.fileno())
    if not os.getuid():
        _put_down_privileges()
    os.environ["QA_CHUNK_WORDS"] = "20"
    qa.embed.load_encoder = lambda *_, **__: PieceEncoder()  # type: ignore[assignment]
    # `qa doctor` only asks whether it loads, which takes six seconds.
    sys.modules.setdefault("gradio", types.ModuleType("gradio"))
    qa.doctor.load_encoder = qa.embed.load_encoder
    main([*command, "--articles", str(place / "articles"), "--index", str(place / "index")])


def _put_down_privileges() -> None:
    """A superuser passes over permissions by CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER."""
    header, sets = (ctypes.c_uint * 2)(0x20080522, 0), (ctypes.c_uint * 6)()
    libc = ctypes.CDLL(None)
    libc.capget(header, sets)
    for place in range(3):
        sets[place] &= ~0b1110
    libc.capset(header, sets)
