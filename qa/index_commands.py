"""``qa index``: the builds that lie in the index folder, and going back to one of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from qa.flags import Articles, AsJson, EncoderName, IndexFolder, settings_with

index_commands = typer.Typer(help="The builds in the index folder: list them, go back to one, remove old ones.")


@index_commands.command("list")
def index_list(articles: Articles = None, index: IndexFolder = None, as_json: AsJson = False) -> None:
    """Every build with its age, size and encoder, which one answers, and which are damaged."""
    from qa.builds import list_builds, size_on_disk  # noqa: PLC0415 - every command imports what it alone needs
    from qa.console import show_builds  # noqa: PLC0415

    settings = settings_with(articles=articles, index=index)
    show_builds(list_builds(settings.index), size_on_disk(settings.index), as_json=as_json)


@index_commands.command("rollback")
def index_rollback(
    build: Annotated[
        str | None, typer.Argument(help="A build of `qa index list`; without it, the one before the current one.")
    ] = None,
    articles: Articles = None,
    index: IndexFolder = None,
    encoder: EncoderName = None,
) -> None:
    """Let an earlier build answer, and hold it there until `qa build`, whatever the articles folder holds by now."""
    from qa.builds import roll_back  # noqa: PLC0415
    from qa.console import show_rollback  # noqa: PLC0415
    from qa.embed import load_encoder  # noqa: PLC0415

    settings = settings_with(articles=articles, index=index, encoder=encoder)
    model = load_encoder(settings.encoder, prompts=settings.prompts)
    show_rollback(roll_back(settings, model, build))


@index_commands.command("prune")
def index_prune(
    articles: Articles = None,
    index: IndexFolder = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=0, help="Builds that stay beside the current one. [default: keep_builds]"),
    ] = None,
) -> None:
    """Remove all builds but the current one and the newest others, and what killed builds left."""
    from qa.builds import prune_builds  # noqa: PLC0415
    from qa.console import show_pruned  # noqa: PLC0415
    from qa.hosting import settle  # noqa: PLC0415
    from qa.publish import build_lock  # noqa: PLC0415

    settings = settings_with(articles=articles, index=index)
    pruned = prune_builds(settings.index, settings.keep_builds if keep is None else keep)
    with build_lock(settings.index):
        settle(settings)
    show_pruned(pruned.names, pruned.freed)


class Target(StrEnum):
    """Where an index can be copied to."""

    FAISS = "faiss"
    MILVUS = "milvus"


@index_commands.command("copy")
def index_copy(
    to: Annotated[Target, typer.Option("--to", help="The store that the vectors go to.")],
    articles: Articles = None,
    index: IndexFolder = None,
) -> None:
    """Move the current build to another store without embedding anything; the old build stays for a rollback."""
    from qa.console import building, show_copied  # noqa: PLC0415
    from qa.copying import copy_index  # noqa: PLC0415

    settings = settings_with(articles=articles, index=index)
    with building() as report:
        copied = copy_index(settings, to.value, progress=report.progress)
    show_copied(copied, set_store=settings.store != to.value)
