"""Any model of sentence-transformers as an encoder: the door to every one but the bundled.

Its packages are imported when an encoder is made, never when this module is: that costs about 10 s.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.encoding import default_threads, merge_prompts
from qa.errors import EncoderError
from qa.pieces import NoPieces
from qa.wordtable import WordTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qa.types import Vectors


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
            str(folder) if local else name, threads or default_threads(), fetch=not local
        )
        own = {key: text or "" for key, text in self._model.prompts.items()}
        passage = next((own[key] for key in ("document", "passage", "corpus") if own.get(key)), "")
        self.name = name
        self.prompts = merge_prompts({"query": own.get("query", ""), "passage": passage}, prompts)
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
