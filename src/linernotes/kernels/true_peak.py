"""True peaks: the greatest value that a sound takes between its samples, told on a grid eight times as fine.

The value between two samples is a weighted sum of the 32 around it. No sum exceeds :data:`OVERSHOOT` times the greatest
of the 32; nor does it leave the straight line between the two samples by more than a share of the sharpest *bend*
around: of how far a sample lies off the line between its neighbours. So where samples are small enough, or bend little
enough, nothing is computed, and yet no greater peak is missed.

Meters differ in what they make of the highest tenth of the spectrum, where their filters begin to cut. A limiter that
must please them all adds what sounds there to a peak (the *guard*): nothing in music, up to two decibels in white
noise.

Source: Recommendation ITU-R BS.1770-5 (2023), annex 2, which asks for a grid at least four times as fine. Eight keep
the error of a tone near half the sample rate below 0.17 dB instead of 0.69.

Conventions
-----------
A *cell* is :data:`CELL` neighbouring frames; its peak is the greatest magnitude, in any channel, at its samples and at
the seven instants after each of them. Before its start and behind its end a sound is silent.
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, inner, readable, types, writable
from linernotes.kernels.magnitudes import greatest

__all__ = ["CELL", "FACTOR", "OVERSHOOT", "PeakCells", "TruePeakMeter", "interpolators"]

FACTOR = 8
CELL = 8
_TAPS = 32
_BEFORE, _BEHIND = _TAPS // 2 - 1, _TAPS // 2  # samples that an instant depends on
_ROW = 64  # frames looked at together
_GROUP = 8  # weights used together: as many as a processor keeps at hand


def interpolators() -> NDArray[np.float32]:
    """Return weights, shape (7, 32), of samples ``n - 15`` to ``n + 16`` for the instants ``n + 1/8`` to ``n + 7/8``.

    A Kaiser-windowed sinc, cut so that nothing below 0.95 of half the sample rate is missed; each row sums to one.
    """
    at = np.arange(1, FACTOR)[:, None] / FACTOR - np.arange(-_BEFORE, _BEHIND + 1)[None, :]
    weights = np.sinc(at) * np.i0(4.0 * np.sqrt(1.0 - (at / _BEHIND) ** 2))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


def _edge() -> NDArray[np.float32]:
    """Return the weights of a filter that hears only the top of the spectrum."""
    at = np.arange(-_BEFORE, _BEHIND + 1) - 0.5
    band = 0.1
    weights: NDArray[np.float64] = band * np.sinc(band * at) * np.hanning(_TAPS + 2)[1:-1]
    return (weights * (-1.0) ** np.arange(_TAPS)).astype(np.float32)


_ROUNDING = 1.0001  # more than single precision loses
_WEIGHTS = np.concatenate([interpolators(), _edge()[None]])
OVERSHOOT = float(np.abs(_WEIGHTS[:-1]).sum(axis=1).max()) * _ROUNDING
_GUARDED_OVERSHOOT = OVERSHOOT + float(np.abs(_WEIGHTS[-1]).sum()) * _ROUNDING


def _off_line() -> tuple[float, float, float]:
    """Return by what share of the greatest sample, and how many of the sharpest bends, a sum may leave its line.

    A sum is the line plus a sum whose weights add up to nothing, so it is one over differences of neighbours, and, but
    for a remainder, one over differences of these: twice the bends. The last number is that of the guard's bends.
    """
    weights = _WEIGHTS.astype(np.float64)
    share = np.arange(1, FACTOR) / FACTOR
    weights[:-1, _BEFORE] -= 1.0 - share
    weights[:-1, _BEFORE + 1] -= share
    once = np.cumsum(weights, axis=1)
    twice = np.cumsum(once[:, :-1], axis=1)
    rest = 2.0 * np.abs(twice[:, -1]) + np.abs(once[:, -1])
    bends = 2.0 * np.abs(twice).sum(axis=1) * _ROUNDING
    return 2.0 * float(rest.max()), float(bends[:-1].max()), float(bends[-1])


_REMAINDER, _BENDS, _GUARD_BENDS = _off_line()
_ONE_ROW = writable(types.float32, 1)
_NONE = np.zeros(0, np.float32)


@inner
def _weigh(samples: NDArray[np.float32], weights: NDArray[np.float32], sums: NDArray[np.float32]) -> None:
    """Write the weighted sums around a row of frames."""
    for i in range(_ROW):
        sums[i] = np.float32(0.0)
    for first in range(0, _TAPS, _GROUP):
        w = weights[first : first + _GROUP]
        a, b, c, d, e, f, g, h = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
        s = samples[first : first + _ROW + _GROUP - 1]
        for i in range(_ROW):
            sums[i] += ((a * s[i] + b * s[i + 1]) + (c * s[i + 2] + d * s[i + 3])) + (
                (e * s[i + 4] + f * s[i + 5]) + (g * s[i + 6] + h * s[i + 7])
            )


@compiled(
    types.float32,
    *(readable(types.float32, 2), types.int64, readable(types.float32, 2), types.boolean, types.float32),
    writable(types.float32, 1),
)
def _raise_cells(  # noqa: PLR0912, PLR0917  (in one loop; numba knows no keywords)
    frames: NDArray[np.float32],
    channel: int,
    weights: NDArray[np.float32],
    guarded: bool,  # noqa: FBT001
    least: np.float32,
    cells: NDArray[np.float32],
) -> np.float32:
    """Raise ``cells`` to the peaks of a channel, and return the greatest.

    ``frames`` holds 15 more before the first cell and 16 behind the last; their number is a multiple of a row. Rows
    that cannot exceed ``least`` are told by their samples alone; where no cells are asked for, not at all.
    """
    flat = frames.reshape(-1)
    samples, sums = np.empty(_ROW + _TAPS - 1, np.float32), np.empty(_ROW, np.float32)
    peaks, bends = np.empty(_ROW, np.float32), np.empty(_ROW + _TAPS - 3, np.float32)
    overshoot = np.float32(_GUARDED_OVERSHOOT if guarded else OVERSHOOT)
    off_line = np.float32(_BENDS + _GUARD_BENDS if guarded else _BENDS)
    straight = np.float32((1.0 + _REMAINDER) * _ROUNDING)
    most = np.float32(0.0)
    for row in range((frames.shape[0] - _TAPS + 1) // _ROW):
        edge = np.float32(0.0)
        if frames.shape[1] == 2:  # by name: a processor takes them apart many at once
            some = flat[2 * row * _ROW + channel :]
            for i in range(_ROW + _TAPS - 1):
                samples[i] = some[2 * i]
        else:
            samples[:] = flat[row * _ROW : row * _ROW + _ROW + _TAPS - 1]
        around = greatest(samples)
        heard = around * overshoot > least
        if heard:
            for i in range(_ROW + _TAPS - 3):
                bends[i] = samples[i + 1] - np.float32(0.5) * (samples[i] + samples[i + 2])
            heard = around * straight + greatest(bends) * off_line > least
        if not (heard or cells.shape[0]):
            continue
        for i in range(_ROW):
            peaks[i] = abs(samples[i + _BEFORE])
        if heard:
            for phase in range(FACTOR - 1):
                _weigh(samples, weights[phase], sums)
                for i in range(_ROW):
                    peaks[i] = max(peaks[i], abs(sums[i]))
            if guarded:
                _weigh(samples, weights[FACTOR - 1], sums)
                edge = greatest(sums)
        if not cells.shape[0]:
            most = max(most, greatest(peaks))
            continue
        for cell in range(_ROW // CELL):
            peak = greatest(peaks[cell * CELL : (cell + 1) * CELL]) + edge
            at = row * (_ROW // CELL) + cell
            cells[at] = max(cells[at], peak)
            most = max(most, peak)
    return most


class PeakCells:
    """Tells the peaks of cells of a stream of shape (n, channels).

    Parameters
    ----------
    least : no peak above it is missed; lower ones may be told by their samples alone, which is faster
    guarded : whether peaks are raised by what other meters may hear: in the top of the spectrum, and at both ends,
        where some take a sound for mirrored instead of silent
    """

    def __init__(self, *, channels: int, least: float = 0.0, guarded: bool = False) -> None:
        self.least, self._guarded = np.full(channels, least, np.float32), guarded
        self.greatest = np.zeros(channels, np.float32)
        self._rest = np.zeros((_BEFORE, channels), np.float32)
        self._n_waiting, self._begins = 0, True

    def add(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next frames; return the peaks of the cells that are complete."""
        frames = np.concatenate([self._rest, block])
        self._n_waiting += len(block)
        n_rows = max(0, len(frames) - _TAPS + 1) // _ROW
        self._rest = frames[n_rows * _ROW :]
        self._n_waiting -= n_rows * _ROW
        return self._cells(frames[: n_rows * _ROW + _TAPS - 1]) if n_rows else np.zeros(0, np.float32)

    def finish(self) -> NDArray[np.float32]:
        """Return the peaks of the cells that were waiting, the last one filled up with silence."""
        n_cells = -(-self._n_waiting // CELL)
        n_rows = -(-self._n_waiting // _ROW)
        frames = np.zeros((n_rows * _ROW + _TAPS - 1, self._rest.shape[1]), np.float32)
        stop = len(self._rest)
        frames[:stop] = self._rest
        cells = self._cells(frames)
        if self._guarded:
            mirror = self._rest[::-1][: min(_BEHIND, len(frames) - stop)]
            frames[stop : stop + len(mirror)] = mirror
            np.maximum(cells, self._cells(frames), out=cells)
        return cells[:n_cells]

    def _cells(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        cells = self._plain_cells(frames)
        if self._guarded and self._begins and len(cells):
            mirrored = frames[: _ROW + _TAPS - 1].copy()
            mirrored[:_BEFORE] = mirrored[_BEFORE + 1 : 2 * _BEFORE + 1][::-1]
            first = cells[: _ROW // CELL]
            np.maximum(first, self._plain_cells(mirrored), out=first)
        self._begins = False
        return cells

    def _plain_cells(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        cells = np.zeros((len(frames) - _TAPS + 1) // CELL, np.float32)
        for channel in range(frames.shape[1]):
            most = _raise_cells(frames, channel, _WEIGHTS, self._guarded, self.least[channel], cells)
            self.greatest[channel] = max(self.greatest[channel], most)
        return cells


class TruePeakMeter:
    """Tells the true peak of each channel of a stream, as a magnitude."""

    def __init__(self, *, channels: int) -> None:
        self._greatest = np.zeros(channels, np.float32)
        self._rest = np.zeros((_BEFORE, channels), np.float32)

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next frames, shape (n, channels)."""
        frames = np.concatenate([self._rest, block])
        n_rows = max(0, len(frames) - _TAPS + 1) // _ROW
        self._rest = frames[n_rows * _ROW :]
        for channel, least in enumerate(self._greatest):  # what cannot exceed it need not be known
            row_frames = frames[: n_rows * _ROW + _TAPS - 1]
            most = _raise_cells(row_frames, channel, _WEIGHTS, False, least, _NONE)  # noqa: FBT003
            self._greatest[channel] = max(least, most)

    def peaks(self) -> NDArray[np.float32]:
        """Return the peak of each channel; the stream has ended."""
        self.add(np.zeros((_ROW + _TAPS, len(self._greatest)), np.float32))
        return self._greatest
