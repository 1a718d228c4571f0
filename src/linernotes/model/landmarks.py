"""How the landmarks of many recordings are kept: packed, in order of key, so that equal ones lie side by side.

Conventions
-----------
Recording after recording, every :data:`CELL_FRAMES` frames are a cell; a recording begins with a cell of its own.
:data:`BLOCK_CELLS` cells are a block: 74 hours, of which a search visits one after the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import InvariantError

__all__ = ["BLOCK_CELLS", "CELL_FRAMES", "LANDMARK_KEYS", "WITNESS_BITS", "LandmarkTable", "cell_starts"]

LANDMARK_KEYS = 1 << 18
CELL_FRAMES = 8
WITNESS_BITS = 13
BLOCK_CELLS = 1 << 19
_KEY_BITS = 18
_MASK = (1 << 32) - 1


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkTable:
    """Landmarks of a row of recordings.

    ``postings``, shape (m,): cell inside its block, shifted left by :data:`WITNESS_BITS`, and witnesses, in order of
    block, key and cell. ``tallies``: how many postings each key of each block has, as many ones and a zero, eight bits
    to a byte: one bit a posting, and 33 kB a block.
    """

    postings: NDArray[np.uint32] = field(repr=False)
    tallies: NDArray[np.uint8] = field(repr=False)

    @classmethod
    def pack(cls, landmarks: Iterable[NDArray[np.uint32]], starts: NDArray[np.int64]) -> Self:
        """Pack ``landmarks`` of each recording (columns key, cell, witnesses), which begins at cell ``starts[i]``."""
        rows = [_sortable(some, int(start)) for some, start in zip(landmarks, starts, strict=False)]
        packed = np.concatenate([np.zeros(0, np.uint64), *rows])
        packed.sort()
        n_blocks = _n_blocks(int(starts[-1]))
        places = (packed >> np.uint64(32)).astype(np.int64)
        # Behind as many zeros as there are smaller keys.
        bits = np.zeros(n_blocks * LANDMARK_KEYS + len(packed), np.uint8)
        bits[places + np.arange(len(packed))] = 1
        return cls((packed & np.uint64(_MASK)).astype(np.uint32), np.packbits(bits))

    def packed_size(self, n_cells: int) -> int:
        """Bytes of ``tallies`` for so many cells."""
        return -(-(_n_blocks(n_cells) * LANDMARK_KEYS + len(self.postings)) // 8)

    def firsts(self, n_cells: int) -> NDArray[np.int64]:
        """Tell where the postings of each key of each block begin; shape (blocks * LANDMARK_KEYS + 1,).

        Raises
        ------
        InvariantError : tallies and postings do not agree
        """
        n = _n_blocks(n_cells) * LANDMARK_KEYS
        ends = np.flatnonzero(np.unpackbits(self.tallies, count=n + len(self.postings)) == 0)
        if len(ends) != n:
            raise InvariantError(f"{len(ends)} keys are told of {len(self.postings)} landmarks, {n} were expected")
        return np.concatenate([np.zeros(1, np.int64), ends - np.arange(n)])

    def unpack(self, starts: NDArray[np.int64], kept: Iterable[int]) -> list[NDArray[np.uint32]]:
        """Return the landmarks of recordings ``kept``, as :meth:`pack` takes them."""
        counts = np.diff(self.firsts(int(starts[-1])))
        places = np.repeat(np.arange(len(counts)), counts)
        cells = places // LANDMARK_KEYS * BLOCK_CELLS + (self.postings >> np.uint32(WITNESS_BITS))
        owners = np.searchsorted(starts, cells, side="right") - 1
        order = np.argsort(owners, kind="stable")
        bounds = np.searchsorted(owners[order], np.arange(len(starts)))
        witnesses = self.postings & np.uint32((1 << WITNESS_BITS) - 1)
        found = []
        for i in kept:
            mine = order[bounds[i] : bounds[i + 1]]
            columns = (places[mine] % LANDMARK_KEYS, cells[mine] - starts[i], witnesses[mine])
            found.append(np.stack(columns, axis=1).astype(np.uint32))
        return found


def cell_starts(starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first cell of each recording, from first frames, both with the end of the last."""
    n_cells = -(-np.diff(starts) // CELL_FRAMES)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(n_cells)])


def _n_blocks(n_cells: int) -> int:
    return max(1, -(-n_cells // BLOCK_CELLS))


def _sortable(landmarks: NDArray[np.uint32], start: int) -> NDArray[np.uint64]:
    """Block, key and posting of each landmark in one number."""
    cells = landmarks[:, 1].astype(np.uint64) + np.uint64(start)
    block, cell = cells // np.uint64(BLOCK_CELLS), cells % np.uint64(BLOCK_CELLS)
    key = block << np.uint64(_KEY_BITS) | landmarks[:, 0]
    packed: NDArray[np.uint64] = key << np.uint64(32) | cell << np.uint64(WITNESS_BITS) | landmarks[:, 2]
    return packed
