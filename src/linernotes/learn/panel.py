"""The checkpoints of a release that are asked where an output came from: prepared once, kept on disk; needs PyTorch.

Conventions
-----------
A panel member is one checkpoint of one training run, with its metric, its works' gradients and their dual. Early
checkpoints are asked: a model that knows works by heart learns nothing more from them, and its gradients say little.
Tokens and pieces are as :mod:`linernotes.learn.training` has them; the width of the sketch is the same for all.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linernotes.errors import FormatError, ParameterError
from linernotes.learn.adapter import ModelAdapter
from linernotes.learn.gradients import Rows, Sketch, adam_metric, piece_gradients
from linernotes.learn.influence import BLEND, Blend, Influence, Scores, Witness
from linernotes.learn.progress import Progress, parts
from linernotes.learn.training import Checkpoint

__all__ = ["WIDTH", "Member", "Panel"]

WIDTH = 4096


@dataclass(frozen=True, slots=True)
class Member:
    """One checkpoint of one run, and the metric its gradients are measured in."""

    run: int
    checkpoint: Checkpoint
    metric: dict[str, Tensor]


class Panel:
    """The members and what they know of the works; ``adapter`` takes on each member's weights in turn."""

    def __init__(self, adapter: ModelAdapter, members: Sequence[Member], influence: Influence, *, width: int) -> None:
        """Join what :meth:`prepare` made."""
        self._adapter, self.members, self.influence = adapter, list(members), influence
        self._sketches = [Sketch(adapter.parameters(), width=width, metric=member.metric) for member in members]

    @classmethod
    def prepare(
        cls,
        adapter: ModelAdapter,
        checkpoints: Sequence[tuple[int, Checkpoint]],
        works: Mapping[str, Rows],
        *,
        width: int = WIDTH,
        blend: Blend = BLEND,
        progress: Progress | None = None,
    ) -> Self:
        """Ask each (run, checkpoint) about every work; about the cost of two epochs each.

        ``progress`` hears works, counted once for each checkpoint. Raises ParameterError where there is nothing to ask,
        or nobody.
        """
        if not works or not checkpoints:
            raise ParameterError("attribution needs one work and one checkpoint at least")
        members, witnesses = [], []
        each = parts(progress, [len(works)] * len(checkpoints))
        for (run, checkpoint), told in zip(checkpoints, each, strict=True):
            adapter.load(checkpoint)
            metric = adam_metric(adapter, list(works.values()))
            sketch = Sketch(adapter.parameters(), width=width, metric=metric)
            gradients = piece_gradients(adapter, list(works.values()), sketch, progress=told)
            members.append(Member(run, checkpoint, metric))
            witnesses.append(Witness.of(gradients, run=run, damping=blend.damping))
        return cls(adapter, members, Influence(list(works), witnesses, blend=blend), width=width)

    def scores(self, output: Rows, counting: Scores | None = None) -> Scores:
        """Return what each run says of each work: (n_runs, n_works), as :meth:`Influence.scores` does."""
        return self.influence.scores(self.gradients(output), counting)

    def gradients(self, output: Rows) -> list[NDArray[np.float32]]:
        """Return the output's gradient at each member: (width,) each."""
        found = []
        for member, sketch in zip(self.members, self._sketches, strict=True):
            self._adapter.load(member.checkpoint)
            found.append(piece_gradients(self._adapter, [output], sketch)[0])
        return found

    def save(self, folder: Path) -> None:
        """Write the members and what they know into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.influence.save(folder / "influence.npz")
        arrays: dict[str, Any] = {
            f"{number}/{kind}/{name}": value.numpy()
            for number, member in enumerate(self.members)
            for kind, table in (("weights", member.checkpoint.weights), ("metric", member.metric))
            for name, value in table.items()
        }
        steps = np.array([(m.run, m.checkpoint.step, m.checkpoint.learning_rate) for m in self.members])
        with (folder / "members.npz").open("wb") as file:
            np.savez(file, steps=steps, width=np.array(self._sketches[0].width), **arrays)

    @classmethod
    def load(cls, adapter: ModelAdapter, folder: Path, *, blend: Blend = BLEND) -> Self:
        """Read what :meth:`save` wrote; FormatError where it is something else."""
        try:
            with (folder / "members.npz").open("rb") as handle, np.load(handle, allow_pickle=False) as file:
                members = [
                    Member(
                        int(run),
                        Checkpoint(int(step), float(rate), _table(file, f"{number}/weights/")),
                        _table(file, f"{number}/metric/"),
                    )
                    for number, (run, step, rate) in enumerate(file["steps"])
                ]
                width = int(file["width"])
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise FormatError(f"{folder}: not prepared for attribution: {error}", code="influence") from None
        return cls(adapter, members, Influence.load(folder / "influence.npz", blend=blend), width=width)


def _table(file: "np.lib.npyio.NpzFile", prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): torch.from_numpy(file[name]) for name in file.files if name.startswith(prefix)}
