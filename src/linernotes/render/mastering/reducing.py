"""What a limiter took away, told for a person."""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.true_peak import CELL
from linernotes.model import Reduction

__all__ = ["ReductionCurve"]

_STEP_S = 0.1
_ACTIVE_DB = 0.1


class ReductionCurve:
    """Collects reductions at the edges of cells; keeps the greatest of each tenth of a second."""

    def __init__(self, *, sample_rate_hz: int) -> None:
        self._cells_per_step = _STEP_S * sample_rate_hz / CELL
        self._tops: list[float] = []
        self._n, self._total, self._n_active = 0, 0.0, 0

    def add(self, reductions_db: NDArray[np.float32]) -> None:
        """Take the next ones."""
        if not len(reductions_db):
            return
        steps = ((self._n + np.arange(len(reductions_db))) / self._cells_per_step).astype(np.int64)
        starts = np.flatnonzero(np.diff(steps, prepend=-1))
        tops = np.maximum.reduceat(reductions_db, starts).astype(np.float64).round(3).tolist()
        if self._tops and steps[0] == len(self._tops) - 1:
            tops[0] = max(tops[0], self._tops.pop())
        self._tops += tops
        self._n += len(reductions_db)
        self._total += float(reductions_db.sum(dtype=np.float64))
        self._n_active += int(np.count_nonzero(reductions_db > _ACTIVE_DB))

    def told(self) -> Reduction:
        """Tell all of it."""
        curve = tuple(self._tops)
        n = max(1, self._n)
        return Reduction(_STEP_S, curve, max(curve, default=0.0), self._total / n, self._n_active / n)
