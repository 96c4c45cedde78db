"""How good and how fast the encoder is, beside all-MiniLM-L6-v2 and BM25 in the same run, as Markdown tables.

    python -m eval.encoder [--model FOLDER] [--threads N] [--sets xquad,omosqa] [--no-speed]

XQuAD ranks whole paragraphs, OMoS-QA pages by their best passage as the bot cuts them. ``dense`` is the encoder alone
as the bot uses it: passages found by their vectors, and ranked by those and the vector of their best sentence;
``hybrid`` is that with words, fused as the bot does it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.encoder_speed import ROUNDS, THREADS, Side, markdown_table, speed_table
from eval.encoder_tasks import (
    TaskSet,
    dense_figures,
    encode,
    hybrid_figures,
    lexical_figures,
    lexical_hits,
    omosqa,
    passage_figures,
    xquad,
)
from qa.embed import load_encoder
from qa.errors import QAError
from qa.evaluate import BASELINE, baseline_encoder
from qa.measuring.report import shown

if TYPE_CHECKING:
    from qa.types import Encoder

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"

#: What the encoder is meant to reach, by set and measure, then by row and direction.
WANTED: Mapping[tuple[str, str], Mapping[str, Mapping[str, float]]] = {
    ("XQuAD", "R@1"): {
        "wanted of dense": {"en→de": 0.87, "de→de": 0.87, "en→en": 0.885},
        "wanted of hybrid": {"en→de": 0.885, "de→de": 0.945},
    },
    ("OMoS-QA dev", "R@5"): {"wanted": {"en→de": 0.75, "de→de": 0.88, "en→en": 0.75}},
}


def quality_tables(tasks: TaskSet, encoder: Encoder, baseline: Encoder, measures: Sequence[str]) -> str:
    """A table a measure: the encoder alone and with BM25, BM25 alone, and the baseline alone."""
    hits = lexical_hits(tasks)
    ours = encode(encoder, tasks)
    theirs = encode(baseline, tasks)
    rows = {
        "dense": dense_figures(tasks, ours),
        "dense, passages alone": passage_figures(tasks, ours),
        "hybrid": hybrid_figures(tasks, ours, hits, encoder.word_cosines),
        "BM25": lexical_figures(tasks, hits),
        f"{BASELINE} dense": dense_figures(tasks, theirs),
        f"{BASELINE}, passages alone": passage_figures(tasks, theirs),
    }
    names = [one.name for one in tasks.directions]
    legend = "en→de: English questions over German texts. In brackets the 95 % bootstrap interval over questions."
    parts = [f"## {tasks.name}", f"{tasks.note} {legend}"]
    for measure in measures:
        lines = [(name, *(shown(found[one][measure]) for one in names)) for name, found in rows.items()]
        for name, bounds in WANTED.get((tasks.name, measure), {}).items():
            lines.append((name, *(f"≥ {bounds[one]:.3f}" if one in bounds else "" for one in names)))
        parts.append(markdown_table((measure, *names), lines))
    return "\n\n".join(parts)


#: Sets by name on the command line, with the measures of their tables.
SETS: Mapping[str, tuple[Callable[[Path], TaskSet], tuple[str, ...]]] = {
    "xquad": (xquad, ("nDCG@10", "R@1")),
    "omosqa": (omosqa, ("R@1", "R@5", "nDCG@10")),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m eval.encoder", description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="folder of an exported or sentence-transformers encoder (default: the bundled)")
    parser.add_argument("--threads", type=int, default=THREADS, help="of one computation, of either encoder")
    parser.add_argument("--sets", default=",".join(SETS), help="which question sets, with commas; may be empty")
    parser.add_argument("--no-speed", action="store_true", help="leave speed out")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of the speed table")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds data/dev")
    options = parser.parse_args(arguments)
    wanted = [name for name in options.sets.split(",") if name]
    unknown = [name for name in wanted if name not in SETS]
    if unknown:
        parser.error(f"no such set: {', '.join(unknown)}; there are {', '.join(SETS)}")
    if min(options.threads, options.rounds) < 1:
        parser.error("--threads and --rounds must be at least 1")
    try:
        _print_tables(options, wanted)
    except QAError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _print_tables(options: argparse.Namespace, wanted: Sequence[str]) -> None:
    data = options.shared / "data" / "dev"
    if not data.is_dir():
        raise QAError(f"{data} does not exist", "give the folder that holds data/dev with --shared")
    encoder = load_encoder(options.model, threads=options.threads)
    # Loaded again, by the folder that it gives: it takes no number of threads.
    baseline = load_encoder(baseline_encoder().name, threads=options.threads)
    label = Path(encoder.name).name
    print(f"# Encoder {label} beside {BASELINE} and BM25")
    for name in wanted:
        read, measures = SETS[name]
        print(f"\n{quality_tables(read(data), encoder, baseline, measures)}", flush=True)
    if not options.no_speed:
        ours, theirs = Side(label, encoder), Side(BASELINE, baseline)
        print(f"\n{speed_table(xquad(data), ours, theirs, options.threads, options.rounds)}")


if __name__ == "__main__":
    sys.exit(main())
