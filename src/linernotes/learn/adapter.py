"""The hook for other models: what attribution, checkpoints and credits need to know of any of them; needs PyTorch.

Conventions
-----------
A model of audio tokens, of one codebook or of several that are flattened, is an adapter like the one for scores:
whoever has a larger model writes these four methods, and everything in this package that takes an adapter takes it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from linernotes.learn.training import Checkpoint, padded
from linernotes.learn.transformer import token_losses

__all__ = ["ModelAdapter", "SequenceAdapter"]


@runtime_checkable
class ModelAdapter(Protocol):
    """A model as attribution sees it."""

    def losses(self, pieces: Sequence[Sequence[int]]) -> Tensor:
        """Return what each piece costs, ``(pieces,)``, in nats, differentiable by the parameters."""

    def parameters(self) -> Mapping[str, Tensor]:
        """Return the parameters that learn, by name."""

    def checkpoints(self) -> Iterator[Checkpoint]:
        """Yield the states of the training in order."""

    def load(self, checkpoint: Checkpoint) -> None:
        """Take on the weights of a checkpoint."""


class SequenceAdapter:
    """Any module from ``(batch, time)`` tokens to ``(batch, time, vocabulary)`` logits, with its checkpoints."""

    def __init__(self, model: nn.Module, checkpoints: Sequence[Checkpoint]) -> None:
        """Wrap a model; 0 is padding in its tokens."""
        self.model, self._checkpoints = model, tuple(checkpoints)

    def losses(self, pieces: Sequence[Sequence[int]]) -> Tensor:
        """Return what each piece costs, in nats."""
        tokens = padded(pieces)
        return token_losses(self.model(tokens[:, :-1]), tokens[:, 1:]).sum(1)

    def parameters(self) -> Mapping[str, Tensor]:
        """Return the parameters that learn, by name."""
        return dict(self.model.named_parameters())

    def checkpoints(self) -> Iterator[Checkpoint]:
        """Yield the states of the training in order."""
        return iter(self._checkpoints)

    def load(self, checkpoint: Checkpoint) -> None:
        """Take on the weights of a checkpoint."""
        with torch.no_grad():
            self.model.load_state_dict(checkpoint.weights)
