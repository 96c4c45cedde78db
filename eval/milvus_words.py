"""Words ranked by Milvus's BM25 (one field) beside tantivy's (six fields added up), on the tasks of `eval.lexical`.

    python -m eval.milvus_words --data ../shared/data/dev [--uri http://milvus:19530]

Without an address it runs over Milvus Lite in this process. Beside the measures: how many of tantivy's first ten
passages Milvus finds among its first ten, and how its scores compare (median of the ratios of the first ones).
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from pathlib import Path

import numpy as np

from eval.lexical import LANGS, Task, measure, omosqa, xquad
from qa.config import milvus_token
from qa.lexical import LexicalIndex
from qa.milvus.client import Client, Server
from qa.milvus.words import MilvusWords

_DEPTH = 10


def compare(task: Task, client: Client, folder: Path) -> str:
    """One line of a table about a task."""
    name = f"qa_eval_{secrets.token_hex(6)}"
    ours = LexicalIndex.create(folder)
    ours.add(task.docs)
    ours.commit()
    theirs = MilvusWords.create(client, name)
    theirs.add(task.docs)
    theirs.save()
    shared, ratios = [], []
    started = time.perf_counter()
    for question in task.questions:
        a, b = ours.search(question, _DEPTH), theirs.search(question, _DEPTH)
        if a.keys:
            shared.append(len({*a.keys} & {*b.keys}) / len(a.keys))
            ratios.append(b.scores[0] / a.scores[0] if b.scores else 0.0)
    took = (time.perf_counter() - started) / len(task.questions) * 1000
    figures = [measure(one, task) for one in (ours, theirs)]
    client.drop(name)
    columns = " | ".join(f"{one.ndcg_at_10:.3f} {one.recall_at_1:.3f}" for one in figures)
    compared = f"{np.mean(shared):.3f} | {np.median(ratios):.2f}"
    return f"| {task.name} | {len(task.docs)} | {columns} | {compared} | {took:.1f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--uri")
    given = parser.parse_args()
    tasks = [omosqa(given.data, "dev", lang) for lang in LANGS]
    tasks += [xquad(given.data, asked, written) for asked in LANGS for written in LANGS]
    with tempfile.TemporaryDirectory() as folder:
        client = Client(Server(given.uri or str(Path(folder) / "milvus.db"), milvus_token()))
        print("| task | passages | tantivy nDCG@10 R@1 | Milvus nDCG@10 R@1 | ten shared | ratio | ms for both |")
        print("|---|---|---|---|---|---|---|")
        for number, task in enumerate(tasks):
            print(compare(task, client, Path(folder) / f"tantivy{number}"), flush=True)
        client.close()


if __name__ == "__main__":
    main()
