"""Loudness: the K-weighting of any sample rate, gated means, and the range between soft and loud.

Source: Recommendation ITU-R BS.1770-5 (2023), annex 1; EBU Tech 3341 (2016) for the windows of 400 ms and 3 s;
EBU Tech 3342 (2016) for the range.

Conventions
-----------
An energy is the sum over channels of K-weighted squares; a power is its mean over frames. All channels weigh the same:
mono and stereo. A loudness is ``-0.691 + 10 log10(power)``.
"""

from array import array

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, readable, types, writable

__all__ = [
    "STEPS_PER_S",
    "KWeighting",
    "LoudnessMeter",
    "add_cells",
    "gated",
    "integrated",
    "k_weighting",
    "loudness",
    "loudness_range",
    "sliding",
]

STEPS_PER_S = 100
"""Powers are kept for every 10 ms, so that the greatest momentary loudness is found wherever it lies."""

_FLOOR_POWER = 10.0 ** ((-150.0 + 0.691) / 10.0)
_ABSOLUTE_GATE = 10.0 ** ((-70.0 + 0.691) / 10.0)
_HOP = STEPS_PER_S // 10
_MOMENTARY, _SHORT_TERM = 4 * _HOP, 30 * _HOP  # steps
_STATE = 4  # delays a channel


def k_weighting(sample_rate_hz: float) -> NDArray[np.float64]:
    """Return the two sections of the K-weighting, rows ``b0 b1 b2 a1 a2``.

    BS.1770 gives coefficients for 48 kHz alone; these are its analogue prototype, carried over by the bilinear
    transform.

    Check: at 48 kHz the first row begins 1.53512485958697, -2.69169618940638 (table 1).
    """
    shelf_hz, shelf_q, shelf_db = 1681.974450955533, 0.7071752369554196, 3.999843853973347
    k = np.tan(np.pi * shelf_hz / sample_rate_hz)
    high = 10.0 ** (shelf_db / 20.0)
    band = high**0.4996667741545416
    unit = 1.0 + k / shelf_q + k * k
    ahead = [(high + band * k / shelf_q + k * k) / unit, 2.0 * (k * k - high) / unit]
    shelf = [
        *ahead,
        (high - band * k / shelf_q + k * k) / unit,
        2.0 * (k * k - 1.0) / unit,
        (1.0 - k / shelf_q + k * k) / unit,
    ]
    pass_hz, pass_q = 38.13547087602444, 0.5003270373238773
    k = np.tan(np.pi * pass_hz / sample_rate_hz)
    unit = 1.0 + k / pass_q + k * k
    return np.array([shelf, [1.0, -2.0, 1.0, 2.0 * (k * k - 1.0) / unit, (1.0 - k / pass_q + k * k) / unit]])


_SECTIONS, _DELAYS = readable(types.float64, 2), writable(types.float64, 2)


@compiled(types.void, readable(types.float32, 2), _SECTIONS, _DELAYS, writable(types.float64, 1))
def _weigh_one(
    block: NDArray[np.float32], sections: NDArray[np.float64], delays: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    b0, b1, b2, a1, a2 = sections[0]
    c1, c2 = sections[1, 3], sections[1, 4]
    u, v, w, z = delays[0]
    for n in range(block.shape[0]):
        x = np.float64(block[n, 0])
        y = b0 * x + u
        u = b1 * x - a1 * y + v
        v = b2 * x - a2 * y
        k = y + w
        w = z - 2.0 * y - c1 * k
        z = y - c2 * k
        out[n] = k * k
    delays[0, 0], delays[0, 1], delays[0, 2], delays[0, 3] = u, v, w, z


@compiled(types.void, readable(types.float32, 2), _SECTIONS, _DELAYS, writable(types.float64, 1))
def _weigh_two(
    block: NDArray[np.float32], sections: NDArray[np.float64], delays: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    # Both channels in one loop: a section waits for its own output, and meanwhile the other channel is computed.
    b0, b1, b2, a1, a2 = sections[0]
    c1, c2 = sections[1, 3], sections[1, 4]
    u, v, w, z = delays[0]
    p, q, r, s = delays[1]
    for n in range(block.shape[0]):
        x, o = np.float64(block[n, 0]), np.float64(block[n, 1])
        y, l = b0 * x + u, b0 * o + p  # noqa: E741
        u, p = b1 * x - a1 * y + v, b1 * o - a1 * l + q
        v, q = b2 * x - a2 * y, b2 * o - a2 * l
        k, m = y + w, l + r
        w, r = z - 2.0 * y - c1 * k, s - 2.0 * l - c1 * m
        z, s = y - c2 * k, l - c2 * m
        out[n] = k * k + m * m
    delays[0, 0], delays[0, 1], delays[0, 2], delays[0, 3] = u, v, w, z
    delays[1, 0], delays[1, 1], delays[1, 2], delays[1, 3] = p, q, r, s


@compiled(types.void, readable(types.float64, 1), readable(types.int64, 1), writable(types.float64, 1))
def _sum_between(energies: NDArray[np.float64], edges: NDArray[np.int64], sums: NDArray[np.float64]) -> None:
    for k in range(sums.shape[0]):
        total = 0.0
        for n in range(edges[k], edges[k + 1]):
            total += energies[n]
        sums[k] = total


@compiled(types.void, readable(types.float64, 1), types.int64, types.int64, writable(types.float64, 1))
def add_cells(energies: NDArray[np.float64], at: int, cell: int, sums: NDArray[np.float64]) -> None:
    """Add energies of frames from ``at`` on to the sums of their cells."""
    n, place = 0, at // cell
    while n < energies.shape[0]:
        stop = min((place + 1) * cell - at, energies.shape[0])
        total = 0.0
        for i in range(n, stop):
            total += energies[i]
        sums[place] += total
        n, place = stop, place + 1


class KWeighting:
    """K-weights a stream of one or two channels."""

    def __init__(self, *, sample_rate_hz: float, channels: int) -> None:
        self._sections = k_weighting(sample_rate_hz)
        self._delays = np.zeros((channels, _STATE))
        self._energies = np.zeros(0)

    def energies(self, block: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the energy of each frame of a block of shape (n, channels); it holds until the next call."""
        if len(self._energies) < len(block):
            self._energies = np.empty(len(block))
        out = self._energies[: len(block)]
        weigh = _weigh_one if block.shape[1] == 1 else _weigh_two
        weigh(np.ascontiguousarray(block, np.float32), self._sections, self._delays, out)
        self._delays[np.abs(self._delays) < 1e-30] = 0.0  # else silence is computed with denormal numbers: slowly
        return out


class LoudnessMeter:
    """Measures a stream given in blocks of any size; keeps one power for every 10 ms."""

    def __init__(self, *, sample_rate_hz: int, channels: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._weighting = KWeighting(sample_rate_hz=sample_rate_hz, channels=channels)
        self._n_frames = 0
        self._powers = array("d")
        self._open = 0.0

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next frames, shape (n, channels)."""
        self._keep(self._weighting.energies(block))

    def _keep(self, energies: NDArray[np.float64]) -> None:
        first, self._n_frames = self._n_frames, self._n_frames + len(energies)
        # Step k begins at the frame that its first instant rounds down to; the very first has begun already.
        steps = np.arange(max(1, self._step_at(first)), self._step_at(self._n_frames))
        starts = steps * self.sample_rate_hz // STEPS_PER_S
        lengths = starts - (steps - 1) * self.sample_rate_hz // STEPS_PER_S
        if len(energies):
            edges = np.concatenate([[0], starts - first, [len(energies)]])
            sums = np.empty(len(edges) - 1)
            _sum_between(energies, edges, sums)
            sums[0] += self._open
            self._powers.frombytes((sums[:-1] / lengths).tobytes())
            self._open = float(sums[-1])

    def _step_at(self, frame: int) -> int:
        """Return the number of the first step that begins at a frame or later."""
        return -(-frame * STEPS_PER_S // self.sample_rate_hz)

    def powers(self) -> NDArray[np.float64]:
        """Return the mean power of each 10 ms so far; the last, unfinished one is left out."""
        powers = np.frombuffer(self._powers) if self._powers else np.zeros(0)  # no copy: of three hours it is large
        length = (len(powers) + 1) * self.sample_rate_hz // STEPS_PER_S - len(
            powers
        ) * self.sample_rate_hz // STEPS_PER_S
        begun = len(powers) * self.sample_rate_hz // STEPS_PER_S
        return np.append(powers, self._open / length) if begun + length <= self._n_frames else powers


def loudness(powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell powers as loudness, -150 LUFS at least."""
    told: NDArray[np.float64] = 10.0 * np.log10(np.maximum(powers, _FLOOR_POWER)) - 0.691
    return told


def sliding(powers: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the mean of each ``n`` neighbouring powers, shape (len(powers) - n + 1,); of all where there are fewer."""
    n = min(n, len(powers))
    if n == 0:
        return powers
    # In pieces, so that rounding does not pile up behind a loud beginning.
    sums = np.convolve(powers, np.ones(n), "valid") if n <= _HOP else _running(powers, n)
    means: NDArray[np.float64] = np.maximum(sums, 0.0) / n
    return means


def _running(powers: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    sums = np.concatenate([[0.0], np.cumsum(powers)])
    return np.asarray(sums[n:] - sums[:-n])


def _blocks(powers: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the mean of ``n`` neighbouring powers of 10 ms, one every 100 ms; of all where there are fewer."""
    if len(powers) < n:
        return sliding(powers, n)
    tenths = powers[: len(powers) // _HOP * _HOP].reshape(-1, _HOP).mean(axis=1)
    return sliding(tenths, n // _HOP)


def integrated(powers: NDArray[np.float64]) -> float:
    """Return the gated loudness of powers of 10 ms; -70 where nothing is above the gate."""
    return gated(_blocks(powers, _MOMENTARY))


def gated(blocks: NDArray[np.float64]) -> float:
    """Return the gated loudness of powers of 400 ms, one every 100 ms; -70 where nothing is above the gate."""
    blocks = blocks[blocks > _ABSOLUTE_GATE]
    if not len(blocks):
        return -70.0
    blocks = blocks[blocks > blocks.mean() / 10.0]
    return float(loudness(blocks.mean()))


def loudness_range(powers: NDArray[np.float64]) -> float:
    """Return the range in LU from powers of 10 ms: 10th to 95th percentile of what is above the gates."""
    blocks = _blocks(powers, _SHORT_TERM) if len(powers) >= _SHORT_TERM else np.zeros(0)
    blocks = blocks[blocks >= _ABSOLUTE_GATE]
    if not len(blocks):
        return 0.0
    levels = np.sort(loudness(blocks[blocks >= blocks.mean() / 100.0]))
    soft, loud = (levels[int((len(levels) - 1) * part + 0.5)] for part in (0.10, 0.95))
    return float(loud - soft)
