"""Adam for dense weights and for the rows of a table that a batch touches, and the rate over a training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

try:
    import torch
except ImportError as missing:
    raise ImportError(f"{missing.msg} - pip install 'article-qa[train]'") from missing

_BETAS = (0.9, 0.98)
_EPSILON = 1e-8
#: Share of a training in which the rate grows, and from which on it falls to 0, both in a straight line.
WARM, FALLING = 0.02, 0.55


def learning_rate(step: int, steps: int) -> float:
    """Factor of the rate at ``step`` of ``steps``, 0 to 1: up, level, and down to nothing."""
    at = (step + 1) / steps
    return min(1.0, at / WARM, max(0.0, (1 - step / steps) / (1 - FALLING)))


@dataclass(slots=True)
class Rows:
    """Adam (Kingma and Ba 2015) on the rows that have a gradient; the others, and their moments, stay as they are.

    Attributes:
        table: fp32 ``(n, dim)``, changed in place.
        scale: Factor of the rate for each row, fp32 ``(n,)``.
    """

    table: torch.Tensor
    scale: torch.Tensor
    first: torch.Tensor = field(init=False)
    second: torch.Tensor = field(init=False)
    seen: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.first = torch.zeros_like(self.table)
        self.second = torch.zeros_like(self.table)
        # Each row counts its own steps: a rare piece would otherwise start with moments corrected for thousands.
        self.seen = torch.zeros(len(self.table), device=self.table.device)

    @torch.no_grad()  # type: ignore[untyped-decorator]  # torch is read without its types
    def step(self, gradient: torch.Tensor, rate: float) -> None:
        """Change the rows of a sparse ``gradient``."""
        gradient = gradient.coalesce()
        rows, values = gradient.indices()[0], gradient.values()
        self.seen[rows] += 1
        seen = self.seen[rows][:, None]
        beta, gamma = _BETAS
        first = self.first[rows].mul_(beta).add_(values, alpha=1 - beta)
        second = self.second[rows].mul_(gamma).addcmul_(values, values, value=1 - gamma)
        self.first[rows], self.second[rows] = first, second
        change = (first / (1 - beta**seen)) / ((second / (1 - gamma**seen)).sqrt_().add_(_EPSILON))
        self.table.data[rows] -= rate * self.scale[rows][:, None] * change


@dataclass(slots=True)
class Adam:
    """One optimiser for both: ``layers`` by AdamW (Loshchilov and Hutter 2019), the rows by :class:`Rows`."""

    layers: torch.optim.AdamW
    rows: Rows
    layer_rate: float
    row_rate: float

    @classmethod
    def of(
        cls,
        layers: list[torch.nn.Parameter],
        table: torch.nn.Parameter,
        scale: torch.Tensor,
        rates: tuple[float, float],
    ) -> Adam:
        """``rates``: of the layers, of the rows."""
        dense = torch.optim.AdamW(layers, lr=rates[0], betas=_BETAS, eps=_EPSILON, weight_decay=0.01)
        return cls(dense, Rows(table, scale), *rates)

    def step(self, factor: float) -> None:
        """Change all weights by their gradients, which are gone afterwards."""
        for group in self.layers.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], 5.0)
            group["lr"] = self.layer_rate * factor
        self.layers.step()
        self.layers.zero_grad(set_to_none=True)
        if self.rows.table.grad is not None:
            self.rows.step(self.rows.table.grad, self.row_rate * factor)
            self.rows.table.grad = None

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        rows = self.rows
        return {"layers": self.layers.state_dict(), "rows": [rows.first, rows.second, rows.seen]}

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.layers.load_state_dict(state["layers"])
        for own, stored in zip((self.rows.first, self.rows.second, self.rows.seen), state["rows"], strict=True):
            own.copy_(stored)
