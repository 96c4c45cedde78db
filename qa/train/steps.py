"""What a step of the distillation learns from and how far off the student is: batches to losses."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from qa.train.batches import MAX_PIECES, Batch, Pieces, Wordings, text_batches
from qa.train.bert import Bert, padded, pooled
from qa.train.pairs import Line, Parallel, common_first
from qa.train.passages import Language, Window, query, runs, windows

try:
    import torch
    from torch.nn import functional as nn
except ImportError as missing:
    raise ImportError(f"{missing.msg} - pip install 'article-qa[train]'") from missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

Kind = Literal["german", "english", "entries", "passages"]
#: Share of the steps of each kind; a step of any kind has about as many word pieces.
KINDS: dict[Kind, float] = {"german": 0.42, "english": 0.12, "entries": 0.06, "passages": 0.40}
#: Distance, agreement within the batch, lines within a passage, query to passage. The first two as in the first
#: checkpoint.
DISTANCE, AGREEMENT, SPANS, FOUND = 4.0, 0.15, 2.0, 0.5
TEMPERATURE = 0.05
#: English wordings of a line whose mean vector is its target.
TARGET_WORDINGS = 2
#: Cosine between student and target below which a line is taken for a wrong translation (captions written by two
#: people).
MISMATCH = 0.35
#: Cosine of two targets above which they are not each other's counter-example.
SAME = 0.9
QUESTION_WEIGHT = 3.0
GERMAN_PASSAGES = 0.65
#: Groups of windows that are sorted by length together before they are cut into batches.
_GROUPS = 512


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that batches are made of, tokenized once.

    Lines come first, dictionary entries after them; ``n`` is the number of both.

    Attributes:
        texts: The wordings themselves, by language.
        pieces: Of the wordings under the student's tokenizer, by language.
        taught: Of the English wordings under the teacher's.
        wordings: Which texts are those of a line, by language.
        lines: Number of lines.
        weights: How often a line or entry is drawn, ``(n,)``.
        documents: Stretches of lines in order.
    """

    texts: dict[Language, list[str]]
    pieces: dict[Language, Pieces]
    taught: Pieces
    wordings: dict[Language, Wordings]
    lines: int
    weights: NDArray[np.float64]
    documents: tuple[range, ...]


def prepare(parallel: Parallel, student: Any, teacher: Any) -> Material:  # noqa: ANN401 - tokenizers, imported lazily
    """Tokenize everything with the tokenizers of the two."""
    lines = parallel.lines
    both: list[Line] = [*lines, *parallel.entries]
    texts: dict[Language, list[str]] = {
        "en": [text for line in both for text in line.english],
        "de": [text for line in both for text in line.german],
    }
    weights = [QUESTION_WEIGHT if line.is_question else 1.0 for line in lines]
    ends = np.cumsum([0, *(len(document) for document in parallel.documents)])
    return Material(
        texts,
        {language: Pieces.of(student, own) for language, own in texts.items()},
        Pieces.of(teacher, texts["en"]),
        {
            "en": Wordings.of([len(line.english) for line in both]),
            "de": Wordings.of([len(line.german) for line in both]),
        },
        len(lines),
        np.array([*weights, *common_first(parallel.entries, lines)]),
        tuple(range(int(first), int(last)) for first, last in pairwise(ends)),
    )


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is read without its types
def vectors(model: Bert, pieces: Pieces, texts: Sequence[int], budget: int) -> NDArray[np.float32]:
    """Vectors of some texts, ``(n, width)``, length 1."""
    from qa.batching import token_batches  # noqa: PLC0415 - for one function

    device = model.rows.device
    found = np.empty((len(texts), model.width), np.float32)
    for batch in token_batches(pieces.lengths[np.asarray(texts, np.int64)] + 2, budget):
        ids, lengths = padded([pieces.marked(texts[int(at)]) for at in batch], device)
        found[batch] = pooled(model(ids, lengths)).cpu().numpy()
    return found


def line_targets(teacher: Bert, material: Material, budget: int) -> NDArray[np.float16]:
    """The teacher's vector of each line, ``(lines, width)``: the mean over up to ``TARGET_WORDINGS``, length 1."""
    starts = material.wordings["en"].starts[: material.lines + 1]
    chosen = [
        at for first, last in pairwise(starts) for at in range(int(first), min(int(last), int(first) + TARGET_WORDINGS))
    ]
    counts = np.minimum(np.diff(starts), TARGET_WORDINGS)
    found = vectors(teacher, material.taught, chosen, budget)
    sums = np.add.reduceat(found, np.concatenate([[0], np.cumsum(counts)[:-1]]), axis=0)
    targets: NDArray[np.float16] = (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float16)
    return targets


class Learner:
    """Draws batches and says how far the student is off."""

    def __init__(
        self,
        student: Bert,
        teacher: Bert,
        material: Material,
        targets: NDArray[np.float16],
        *,
        tokenizer: Any,  # noqa: ANN401 - tokenizers is imported lazily
        budget: int,
        seed: int,
    ) -> None:
        self.student, self.teacher, self.material = student, teacher, material
        self.targets = torch.from_numpy(targets)
        self.tokenizer, self.budget, self.seed = tokenizer, budget, seed
        lines = slice(0, material.lines)
        self._streams: dict[Kind, Iterator[Any]] = {
            "german": self._texts("de", lines, 1),
            "english": self._texts("en", lines, 2),
            "passages": self._passages(),
        }
        if material.lines < len(material.weights):
            self._streams["entries"] = self._texts("de", slice(material.lines, None), 3)

    def kind(self, step: int) -> Kind:
        """Which kind of step this is: drawn from seed and number alone."""
        known = [kind for kind in KINDS if kind in self._streams]
        shares = np.array([KINDS[kind] for kind in known])
        return known[int(self._random(step).choice(len(known), p=shares / shares.sum()))]

    def skip(self, steps: int) -> None:
        """Go past the batches of the first ``steps`` steps."""
        for step in range(steps):
            next(self._streams[self.kind(step)])

    def losses(self, step: int) -> dict[str, torch.Tensor]:
        """Parts of the loss of a step, by name; their sum is to be made small."""
        kind = self.kind(step)
        batch = next(self._streams[kind])
        if kind == "passages":
            return self._passage_losses(batch, np.random.default_rng((self.seed, step, 1)))
        language: Language = "en" if kind == "english" else "de"
        found = self._encode([self.material.pieces[language].marked(int(at)) for at in batch.texts])
        if kind == "entries":
            starts = self.material.wordings["en"].starts
            target = self._teach([self.material.taught.marked(int(starts[at])) for at in batch.lines])
        else:
            target = self.targets[torch.from_numpy(batch.lines)].float().to(found.device)
        return self._match(found, target, kind, trust=kind != "german")

    def _texts(self, language: Language, part: slice, stream: int) -> Iterator[Batch]:
        material = self.material
        offset = part.start
        weights = material.weights[part]
        starts = material.wordings[language].starts[offset : offset + len(weights) + 1]
        lengths = material.pieces[language].lengths
        for batch in text_batches(Wordings(starts), lengths, weights, self.budget, self.seed + stream):
            yield Batch(batch.lines + offset, batch.texts)

    def _passages(self) -> Iterator[list[Window]]:
        material = self.material
        starts = material.wordings["de"].starts[: material.lines]
        lengths = material.pieces["de"].lengths[starts]
        own = self.targets.numpy().astype(np.float32)
        together = [run for each in material.documents for run in runs(own[each.start : each.stop], each.start)]
        groups = windows(together, material.documents, lengths, self.seed + 4)
        random = np.random.default_rng(self.seed + 5)
        while True:
            pool = list(itertools.islice(groups, _GROUPS))
            sizes = [max(2 + int(lengths[list(window.read)].sum()) for window in group) for group in pool]
            batches = list(_filled(pool, np.minimum(sizes, MAX_PIECES), self.budget))
            for at in random.permutation(len(batches)):
                yield batches[int(at)]

    def _passage_losses(self, batch: list[Window], random: np.random.Generator) -> dict[str, torch.Tensor]:
        material = self.material
        language: Language = "de" if random.random() < GERMAN_PASSAGES else "en"
        read, taught, ours, theirs = [], [], [], []
        for at, window in enumerate(batch):
            lines = np.array(window.read)
            english = material.wordings["en"].draw(lines, random)
            texts = english if language == "en" else material.wordings["de"].draw(lines, random)
            row, spans = material.pieces[language].joined(texts.tolist())
            target, target_spans = material.taught.joined(english.tolist())
            read.append(row)
            taught.append(target)
            for own, other in zip(spans, target_spans, strict=True):
                if own[1] > own[0] and other[1] > other[0]:
                    ours.append((at, *own))
                    theirs.append((at, *other))
        ids, lengths = padded(read, self.student.rows.device)
        states = self.student(ids, lengths)
        passages = pooled(states)
        with torch.no_grad():
            ids, lengths = padded(taught, self.student.rows.device)
            taught_states = self.teacher(ids, lengths)
        losses = self._match(passages, pooled(taught_states), "passages", trust=True)
        span = 2 - 2 * (span_means(states, ours) * span_means(taught_states, theirs)).sum(1)
        losses["passages_spans"] = SPANS * span.mean()
        asked = [self._query(window, random) for window in batch]
        queries = Pieces.of(self.tokenizer, asked)
        scores = self._encode([queries.marked(at) for at in range(len(asked))]) @ passages.T / TEMPERATURE
        right = torch.arange(len(batch), device=scores.device)
        losses["passages_found"] = FOUND * (nn.cross_entropy(scores, right) + nn.cross_entropy(scores.T, right))
        return losses

    def _query(self, window: Window, random: np.random.Generator) -> str:
        language: Language = "en" if random.random() < 0.5 else "de"  # noqa: PLR2004 - both as often
        text = self.material.wordings[language].draw(np.array([window.asked]), random)[0]
        return query(self.material.texts[language][int(text)], language, random)

    def _match(self, found: torch.Tensor, target: torch.Tensor, kind: Kind, *, trust: bool) -> dict[str, torch.Tensor]:
        cosine = (found * target).sum(1)
        kept = torch.ones_like(cosine) if trust else (cosine.detach() > MISMATCH).float()
        distance = ((2 - 2 * cosine) * kept).sum() / kept.sum().clamp(min=1)
        same = target @ target.T > SAME
        same.fill_diagonal_(fill_value=False)
        scores = (found @ target.T / TEMPERATURE).masked_fill(same, -1e4)
        right = torch.arange(len(scores), device=scores.device)
        picked = sum(
            (nn.cross_entropy(side, right, reduction="none") * kept).sum() / kept.sum().clamp(min=1)
            for side in (scores, scores.T)
        )
        return {f"{kind}_distance": DISTANCE * distance, f"{kind}_agreement": AGREEMENT * torch.as_tensor(picked)}

    def _encode(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        return pooled(self.student(*padded(rows, self.student.rows.device)))

    @torch.no_grad()  # type: ignore[untyped-decorator]  # torch is read without its types
    def _teach(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        return pooled(self.teacher(*padded(rows, self.student.rows.device)))

    def _random(self, step: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, step))


def _filled(groups: Sequence[list[Window]], sizes: NDArray[np.int64], budget: int) -> Iterator[list[Window]]:
    """Cut groups into batches of like length: ``sizes`` are the pieces of the longest window of each."""
    batch: list[Window] = []
    for at in np.argsort(sizes, kind="stable"):
        group = groups[int(at)]
        if batch and int(sizes[at]) * (len(batch) + len(group)) > budget:
            yield batch
            batch = []
        batch = [*batch, *group]
    yield batch


def span_means(states: torch.Tensor, spans: Sequence[tuple[int, int, int]]) -> torch.Tensor:
    """Mean state over spans, length 1.

    Args:
        states: ``(b, s, width)``.
        spans: Row, first piece and the one behind the last, ``n`` of them, none empty.

    Returns:
        ``(n, width)``.
    """
    sums = nn.pad(states.cumsum(1), (0, 0, 1, 0))
    row, first, last = torch.tensor(spans, device=states.device).T
    return nn.normalize(sums[row, last] - sums[row, first], dim=-1)
