"""Linear-phase filters of a stream: third-octave curves, and bands that add up to the whole.

A sound is cut into segments that overlap by a quarter; each is filtered as a spectrum and keeps its inner three
quarters. Some neighbours, a *stretch*, are worked on together: that is what a processor's lanes are for. A filter's
response is real and even, so nothing is delayed and no phase turned; it reaches an eighth of a segment to either side.
The bands of a filter are shares of it that add up to one at every frequency: as long as
nothing is done to the bands, their sum is the filter, to rounding.

Source: A. V. Oppenheim, R. W. Schafer, Discrete-Time Signal Processing (overlap-save), chapter 8.

Conventions
-----------
Segments are as long as their rate asks for: at least 0.25 s between them. A *cell* is 1/256 of a segment, about 1.4 ms.
A spectrum has ``n_fft // 2 + 1`` bins. Rows of a sound are mid and side, or its one channel.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, readable, types, writable

__all__ = ["STRETCH", "Geometry", "Segments", "Transform", "band_shares", "curve_on_bins", "realised"]

STRETCH = 4
"""Segments that are worked on together."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a sound of a rate is cut; ``n_fft``: frames of a segment, 16384 at 44.1 and 48 kHz."""

    sample_rate_hz: int
    n_fft: int = field(init=False)

    def __post_init__(self) -> None:
        octaves = int(np.ceil(np.log2(self.sample_rate_hz / 48000.0)))
        object.__setattr__(self, "n_fft", 1 << (14 + octaves))

    @property
    def margin(self) -> int:
        """Frames at either end of a segment that are thrown away after filtering."""
        return self.n_fft // 8

    @property
    def hop(self) -> int:
        """Frames from one segment to the next."""
        return self.n_fft - 2 * self.margin

    @property
    def cell(self) -> int:
        """Frames of a cell."""
        return self.n_fft // 256

    @property
    def bins_hz(self) -> NDArray[np.float64]:
        """Frequency of each bin."""
        return np.linspace(0.0, self.sample_rate_hz / 2.0, self.n_fft // 2 + 1)


class Segments:
    """Cuts a stream of shape (n, channels) into stretches of overlapping segments, silence around both ends."""

    def __init__(self, blocks: Iterable[NDArray[np.float32]], geometry: Geometry, *, channels: int) -> None:
        self._blocks, self._geometry, self._channels = blocks, geometry, channels
        self.n_frames = 0

    def __iter__(self) -> Iterator[tuple[NDArray[np.float32], int]]:
        """Yield a stretch and how many frames of its inner part are sound; it holds until the next is asked for.

        Its inner part are whole hops, :data:`STRETCH` at most; a margin stands on either side.
        """
        hop, margin = self._geometry.hop, self._geometry.margin
        whole = STRETCH * hop
        stretch = np.zeros((whole + 2 * margin, self._channels), np.float32)
        filled, done = margin, 0
        for block in self._blocks:
            self.n_frames += len(block)
            start = 0
            while start < len(block):
                n = min(len(stretch) - filled, len(block) - start)
                stretch[filled : filled + n] = block[start : start + n]
                filled, start = filled + n, start + n
                if filled == len(stretch):
                    yield stretch, whole
                    done += whole
                    stretch[: 2 * margin] = stretch[whole:]
                    filled = 2 * margin
        while done < self.n_frames:
            stretch[filled:] = 0.0
            n = min(whole, self.n_frames - done)
            yield stretch[: -(-n // hop) * hop + 2 * margin], n
            done += n
            stretch[: 2 * margin] = stretch[whole:]
            filled = max(0, filled - whole)


@compiled(types.void, readable(types.float32, 2), types.int64, writable(types.float32, 3))
def _cut(stretch: NDArray[np.float32], hop: int, rows: NDArray[np.float32]) -> None:
    """Write mid and side of each segment, or the one channel, shape (segments, channels, n_fft)."""
    half = np.float32(0.5)
    for k in range(rows.shape[0]):
        frames = stretch[k * hop : k * hop + rows.shape[2]]
        if rows.shape[1] == 1:
            for i in range(rows.shape[2]):
                rows[k, 0, i] = frames[i, 0]
        else:
            for i in range(rows.shape[2]):
                rows[k, 0, i] = half * (frames[i, 0] + frames[i, 1])
                rows[k, 1, i] = half * (frames[i, 0] - frames[i, 1])


@compiled(
    types.void,
    *(readable(types.float32, 3), readable(types.float32, 2), types.float32, writable(types.float32, 3)),
)
def _weigh(
    parts: NDArray[np.float32], response: NDArray[np.float32], scale: np.float32, out: NDArray[np.float32]
) -> None:
    """Multiply spectra, real and imaginary parts in turn, by a response and a factor, as far as ``out`` goes."""
    for k in range(out.shape[0]):
        for c in range(out.shape[1]):
            weights = response[min(c, response.shape[0] - 1)]
            for i in range(out.shape[2] // 2):
                weight = weights[i] * scale
                out[k, c, 2 * i] = parts[k, c, 2 * i] * weight
                out[k, c, 2 * i + 1] = parts[k, c, 2 * i + 1] * weight


class Transform:
    """Spectra of the segments of a stretch and back, in buffers that are used again and again.

    Both directions have the factor of a unitary transform: numpy computes them in single precision then, and several
    rows at once.
    """

    def __init__(self, geometry: Geometry, *, channels: int) -> None:
        self._geometry, self._channels = geometry, channels
        self._rows = np.empty((STRETCH, channels, geometry.n_fft), np.float32)
        self._spectra = np.empty((STRETCH, channels, geometry.n_fft // 2 + 1), np.complex64)
        self._products: dict[int, NDArray[np.complex64]] = {}
        self._thin: dict[int, NDArray[np.float32]] = {}

    def spectra(self, stretch: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Return spectra of mid and side of each segment, shape (segments, channels, bins), until the next call."""
        hop = self._geometry.hop
        n = len(stretch) // hop
        _cut(stretch, hop, self._rows[:n])
        np.fft.rfft(self._rows[:n], norm="ortho", out=self._spectra[:n])  # type: ignore[arg-type]  # declared for doubles
        return self._spectra[:n]

    def filtered(
        self, spectra: NDArray[np.complex64], response: NDArray[np.float32], out: NDArray[np.float32], *, step: int = 1
    ) -> None:
        """Write every ``step``-th frame of filtered segments, shape (segments, channels, n_fft // step).

        ``response``, shape (rows, bins), ends before 1/``step`` of the bins. A margin on either side of a segment is
        to be thrown away.
        """
        n_fft = self._geometry.n_fft // step
        if step not in self._products:
            self._products[step] = np.empty((STRETCH, self._channels, n_fft // 2 + 1), np.complex64)
        product = self._products[step][: len(spectra)]
        _weigh(spectra.view(np.float32), response, np.float32(step**-0.5), product.view(np.float32))
        np.fft.irfft(product, n_fft, norm="ortho", out=out)  # type: ignore[arg-type]

    def thinned(
        self, spectra: NDArray[np.complex64], response: NDArray[np.float32], *, step: int
    ) -> NDArray[np.float32]:
        """Return what :meth:`filtered` writes; it holds until the next call with this ``step``."""
        if step not in self._thin:
            self._thin[step] = np.empty((STRETCH, self._channels, self._geometry.n_fft // step), np.float32)
        thin = self._thin[step][: len(spectra)]
        self.filtered(spectra, response, thin, step=step)
        return thin


def curve_on_bins(
    gains_db: NDArray[np.float64], middles_hz: NDArray[np.float64], geometry: Geometry
) -> NDArray[np.float64]:
    """Return a gain curve as factors on bins: straight between ``middles_hz`` over log frequency, level beyond."""
    with np.errstate(divide="ignore"):
        octaves = np.log2(np.maximum(geometry.bins_hz, 1e-3))
    return np.asarray(10.0 ** (np.interp(octaves, np.log2(middles_hz), gains_db) / 20.0))


def band_shares(edges_hz: tuple[float, ...], geometry: Geometry) -> NDArray[np.float64]:
    """Return each band's share of every bin, shape (len(edges_hz) + 1, bins); they add up to one.

    Neighbours cross over within an octave, half and half at the edge.
    """
    octaves = np.log2(np.maximum(geometry.bins_hz, 1e-3))
    above = [np.sin(0.5 * np.pi * np.clip(octaves - np.log2(edge) + 0.5, 0.0, 1.0)) ** 2 for edge in edges_hz]
    passed = np.cumprod([np.ones_like(octaves), *above], axis=0)
    shares: NDArray[np.float64] = passed.copy()
    shares[:-1] -= passed[1:]
    return shares


def realised(responses: NDArray[np.float64], geometry: Geometry) -> NDArray[np.float32]:
    """Return responses that reach no farther than a segment's margin: what wished-for ones become. Shape (…, bins)."""
    impulses = np.fft.irfft(responses, axis=-1)
    bell = np.zeros(geometry.n_fft)
    reach = geometry.margin
    half = np.cos(0.5 * np.pi * np.arange(reach) / reach) ** 2
    bell[:reach] = half
    bell[-reach + 1 :] = half[:0:-1]
    return np.fft.rfft(impulses * bell, axis=-1).real.astype(np.float32)
