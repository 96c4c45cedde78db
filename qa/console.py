"""What the command line shows: answers and tables on stdout, progress and remarks on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from qa.filter_text import search_remark
from qa.labels import LABELS, figure_source, left_out_note
from qa.text import shortened

if TYPE_CHECKING:
    from qa.build import BuildSummary
    from qa.builds import Build, Rollback
    from qa.copying import Copied
    from qa.doctor import Check
    from qa.index import Index
    from qa.types import Answer, Citation, Passage

_STAGES = {
    "read": "Reading files",
    "embed": "Embedding passages",
    "write": "Writing the index",
    "copy": "Copying vectors",
    "words": "Copying words",
    "check": "Comparing",
    "ask": "Asking",
    "rank": "Ranking",
}

#: Skipped files named one by one; the rest are counted.
_NAMED = 20

#: Code points of a passage that are shown in a list.
_EXCERPT = 100

#: Code points of a search that is not the question as typed.
_SEARCHED = 300


def _out() -> Console:
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def _err() -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


class BuildReport:
    """Shows the course of a build on stderr."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def progress(self, stage: str, done: int, total: int) -> None:
        """One bar a stage."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(_STAGES.get(stage, stage), total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)

    def starting(self, reason: str) -> None:
        """Say why an index is built that nobody asked to build."""
        self._bars.console.print(f"Building the index: {reason}")

    def held(self, reason: str) -> None:
        """Say why an index is not built although the articles have changed."""
        self._bars.console.print(f"Not building: {reason} - qa build takes them up")

    def waiting(self) -> None:
        """Say that another build is in the way."""
        self._bars.console.print("Another build of this index is under way; waiting for it to end")

    def bad(self, count: int) -> None:
        """Say that files are missing from the index."""
        files = "1 file" if count == 1 else f"{count} files"
        self._bars.console.print(f"{files} could not be read and cannot be quoted - qa info names them")


@contextmanager
def building() -> Iterator[BuildReport]:
    """Progress bars on stderr for the time of a build; nothing remains of them."""
    console = _err()
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bars:
        yield BuildReport(bars)


def show_build(summary: BuildSummary) -> None:
    """What was indexed, what was left out and why."""
    manifest, out = summary.manifest, _out()
    done = f"Indexed in {summary.folder}" if summary.built else f"Already up to date: {summary.folder}"
    counts = f"{manifest.article_count} articles, {manifest.chunk_count} passages, {manifest.sentence_count} sentences"
    out.print(f"{done}: {counts}; {summary.embedded} embedded anew, {summary.duplicates} copies merged")
    if summary.unusable:
        out.print(Text(f"Nothing was reused: {summary.unusable}", style="yellow"))
    if summary.released is not None:
        out.print(f"The rollback to {summary.released} is over: the index follows the articles again")
    for skipped in summary.skipped[:_NAMED]:
        out.print(f"skipped  {skipped.path}: {skipped.reason}")
    if len(summary.skipped) > _NAMED:
        out.print(f"skipped  {len(summary.skipped) - _NAMED} more")
    for bad in summary.bad:
        out.print(Text(f"bad      {bad.path}: {bad.reason}", style="red"))


def watch(answers: Iterator[Answer], *, quiet: bool) -> Answer:
    """The last of the answers. On a terminal the prose of a writer is shown as it grows, and then taken away again."""
    console = _err()
    answer = next(answers)
    with Live(console=console, transient=True, auto_refresh=False) as live:
        for grown in answers:
            answer = grown
            if console.is_terminal and not quiet and answer.prose is not None:
                live.update(Text(answer.prose.text or "…", style="dim"), refresh=True)
    return answer


def _show_prose(out: Console, answer: Answer) -> None:
    prose = answer.prose
    if prose is None:
        return
    labels = LABELS[answer.lang]
    if prose.text:
        out.print(prose.text)
        note = f"{labels.written_by.format(model=prose.model)} {left_out_note(len(prose.faults), answer.lang)}"
        out.print(Text(note.strip(), style="dim"))
    else:
        out.print(Text(prose.message, style="dim"))
    out.print()


def show_answer(answer: Answer, *, repeat_question: bool) -> None:
    """The quotes with their sources, a writer's prose above them, or why there are none."""
    out = _out()
    if repeat_question:
        out.print(Text(answer.question, style="bold"))
    note = search_remark(answer)
    if note:
        out.print(Text(shortened(note, _SEARCHED), style="dim"))
    if answer.message:
        out.print(answer.message)
    _show_prose(out, answer)
    _show_quotes(answer, out)
    if answer.status == "abstained" and answer.passages:
        out.print(Text(_CLOSEST[answer.lang], style="dim"))
        for passage in answer.passages:
            out.print(Text(f"  - {passage.article.label}: {shortened(passage.chunk.text, _EXCERPT)}", style="dim"))
    for article in answer.articles:
        out.print(f"  - {_told(article.label, article.outlet, article.published)}")
    if repeat_question:
        out.print()


def _show_quotes(answer: Answer, out: Console) -> None:
    """The quotes, each with its source and with the articles that say the same."""
    if answer.figures:
        out.print(Text(differing_line(answer), style="yellow"))
    repeats = [citation for citation in answer.citations if citation.same_as is not None]
    for citation in answer.citations:
        if citation.same_as is not None:
            continue
        out.print(Text.assemble((f"[{citation.number}] ", "bold cyan"), quoted(citation)))
        out.print(Text(f"    {source_line(citation)}", style="dim"))
        for repeat in repeats:
            if repeat.same_as == citation.number:
                too = LABELS[answer.lang].says_too
                out.print(Text(f"    {too} [{repeat.number}] {source_line(repeat)}", style="dim"))


_CLOSEST = {
    "de": "Am nächsten kommen diese Stellen, sie beantworten die Frage nicht:",
    "en": "These passages come closest, they do not answer the question:",
}


def quoted(citation: Citation) -> Text:
    """The quote, where there is colour the phrase that answers in bold."""
    text = Text(citation.quote)
    if citation.highlight is not None:
        text.stylize("bold", citation.highlight.start, citation.highlight.end)
    return text


def differing_line(answer: Answer) -> str:
    """Every figure on which the articles differ, with who says so and when."""
    labels = LABELS[answer.lang]
    by_number = {citation.number: citation for citation in answer.citations}
    told = []
    for figure in answer.figures:
        citation = by_number[figure.citation]
        told.append(f"{figure.text} [{citation.number}] ({figure_source(citation, answer.lang)})")
    return f"{labels.differ} {', '.join(told)}"


def source_line(citation: Citation) -> str:
    """Title, outlet and date as far as they are known, and who else printed it."""
    line = _told(citation.title, citation.outlet, citation.published) or citation.article_id
    if citation.also:
        line += " · also: " + ", ".join(source.outlet or source.path for source in citation.also)
    return line


def _told(title: str | None, outlet: str | None, published: str | None) -> str:
    return " · ".join(part for part in (title, outlet, (published or "").replace("T", " ")) if part)


def show_passages(passages: Sequence[Passage]) -> None:
    """Ranks and scores of the passages that were found."""
    table = Table("rank", "score", "dense", "cosine", "lexical", "BM25", "passage", box=None, pad_edge=False)
    for rank, one in enumerate(passages, start=1):
        table.add_row(
            str(rank),
            f"{one.score:.3f}",
            _or_dash(one.dense_rank, "d"),
            _or_dash(one.dense_score, ".3f"),
            _or_dash(one.lexical_rank, "d"),
            _or_dash(one.lexical_score, ".2f"),
            Text(f"{one.article.label}: {shortened(one.chunk.text, _EXCERPT)}"),
        )
    out = _out()
    out.print()
    out.print(table, soft_wrap=False)


def show_info(index: Index, *, held: bool, as_json: bool) -> None:
    """The manifest in words, or as JSON; ``held``: by a rollback."""
    manifest, out = index.manifest, _out()
    size = sum(path.stat().st_size for path in index.folder.rglob("*") if path.is_file())
    if as_json:
        record = asdict(manifest) | {"folder": str(index.folder), "bytes": size, "held": held}
        out.print(json.dumps(record, ensure_ascii=False))
        return
    recipe = manifest.recipe
    rows = {
        "index": f"{index.folder} ({size / 2**20:.1f} MiB)",
        "articles": f"{manifest.article_count} from {manifest.articles_folder}",
        "passages": f"{manifest.chunk_count} with {manifest.sentence_count} sentences",
        "built": manifest.created + (", held by a rollback until qa build" if held else ""),
        "encoder": f"{recipe.encoder_name}, {recipe.dim} dimensions, sha256 {recipe.encoder_sha256[:12]}",
        "store": ", ".join([recipe.store, *manifest.collections.values()]),
    }
    for name, value in rows.items():
        out.print(f"{name:<9} {value}")
    for article in index.corpus.articles():
        known = " · ".join(part for part in (article.outlet, article.published, article.lang) if part)
        out.print(f"  - {article.label} ({known}) {article.path}")
    for path, reason in manifest.bad_files.items():
        out.print(Text(f"bad       {path}: {reason}", style="red"))


def show_builds(builds: Sequence[Build], size: int, *, as_json: bool) -> None:
    """One line a build, newest first, with what is wrong with it; ``size`` in bytes on the disk, of all together."""
    out = _out()
    if as_json:
        out.print(json.dumps({"builds": [asdict(build) for build in builds], "bytes_on_disk": size}))
        return
    for build in builds:
        marks = ["current"] * build.current + ["held by a rollback"] * build.held + [build.fault] * bool(build.fault)
        counts = f"{_or_dash(build.articles, 'd'):>7} articles {_or_dash(build.chunks, 'd'):>8} passages"
        line = (
            f"{build.id}  {build.created or '-':25}  {counts}  {build.bytes / 2**20:8.1f} MiB  {build.encoder or '-'}"
        )
        out.print(Text.assemble(line, "  ", (", ".join(marks), "red" if build.fault else "green")))
    if not any(build.current for build in builds):
        out.print(Text("none of them is the current one - qa build, or qa index rollback BUILD", style="red"))
    out.print(f"{len(builds)} build{'' if len(builds) == 1 else 's'}, {size / 2**20:.1f} MiB on the disk")


_FOLDER_NOW = {
    True: "the articles folder is as it was then",
    False: "the articles folder is no longer as it was then",
    None: "the articles folder cannot be read",
}


def show_rollback(done: Rollback) -> None:
    """What answers now, and what that means for the builds to come."""
    manifest, out = done.manifest, _out()
    counts = f"{manifest.article_count} articles, {manifest.chunk_count} passages"
    out.print(
        f"Rolled back to {manifest.build_id}, built {manifest.created}: {counts}; {_FOLDER_NOW[done.folder_same]}"
    )
    out.print("It answers until qa build (also one that a timer starts) or another rollback replaces it")


def show_copied(copied: Copied, *, set_store: bool) -> None:
    """What was moved, and what is left to do: set ``store``, or nothing."""
    out, manifest = _out(), copied.manifest
    place = f"collection {manifest.collections['vectors']}" if manifest.collections else "its own files"
    out.print(
        f"Copied from {copied.source} to {copied.target}: {manifest.chunk_count} passages, now in {place}; "
        f"{copied.compared} compared by value"
    )
    out.print(f"Published as {manifest.build_id}")
    if set_store:
        out.print(f'Now set store = "{copied.target}" in qa.toml: until then this index is refused')


def show_pruned(names: Sequence[str], freed: int) -> None:
    """What was removed."""
    out = _out()
    for name in names:
        out.print(f"removed  {name}")
    builds = f"{len(names)} build{'' if len(names) == 1 else 's'}"
    out.print(f"{builds} removed, {freed / 2**20:.1f} MiB freed" if names else "Nothing to remove")


def show_checks(checks: Sequence[Check]) -> bool:
    """One line a check; True when all are well."""
    out = _out()
    for check in checks:
        mark, style = ("ok  ", "green") if check.ok else ("FAIL", "bold red")
        out.print(Text.assemble((mark, style), f" {check.name}: {check.found}"))
        if not check.ok and check.mend:
            out.print(f"     mend: {check.mend}")
    return all(check.ok for check in checks)


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
