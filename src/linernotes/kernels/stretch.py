"""Undoing a change of speed or pitch, so that a person can compare like with like.

A phase vocoder: frames of the sound are laid down at another distance, and each band's phase is advanced by what its
own frequency asks for.

Conventions
-----------
Mono float32 samples, shape ``(n,)``. A rate of 2 halves the length.

Source: Flanagan & Golden 1966; Laroche & Dolson 1999 for the phase advance.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["stretch"]


def stretch(
    samples: NDArray[np.float32], *, rate: float, n_fft: int = 2048, hop_length: int = 512
) -> NDArray[np.float32]:
    """Play ``rate`` times faster at the same pitch; rate in [0.25, 4]. The result has ``round(n / rate)`` samples."""
    n_out = round(len(samples) / rate)
    if len(samples) < n_fft or rate == 1.0:
        return np.resize(samples, n_out) if len(samples) else samples
    window = np.hanning(n_fft + 1)[:-1]
    padded = np.pad(samples, (n_fft // 2, 2 * n_fft))
    starts = np.arange(0, len(samples), hop_length * rate)
    at = np.minimum(starts.astype(np.intp), len(padded) - n_fft - hop_length)
    frames = np.fft.rfft(padded[at[:, None] + np.arange(n_fft)] * window)
    ahead = np.fft.rfft(padded[at[:, None] + hop_length + np.arange(n_fft)] * window)
    # A frame and its neighbour one hop later tell each band's advance over exactly one hop of the output.
    advance = np.angle(ahead * np.conj(frames))
    phases = np.angle(frames[0]) + np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(advance[:-1], axis=0)])
    pieces = np.fft.irfft(np.abs(frames) * np.exp(1j * phases), n_fft) * window
    out = np.zeros((len(pieces) - 1) * hop_length + n_fft)
    for number, piece in enumerate(pieces):
        out[number * hop_length : number * hop_length + n_fft] += piece
    out *= hop_length / float(np.sum(window**2))
    return np.resize(out[n_fft // 2 :], n_out).astype(np.float32)
