"""Inputs led by what they reach: ``python -m tests.fuzz_guided .md 60`` runs atheris for so many seconds on a target.

By hand, with ``pip install atheris``; it mutates the same real inputs with the same pieces as `tests.fuzzing`, and keeps
what reaches new lines of this package. A failure is printed with its input.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["qa", "markdown_it", "yaml", "pypdf", "tomllib"]):
    import qa.config
    import qa.measuring.datasets
    import qa.reading.clean
    import qa.reading.formats
    import qa.reading.pdf  # noqa: F401 - imported here so that it is instrumented
    from tests.fuzzing import limited, targets


def main(name: str, seconds: int) -> None:
    """Run one target."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        target = targets(folder)[name]
        corpus = folder / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(target.seeds):
            (corpus / str(number)).write_bytes(seed)
        words = folder / "words"
        words.write_text(
            "".join(f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in token)}"\n' for token in target.tokens)
        )

        def one(data: bytes) -> None:
            with limited():
                target.read(data)

        options = [
            f"-max_total_time={seconds}",
            f"-dict={words}",
            "-max_len=20000",
            "-print_final_stats=1",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
