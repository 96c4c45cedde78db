"""A BERT to train: the sentence-transformers folders of :mod:`qa.train.export` in plain torch, bf16 inside.

Why not ``transformers``: with weights cast once for each step, one matrix for query, key and value and bf16 from end to
end, a step of 8,000 pieces takes 1.6 s on four cores; the library's module under autocast took 3.5 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qa.train.export import MAX_TOKENS, read_checkpoint, write_sentence_transformers

try:
    import torch
    from torch.nn import functional as nn
except ImportError as missing:
    raise ImportError(f"{missing.msg} - pip install 'article-qa[train]'") from missing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WORDS = "embeddings.word_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"
KINDS = "embeddings.token_type_embeddings.weight"


class Bert(torch.nn.Module):  # type: ignore[misc]  # torch is read without its types
    """An encoder with mean pooling.

    Attributes:
        rows: The table of word pieces, fp32 ``(vocabulary, width)``; its gradient is sparse.
        weights: All other weights, fp32, under their names in the state dict with ``/`` for ``.``.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        checkpoint = read_checkpoint(folder)
        self.architecture = dict(checkpoint.architecture)
        self.tokenizer = dict(checkpoint.tokenizer)
        self.prompts = dict(checkpoint.prompts)
        self.rows = torch.nn.Parameter(torch.from_numpy(checkpoint.weights[WORDS].copy()))
        self.weights = torch.nn.ParameterDict(
            {
                name.replace(".", "/"): torch.nn.Parameter(torch.from_numpy(values.copy()))
                for name, values in sorted(checkpoint.weights.items())
                if name != WORDS and name.endswith((".weight", ".bias")) and not name.startswith("pooler.")
            }
        )

    @property
    def width(self) -> int:
        """Of a vector."""
        return int(self.rows.shape[1])

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """States of the last layer.

        Args:
            ids: Word pieces, int64 ``(b, s)``; what stands behind a text's length does not count.
            lengths: int64 ``(b,)``, from 1 to ``s``.

        Returns:
            fp32 ``(b, s, width)``, 0 behind a text's length.
        """
        kind = torch.bfloat16
        weights = {name.replace("/", "."): value.to(kind) for name, value in self.weights.items()}
        length = ids.shape[1]
        mask = torch.arange(length, device=ids.device)[None, :] < lengths[:, None]
        bias = None
        if not bool(mask.all()):
            bias = torch.zeros(mask.shape, dtype=kind, device=ids.device).masked_fill_(~mask, -1e4)
            bias = bias[:, None, None, :]
        hidden = nn.embedding(ids, self.rows, sparse=self.rows.requires_grad).to(kind)
        hidden = hidden + weights[POSITIONS][:length] + weights[KINDS][0]
        hidden = self._norm(hidden, weights, "embeddings.LayerNorm")
        for layer in range(int(self.architecture["num_hidden_layers"])):
            hidden = self._layer(hidden, bias, weights, f"encoder.layer.{layer}")
        return hidden.float() * mask[:, :, None]

    def _norm(self, hidden: torch.Tensor, weights: dict[str, torch.Tensor], name: str) -> torch.Tensor:
        return nn.layer_norm(
            hidden,
            (self.width,),
            weights[f"{name}.weight"],
            weights[f"{name}.bias"],
            float(self.architecture["layer_norm_eps"]),
        )

    def _layer(
        self, hidden: torch.Tensor, bias: torch.Tensor | None, weights: dict[str, torch.Tensor], name: str
    ) -> torch.Tensor:
        def dense(values: torch.Tensor, part: str) -> torch.Tensor:
            return nn.linear(values, weights[f"{name}.{part}.weight"], weights[f"{name}.{part}.bias"])

        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        size, length, width = hidden.shape
        heads = int(self.architecture["num_attention_heads"])
        joined = nn.linear(
            hidden,
            torch.cat([weights[f"{part}.weight"] for part in parts]),
            torch.cat([weights[f"{part}.bias"] for part in parts]),
        )
        query, key, value = joined.view(size, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        mixed = _attention(query, key, value, bias)
        mixed = dense(mixed.transpose(1, 2).reshape(size, length, width), "attention.output.dense")
        hidden = self._norm(hidden + mixed, weights, f"{name}.attention.output.LayerNorm")
        inner = nn.gelu(dense(hidden, "intermediate.dense"))
        return self._norm(hidden + dense(inner, "output.dense"), weights, f"{name}.output.LayerNorm")

    def save(self, folder: Path) -> None:
        """Write a sentence-transformers folder, weights as fp16."""
        weights = {name.replace("/", "."): value for name, value in self.weights.items()} | {WORDS: self.rows}
        stored = {name: value.detach().cpu().numpy().astype(np.float16) for name, value in weights.items()}
        positions = int(self.architecture["max_position_embeddings"])
        config = {
            "bert": self.architecture,
            "dim": self.width,
            "max_tokens": min(MAX_TOKENS, positions),
            "prompts": self.prompts,
        }
        write_sentence_transformers(folder, stored, self.tokenizer, config)


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Heads ``(b, heads, s, size)`` to their mixed values, the same shape.

    Written out for the CPU: with heads of 32, torch's own is 8 times slower there, forward and back, on texts of 32
    pieces, and 3 times on texts of 170.
    """
    if query.is_cuda:
        return nn.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-1, -2))
    return torch.matmul((scores if bias is None else scores + bias).softmax(-1), value)


def pooled(states: torch.Tensor) -> torch.Tensor:
    """Mean pooling and unit length: ``(b, s, width)``, 0 where nothing stands, to ``(b, width)``."""
    return nn.normalize(states.sum(1), dim=-1)


def padded(rows: Sequence[Sequence[int]], device: torch.device | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Word pieces of texts of different lengths as ids ``(b, s)`` and lengths ``(b,)``."""
    lengths = torch.tensor([len(row) for row in rows])
    ids = torch.zeros((len(rows), int(lengths.max())), dtype=torch.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row, dtype=torch.int64)
    return ids.to(device), lengths.to(device)
