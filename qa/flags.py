"""Flags that several commands share, and the settings they make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa.config import load_settings, locate

if TYPE_CHECKING:
    from qa.config import Settings

Articles = Annotated[Path | None, typer.Option("--articles", help="Folder of articles.", show_default=False)]
IndexFolder = Annotated[Path | None, typer.Option("--index", help="Folder of the index.", show_default=False)]
EncoderName = Annotated[
    str | None, typer.Option("--encoder", help="`bundled`, or a sentence-transformers model.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings_with(**flags: Path | str | int | None) -> Settings:
    """The settings, these flags above all other sources; None means not given.

    Raises:
        ConfigError: As `qa.config.load_settings`.
    """
    return locate(load_settings(flags), flags)
