"""Texts to unit vectors: the bundled encoder on onnxruntime, or any sentence-transformers model.

The bundled encoder needs neither torch nor transformers: importing those costs about 10 s, onnxruntime 0.3 s.
Heavy packages are imported when an encoder is made, never when this module is.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.batching import side_by_side, token_batches
from qa.encoding import default_threads, merge_prompts
from qa.errors import EncoderError
from qa.interaction import AskedPieces, Interaction
from qa.runtime import onnxruntime
from qa.torch_encoder import SentenceTransformerEncoder
from qa.types import Encoded, EncodedQuestion, PieceCodes
from qa.wordtable import WordTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from qa.types import Encoder, Vectors

    #: Makes something of a text's pieces ``(n,)`` and their states ``(n, width)``.
    Use = Callable[[NDArray[np.int64], Vectors], NDArray[Any]]

BUNDLED = Path(__file__).resolve().parent / "model"
CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE = "config.json", "model.onnx", "tokenizer.json"
#: Of encoders whose pieces are kept for late interaction (``qa.train.interaction``).
INTERACTION_FILE = "interaction.npz"
#: Version of the folder layout that ``qa.train.export`` writes and `OnnxEncoder` reads.
FORMAT = 1

#: Padded pieces in a batch. Swept over 128 … 1024 with 128 passages of 60 words, one thread, best of five, passages a
#: second, English / German: 128: 116/105, 192: 123/109, 256: 121/110, 384: 122/111, 512: 120/110, 768: 120/110, 1024:
#: 120/107; two batches at a time as flat. So memory decides: 256 German passages by four threads take 44 MB at 256,
#: 99 MB at 512, 186 MB at 1024; and small batches leave no thread long without work at the end.
BATCH_TOKENS = 256
#: Texts tokenised at once: bounds memory, while leaving enough texts to sort by length.
SLICE = 2048


@dataclass(frozen=True, slots=True)
class _Config:
    """What `OnnxEncoder` needs of a ``config.json``; ``sha256`` by file name, ``table`` as `_read_table` has it."""

    dim: int
    max_tokens: int
    prompts: Mapping[str, str]
    sha256: Mapping[str, str]
    table: Mapping[str, Any]


def load_encoder(
    name: str | None = None, *, threads: int | None = None, prompts: Mapping[str, str] | None = None
) -> Encoder:
    """Load an encoder.

    Args:
        name: None, "" or ``bundled`` for the one in the package; a folder written by ``qa.train.export``; else the
            path or hub name of a sentence-transformers model. A model in the hub's cache is used without a look
            at the network; ``HF_HUB_OFFLINE=1`` forbids to fetch another.
        threads: Threads of one call; at most `MAX_THREADS` of the machine's cores when left out.
        prompts: Put before a question (``query``) and before a passage (``passage``); the model's own when left out.

    Raises:
        EncoderError: A file is missing or damaged, the model is unknown, or a package is not installed.
    """
    if not name or name == "bundled":
        return OnnxEncoder(BUNDLED, name="bundled", threads=threads, prompts=prompts)
    try:
        folder = Path(name).expanduser()
    except RuntimeError:
        raise EncoderError(f"encoder {name!r}: nobody of that name has a home here", "name another folder") from None
    if _is_exported(folder):
        return OnnxEncoder(folder, name=name, threads=threads, prompts=prompts)
    return SentenceTransformerEncoder(name, threads=threads, prompts=prompts)


@dataclass(frozen=True, slots=True)
class _Part:
    """A batch: the positions of its texts and their vectors; of each text its pieces, their places and their states.

    The states as they are or what was made of them.
    """

    vectors: Vectors
    texts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    ids: Sequence[NDArray[np.int64]] = ()
    states: Sequence[Any] = ()
    offsets: Sequence[NDArray[np.int32]] = ()


class OnnxEncoder:
    """An encoder written by ``qa.train.export``, run by onnxruntime on the CPU; safe to share between threads.

    A text counts up to ``max_tokens`` word pieces, the two marks at its ends included; what follows is cut off.
    A vector does not depend on the texts beside it beyond 1e-5 in any coordinate, nor on the number of threads at all.

    Each batch is computed by one thread, several batches side by side: two threads then encode twice as many passages
    as one. Two threads that share each operator gain 1.8 times, and lose it where a core has other work, as all wait
    for the last at each of the graph's 300 operators. A question is one batch: it takes 2.2 ms in one thread, 2.5 ms
    in two that share it.

    Raises:
        EncoderError: A file is missing or is not what its ``config.json`` says.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str | None = None,
        threads: int | None = None,
        prompts: Mapping[str, str] | None = None,
    ) -> None:
        config = _read_config(folder)
        for file in dict.fromkeys((MODEL_FILE, TOKENIZER_FILE, *config.sha256)):
            _check_file(folder / file, config.sha256.get(file))
        self.name = name or str(folder)
        self.dim = config.dim
        self.max_tokens = config.max_tokens
        self.prompts = merge_prompts(config.prompts, prompts)
        identity = json.dumps([FORMAT, config.max_tokens, config.sha256], sort_keys=True)
        self.sha256 = hashlib.sha256(identity.encode()).hexdigest()
        self._tokenizer = _load_tokenizer(folder / TOKENIZER_FILE)
        self._threads = threads or default_threads()
        self._session = _load_session(folder / MODEL_FILE)
        self._words = _read_table(folder / MODEL_FILE, config, self.pieces_of)
        interacts = INTERACTION_FILE in config.sha256
        self._interaction = Interaction.read(folder / INTERACTION_FILE) if interacts else None

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions to float32 rows of length 1, shape ``(n, dim)``."""
        return self._encode(texts, self.prompts["query"])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Passages to float32 rows of length 1, shape ``(n, dim)``."""
        return self._encode(texts, self.prompts["passage"])

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """Single words to float32 rows of length 1, or of zeros where they have no pieces, shape ``(n, dim)``."""
        return self._words.vectors(words)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        """Cosines of the vectors of a few words and of many, ``(asked, words)``."""
        return self._words.cosines(asked, words)

    @property
    def piece_bytes(self) -> int:
        """Bytes of a piece's code; 0 where the folder has no ``interaction.npz``."""
        return self._interaction.piece_bytes if self._interaction else 0

    @property
    def vocabulary(self) -> int:
        """How many word pieces it knows."""
        return int(self._tokenizer.get_vocab_size())

    def encode_pieces(self, texts: Sequence[str]) -> Encoded:
        """Passages to their vectors and the codes of their pieces, those left out that stand in nearly every text."""
        interaction, prompt = self._interacting(), self.prompts["passage"]
        vectors = np.empty((len(texts), self.dim), np.float32)
        codes = [np.empty((0, interaction.piece_bytes), np.uint8) for _ in texts]
        places = [np.empty(0, np.int32) for _ in texts]
        for part in self._parts(texts, prompt, lambda ids, states: interaction.codes(states[interaction.keeps(ids)])):
            vectors[part.texts] = part.vectors
            for at, ids, found, offsets in zip(part.texts, part.ids, part.states, part.offsets, strict=True):
                begins = offsets[interaction.keeps(ids)] - len(prompt)
                codes[at], places[at] = found[begins >= 0], begins[begins >= 0]
        counts = np.array([len(one) for one in places], np.int64)
        none = np.empty(0, np.int32)
        pieces = PieceCodes(
            np.concatenate([np.empty((0, interaction.piece_bytes), np.uint8), *codes]),
            np.concatenate([none, *places]),
            counts,
        )
        return Encoded(vectors, pieces)

    def encode_question(self, text: str) -> EncodedQuestion:
        """A question to its vector and its pieces; without ``interaction.npz`` none."""
        if self._interaction is None:
            return EncodedQuestion(self.encode_queries([text]), AskedPieces.none())
        part = next(self._parts([text], self.prompts["query"], _as_they_are))
        asked = part.offsets[0] >= len(self.prompts["query"])
        return EncodedQuestion(part.vectors, self._interaction.asked(part.ids[0][asked], part.states[0][asked]))

    def states(self, texts: Sequence[str]) -> list[Vectors]:
        """The last states of each text's pieces without the marks at its ends, ``(pieces, dim)`` each."""
        found: list[Vectors] = [np.empty((0, self.dim), np.float32)] * len(texts)
        for part in self._parts(texts, "", _as_they_are):
            for at, states in zip(part.texts, part.states, strict=True):
                found[at] = states
        return found

    def pieces_of(self, texts: Sequence[str]) -> list[list[int]]:
        """The word pieces of each text by their numbers, without the marks at its ends, none cut off."""
        return [one.ids for one in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def _interacting(self) -> Interaction:
        if self._interaction is None:
            raise ValueError(f"encoder {self.name} has no {INTERACTION_FILE}")
        return self._interaction

    def _encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        vectors = np.empty((len(texts), self.dim), np.float32)
        for part in self._parts(texts, prompt):
            vectors[part.texts] = part.vectors
        return vectors

    def _parts(self, texts: Sequence[str], prompt: str, use: Use | None = None) -> Iterator[_Part]:
        """Batches of like length; with ``use`` the pieces, their places and what it makes of each text's states."""
        start = 0
        tokenize = self._tokenizer.encode_batch if use else self._tokenizer.encode_batch_fast
        for some in _slices(texts):
            read = tokenize([prompt + text for text in some] if prompt else list(some))
            # The last piece is the end mark: it stays when a text is cut.
            rows = [_cut(one.ids, self.max_tokens) for one in read]
            batches = list(token_batches(np.array([len(row) for row in rows]), BATCH_TOKENS))
            parts = side_by_side(
                partial(self._run, use=use), [[rows[at] for at in batch] for batch in batches], self._threads
            )
            for batch, part in zip(batches, parts, strict=True):
                offsets = [_begins(read[at].offsets, len(rows[at])) for at in batch] if use else []
                yield replace(part, texts=start + batch, offsets=offsets)
            start += len(some)

    def _run(self, rows: list[list[int]], use: Use | None) -> _Part:
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask}
        if use is None:
            return _Part(self._session.run(["embedding"], inputs)[0])
        vectors, states = self._session.run(["embedding", "states"], inputs)
        inner = [slice(1, len(row) - 1) for row in rows]
        pieces = [ids[at, part] for at, part in enumerate(inner)]
        # Here and not by whoever waits for it: the states of all batches are more than a machine may have room for.
        made = [use(own, states[at, part]) for at, (own, part) in enumerate(zip(pieces, inner, strict=True))]
        return _Part(vectors, ids=pieces, states=made)


def _as_they_are(_ids: NDArray[np.int64], states: Vectors) -> Vectors:
    return states


def _cut(row: list[int], most: int) -> list[int]:
    return [*row[: most - 1], row[-1]] if len(row) > most else row


def _begins(offsets: Sequence[tuple[int, int]], count: int) -> NDArray[np.int32]:
    """Where the pieces of a text begin, without the marks at its ends; ``count`` with them."""
    return np.array([begin for begin, _ in offsets[1 : count - 1]], np.int32)


def _read_table(path: Path, config: _Config, pieces: Callable[[Sequence[str]], list[list[int]]]) -> WordTable:
    """The table of word pieces where it lies in the model's file: nothing is read before a word is looked up."""
    table = config.table
    if not table:
        return WordTable.none(config.dim)
    shape = (int(table["pieces"]), config.dim)
    rows = np.memmap(path, np.dtype(table["dtype"]), "r", int(table["offset"]), shape)
    scales = None
    if "scales" in table:
        scales = np.memmap(path, np.dtype("<f4"), "r", int(table["scales"]), (shape[0], 1))
    return WordTable(rows, scales, pieces)


def _slices(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), SLICE):
        yield texts[start : start + SLICE]


def _load_tokenizer(path: Path) -> Any:  # noqa: ANN401 - imported lazily
    from tokenizers import Tokenizer  # noqa: PLC0415 - heavy

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _load_session(path: Path) -> Any:  # noqa: ANN401 - imported lazily
    """A session without threads of its own: a computation stays in the thread that asks for it."""
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The arena pays with batches as small as ours: 105 passages a second instead of 94, and 185 MB instead of 266.
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _mend(folder: Path) -> str:
    if folder == BUNDLED:
        return "pip install --force-reinstall --no-deps article-qa (in a checkout: git checkout -- qa/model)"
    return f"python -m qa.train.export SOURCE {folder}"


def _is_exported(folder: Path) -> bool:
    try:
        config = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return (folder / MODEL_FILE).is_file() and not (folder / "modules.json").is_file()
    return isinstance(config, dict) and "format" in config and "pooling" in config


def _read_config(folder: Path) -> _Config:
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text("utf-8"))
        form = config["format"]
        known = _Config(
            dim=int(config["dim"]),
            max_tokens=int(config["max_tokens"]),
            prompts=dict(config["prompts"]),
            sha256=dict(config["sha256"]),
            table=dict(config.get("table", {})),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"encoder file {path} cannot be read: {error!r}", _mend(folder)) from error
    if form != FORMAT:
        raise EncoderError(f"encoder file {path} has format {form}, this version reads {FORMAT}", _mend(folder))
    return known


def _check_file(path: Path, sha256: str | None) -> None:
    """34 MB take 20 ms where the processor knows SHA, some 100 ms where it does not."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(f"encoder file {path} cannot be read: {error.strerror}", _mend(path.parent)) from error
    if found != sha256:
        raise EncoderError(
            f"encoder file {path} is damaged: its sha256 is not the one in {CONFIG_FILE}", _mend(path.parent)
        )
