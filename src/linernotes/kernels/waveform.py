"""The outline of a sound: lowest and highest sample of equal stretches, for drawing.

Conventions
-----------
Columns are rows of an array of shape ``(n, 2)``: lowest, highest. Merging columns loses nothing but detail, so a stream of
unknown length is outlined in fixed memory: when there are twice as many columns as wanted, neighbours merge.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outline", "merge_columns"]


def merge_columns(columns: NDArray[np.float32], n_merged: int) -> NDArray[np.float32]:
    """Merge every ``n_merged`` neighbouring columns, the last ones as they are left.

    Check: ``merge_columns([[0, 1], [-1, 0], [0, 2]], 2)`` is ``[[-1, 1], [0, 2]]``.
    """
    starts = np.arange(0, len(columns), n_merged)
    lowest = np.minimum.reduceat(columns[:, 0], starts) if len(columns) else columns[:, 0]
    highest = np.maximum.reduceat(columns[:, 1], starts) if len(columns) else columns[:, 1]
    return np.stack([lowest, highest], axis=1)


class Outline:
    """Outlines a mono stream given in blocks of any size; at most ``2 * n_columns`` columns are held."""

    def __init__(self, *, n_columns: int = 2000, samples_per_column: int = 64) -> None:
        self.n_columns = n_columns
        self.samples_per_column = samples_per_column
        self._columns: list[NDArray[np.float32]] = []
        self._n_columns_held = 0
        self._rest = np.zeros(0, np.float32)

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next samples, shape (n,)."""
        samples = np.concatenate([self._rest, block])
        n_whole = len(samples) // self.samples_per_column
        split = n_whole * self.samples_per_column
        whole, self._rest = samples[:split].reshape(n_whole, -1), samples[split:]
        if n_whole:
            self._columns.append(np.stack([whole.min(axis=1), whole.max(axis=1)], axis=1))
            self._n_columns_held += n_whole
        while self._n_columns_held >= 2 * self.n_columns:
            self._halve()

    def columns(self) -> NDArray[np.float32]:
        """Return the outline so far, shape (n, 2), n at most ``2 * n_columns``."""
        rest = [np.array([[self._rest.min(), self._rest.max()]], np.float32)] if len(self._rest) else []
        return np.concatenate([*self._columns, *rest, np.zeros((0, 2), np.float32)])

    def _halve(self) -> None:
        columns = np.concatenate(self._columns)
        even = len(columns) // 2 * 2
        merged = merge_columns(columns[:even], 2)
        # An odd column waits beside its future neighbour: columns of unequal length would bend the time axis.
        self._columns = [merged]
        self._odd_to_rest(columns[even:])
        self._n_columns_held = len(merged)
        self.samples_per_column *= 2

    def _odd_to_rest(self, odd: NDArray[np.float32]) -> None:
        if len(odd):
            half = np.repeat(odd[0], self.samples_per_column // 2)
            self._rest = np.concatenate([half, self._rest])
