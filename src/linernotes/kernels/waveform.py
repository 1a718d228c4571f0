"""The outline of a sound: lowest and highest sample of equal stretches, for drawing.

Conventions
-----------
Columns are rows of an array of shape ``(n, 2)``: lowest, highest. Merging columns loses nothing but detail, so a stream
of unknown length is outlined in fixed memory: when there are twice as many columns as wanted, neighbours merge.
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
        self.samples_per_column = samples_per_column
        self._columns = np.zeros((2 * n_columns, 2), np.float32)
        self._n_held = 0
        self._rest = np.zeros(0, np.float32)

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next samples, shape (n,)."""
        self._rest = np.concatenate([self._rest, block])
        while n_new := min(len(self._rest) // self.samples_per_column, len(self._columns) - self._n_held):
            split = n_new * self.samples_per_column
            new = self._rest[:split].reshape(n_new, self.samples_per_column)
            self._rest = self._rest[split:]
            held = slice(self._n_held, self._n_held + n_new)
            self._columns[held, 0], self._columns[held, 1] = new.min(axis=1), new.max(axis=1)
            self._n_held += n_new
            if self._n_held == len(self._columns):
                self._n_held //= 2
                self._columns[: self._n_held] = merge_columns(self._columns, 2)
                self.samples_per_column *= 2

    def columns(self) -> NDArray[np.float32]:
        """Return the outline so far, shape (n, 2), n at most ``2 * n_columns``."""
        rest = np.array([[self._rest.min(), self._rest.max()]], np.float32) if len(self._rest) else self._columns[:0]
        return np.concatenate([self._columns[: self._n_held], rest])
