"""A small decoder-only transformer over tokens; needs PyTorch.

Conventions
-----------
Tokens are ``(batch, time)`` integers, 0 where a piece has ended; logits are ``(batch, time, vocabulary)``. Places are
told by rotation, normalisation goes before each layer, input and output share one table.

Source: A. Vaswani et al., Attention is all you need, 2017; J. Su et al., RoFormer, 2021 (rotary places);
B. Zhang and R. Sennrich, Root mean square layer normalization, 2019.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from linernotes.learn.tokens import PADDING

__all__ = [
    "EVALUATION",
    "SHIPPING",
    "TINY",
    "Cache",
    "Transformer",
    "TransformerConfig",
    "sequence_losses",
    "token_losses",
]

Cache = list[tuple[Tensor, Tensor]]
"""For each layer, the keys and values of what was read so far, ``(batch, heads, time, width)``."""


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """How large a model is. ``context``: the most tokens it reads at once."""

    width: int = 160
    n_layers: int = 4
    n_heads: int = 5
    context: int = 512
    dropout: float = 0.1


SHIPPING = TransformerConfig()
"""1.3 million parameters: what ``model train`` trains."""
EVALUATION = TransformerConfig(width=96, n_layers=4, n_heads=4, context=256, dropout=0.0)
"""Under half a million: what is retrained many times to judge attribution."""
TINY = TransformerConfig(width=32, n_layers=2, n_heads=2, context=256, dropout=0.0)
"""For tests."""


class _Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


class _Layer(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.n_heads, self.dropout = config.n_heads, config.dropout
        self.before, self.after = _Norm(config.width), _Norm(config.width)
        self.attend = nn.Linear(config.width, 3 * config.width, bias=False)
        self.mix = nn.Linear(config.width, config.width, bias=False)
        self.widen = nn.Linear(config.width, 4 * config.width, bias=False)
        self.narrow = nn.Linear(4 * config.width, config.width, bias=False)

    def forward(self, x: Tensor, angles: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor, Tensor]:
        batch, time, width = x.shape
        heads = self.attend(self.before(x)).view(batch, time, 3, self.n_heads, width // self.n_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        query, key = _rotated(query, angles), _rotated(key, angles)
        if past is not None:
            key, value = torch.cat((past[0], key), 2), torch.cat((past[1], value), 2)
        weights = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        seen = torch.ones(time, key.shape[2], dtype=torch.bool, device=x.device).tril(key.shape[2] - time)
        weights = weights.masked_fill(~seen, -torch.inf).softmax(-1)
        mixed = (weights @ value).transpose(1, 2).reshape(batch, time, width)
        x = x + functional.dropout(self.mix(mixed), self.dropout, self.training)
        hidden = self.narrow(functional.gelu(self.widen(self.after(x))))
        return x + functional.dropout(hidden, self.dropout, self.training), key, value


def _rotated(x: Tensor, angles: Tensor) -> Tensor:
    """Turn pairs of numbers by an angle that grows with their place, so that products tell distances."""
    first, second = x.chunk(2, -1)
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), -1)


class Transformer(nn.Module):
    """Says what comes next; ``n_tokens`` is the size of the vocabulary."""

    def __init__(self, n_tokens: int, config: TransformerConfig = SHIPPING) -> None:
        """Make a model of random weights, drawn from torch's generator."""
        super().__init__()
        self.n_tokens, self.config = n_tokens, config
        self.embed = nn.Embedding(n_tokens, config.width)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.n_layers))
        self.norm = _Norm(config.width)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    @property
    def n_parameters(self) -> int:
        """Count the numbers it has learned."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits of the token after each."""
        return self.read(tokens, None)[0]

    def read(self, tokens: Tensor, past: Cache | None) -> tuple[Tensor, Cache]:
        """Read on after what is in ``past``; return logits, and past and tokens together."""
        start = past[0][0].shape[2] if past else 0
        width = self.config.width // self.config.n_heads // 2
        rates = 10_000.0 ** (-torch.arange(width, device=tokens.device) / width)
        angles = torch.arange(start, start + tokens.shape[1], device=tokens.device)[:, None] * rates
        x = functional.dropout(self.embed(tokens), self.config.dropout, self.training)
        cache: Cache = []
        for number, layer in enumerate(self.layers):
            x, key, value = layer(x, angles, past[number] if past else None)
            cache.append((key, value))
        return self.norm(x) @ self.embed.weight.T, cache


def sequence_losses(model: nn.Module, tokens: Tensor) -> Tensor:
    """Return what each row of ``tokens`` costs in nats, ``(batch,)``, summed over its tokens after the first."""
    return token_losses(model(tokens[:, :-1]), tokens[:, 1:]).sum(1)


def token_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cost of each target, ``(batch, time)``, 0 where there is none."""
    costs = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    return costs * (targets != PADDING)
