"""Whitened log-frequency spectra: what stays of music when level, filtering and noise floor are taken away.

Short-time power spectra are gathered into bands of constant musical width, compressed as hearing does, and every
cell is compared with its neighbourhood: the mean over half a second and an octave is subtracted, the deviation
divided out. A change of gain, a filter or a telephone line moves neighbours alike and disappears; what is left says
where the sound is stronger than around it. A shift in pitch moves all cells by the same number of bands.

Source: built from first principles: the constant-Q idea (J. C. Brown, Calculation of a constant Q spectral transform,
1991) by pooling a plain FFT, and local mean and variance normalisation as in image matching.

Conventions
-----------
Axis 0 is time in frames, axis 1 frequency in bands, low to high. Frame ``i`` is centred on sample ``i * hop_length``.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["band_loudness", "band_weights", "pack_bits", "whiten"]

# What fits into a core's own cache, and stays under the size from which a matrix product starts threads of its own.
_FRAMES_AT_ONCE, _BANDS_AT_ONCE = 32, 32


def band_weights(*, sr: int, n_fft: int, lowest_hz: float, bands_per_octave: int, n_bands: int) -> NDArray[np.float32]:
    """Triangles of unit sum over FFT bins, one per band, at least one bin wide; shape (n_fft // 2 + 1, n_bands)."""
    bins_hz = np.arange(n_fft // 2 + 1) * (sr / n_fft)
    centres_hz = lowest_hz * 2.0 ** (np.arange(n_bands) / bands_per_octave)
    half_hz = np.maximum(centres_hz * (2.0 ** (1 / bands_per_octave) - 1), sr / n_fft)
    weights = np.maximum(0.0, 1.0 - np.abs(bins_hz[:, None] - centres_hz) / half_hz)
    unit: NDArray[np.float32] = (weights / weights.sum(axis=0)).astype(np.float32)
    return unit


def band_loudness(
    samples: NDArray[np.float32], weights: NDArray[np.float32], *, n_fft: int, hop_length: int
) -> NDArray[np.float32]:
    """Cube root of the power per band over the whole frames of ``samples``.

    A root instead of a logarithm: in a mixture the stronger sound keeps its shape, and hiss adds little to a peak.

    Parameters
    ----------
    samples : shape (n,), n >= n_fft; the first frame is its first ``n_fft`` samples
    weights : as from :func:`band_weights`

    Returns
    -------
    shape (1 + (n - n_fft) // hop_length, n_bands); a floor of about -90 dB below a full-scale sine is added
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop_length]
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    loudness = np.empty((len(frames), weights.shape[1]), np.float32)
    groups = [slice(band, band + _BANDS_AT_ONCE) for band in range(0, weights.shape[1], _BANDS_AT_ONCE)]
    bins = [_touched(weights[:, group]) for group in groups]
    for i in range(0, len(frames), _FRAMES_AT_ONCE):
        parts = np.fft.rfft(frames[i : i + _FRAMES_AT_ONCE] * window, axis=1).view(np.float32)
        parts *= parts
        power = parts[:, ::2] + parts[:, 1::2]
        for group, touched in zip(groups, bins, strict=True):
            loudness[i : i + _FRAMES_AT_ONCE, group] = power[:, touched] @ weights[touched, group]
    loudness += np.float32(1e-7 * n_fft)
    np.log(loudness, out=loudness)
    loudness /= np.float32(3)
    return np.exp(loudness, out=loudness)


def _touched(weights: NDArray[np.float32]) -> slice:
    """FFT bins that some band uses."""
    used = np.flatnonzero(weights.any(axis=1))
    return slice(int(used[0]), int(used[-1]) + 1)


def whiten(spectra: NDArray[np.float32], *, n_frames: int, n_bands: int) -> NDArray[np.float32]:
    """Deviation of each cell from its neighbourhood of ``n_frames`` by ``n_bands`` (odd), in local standard deviations.

    Neighbourhoods are cut at the edges; cells at least ``n_frames - 1`` frames inside do not feel them. A deviation
    below 1 % of the mean counts as 1 %: what does not move says nothing.
    """
    mean = _local_mean(spectra, n_frames, n_bands)
    centred = spectra - mean
    variance = _local_mean(centred * centred, n_frames, n_bands)
    levels: NDArray[np.float32] = (centred / np.sqrt(variance + 1e-4 * mean * mean)).astype(np.float32)
    return levels


def pack_bits(cells: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Cells of shape (n, up to 128) as words of shape (n, 2).

    Even bands are the bits of word 0, odd bands those of word 1, lowest first: moving everything by two bands shifts
    both words by one, and word 0 alone is a picture at half the resolution.
    """
    padded = np.zeros((len(cells), 2, 64), np.bool_)
    for parity in (0, 1):
        half = cells[:, parity::2]
        padded[:, parity, : half.shape[1]] = half
    words: NDArray[np.uint64] = np.packbits(padded, axis=2, bitorder="little").view("<u8")[:, :, 0]
    return np.ascontiguousarray(words)


def _local_mean(cells: NDArray[np.floating], n_frames: int, n_bands: int) -> NDArray[np.float64]:
    mean = cells.astype(np.float64)
    for axis, width in ((0, n_frames), (1, n_bands)):
        n, half = mean.shape[axis], width // 2
        sums = np.concatenate([np.zeros_like(mean.take([0], axis)), np.cumsum(mean, axis=axis)], axis=axis)
        low, high = np.maximum(np.arange(n) - half, 0), np.minimum(np.arange(n) + half + 1, n)
        counts = (high - low).reshape((-1, 1) if axis == 0 else (1, -1))
        mean = (sums.take(high, axis) - sums.take(low, axis)) / counts
    return mean
