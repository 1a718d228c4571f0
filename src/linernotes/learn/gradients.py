"""How a model would change to learn each piece: gradients by piece, sketched to a fixed width; needs PyTorch.

A model trained by Adam moves each parameter by its gradient over that gradient's root mean square. So that inner
products are what a step would do, each parameter is divided by the root of its root mean square over works: Adam's
metric.

Conventions
-----------
A piece is rows of tokens, as :func:`linernotes.learn.training.windows` cuts it. Its gradient is that of its loss in
nats, summed over its tokens, so that gradients add: a piece cut in two has the sum, but for the context lost at the
cut. A sketch keeps inner products in expectation: each parameter is added to one of ``width`` sums with a random sign.
A model that has no more parameters than that is not sketched.

Source: D. Kingma and J. Ba, *Adam*, 2015. M. Charikar, K. Chen, M. Farach-Colton, *Finding frequent items in data
streams*, 2002 (the count sketch).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linernotes.learn.adapter import ModelAdapter
from linernotes.learn.progress import Progress

__all__ = ["Rows", "Sketch", "adam_metric", "piece_gradients"]

Rows = Sequence[Sequence[int]]

_FLOOR = 0.1  # of the mean root mean square: parameters that hardly learn are not blown up


class Sketch:
    """A random map from parameters to ``width`` numbers; the same for the same seed and parameters.

    ``metric`` has a factor for every parameter, as :func:`adam_metric` gives; without it all count alike.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        *,
        width: int,
        seed: int = 0,
        metric: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Draw the map for a model's parameters."""
        sizes = {name: parameter.numel() for name, parameter in parameters.items()}
        self.exact = sum(sizes.values()) <= width
        self.width = sum(sizes.values()) if self.exact else width
        rng, start = np.random.default_rng(seed), 0
        self._places: dict[str, tuple[Tensor, Tensor]] = {}
        for name, size in sizes.items():
            place = np.arange(start, start + size) if self.exact else rng.integers(0, width, size)
            sign = np.ones(size, np.float32) if self.exact else rng.choice(np.array([-1, 1], np.float32), size)
            factor = torch.ones(size) if metric is None else metric[name].reshape(-1).float()
            self._places[name] = torch.from_numpy(place), torch.from_numpy(sign) * factor
            start += size

    def __call__(self, gradients: Mapping[str, Tensor]) -> Tensor:
        """Sketch one gradient: (width,)."""
        total = torch.zeros(self.width)
        for name, gradient in gradients.items():
            place, factor = self._places[name]
            total.index_add_(0, place, gradient.reshape(-1).cpu().float() * factor)
        return total


def piece_gradients(
    adapter: ModelAdapter,
    pieces: Sequence[Rows],
    sketch: Sketch,
    *,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Return the gradient of each piece's loss: (n_pieces, sketch.width); ``progress`` hears pieces done, and all."""
    table = np.zeros((len(pieces), sketch.width), np.float32)
    for number, rows in enumerate(pieces):
        table[number] = sketch(_gradient(adapter, rows)).numpy()
        if progress is not None:
            progress(number + 1, len(pieces))
    return table


def adam_metric(adapter: ModelAdapter, pieces: Sequence[Rows], *, n_pieces: int = 256) -> dict[str, Tensor]:
    """Return for each parameter one over the root of its gradient's root mean square, over pieces evenly chosen."""
    chosen = [pieces[i] for i in np.unique(np.linspace(0, len(pieces) - 1, min(n_pieces, len(pieces))).astype(int))]
    squares = {name: torch.zeros(parameter.shape) for name, parameter in adapter.parameters().items()}
    for rows in chosen:
        for name, gradient in _gradient(adapter, rows).items():
            squares[name] += gradient.cpu().float().square() / len(chosen)
    sizes = {name: square.sqrt() for name, square in squares.items()}
    mean = sum(float(size.sum()) for size in sizes.values()) / sum(size.numel() for size in sizes.values())
    return {name: (size.square() + (_FLOOR * mean) ** 2 + 1e-30) ** -0.25 for name, size in sizes.items()}


def _gradient(adapter: ModelAdapter, rows: Rows) -> dict[str, Tensor]:
    parameters = {name: value for name, value in adapter.parameters().items() if value.requires_grad}
    if not rows:
        return {name: torch.zeros_like(value) for name, value in parameters.items()}
    found = torch.autograd.grad(adapter.losses(rows).sum(), list(parameters.values()), allow_unused=True)
    return {
        name: torch.zeros_like(value) if gradient is None else gradient
        for (name, value), gradient in zip(parameters.items(), found, strict=True)
    }
