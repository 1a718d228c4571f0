"""Mean power of a sound in third octaves.

Source: IEC 61260-1 (bands, base two: one ends where the next begins); a Hann window, applied to spectra as the weights
-1/4, 1/2, -1/4 of neighbouring bins.

Conventions
-----------
Powers are mean squares: a sine at full scale has 0.5.
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, readable, types, writable
from linernotes.kernels.filters import Geometry

__all__ = ["add_spectra", "third_octave_powers"]

_HANN_POWER = 0.375


@compiled(types.void, readable(types.complex64, 3), writable(types.float64, 2))
def add_spectra(spectra: NDArray[np.complex64], sums: NDArray[np.float64]) -> None:
    """Add the squares of Hann-windowed spectra, shape (segments, rows, bins), to ``sums``; not the outermost bins."""
    half, quarter = np.float32(0.5), np.float32(0.25)
    for segment in range(spectra.shape[0]):
        for row in range(spectra.shape[1]):
            bins = spectra[segment, row]
            for k in range(1, bins.shape[0] - 1):
                real = half * bins[k].real - quarter * (bins[k - 1].real + bins[k + 1].real)
                imag = half * bins[k].imag - quarter * (bins[k - 1].imag + bins[k + 1].imag)
                sums[row, k] += real * real + imag * imag


def third_octave_powers(
    sums: NDArray[np.float64], n_frames: int, middles_hz: NDArray[np.float64], geometry: Geometry
) -> NDArray[np.float64]:
    """Return mean squares of third octaves, shape (rows, bands), from sums over all segments of ``n_frames``."""
    width_hz = geometry.bins_hz[1]
    low, high = (middles_hz[:, None] * 2.0 ** (side / 6.0) for side in (-1, 1))
    left, right = geometry.bins_hz - width_hz / 2, geometry.bins_hz + width_hz / 2
    shares = np.clip(np.minimum(high, right) - np.maximum(low, left), 0.0, None) / width_hz
    # Each frame lies in n_fft / hop segments; a spectrum of real samples has each bin twice; the transform is unitary.
    scale = 2.0 / _HANN_POWER / (n_frames * geometry.n_fft / geometry.hop)
    powers: NDArray[np.float64] = sums @ shares.T * scale
    return powers
