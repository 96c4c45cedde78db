"""Train the bundled encoder: a small German-English student of an English teacher.

After Reimers and Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation": a
German text and its English translation both get the teacher's vector of the English. Four kinds of steps take turns:

- ``german``: lines and their German wordings, ``english``: the same in English, so that the teacher's skill is kept;
- ``entries``: of a dictionary, commoner words first, for German vocabulary that the lines lack;
- ``passages``: windows of consecutive lines. The passage is drawn to the teacher's vector, each of its lines *within
  the passage* to the teacher's mean state over that line (a target per line instead of one per passage), and a query
  made from one line (:mod:`qa.train.passages`), in either language, has to find its passage among the others of the
  batch.

``python -m qa.train.distill --data DIR --out DIR`` goes through all of it: vocabulary and first rows
(:mod:`qa.train.vocabulary`; ``--start FOLDER`` goes on from a student instead), training with checkpoints, and at the
end the student as a sentence-transformers folder and, exported, as an encoder that ``qa`` loads. Called again with the
same ``--out``, it goes on where it stopped. A GPU is used where there is one. ``--smoke`` runs it all on 200 pairs in
under a minute.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

# Threads that spin while they wait take the cores from whatever else runs; read when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from tokenizers import Tokenizer

from qa.errors import QAError
from qa.train.bert import Bert
from qa.train.export import export
from qa.train.optimise import Adam, learning_rate
from qa.train.pairs import Parallel, read_parallel
from qa.train.steps import Learner, Material, line_targets, prepare, vectors
from qa.train.vocabulary import start_student, teacher_folder

try:
    import torch
except ImportError as missing:
    raise ImportError(f"{missing.msg} - pip install 'article-qa[train]'") from missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CHECKPOINT, LOG, STUDENT, START, ENCODER = "checkpoint.pt", "log.jsonl", "student", "start", "encoder"
TARGETS = "targets.npy"
#: Lines kept from training, to see whether the student learns or learns by heart.
HELD_OUT = 1_000
_TEACHER_BUDGET = 16_384
_SMOKE_PAIRS = 200
#: Fewer do not even fill a batch that has something to choose from.
_FEWEST_LINES = 30


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how fast to learn.

    Attributes:
        steps: In all.
        budget: Padded word pieces of a batch.
        layer_rate: Of the layers at its height.
        row_rate: Of the table of word pieces; rows that the teacher has move at ``kept_rows`` times it.
        kept_rows: See above, 0 to 1.
        seed: Of everything that is drawn.
        save_every: Steps between checkpoints.
        log_every: Steps between lines of the log.
    """

    steps: int = 3_300
    budget: int = 8_192
    layer_rate: float = 1e-4
    row_rate: float = 1e-3
    kept_rows: float = 0.3
    seed: int = 1
    save_every: int = 200
    log_every: int = 20


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the student makes of lines that it never saw: German to the right English among all, and how near."""

    accuracy: float
    cosine: float


class Training:
    """A training in a folder: goes on from its last checkpoint where there is one."""

    def __init__(self, parallel: Parallel, start: Path, out: Path, options: Options) -> None:
        self.out, self.options = out, options
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(options.seed)
        self.student = Bert(start).to(device)
        self.teacher = Bert(teacher_folder()).to(device).requires_grad_(requires_grad=False)
        tokenizer, teachers = _tokenizer(self.student), _tokenizer(self.teacher)
        learnt, held_out = split(parallel)
        if len(learnt.lines) < _FEWEST_LINES:
            raise QAError(f"{len(learnt.lines)} lines are too few to learn from", f"give at least {_FEWEST_LINES + 10}")
        self._held_out = prepare(held_out, tokenizer, teachers)
        self._targets = line_targets(self.teacher, self._held_out, _TEACHER_BUDGET)
        material = prepare(learnt, tokenizer, teachers)
        self.learner = Learner(
            self.student,
            self.teacher,
            material,
            self._cached_targets(material),
            tokenizer=tokenizer,
            budget=options.budget,
            seed=options.seed,
        )
        self.optimiser = Adam.of(
            list(self.student.weights.values()),
            self.student.rows,
            self._row_scale(tokenizer, teachers).to(device),
            (options.layer_rate, options.row_rate),
        )
        # What decides which batches are drawn; steps and rates may change when a training goes on.
        self._begun_with = f"start {_digest(start)}, seed {options.seed}, budget {options.budget}"
        self.step = 0
        self._resume()

    def run(self) -> None:
        """Train to the last step; writes checkpoints, the log and, at the end, the student."""
        sums: dict[str, list[float]] = defaultdict(list)
        since = time.perf_counter()
        while self.step < self.options.steps:
            losses = self.learner.losses(self.step)
            total = torch.stack(list(losses.values())).sum()
            total.backward()
            self.optimiser.step(learning_rate(self.step, self.options.steps))
            for name, value in losses.items():
                sums[name].append(float(value.detach()))
            self.step += 1
            if self.step % self.options.log_every == 0 or self.step == self.options.steps:
                means = {name: round(float(np.mean(values)), 4) for name, values in sorted(sums.items())}
                self._log({"step": self.step, **means, "seconds": round(time.perf_counter() - since, 1)})
                sums.clear()
                since = time.perf_counter()
            if self.step % self.options.save_every == 0 or self.step == self.options.steps:
                self.save()
                since = time.perf_counter()
        if not (self.out / STUDENT).is_dir():
            self.student.save(self.out / STUDENT)

    def save(self) -> None:
        """Write the checkpoint and the student as they are now."""
        state = {"step": self.step, "student": self.student.state_dict(), "optimiser": self.optimiser.state()}
        state["begun_with"] = self._begun_with
        self.student.save(self.out / STUDENT)
        fresh = self.out / f"{CHECKPOINT}.new"
        torch.save(state, fresh)
        fresh.replace(self.out / CHECKPOINT)
        self._log({"step": self.step, "held_out": asdict(self.held_out())})

    def held_out(self) -> HeldOut:
        """How the student does on lines that it never saw."""
        lines = self._held_out.lines
        german = self._held_out.wordings["de"].starts[:lines].tolist()
        found = vectors(self.student, self._held_out.pieces["de"], german, _TEACHER_BUDGET)
        scores = found @ self._targets.astype(np.float32).T
        return HeldOut(
            round(float((scores.argmax(1) == np.arange(lines)).mean()), 4), round(float(np.diag(scores).mean()), 4)
        )

    def _resume(self) -> None:
        path = self.out / CHECKPOINT
        if not path.is_file():
            return
        mend = "give another --out, or remove the file to begin anew"
        try:
            state = torch.load(path, map_location=self.student.rows.device, weights_only=True)
            begun_with = state["begun_with"]
        except (OSError, RuntimeError, KeyError, EOFError, UnpicklingError) as error:
            raise QAError(f"checkpoint {path} cannot be read: {str(error).splitlines()[0]}", mend) from error
        if begun_with != self._begun_with:
            raise QAError(f"checkpoint {path} was begun with {begun_with}, not with {self._begun_with}", mend)
        self.student.load_state_dict(state["student"])
        self.optimiser.restore(state["optimiser"])
        self.step = int(state["step"])
        self.learner.skip(self.step)

    def _cached_targets(self, material: Material) -> NDArray[np.float16]:
        """Minutes of the teacher's time, so they are kept; the name holds what they were made from."""
        digest = hashlib.sha256(_digest(teacher_folder()).encode())
        digest.update(material.wordings["en"].starts.tobytes())
        digest.update("\n".join(material.texts["en"]).encode())
        path = self.out / f"{digest.hexdigest()[:12]}-{TARGETS}"
        if path.is_file():
            return np.asarray(np.load(path))
        found = line_targets(self.teacher, material, _TEACHER_BUDGET)
        fresh = self.out / f"new-{TARGETS}"
        np.save(fresh, found)
        fresh.replace(path)
        return found

    def _row_scale(self, tokenizer: Any, teachers: Any) -> torch.Tensor:  # noqa: ANN401 - from tokenizers
        known = teachers.get_vocab()
        kept = [self.options.kept_rows if piece in known else 1.0 for piece in _pieces_in_order(tokenizer)]
        return torch.tensor(kept)

    def _log(self, row: dict[str, Any]) -> None:
        line = json.dumps(row)
        with (self.out / LOG).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def split(parallel: Parallel) -> tuple[Parallel, Parallel]:
    """What to learn from, and some ``HELD_OUT`` lines, of few lines one in ten, that stay out of it.

    Sources stand in several groups: a line with a wording of one that is held out is not learnt from either.
    """
    every = max(10, len(parallel.lines) // HELD_OUT)
    kept = parallel.lines[::every]
    known = {text for line in kept for text in (*line.english, *line.german)}
    learnt = tuple(
        tuple(line for line in document if known.isdisjoint((*line.english, *line.german)))
        for document in parallel.documents
    )
    return Parallel(learnt, parallel.entries), Parallel((kept,), ())


def _digest(folder: Path) -> str:
    with (folder / "model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def first_of(parallel: Parallel, count: int) -> Parallel:
    """The first ``count`` lines, and as many dictionary entries."""
    lines = parallel.lines[:count]
    return Parallel((lines,), parallel.entries[:count])


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise QAError(f"{path} cannot be made a folder: {error.strerror}", "give another --out") from error


def _tokenizer(model: Bert) -> Any:  # noqa: ANN401 - from tokenizers
    tokenizer = Tokenizer.from_str(json.dumps(model.tokenizer))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _pieces_in_order(tokenizer: Any) -> list[str]:  # noqa: ANN401 - from tokenizers
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the exit status."""
    usual = Options()
    parser = argparse.ArgumentParser(
        prog="python -m qa.train.distill", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the parallel texts (qa/train/pairs.py)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the training: checkpoint, log, student")
    parser.add_argument("--start", type=Path, help="student to go on from (sentence-transformers folder)")
    parser.add_argument("--name", default="bilingual-de-en", help="of the exported encoder")
    parser.add_argument("--steps", type=int, default=usual.steps)
    parser.add_argument("--budget", type=int, default=usual.budget, help="padded word pieces of a batch")
    parser.add_argument("--layer-rate", type=float, default=usual.layer_rate)
    parser.add_argument("--row-rate", type=float, default=usual.row_rate)
    parser.add_argument("--kept-rows", type=float, default=usual.kept_rows, help="share of it for the teacher's rows")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--save-every", type=int, default=usual.save_every)
    parser.add_argument("--threads", type=int, choices=range(1, 257), metavar="N", default=os.cpu_count() or 1)
    parser.add_argument("--smoke", action="store_true", help=f"{_SMOKE_PAIRS} pairs, 24 steps")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    options = Options(
        steps=given.steps,
        budget=given.budget,
        layer_rate=given.layer_rate,
        row_rate=given.row_rate,
        kept_rows=given.kept_rows,
        seed=given.seed,
        save_every=given.save_every,
    )
    try:
        parallel = read_parallel(given.data)
        if given.smoke:
            parallel = first_of(parallel, _SMOKE_PAIRS)
            options = Options(steps=24, budget=2_048, seed=given.seed, save_every=24, log_every=4)
        _make_folder(given.out)
        start = given.start or given.out / START
        if not given.start and not (start / "model.safetensors").is_file():
            both = [*parallel.lines, *parallel.entries]
            pairs = [(line.english[0], german) for line in both for german in line.german]
            start_student(pairs, start, seed=given.seed)
        Training(parallel, start, given.out, options).run()
        export(given.out / STUDENT, given.out / ENCODER, name=given.name, provenance=f"qa.train.distill, {options}")
    except QAError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
