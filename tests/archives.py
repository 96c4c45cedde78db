"""A folder of articles that changes from build to build, so that every answer tells which build it is from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from qa.build import build_index
from qa.config import Settings
from qa.publish import current_build
from tests.fakes import WordEncoder

if TYPE_CHECKING:
    from qa.manifest import Manifest
    from qa.types import Encoder

QUESTIONS = ("Wie viele Soldaten stehen bereit?", "Was kostet die neue Brücke am Hafen?", "Wer backt Kuchen?")


@dataclass(frozen=True)
class Archive:
    """The folders, and the encoder that the index is built with."""

    settings: Settings
    encoder: Encoder

    def write(self, name: str, text: str, title: str = "", outlet: str = "", published: str = "") -> None:
        told = {"title": title, "outlet": outlet, "published": published}
        head = "".join(f"{key}: {value}\n" for key, value in told.items() if value)
        (self.settings.articles / name).write_text(f"---\n{head}---\n{text}\n" if head else text, encoding="utf-8")

    def edition(self, number: int) -> Manifest:
        """Write and publish the articles of one edition: the figures, an outlet and a title are its own."""
        self.write("soldaten.md", f"Es stehen {number}00 Soldaten bereit. Das Präsidialamt teilte das mit.", "Soldaten")
        text = f"Die neue Brücke am Hafen kostet {number} Millionen Euro. Sie wird bis Mai gebaut."
        self.write("bruecke.md", text, f"Brücke {number}", f"Hafenbote {number}", f"2025-03-{number % 28 + 1:02d}")
        return self.build()

    def build(self) -> Manifest:
        return build_index(self.settings, self.encoder).manifest

    @property
    def folder(self) -> Path:
        """The published build."""
        return current_build(self.settings.index)


def archive(folder: Path, encoder: Encoder | None = None, **settings: Any) -> Archive:
    """An archive in ``folder``, not built yet."""
    (folder / "articles").mkdir()
    wanted = Settings(articles=folder / "articles", index=folder / "index", chunk_words=20, threshold=0.0)
    return Archive(replace(wanted, **settings), encoder or WordEncoder())


def said(record: dict[str, Any]) -> dict[str, Any]:
    """An answer as JSON without its times."""
    return {key: value for key, value in record.items() if key != "timings_ms"}


def until(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until it has happened, which takes far less than ``seconds`` on any machine."""
    ends = monotonic() + seconds
    while not happened():
        assert monotonic() < ends, "it did not happen"
        sleep(0.01)


def until_more(answers: Sequence[object], count: int, failures: Sequence[object]) -> None:
    """Wait until there are ``count`` more answers, or a failure."""
    wanted = len(answers) + count
    until(lambda: len(answers) >= wanted or bool(failures))
