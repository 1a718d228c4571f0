"""Training: windows of pieces in batches, AdamW with one warm cycle, checkpoints on the way; needs PyTorch.

Conventions
-----------
A piece longer than the context is cut into windows that begin at a bar line and repeat the piece's first four tokens.
An epoch sees every window once. The same pieces, settings and seed give the same weights on the same machine, also
where the training was stopped and went on.

Source: I. Loshchilov and F. Hutter, Decoupled weight decay regularization, 2019; L. Smith, Super-convergence, 2018.
"""

import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from linernotes.errors import FormatError, ParameterError
from linernotes.learn.tokens import BAR, PADDING
from linernotes.learn.transformer import SHIPPING, Transformer, TransformerConfig, token_losses

__all__ = [
    "Checkpoint",
    "TrainingSettings",
    "bits_per_token",
    "padded",
    "read_weights",
    "train",
    "windows",
    "write_weights",
]

_PREFIX = 4
_KEPT_EVERY = 50  # steps, where a training is kept while it goes on


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How a model is trained. ``n_checkpoints``: how many states are kept, at equal steps, the last included.

    ``precision``: ``float32``, or ``bfloat16``, twice as fast where the processor knows it.
    """

    n_epochs: int = 8
    batch_tokens: int = 8192
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    n_checkpoints: int = 4
    seed: int = 0
    precision: str = "float32"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights at one step, and the learning rate there."""

    step: int
    learning_rate: float
    weights: dict[str, Tensor]


def windows(piece: Sequence[int], context: int) -> list[list[int]]:
    """Cut a piece into rows of at most ``context`` + 1 tokens; one that fits stays whole."""
    rows, start, piece = [], 0, list(piece)
    while start < len(piece):
        head = piece[:_PREFIX] if start else []
        stop = min(len(piece), start + context + 1 - len(head))
        if stop < len(piece):
            lines = [place for place in range(start + 1, stop) if piece[place] == BAR]
            stop = lines[-1] if lines and lines[-1] > start + _PREFIX else stop
        rows.append([*head, *piece[start:stop]])
        start = stop
    return rows


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Put rows into one table, ``(rows, longest)``, with padding at the ends."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[PADDING] * (longest - len(row))] for row in rows], dtype=torch.long)


def _batches(rows: Sequence[Sequence[int]], batch_tokens: int, rng: np.random.Generator) -> list[Tensor]:
    """Batch rows of like length, in random order."""
    order = sorted(rng.permutation(len(rows)).tolist(), key=lambda row: len(rows[row]))
    batches: list[list[int]] = [[]]
    for row in order:
        if batches[-1] and (len(batches[-1]) + 1) * len(rows[row]) > batch_tokens:
            batches.append([])
        batches[-1].append(row)
    return [padded([rows[row] for row in batches[place]]) for place in rng.permutation(len(batches))]


@dataclass
class _Run:
    """A training that goes on: the model, how it is moved, and the checkpoints so far."""

    model: Transformer
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    checkpoints: list[Checkpoint] = field(default_factory=list)

    def keep(self, path: Path, step: int, told: str) -> None:
        """Write all that the next step depends on; ``told`` names the training."""
        states = {name: getattr(self, name).state_dict() for name in ("model", "optimizer", "schedule")}
        kept = [(each.step, each.learning_rate, each.weights) for each in self.checkpoints]
        fresh = path.with_name(f"{path.name}.new")
        torch.save(states | {"step": step, "told": told, "checkpoints": kept, "dice": torch.get_rng_state()}, fresh)
        fresh.replace(path)

    def take_up(self, path: Path, told: str) -> int:
        """Go back to what was kept of this training; returns the step, 0 where nothing was."""
        if not path.exists():
            return 0
        kept = torch.load(path, weights_only=True)  # nothing in it is run
        if kept["told"] != told:
            return 0
        for name in ("model", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(kept[name])
        self.checkpoints = [Checkpoint(*each) for each in kept["checkpoints"]]
        torch.set_rng_state(kept["dice"])
        return int(kept["step"])


def train(
    pieces: Sequence[Sequence[int]],
    n_tokens: int,
    *,
    config: TransformerConfig = SHIPPING,
    settings: TrainingSettings = TrainingSettings(),
    device: str = "cpu",
    progress: Callable[[int, int, float], None] | None = None,
    unfinished: Path | None = None,
) -> tuple[Transformer, list[Checkpoint]]:
    """Train a model from nothing on pieces of tokens; ``progress`` hears step, steps and loss in bits per token.

    ``unfinished`` is a file in which the training is kept while it goes on, and from which it goes on if it was
    stopped; what is kept there of another training is not used, and written over. Raises ParameterError if there is
    nothing to learn from.
    """
    rows = [row for piece in pieces for row in windows(piece, config.context) if len(row) > 1]
    if not rows:
        raise ParameterError("a training set without a piece: nothing can be learned", code="training_set")
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    model = Transformer(n_tokens, config).to(device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, betas=(0.9, 0.98)
    )
    epochs = [_batches(rows, settings.batch_tokens, rng) for _ in range(settings.n_epochs)]
    n_steps = sum(map(len, epochs))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=n_steps + 1, pct_start=0.1
    )
    kept = {round(n_steps * (number + 1) / settings.n_checkpoints) for number in range(settings.n_checkpoints)}
    run = _Run(model, optimizer, schedule)
    told = _told(rows, n_tokens, config, settings) if unfinished else ""
    n_done = run.take_up(unfinished, told) if unfinished else 0
    model.train()
    for step, batch in enumerate(itertools.chain.from_iterable(epochs), 1):
        if step <= n_done:
            continue
        tokens = batch.to(device)
        targets = tokens[:, 1:]
        with torch.autocast(device, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            logits = model(tokens[:, :-1])
        loss = token_losses(logits.float(), targets).sum() / (targets != PADDING).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        rate = float(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
        if step in kept:
            weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
            run.checkpoints.append(Checkpoint(step, rate, weights))
        if unfinished and step % _KEPT_EVERY == 0:
            run.keep(unfinished, step, told)
        if progress is not None:
            progress(step, n_steps, float(loss.detach()) / np.log(2))
    if unfinished:
        unfinished.unlink(missing_ok=True)
    return model.eval(), run.checkpoints


def _told(*all_it_depends_on: Any) -> str:
    return hashlib.sha256(json.dumps(all_it_depends_on, default=asdict).encode()).hexdigest()


def bits_per_token(model: Transformer, pieces: Sequence[Sequence[int]], *, device: str = "cpu") -> float:
    """Return what each token of pieces costs the model, in bits; the prefix is given, not counted."""
    bits = count = 0.0
    with torch.no_grad():
        for piece in pieces:
            for row in windows(piece, model.config.context):
                tokens = padded([row]).to(device)
                costs = token_losses(model(tokens[:, :-1]), tokens[:, 1:])[:, _PREFIX - 1 :]
                bits += float(costs.sum()) / np.log(2)
                count += costs.shape[1]
    return bits / max(1.0, count)


def write_weights(model: Transformer) -> bytes:
    """Write a model's size and weights as an ``npz``, the same bytes for the same weights."""
    arrays: dict[str, Any] = {name: value.cpu().numpy() for name, value in model.state_dict().items()}
    config = np.array([f"{name}={value}" for name, value in asdict(model.config).items()])
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, config=config, n_tokens=np.array(model.n_tokens), **arrays)
    return file.getvalue()


def read_weights(data: bytes, *, where: str) -> Transformer:
    """Read a model that :func:`write_weights` wrote; FormatError if ``where`` is none. Nothing in it is run."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            told = dict(str(text).split("=") for text in file["config"])
            width, n_layers, n_heads, context = (int(told[n]) for n in ("width", "n_layers", "n_heads", "context"))
            config = TransformerConfig(width, n_layers, n_heads, context, float(told["dropout"]))
            model = Transformer(int(file["n_tokens"]), config)
            model.load_state_dict({name: torch.from_numpy(file[name]) for name in model.state_dict()})
    except (ValueError, KeyError, OSError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise FormatError(f"{where}: not the weights of a model: {error}", code="weights") from None
    return model.eval()
