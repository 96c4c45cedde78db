"""Measure the lexical index: field weights on OMoS-QA train, confirmation on OMoS-QA dev and XQuAD, and its speed.

    python -m eval.lexical --data ../shared/data/dev [--sweep] [--speed]

Pages of OMoS-QA are its distinct contexts; their first line is their title. A question is asked of all pages of its
language and every page that answers it counts as relevant. XQuAD asks over its 240 paragraphs, without titles.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from qa.lexical import WEIGHTS, FieldWeights, Lexical, LexicalDoc, LexicalIndex
from qa.types import Lang

LANGS: tuple[Lang, Lang] = ("de", "en")
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Task:
    """Passages, questions over them, and for each question the keys that answer it."""

    name: str
    docs: list[LexicalDoc]
    questions: list[str]
    relevant: list[set[int]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over the questions of a task, each in [0, 1]; ``recall_at_1`` counts a hit as one."""

    recall_at_1: float
    recall_at_5: float
    ndcg_at_10: float


def omosqa(folder: Path, split: str, lang: Lang) -> Task:
    """OMoS-QA page retrieval; questions that no page answers are left out."""
    lines = (folder / f"omosqa.{split}.{lang}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    keys = {page: key for key, page in enumerate(dict.fromkeys(row["context"] for row in rows))}
    docs = []
    for page, key in keys.items():
        title, _, text = page.partition("\n")
        docs.append(LexicalDoc(key, text.removeprefix(title + "\n"), title, lang))
    relevant: dict[str, set[int]] = {}
    for row in rows:
        if row["answers"]:
            relevant.setdefault(row["question"], set()).add(keys[row["context"]])
    return Task(f"OMoS-QA {split} {lang}", docs, list(relevant), list(relevant.values()))


def xquad(folder: Path, asked: Lang, written: Lang) -> Task:
    """XQuAD: questions in one language over the paragraphs in another; both files hold them in the same order."""
    paragraphs = {lang: list(_paragraphs(folder / f"xquad.{lang}.json")) for lang in {asked, written}}
    docs = [LexicalDoc(key, item["context"], "", written) for key, item in enumerate(paragraphs[written])]
    pairs = [(qa["question"], {key}) for key, item in enumerate(paragraphs[asked]) for qa in item["qas"]]
    return Task(f"XQuAD {asked}->{written}", docs, [q for q, _ in pairs], [keys for _, keys in pairs])


def _paragraphs(path: Path) -> Iterator[dict[str, Any]]:
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        yield from article["paragraphs"]


def measure(index: Lexical, task: Task) -> Scores:
    """R@1, R@5 and nDCG@10 (binary gains; Järvelin and Kekäläinen 2002) of an index over the task's passages."""
    at_1, at_5, ndcg = 0.0, 0.0, 0.0
    for question, relevant in zip(task.questions, task.relevant, strict=True):
        found = [key in relevant for key in index.search(question, _DEPTH).keys]
        at_1 += any(found[:1])
        at_5 += any(found[:5])
        gain = sum(1 / math.log2(rank + 2) for rank, hit in enumerate(found) if hit)
        ndcg += gain / sum(1 / math.log2(rank + 2) for rank in range(min(len(relevant), _DEPTH)))
    n = len(task.questions)
    return Scores(at_1 / n, at_5 / n, ndcg / n)


def build(task: Task, folder: Path) -> Path:
    """Index the task's passages in a new folder."""
    index = LexicalIndex.create(folder)
    index.add(task.docs)
    index.commit()
    return folder


def sweep(tasks: Sequence[Task]) -> None:
    """Print R@1, R@5 and nDCG@10 of each task over a grid of field weights."""
    grid = [FieldWeights(share / 10, 0.0) for share in range(11)]
    grid += [FieldWeights(parts, title) for parts in (0.4, 0.5, 0.6) for title in (0.1, 0.3, 0.4, 0.5, 0.7, 1.0)]
    with tempfile.TemporaryDirectory() as scratch:
        folders = [build(task, Path(scratch) / str(number)) for number, task in enumerate(tasks)]
        print("parts title | " + " | ".join(f"{task.name:<17}" for task in tasks))
        for weights in grid:
            rows = (measure(LexicalIndex.open(f, weights), t) for f, t in zip(folders, tasks, strict=True))
            print(f" {weights.parts:.1f}   {weights.title:.1f}  | " + " | ".join(map(_cells, rows)))


def compare(tasks: Sequence[Task]) -> None:
    """Print each task for whole words, with the compound field, with the title, and as shipped."""
    kinds = {
        "whole words": FieldWeights(0.0, 0.0),
        "+ title": replace(WEIGHTS, parts=0.0),
        "+ compounds": replace(WEIGHTS, title=0.0),
        "as shipped": WEIGHTS,
    }
    with tempfile.TemporaryDirectory() as scratch:
        for number, task in enumerate(tasks):
            folder = build(task, Path(scratch) / str(number))
            print(f"{task.name}: {len(task.questions)} questions, {len(task.docs)} passages; R@1 R@5 nDCG@10")
            for name, weights in kinds.items():
                print(f"  {name:<12} {_cells(measure(LexicalIndex.open(folder, weights), task))}")


def _cells(scores: Scores) -> str:
    return f"{scores.recall_at_1:.3f} {scores.recall_at_5:.3f} {scores.ndcg_at_10:.3f}"


def speed(tasks: Sequence[Task], size: int = 10_000) -> None:
    """Print the time to add and commit ``size`` passages, to open them, and of a question (ms)."""
    texts = [doc for task in tasks for doc in task.docs]
    docs = [replace(texts[number % len(texts)], key=number) for number in range(size)]
    questions = [question for task in tasks for question in task.questions][:1000]
    with tempfile.TemporaryDirectory() as scratch:
        index = LexicalIndex.create(Path(scratch) / "index")
        marks = [time.perf_counter()]
        for step in (lambda: index.add(docs), index.commit, lambda: LexicalIndex.open(Path(scratch) / "index")):
            step()
            marks.append(time.perf_counter())
        added, committed, opened = (late - early for early, late in pairwise(marks))
        took = []
        for question in questions:
            start = time.perf_counter()
            index.search(question, 50)
            took.append(1000 * (time.perf_counter() - start))
        took.sort()
        megabytes = sum(path.stat().st_size for path in (Path(scratch) / "index").iterdir()) / 1e6
    letters = sum(len(doc.text) for doc in docs) / size
    print(f"{size} passages of {letters:.0f} characters: add {added:.2f} s, commit {committed:.2f} s,")
    print(f"open {1000 * opened:.0f} ms, {megabytes:.1f} MB; a question for the best 50:")
    print(f"p50 {took[len(took) // 2]:.2f} ms, p95 {took[len(took) * 95 // 100]:.2f} ms")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; without a flag the table of `compare`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with omosqa.*.jsonl and xquad.*.json")
    parser.add_argument("--sweep", action="store_true", help="field weights over a grid")
    parser.add_argument("--speed", action="store_true", help="times over 10,000 passages")
    options = parser.parse_args(arguments)
    tasks = [omosqa(options.data, split, lang) for split in ("train", "dev") for lang in LANGS]
    tasks += [xquad(options.data, asked, written) for asked in LANGS for written in LANGS]
    if options.speed:
        speed([task for task in tasks if task.name == "XQuAD de->de"])
    elif options.sweep:
        sweep(tasks)
    else:
        compare(tasks)


if __name__ == "__main__":
    main()
