"""Linear-phase filters of a stream: third-octave curves, and bands that add up to the whole.

A sound is cut into segments that overlap by a quarter; each is filtered as a spectrum and keeps its inner three
quarters. A filter's response is real and even, so nothing is delayed and no phase turned; it reaches an eighth of a
segment to either side. The bands of a filter are shares of it that add up to one at every frequency: as long as
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

__all__ = ["Geometry", "Segments", "Transform", "band_shares", "curve_on_bins", "from_rows", "realised", "to_rows"]


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
    """Cuts a stream of shape (n, channels) into overlapping segments, padded with silence at both ends."""

    def __init__(self, blocks: Iterable[NDArray[np.float32]], geometry: Geometry, *, channels: int) -> None:
        self._blocks, self._geometry, self._channels = blocks, geometry, channels
        self.n_frames = 0

    def __iter__(self) -> Iterator[tuple[NDArray[np.float32], int]]:
        """Yield a segment, shape (n_fft, channels), and how many frames of its inner part are sound."""
        geometry = self._geometry
        n_fft, hop, margin = geometry.n_fft, geometry.hop, geometry.margin
        segment = np.zeros((n_fft, self._channels), np.float32)
        filled, done = margin, 0
        for block in self._blocks:
            self.n_frames += len(block)
            start = 0
            while start < len(block):
                n = min(n_fft - filled, len(block) - start)
                segment[filled : filled + n] = block[start : start + n]
                filled, start = filled + n, start + n
                if filled == n_fft:
                    yield segment, hop
                    done += hop
                    segment[: n_fft - hop] = segment[hop:]
                    filled -= hop
        while done < self.n_frames:
            segment[filled:] = 0.0
            yield segment, min(hop, self.n_frames - done)
            done += hop
            segment[: n_fft - hop] = segment[hop:]
            filled = max(0, filled - hop)


def to_rows(frames: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write mid and side of two channels, or the one channel; shapes (n, channels) and (channels, n)."""
    if frames.shape[1] == 1:
        out[0] = frames[:, 0]
        return
    left, right = frames[:, 0], frames[:, 1]
    np.add(left, right, out=out[0])
    np.subtract(left, right, out=out[1])
    out *= np.float32(0.5)


def from_rows(rows: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Undo :func:`to_rows`."""
    if len(rows) == 1:
        out[:, 0] = rows[0]
        return
    np.add(rows[0], rows[1], out=out[:, 0])
    np.subtract(rows[0], rows[1], out=out[:, 1])


class Transform:
    """Spectra of segments and back, in buffers that are used again and again."""

    def __init__(self, geometry: Geometry, *, channels: int) -> None:
        self._n_fft, self._margin = geometry.n_fft, geometry.margin
        self._rows = np.empty((channels, geometry.n_fft), np.float32)
        self._spectra = np.empty((channels, geometry.n_fft // 2 + 1), np.complex64)
        self._product = np.empty_like(self._spectra)

    def spectra(self, segment: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Return the spectra of mid and side of a segment, shape (channels, bins); they hold until the next call."""
        to_rows(segment, self._rows)
        np.fft.rfft(self._rows, axis=1, out=self._spectra)  # type: ignore[arg-type]  # declared for doubles alone
        return self._spectra

    def filtered(self, spectra: NDArray[np.complex64], response: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the inner part of a filtered segment, shape (channels, hop)."""
        return self.thinned(spectra, response, 1)

    def thinned(self, spectra: NDArray[np.complex64], response: NDArray[np.float32], step: int) -> NDArray[np.float32]:
        """Return every ``step``-th frame of :meth:`filtered`, of a response that ends before 1/``step`` of the bins."""
        n_fft, margin = self._n_fft // step, self._margin // step
        product = self._product[:, : n_fft // 2 + 1]
        np.multiply(spectra[:, : n_fft // 2 + 1], response[..., : n_fft // 2 + 1], out=product)
        if step > 1:
            product *= np.float32(1.0 / step)
        thin = np.empty((len(product), n_fft), np.float32)
        np.fft.irfft(product, n_fft, axis=1, out=thin)  # type: ignore[arg-type]
        return thin[:, margin:-margin]


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
