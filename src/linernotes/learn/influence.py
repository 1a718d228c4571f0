"""Which works an output was learnt from: gradients of several models at several steps, and what a counting model lost.

A work influenced an output as far as learning the work made the output likelier. Each checkpoint of each training run
is asked for that twice: by the inner product of their gradients (TracIn), and by that product through the inverse of
a damped Fisher matrix (eFIM), which takes off what all works teach alike. Runs differ by their seed, and what only
one of them says is chance: their sum is the influence, their disagreement its error bar. A third channel is exact
about a model that only counts (:mod:`linernotes.learn.counting`). How much each channel counts for is set once, on
retrainings that judge nothing else.

Conventions
-----------
Influence is ``(n_works,)``, positive where a work made an output likelier. Each channel is divided by its root mean
square over the works, and not centred: nothing learnt stays nothing. Shares leave out what is below 0.

Source: Pruthi et al., *Estimating training data influence by tracing gradient descent*, 2020. Kwon et al.,
*DataInf*, 2024, and Grosse et al., 2023, for the damped Fisher matrix; in the dual, n_works × n_works, it is exact.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import FormatError, ParameterError

__all__ = ["BLEND", "Blend", "Influence", "Witness", "catalogue_intervals_ppm", "normalised", "whole_numbers"]

Features = NDArray[np.float32]
Scores = NDArray[np.float64]

_FINEST = 1 << 40


@dataclass(frozen=True, slots=True)
class Blend:
    """How much each channel counts for; ``damping`` of the Fisher matrix, in its mean eigenvalues over the works."""

    tracin: float = 0.6
    fisher: float = 1.0
    counting: float = 0.6
    damping: float = 1.0


BLEND = Blend()
"""Set on the first half of the retrainings of ``evaluations/attribution`` and on half of its held-out queries."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What one checkpoint of one run knows of the works: gradients, and those through the damped Fisher matrix."""

    run: int
    gradients: Features
    solved: Features

    @classmethod
    def of(cls, gradients: Features, *, run: int, damping: float = BLEND.damping) -> Self:
        """Solve for the works' gradients, ``(n_works, width)``.

        Raises ParameterError where they are not finite.
        """
        exact = gradients.astype(np.float64)
        if not np.isfinite(exact).all():
            raise ParameterError(f"run {run}: gradients that are not finite; was the model trained to the end?")
        kernel = exact @ exact.T
        ridge = damping * max(float(np.trace(kernel)), 1e-30) / max(1, len(exact))
        solved = np.linalg.solve(kernel + ridge * np.eye(len(exact)), ridge * exact)
        return cls(run, gradients.astype(np.float32), solved.astype(np.float32))


class Influence:
    """The works' side of every inner product, made once for a release; asked of each output in milliseconds."""

    def __init__(self, work_ids: Sequence[str], witnesses: Sequence[Witness], *, blend: Blend = BLEND) -> None:
        """Take what each checkpoint of each run knows; ParameterError if there is none, or works and rows differ."""
        if not witnesses or any(len(witness.gradients) != len(work_ids) for witness in witnesses):
            raise ParameterError(
                f"influence on {len(work_ids)} works needs their gradients, of one checkpoint at least"
            )
        self.work_ids, self.witnesses, self.blend = list(work_ids), list(witnesses), blend

    def scores(self, queries: Sequence[Features], counting: Scores | None = None) -> Scores:
        """Return each run's say on each work: (n_runs, n_works); their mean is the influence.

        ``queries`` has the output's gradient at each witness, (width,); ``counting`` the third channel, (n_works,).
        """
        runs = sorted({witness.run for witness in self.witnesses})
        told = np.zeros((len(runs), len(self.work_ids)))
        for witness, query in zip(self.witnesses, queries, strict=True):
            row = told[runs.index(witness.run)]
            row += self.blend.tracin * normalised(witness.gradients @ query)
            row += self.blend.fisher * normalised(witness.solved @ query)
        told *= len(runs) / len(self.witnesses)
        if counting is not None:
            told += self.blend.counting * normalised(counting)
        return told

    def save(self, path: Path) -> None:
        """Write it into one file of arrays, gradients to half precision."""
        arrays = {}
        for number, witness in enumerate(self.witnesses):
            for name, table in (("gradients", witness.gradients), ("solved", witness.solved)):
                scale = np.maximum(np.abs(table).max(initial=0), np.float32(1e-30))
                arrays[f"{number}/{name}"] = (table / scale).astype(np.float16)
        with path.open("wb") as file:
            np.savez(file, works=np.array(self.work_ids), runs=np.array([w.run for w in self.witnesses]), **arrays)

    @classmethod
    def load(cls, path: Path, *, blend: Blend = BLEND) -> Self:
        """Read what :meth:`save` wrote; FormatError where it is something else."""
        try:
            with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
                witnesses = [
                    Witness(int(run), *(file[f"{n}/{name}"].astype(np.float32) for name in ("gradients", "solved")))
                    for n, run in enumerate(file["runs"])
                ]
                return cls([str(work) for work in file["works"]], witnesses, blend=blend)
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise FormatError(f"{path}: not the gradients of a release: {error}", code="influence") from None


def normalised(scores: NDArray[np.floating]) -> Scores:
    """Divide by the root mean square over the last axis; what is nothing stays nothing."""
    exact = scores.astype(np.float64)
    size = np.sqrt((exact**2).mean(axis=-1, keepdims=True)) if exact.size else np.ones(1)
    return np.asarray(exact / np.where(size > 0, size, 1.0), np.float64)


def whole_numbers(scores: Scores) -> list[int]:
    """Return influence as whole numbers of one scale, the largest 2⁴⁰; what is below 0 is 0."""
    positive = np.maximum(scores, 0.0)
    largest = float(positive.max(initial=0.0))
    return [round(float(value) / largest * _FINEST) if largest > 0 else 0 for value in positive]


def catalogue_intervals_ppm(
    runs: Scores, catalogues: Sequence[str], *, level: float = 0.9, n_draws: int = 400, seed: int = 0
) -> Mapping[str, tuple[int, int]]:
    """Return between which ppm each catalogue's share lies when the runs are drawn anew, with replacement.

    ``runs`` as :meth:`Influence.scores` gives them, ``catalogues`` one name for each work.
    """
    names, place = np.unique(np.array(catalogues, dtype=str), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = np.zeros((n_draws, len(names)))
    for number in range(n_draws):
        mean = np.maximum(runs[rng.integers(0, len(runs), len(runs))].mean(axis=0), 0.0)
        total = mean.sum()
        weights = mean / total if total > 0 else np.full(len(mean), 1.0 / max(1, len(mean)))
        drawn[number] = np.bincount(place, weights=weights, minlength=len(names))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {str(name): (int(np.floor(1e6 * low[n])), int(np.ceil(1e6 * high[n]))) for n, name in enumerate(names)}
