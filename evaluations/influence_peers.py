"""What others would say of where an output came from: chance, n-grams, embeddings, and dattri on the same checkpoints.

Conventions
-----------
Every function returns scores ``(n_queries, n_works)``, larger where a work mattered more. dattri 0.3.0 is looked for
and not required; of its methods, those that work on sequences are asked.
"""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from evaluations.retraining import EXCERPT, models
from linernotes.learn.counting import CountModel
from linernotes.learn.similarity import Overlap
from linernotes.learn.tokens import PADDING
from linernotes.learn.training import Checkpoint, padded
from linernotes.learn.transformer import Transformer, sequence_losses

__all__ = ["chance", "counting", "dattri_tracin", "dattri_trak", "embedding", "has_dattri", "overlap"]

Array = NDArray[np.float64]
Pieces = Sequence[Sequence[int]]

_PROJECTION, _REGULARIZATION = 512, 0.01  # without the second it is chance: more dimensions than works


def chance(works: Pieces, queries: Pieces) -> Array:
    """Return numbers drawn at random."""
    return np.random.default_rng(7).normal(size=(len(queries), len(works)))


def overlap(works: Pieces, queries: Pieces, *, size: int) -> Array:
    """Return the overlap of n-grams, rare ones counting for more."""
    known = Overlap([np.array(piece) for piece in works], size=size)
    return np.array([known.similarities(np.array(query)) for query in queries])


def counting(works: Pieces, queries: Pieces) -> Array:
    """Return what each work is worth to a model that only counts."""
    known = CountModel([np.array(piece) for piece in works])
    return np.array([known.scores(np.array(query)) for query in queries])


def embedding(works: Pieces, queries: Pieces, checkpoint: Checkpoint) -> Array:
    """Return the cosine of the mean hidden states of the trained model."""
    (model,) = models([checkpoint])
    sides = []
    for pieces in (works, queries):
        seen: list[Tensor] = []
        hook = model.norm.register_forward_hook(lambda _, __, output, seen=seen: seen.append(output))
        tokens = padded(pieces)
        with torch.no_grad():
            model(tokens)
        hook.remove()
        there = (tokens != PADDING).unsqueeze(-1)
        mean = (seen[0] * there).sum(1) / there.sum(1)
        sides.append(torch.nn.functional.normalize(mean, dim=1))
    return np.asarray((sides[1] @ sides[0].T).numpy(), np.float64)


def has_dattri() -> bool:
    """Tell whether dattri is installed."""
    return importlib.util.find_spec("dattri") is not None


def dattri_trak(works: Pieces, queries: Pieces, checkpoints: Sequence[Checkpoint]) -> Array:
    """Return dattri's TRAK, 512 projected dimensions, over all checkpoints."""
    from dattri.algorithm.trak import TRAKAttributor  # noqa: PLC0415 - optional

    task, cost = _task(checkpoints, is_margin=True)
    attributor = TRAKAttributor(
        task=task,
        correct_probability_func=lambda weights, rows: torch.exp(-cost(weights, rows)),
        device="cpu",
        projector_kwargs={"proj_dim": _PROJECTION, "device": "cpu"},
        regularization=_REGULARIZATION,
    )
    with torch.no_grad():
        attributor.cache(_loader(works))
        scores = attributor.attribute(_loader(queries))
    return np.asarray(scores.T.numpy(), np.float64)


def dattri_tracin(works: Pieces, queries: Pieces, checkpoints: Sequence[Checkpoint]) -> Array:
    """Return dattri's TracIn over all checkpoints, by their learning rates."""
    from dattri.algorithm.tracin import TracInAttributor  # noqa: PLC0415 - optional

    task, _ = _task(checkpoints, is_margin=False)
    rates = torch.tensor([checkpoint.learning_rate for checkpoint in checkpoints])
    attributor = TracInAttributor(task=task, weight_list=rates, normalized_grad=False, device="cpu")
    with torch.no_grad():
        scores = attributor.attribute(_loader(works), _loader(queries))
    return np.asarray(scores.T.numpy(), np.float64)


def _task(checkpoints: Sequence[Checkpoint], *, is_margin: bool) -> tuple[Any, Callable[..., Tensor]]:
    from dattri.task import AttributionTask  # noqa: PLC0415 - optional

    (model,) = models(checkpoints[:1])
    wrapped = _Costing(model)

    def cost(weights: dict[str, Tensor], rows: tuple[Tensor, ...]) -> Tensor:
        costs: Tensor = torch.func.functional_call(wrapped, weights, (rows[0][None],))
        return costs[0]

    def margin(weights: dict[str, Tensor], rows: tuple[Tensor, ...]) -> Tensor:
        likely = -cost(weights, rows)
        return likely - torch.log(1 - torch.exp(likely))

    states = [{f"model.{name}": value for name, value in checkpoint.weights.items()} for checkpoint in checkpoints]
    return AttributionTask(model=wrapped, loss_func=margin if is_margin else cost, checkpoints=states), cost


def _loader(pieces: Pieces) -> "DataLoader[tuple[Tensor, ...]]":
    rows = [[*piece, *[PADDING] * (EXCERPT - len(piece))] for piece in pieces]
    return DataLoader(TensorDataset(torch.tensor(rows)), batch_size=256, shuffle=False)


class _Costing(torch.nn.Module):
    """The model with its mean loss a token as output."""

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, rows: Tensor) -> Tensor:
        return sequence_losses(self.model, rows) / (rows[:, 1:] != PADDING).sum(1)
