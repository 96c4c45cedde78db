"""Texts to unit vectors: the bundled encoder on onnxruntime, or any sentence-transformers model.

The bundled encoder needs neither torch nor transformers: importing those costs about 10 s, onnxruntime 0.3 s.
Heavy packages are imported when an encoder is made, never when this module is.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.errors import EncoderError
from qa.interaction import AskedPieces, Interaction
from qa.pieces import NoPieces
from qa.runtime import onnxruntime
from qa.types import Encoded, EncodedQuestion, PieceCodes
from qa.wordtable import WordTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from qa.types import Encoder, Vectors

BUNDLED = Path(__file__).resolve().parent / "model"
CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE = "config.json", "model.onnx", "tokenizer.json"
#: Of encoders whose pieces are kept for late interaction (``qa.train.interaction``).
INTERACTION_FILE = "interaction.npz"
#: Version of the folder layout that ``qa.train.export`` writes and `OnnxEncoder` reads.
FORMAT = 1

#: Padded pieces in a batch. Swept over 256 … 16384 with 256 German passages of 60 words (87 pieces), passages a second
#: at 1 / 2 threads, best of four: 256: 50/82, 512: 50/92, 1024: 47/95, 2048: 42/89, 4096: 38/80, 8192: 26/50,
#: 16384: 21/36. Flat from 512 to 2048; above, slower, and the process grows from 260 MB to 780 MB.
BATCH_TOKENS = 1024
#: Texts tokenised at once: bounds memory, while leaving enough texts to sort by length.
SLICE = 2048
#: Passages of 60 words a second at 1 / 2 / 4 threads of a busy 4-core machine, best of four: 47, 95, 130; one question
#: takes 5 to 6 ms (median) at each. Not measured beyond; a server leaves the other cores to other questions.
MAX_THREADS = 4


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
        threads: Threads of one computation; at most `MAX_THREADS` of the machine's cores when left out.
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
    """A batch: the positions of its texts and their vectors; of each text its pieces, their states and their places."""

    vectors: Vectors
    texts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    ids: Sequence[NDArray[np.int64]] = ()
    states: Sequence[Vectors] = ()
    offsets: Sequence[NDArray[np.int32]] = ()


class OnnxEncoder:
    """An encoder written by ``qa.train.export``, run by onnxruntime on the CPU; safe to share between threads.

    A text counts up to ``max_tokens`` word pieces, the two marks at its ends included; what follows is cut off.
    A vector does not depend on the texts beside it beyond 1e-5 in any coordinate.

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
        for file in {MODEL_FILE: 0, TOKENIZER_FILE: 0, **config.sha256}:
            _check_file(folder / file, config.sha256.get(file))
        self.name = name or str(folder)
        self.dim = config.dim
        self.max_tokens = config.max_tokens
        self.prompts = _merge_prompts(config.prompts, prompts)
        identity = json.dumps([FORMAT, config.max_tokens, config.sha256], sort_keys=True)
        self.sha256 = hashlib.sha256(identity.encode()).hexdigest()
        self._tokenizer = _load_tokenizer(folder / TOKENIZER_FILE)
        self._session = _load_session(folder / MODEL_FILE, threads or _default_threads())
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
        for part in self._parts(texts, prompt, whole=True):
            vectors[part.texts] = part.vectors
            for at, ids, states, offsets in zip(part.texts, part.ids, part.states, part.offsets, strict=True):
                begins = offsets - len(prompt)
                kept = interaction.keeps(ids) & (begins >= 0)
                codes[at], places[at] = interaction.codes(states[kept]), begins[kept]
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
        part = next(self._parts([text], self.prompts["query"], whole=True))
        asked = part.offsets[0] >= len(self.prompts["query"])
        return EncodedQuestion(part.vectors, self._interaction.asked(part.ids[0][asked], part.states[0][asked]))

    def states(self, texts: Sequence[str]) -> list[Vectors]:
        """The last states of each text's pieces without the marks at its ends, ``(pieces, dim)`` each."""
        found: list[Vectors] = [np.empty((0, self.dim), np.float32)] * len(texts)
        for part in self._parts(texts, "", whole=True):
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

    def _parts(self, texts: Sequence[str], prompt: str, *, whole: bool = False) -> Iterator[_Part]:
        """Batches of like length; with ``whole`` their states and the places of their pieces too."""
        start = 0
        tokenize = self._tokenizer.encode_batch if whole else self._tokenizer.encode_batch_fast
        for some in _slices(texts):
            read = tokenize([prompt + text for text in some] if prompt else list(some))
            # The last piece is the end mark: it stays when a text is cut.
            rows = [_cut(one.ids, self.max_tokens) for one in read]
            for batch in token_batches(np.array([len(row) for row in rows]), BATCH_TOKENS):
                for steady in _steady(batch):
                    part = self._run([rows[at] for at in steady], whole=whole)
                    offsets = [_begins(read[at].offsets, len(rows[at])) for at in steady] if whole else []
                    yield replace(part, texts=start + steady, offsets=offsets)
            start += len(some)

    def _run(self, rows: list[list[int]], *, whole: bool) -> _Part:
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = 1
        outputs = ["embedding", "states"] if whole else ["embedding"]
        found = self._session.run(outputs, {"input_ids": ids, "attention_mask": mask})
        if not whole:
            return _Part(found[0])
        inner = [slice(1, len(row) - 1) for row in rows]
        return _Part(
            found[0],
            ids=[ids[at, part] for at, part in enumerate(inner)],
            states=[found[1][at, part] for at, part in enumerate(inner)],
        )


class SentenceTransformerEncoder(NoPieces):
    """Any sentence-transformers model, in fp32 on the CPU; safe to share between threads, which take turns.

    Prompts: those given, else the model's own ``query`` and ``document`` (or ``passage``, ``corpus``), else none.

    Raises:
        EncoderError: The package is missing, or the model cannot be found or read.
    """

    def __init__(self, name: str, *, threads: int | None = None, prompts: Mapping[str, str] | None = None) -> None:
        folder = Path(name).expanduser()
        local = folder.exists()
        if not local and name.startswith((".", "/", "~")):
            raise EncoderError(f"encoder folder {name} does not exist", "name another folder or model")
        self._model = _load_sentence_transformer(
            str(folder) if local else name, threads or _default_threads(), fetch=not local
        )
        own = {key: text or "" for key, text in self._model.prompts.items()}
        passage = next((own[key] for key in ("document", "passage", "corpus") if own.get(key)), "")
        self.name = name
        self.prompts = _merge_prompts({"query": own.get("query", ""), "passage": passage}, prompts)
        self.dim = int(self._model.encode(".", show_progress_bar=False).shape[-1])
        self.sha256 = _folder_digest(folder) if local else _weights_digest(self._model)
        self._lock = Lock()
        self._words = _table_of(self._model, self.dim)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Questions to float32 rows of length 1, shape ``(n, dim)``."""
        return self._rows(texts, self._model.encode_query, self.prompts["query"])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Passages to float32 rows of length 1, shape ``(n, dim)``."""
        return self._rows(texts, self._model.encode_document, self.prompts["passage"])

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """Single words to float32 rows of length 1, of zeros where the model has no table, shape ``(n, dim)``."""
        with self._lock:
            return self._words.vectors(words)

    def word_cosines(self, asked: Sequence[str], words: Sequence[str]) -> Vectors:
        """Cosines of the vectors of a few words and of many, ``(asked, words)``."""
        with self._lock:
            return self._words.cosines(asked, words)

    def _rows(self, texts: Sequence[str], encode: Any, prompt: str) -> Vectors:  # noqa: ANN401 - bound method
        if not texts:
            return np.empty((0, self.dim), np.float32)
        # Tokenizers of transformers keep the padding of the call in themselves: two calls at once fail or mix.
        with self._lock:
            output = encode(list(texts), prompt=prompt, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(output, np.float32)


def _cut(row: list[int], most: int) -> list[int]:
    return [*row[: most - 1], row[-1]] if len(row) > most else row


def _begins(offsets: Sequence[tuple[int, int]], count: int) -> NDArray[np.int32]:
    """Where the pieces of a text begin, without the marks at its ends; ``count`` with them."""
    return np.array([begin for begin, _ in offsets[1 : count - 1]], np.int32)


def token_batches(lengths: NDArray[np.int64], budget: int) -> Iterator[NDArray[np.int64]]:
    """Cut texts into batches of like length.

    Args:
        lengths: Pieces of each text, ``(n,)``.
        budget: Padded pieces in a batch, rows times the longest; a text longer than this stands alone.

    Yields:
        Positions in ``lengths``; together each position once, the longest texts first.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + rows]
        start += rows


def _steady(batch: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """A batch in parts whose vectors do not depend on the number of threads.

    onnxruntime divides the last step over the rows: with two rows three threads, with three rows four give other last
    bits than one thread. Of 609 shapes (1 to 64 rows of 3 to 100 pieces) 76 differ within 1 to `MAX_THREADS` threads,
    all with more rows than one and fewer than `MAX_THREADS`. They are what is left of a slice: one by one costs little.
    """
    if 1 < len(batch) < MAX_THREADS:
        yield from batch[:, None]
    else:
        yield batch


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


def _table_of(model: Any, dim: int) -> WordTable:  # noqa: ANN401 - sentence-transformers is imported lazily
    """The table of a transformer; other models, and tables of another width, know no words."""
    try:
        rows = model[0].auto_model.get_input_embeddings().weight.detach().cpu().float().numpy()
        backend = model.tokenizer.backend_tokenizer
    except (AttributeError, TypeError, IndexError, NotImplementedError):
        return WordTable.none(dim)

    def pieces(words: Sequence[str]) -> list[list[int]]:
        # The tokenizer may still pad as in its last call.
        found = backend.encode_batch_fast(list(words), add_special_tokens=False)
        return [[piece for piece, real in zip(one.ids, one.attention_mask, strict=True) if real] for one in found]

    return WordTable(rows, None, pieces)


def _slices(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), SLICE):
        yield texts[start : start + SLICE]


def _default_threads() -> int:
    return min(MAX_THREADS, os.cpu_count() or 1)


def _merge_prompts(own: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    merged = {"query": own.get("query", ""), "passage": own.get("passage", ""), **(given or {})}
    if set(merged) != {"query", "passage"}:
        raise EncoderError(
            f"prompts for the encoder have unknown keys: {', '.join(sorted(merged))}", "use query and passage"
        )
    return merged


def _load_tokenizer(path: Path) -> Any:  # noqa: ANN401 - imported lazily
    from tokenizers import Tokenizer  # noqa: PLC0415 - heavy

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _load_session(path: Path, threads: int) -> Any:  # noqa: ANN401 - imported lazily
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The arena pays with batches as small as ours: 105 passages a second instead of 94, and 185 MB instead of 266.
    # Spinning threads take the cores from whatever else runs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _load_sentence_transformer(name: str, threads: int, *, fetch: bool) -> Any:  # noqa: ANN401 - imported lazily
    """What lies on this machine first, so that a known model needs no network; then, with ``fetch``, the hub."""
    # Spinning threads made one query take 0.5 to 1.4 s whenever anything else ran; read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import torch  # noqa: PLC0415 - 10 s with the next, needed by few
        from safetensors import SafetensorError  # noqa: PLC0415
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415
    except ImportError as error:
        raise EncoderError(
            f"encoder {name!r} needs a package that is missing: {error}", "pip install sentence-transformers"
        ) from error
    torch.set_num_threads(threads)
    logging.disable_progress_bar()
    unreadable = (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError, SafetensorError)
    kwargs = {"dtype": "float32"}
    try:
        return SentenceTransformer(name, device="cpu", local_files_only=True, model_kwargs=kwargs)
    except unreadable as error:
        if not fetch:
            raise EncoderError(
                f"{name} is not a sentence-transformers model: {_first_line(error)}", "name another folder"
            ) from error
    try:
        return SentenceTransformer(name, device="cpu", model_kwargs=kwargs)
    except unreadable as error:
        raise EncoderError(
            f"encoder {name!r} is neither a folder nor a model that can be fetched: {_first_line(error)}",
            "check the name and the network, or give the path of a local folder, or leave `encoder` unset",
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


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


def _folder_digest(folder: Path) -> str:
    """Over names and contents of the files that make the vectors: notes and hidden files do not count."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or path.suffix == ".md" or any(part.startswith(".") for part in inside.parts):
            continue
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{inside.as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _weights_digest(model: Any) -> str:  # noqa: ANN401 - sentence-transformers is imported lazily
    """Over the state dict, the tokenizer and the length at which texts are cut."""
    digest = hashlib.sha256(f"{model.max_seq_length}\n".encode())
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    digest.update(backend.to_str().encode() if backend is not None else repr(model.tokenizer).encode())
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(f"{key} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()
