"""``qa feedback export`` and ``clear``: what readers said of answers on the page, kept on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from qa.config import Settings, load_settings
from qa.errors import IndexDamagedError, IndexMissingError, IndexStaleError, QAError

feedback_commands = typer.Typer(help="What readers said of answers: kept on this machine, exported as questions.")


@feedback_commands.command("export")
def feedback_export(
    since: Annotated[
        str | None, typer.Option("--since", help="Only from this day, month or year on: 2024-10-24.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; else standard output.")] = None,
    review: Annotated[
        bool, typer.Option("--review", help="What needs a person's eye instead, with quotes and remarks.")
    ] = False,
) -> None:
    """Print the verdicts as a question set that `qa eval --dataset` reads, one JSON object a line."""
    from qa.feedback import FeedbackFile  # noqa: PLC0415
    from qa.feedback_set import export  # noqa: PLC0415
    from qa.only import read_dates  # noqa: PLC0415

    first = read_dates(since, None).since
    settings = load_settings()
    found = export(FeedbackFile(settings.feedback_file).rows(first), _texts(settings))
    rows = found.review if review else found.questions
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    if out is None:
        sys.stdout.write(lines)
    else:
        try:
            out.write_text(lines, encoding="utf-8")
        except OSError as error:
            raise QAError(f"{out} cannot be written: {error.strerror or error}", "name another with -o") from error
    if not review and found.review:
        typer.echo(f"{len(found.review)} more need a person's eye: qa feedback export --review", err=True)


@feedback_commands.command("clear")
def feedback_clear(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Delete every verdict, for good."""
    from qa.feedback import FeedbackFile  # noqa: PLC0415

    kept = FeedbackFile(load_settings().feedback_file)
    if not yes:
        typer.confirm(f"Delete all {len(kept.rows())} verdicts in {kept.path}?", abort=True)
    typer.echo(f"{kept.clear()} verdicts deleted")


def _texts(settings: Settings) -> dict[str, str] | None:
    """The articles as they are indexed now; None where there is no index to look into."""
    from qa.index import Index  # noqa: PLC0415
    from qa.publish import current_build  # noqa: PLC0415

    try:
        index = Index(current_build(settings.index))
    except (IndexMissingError, IndexStaleError, IndexDamagedError):
        return None
    return {article.id: article.text for article in index.corpus.newest(-1)}
