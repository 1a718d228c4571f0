"""How a model would change to learn each piece: gradients by piece, sketched to a fixed width; needs PyTorch.

A model trained by Adam moves each parameter by its gradient over that gradient's root mean square. So that inner
products are what a step would do, each parameter is divided by the root of its root mean square over the works:
Adam's metric.

Conventions
-----------
The gradient of a piece is that of its loss in nats, summed over its tokens, windows after the first included, so that
gradients add: a piece cut in two has the sum, but for the context lost at the cut. A sketch keeps inner products in
expectation: each parameter is added to one of ``width`` sums with a random sign. A model that has no more parameters
than that is not sketched.

Source: D. Kingma and J. Ba, *Adam*, 2015. M. Charikar, K. Chen, M. Farach-Colton, *Finding frequent items in data
streams*, 2002 (the count sketch).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Sketch", "adam_metric", "piece_gradients"]

Loss = Callable[[nn.Module, Tensor], Tensor]

_FLOOR = 0.1  # of the mean root mean square: parameters that hardly learn are not blown up


class Sketch:
    """A random map from a model's parameters to ``width`` numbers; the same for the same seed and shapes.

    ``metric`` has a factor for every parameter, as :func:`adam_metric` gives; without it all count alike.
    """

    def __init__(
        self, model: nn.Module, *, width: int, seed: int = 0, metric: Mapping[str, Tensor] | None = None
    ) -> None:
        """Draw the map for a model's parameters."""
        sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
        self.exact = sum(sizes.values()) <= width
        self.width = sum(sizes.values()) if self.exact else width
        rng, start = np.random.default_rng(seed), 0
        self._places: dict[str, tuple[Tensor, Tensor]] = {}
        for name, size in sizes.items():
            place = np.arange(start, start + size) if self.exact else rng.integers(0, width, size)
            sign = np.ones(size, np.float32) if self.exact else rng.choice(np.array([-1, 1], np.float32), size)
            factor = torch.ones(size) if metric is None else metric[name].reshape(-1)
            self._places[name] = torch.from_numpy(place), torch.from_numpy(sign) * factor
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
    loss: Loss,
    sketch: Sketch,
    *,
    at_once: int = 16,
) -> NDArray[np.float32]:
    """Return the gradient of each piece's loss: (n_pieces, sketch.width).

    A piece is rows of tokens; ``loss(model, rows)`` says what each row costs, ``(rows,)``. ``at_once``: how many rows'
    gradients are held in memory together.
    """
    total = torch.zeros(len(pieces), sketch.width)
    for numbers, gradients in _by_row(model, pieces, loss, at_once):
        total.index_add_(0, numbers, sketch(gradients))
    return total.numpy()


def adam_metric(
    model: nn.Module, pieces: Sequence[Sequence[Tensor]], loss: Loss, *, at_once: int = 16
) -> dict[str, Tensor]:
    """Return for each parameter one over the root of its gradient's root mean square over the rows of pieces."""
    squares = {name: torch.zeros(parameter.shape) for name, parameter in model.named_parameters()}
    n_rows = 0
    for numbers, gradients in _by_row(model, pieces, loss, at_once):
        n_rows += len(numbers)
        for name, gradient in gradients.items():
            squares[name] += gradient.square().sum(0).cpu()
    sizes = {name: (square / max(1, n_rows)).sqrt() for name, square in squares.items()}
    mean = sum(float(size.sum()) for size in sizes.values()) / max(1, sum(size.numel() for size in sizes.values()))
    return {name: (size.square() + (_FLOOR * mean) ** 2 + 1e-30) ** -0.25 for name, size in sizes.items()}


def _by_row(
    model: nn.Module, pieces: Sequence[Sequence[Tensor]], loss: Loss, at_once: int
) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """Yield the numbers of pieces and the gradients of their rows, some rows at a time."""
    costing = _Costing(model, loss)
    parameters = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}

    def row_loss(weights: dict[str, Tensor], row: Tensor) -> Tensor:
        return torch.func.functional_call(costing, weights, (row[None],))[0]

    gradients_of = torch.func.vmap(torch.func.grad(row_loss), in_dims=(None, 0))
    rows = [(number, row) for number, piece in enumerate(pieces) for row in piece]
    rows.sort(key=lambda item: len(item[1]))  # rows of one length go together, without padding
    start = 0
    while start < len(rows):
        length = len(rows[start][1])
        group = [item for item in rows[start : start + at_once] if len(item[1]) == length]
        start += len(group)
        found = gradients_of(parameters, torch.stack([row for _, row in group]))
        numbers = torch.tensor([number for number, _ in group])
        yield numbers, {name.removeprefix("model."): gradient for name, gradient in found.items()}


class _Costing(nn.Module):
    """A model whose output is what rows cost it."""

    def __init__(self, model: nn.Module, loss: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.model, self._loss = model, loss

    def forward(self, rows: Tensor) -> Tensor:
        return self._loss(self.model, rows)
