"""How a model would change to learn each piece: gradients by piece, sketched to a fixed width; needs PyTorch.

Conventions
-----------
The gradient of a piece is that of its loss in nats, summed over its tokens, windows after the first included, so that
gradients add: a piece cut in two has the sum, but for the context lost at the cut. A sketch keeps inner products in
expectation: each parameter is added to one of ``width`` sums with a random sign. A model that has no more parameters
than that is not sketched.

Source: M. Charikar, K. Chen, M. Farach-Colton, *Finding frequent items in data streams*, 2002 (the count sketch).
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Sketch", "piece_gradients"]


class Sketch:
    """A random map from a model's parameters to ``width`` numbers; the same for the same seed and shapes."""

    def __init__(self, model: nn.Module, *, width: int, seed: int = 0) -> None:
        """Draw the map for a model's parameters."""
        sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
        self.exact = sum(sizes.values()) <= width
        self.width = sum(sizes.values()) if self.exact else width
        rng, start = np.random.default_rng(seed), 0
        self._places: dict[str, tuple[Tensor, Tensor]] = {}
        for name, size in sizes.items():
            place = np.arange(start, start + size) if self.exact else rng.integers(0, width, size)
            sign = np.ones(size, np.float32) if self.exact else rng.choice(np.array([-1, 1], np.float32), size)
            self._places[name] = torch.from_numpy(place), torch.from_numpy(sign)
            start += size

    def __call__(self, gradients: dict[str, Tensor]) -> Tensor:
        """Sketch gradients, each ``(rows, *shape)``: ``(rows, width)``."""
        rows = len(next(iter(gradients.values())))
        total = torch.zeros(rows, self.width)
        for name, gradient in gradients.items():
            place, sign = self._places[name]
            total.index_add_(1, place, gradient.reshape(rows, -1).cpu() * sign)
        return total


def piece_gradients(
    model: nn.Module,
    pieces: Sequence[Sequence[Tensor]],
    loss: Callable[[nn.Module, Tensor], Tensor],
    sketch: Sketch,
    *,
    at_once: int = 16,
) -> NDArray[np.float32]:
    """Return the gradient of each piece's loss: (n_pieces, sketch.width).

    A piece is rows of tokens; ``loss(model, rows)`` says what each row costs, ``(rows,)``. ``at_once``: how many rows'
    gradients are held in memory together.
    """
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}

    def row_loss(weights: dict[str, Tensor], row: Tensor) -> Tensor:
        return torch.func.functional_call(
            _Costing(model, loss), {f"model.{k}": v for k, v in weights.items()}, (row[None],)
        )[0]

    by_row = torch.func.vmap(torch.func.grad(row_loss), in_dims=(None, 0))
    rows = [(number, row) for number, piece in enumerate(pieces) for row in piece]
    rows.sort(key=lambda item: len(item[1]))  # rows of one length go together, without padding
    total = torch.zeros(len(pieces), sketch.width)
    start = 0
    while start < len(rows):
        length = len(rows[start][1])
        group = [item for item in rows[start : start + at_once] if len(item[1]) == length]
        table = torch.stack([row for _, row in group])
        total.index_add_(0, torch.tensor([number for number, _ in group]), sketch(by_row(parameters, table)))
        start += len(group)
    return total.numpy()


class _Costing(nn.Module):
    """A model whose output is what rows cost it."""

    def __init__(self, model: nn.Module, loss: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.model, self._loss = model, loss

    def forward(self, rows: Tensor) -> Tensor:
        return self._loss(self.model, rows)
