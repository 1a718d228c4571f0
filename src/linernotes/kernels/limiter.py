"""A limiter: the gain that keeps peaks under a ceiling, moving as slowly as that allows.

Peaks are told for cells of a few frames; all that follows costs next to nothing, since there is one number a cell. Each
cell asks for a reduction in dB. It is asked for ahead, held, released slowly, and smoothed by a bell as long as it was
asked for ahead: the bell weighs only reductions that are at least what the cell asked for, so their mean is, too.

The release has two speeds. A short peak is let go of within tens of milliseconds; but not beyond the *bed*, a slow mean
of what has been asked for. Under a steady tone the bed comes to equal the reduction and nothing moves: no distortion.

Source: built from first principles; a window that holds and a bell that smooths is common practice for look-ahead
limiters.

Conventions
-----------
Reductions are dB to take away, at least zero; cells as in :mod:`linernotes.kernels.true_peak`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, readable, types, writable
from linernotes.kernels.true_peak import CELL

__all__ = ["Ballistics", "ReductionStream", "reduce_cells", "take_down"]

_STILL_DB = 0.01  # what asks for so little less is a steady tone: nothing moves

_F32, _F64 = readable(types.float32, 1), readable(types.float64, 1)


@dataclass(frozen=True, slots=True)
class Ballistics:
    """How a limiter moves: it looks ahead by ``ahead_s``, lets go within ``release_s``, its bed within ``bed_s``."""

    ahead_s: float = 0.004
    release_s: float = 0.04
    bed_s: float = 0.4


@compiled(types.void, _F32, types.float64, writable(types.float64, 1))
def _ask(peaks: NDArray[np.float32], over: float, asked: NDArray[np.float64]) -> None:
    """Write the dB by which each cell exceeds the ceiling, ``over`` being gain over ceiling."""
    for k in range(peaks.shape[0]):
        size = peaks[k] * over
        asked[k] = 20.0 * np.log10(size) if size > 1.0 else 0.0


@compiled(
    types.void,
    *(_F64, types.int64, types.float64, types.float64),
    *(writable(types.float64, 1), writable(types.float64, 1)),
)
def _release(  # noqa: PLR0917  (numba knows no keywords)
    asked: NDArray[np.float64],
    n_ahead: int,
    fast: float,
    slow: float,
    state: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Write the held and released reductions; ``asked`` has one cell before the first and ``n_ahead`` behind the last.

    What a cell asks for holds for its neighbours too, since gains go straight from edge to edge.

    ``state``: reduction and bed at the last cell.
    """
    now, bed = state[0], state[1]
    # The greatest of a moving window, by a queue of those that may yet become it.
    room = n_ahead + 3
    queue = np.empty(room, np.int64)
    head, size = 0, 0
    for j in range(asked.shape[0]):
        while size > 0 and asked[queue[(head + size - 1) % room]] <= asked[j]:
            size -= 1
        queue[(head + size) % room] = j
        size += 1
        k = j - n_ahead - 1
        if k < 0:
            continue
        while queue[head % room] < k:
            head, size = (head + 1) % room, size - 1
        held = asked[queue[head % room]]
        bed += (held - bed) * slow
        floor = min(bed, now)
        if held > now or now - held > _STILL_DB:
            now = max(held, floor + (now - floor) * fast)
        out[k] = now
    state[0], state[1] = now, bed


@compiled(types.void, _F64, _F64, writable(types.float32, 1))
def _smooth(values: NDArray[np.float64], bell: NDArray[np.float64], out: NDArray[np.float32]) -> None:
    n = bell.shape[0]
    for k in range(out.shape[0]):
        total = 0.0
        for j in range(n):
            total += bell[j] * values[k + j]
        out[k] = total


@compiled(types.void, writable(types.float32, 2), _F64)
def _scale(frames: NDArray[np.float32], factors: NDArray[np.float64]) -> None:
    """Multiply frames by factors, which stand at the edges of cells."""
    for cell in range(factors.shape[0] - 1):
        first, step = factors[cell], (factors[cell + 1] - factors[cell]) / CELL
        some = frames[cell * CELL : (cell + 1) * CELL]
        if some.shape[1] == 1:
            for i in range(some.shape[0]):
                some[i, 0] *= np.float32(first + step * i)
        else:  # two by name: a loop over channels takes three times as long
            for i in range(some.shape[0]):
                factor = np.float32(first + step * i)
                some[i, 0] *= factor
                some[i, 1] *= factor


@compiled(
    types.void,
    *(readable(types.float64, 1), readable(types.float32, 1), types.float64),
    *(writable(types.float64, 1), writable(types.float32, 1)),
)
def reduce_cells(
    energies: NDArray[np.float64],
    edges_db: NDArray[np.float32],
    power: float,
    left: NDArray[np.float64],
    reductions_db: NDArray[np.float32],
) -> None:
    """Write what is left of energies times ``power``, and the reduction in the middle of each cell."""
    for k in range(energies.shape[0]):
        reduction = np.float32(0.5) * (edges_db[k] + edges_db[k + 1])
        reductions_db[k] = reduction
        left[k] = energies[k] * power
        if reduction > np.float32(0.0):
            left[k] *= 10.0 ** (-reduction / 10.0)


def take_down(frames: NDArray[np.float32], reductions: NDArray[np.float32], gain: float) -> None:
    """Multiply frames, shape (n, channels), by ``gain`` and take them down, straight between the edges of cells.

    ``reductions`` stand at the beginning of each cell and at the end of the last.
    """
    _scale(frames, gain * np.exp(reductions * (-np.log(10.0) / 20.0)))


class ReductionStream:
    """From peaks of cells to the reduction at the beginning of each cell; :attr:`n_late` cells later.

    Parameters
    ----------
    over : gain before the limiter, over the ceiling, both as factors
    cell_s : length of a cell
    """

    def __init__(self, *, over: float, cell_s: float, ballistics: Ballistics) -> None:
        self.over = over
        n_bell = max(3, round(ballistics.ahead_s / cell_s))
        bell = 1.0 - np.cos(2.0 * np.pi * np.arange(1, n_bell + 1) / (n_bell + 1))
        self._bell = bell / bell.sum()
        self.n_late = n_bell
        self._fast = float(np.exp(-cell_s / ballistics.release_s))
        self._slow = 1.0 - float(np.exp(-cell_s / ballistics.bed_s))
        self._state = np.zeros(2)
        # Silence before the start, so that the bell is full when the sound begins.
        self._n_early = n_bell - 1
        self._asked = np.zeros(1 + self._n_early)
        self._released = np.zeros(n_bell - 1)

    def add(self, peaks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the peaks of the next cells; return the reductions that can be told."""
        asked = np.empty(len(peaks))
        _ask(peaks, self.over, asked)
        return self._advance(asked)

    def finish(self) -> NDArray[np.float32]:
        """Return the reductions of the cells that were waiting, and one for the end of the last."""
        return self._advance(np.zeros(self.n_late + 1))

    def _advance(self, more: NDArray[np.float64]) -> NDArray[np.float32]:
        asked = np.concatenate([self._asked, more])
        n_ready = max(0, len(asked) - self.n_late - 1)
        self._asked = asked[n_ready:]
        released = np.empty(n_ready)
        if n_ready:
            _release(asked, self.n_late, self._fast, self._slow, self._state, released)
        released = np.concatenate([self._released, released])
        reductions = np.empty(n_ready, np.float32)
        _smooth(released, self._bell, reductions)
        self._released = released[n_ready:]
        n_dropped = min(self._n_early, n_ready)
        self._n_early -= n_dropped
        return reductions[n_dropped:]
