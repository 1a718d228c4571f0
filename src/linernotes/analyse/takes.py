"""Whether two stretches are one take, or the same music played anew: their waveforms, octave by octave.

Music that a machine plays again, in the same tempo and from the same samples, fills the same cells. Its waveform is
another: what sounds together, and at which phase, differs. What was recorded once keeps its waveform through codecs,
rooms, noise and other music laid over it, as long as neither pitch nor tempo was changed. It may drift, as tape does:
pieces of half a second are compared, at a lag that moves evenly.

Source: normalised cross-correlations in octave bands, their squares as the share of energy explained.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from linernotes.model import Match, Transform

__all__ = ["RATE_HZ", "SLACK_S", "STRETCH_S_MAX", "Likeness", "Takes", "likeness"]

RATE_HZ = 11_025
SLACK_S = 0.05
"""How far the place of a match may be off."""
STRETCH_S_MAX = 10.0
"""As much of a stretch is compared: its middle."""

Likeness = Callable[[Match], float | None]
"""Gives the likeness of both sides of a match; None where one of them cannot be heard."""

_PIECE, _SLACK, _SIZE = RATE_HZ // 2, round(SLACK_S * RATE_HZ), 8192
_OCTAVES_HZ = (150, 300, 600, 1200, 2400, 4800)
_SILENCE = 1e-4  # root mean square; nothing can be told of what is softer
_DRIFTS = np.linspace(-0.003, 0.003, 41)  # of tempo; beyond, a match is told as changed

# Copies reach 0.7 and more, but for those under 5 dB of pink noise or music (0.3 to 2); what is played anew from the
# same samples at most 0.18, what shares some recorded tracks 0.43 (docs/fingerprint.md).
_EVEN, _WEIGHT = 0.4, 8
_LEAST, _UNHEARD = 0.01, 0.37


def likeness(upload: NDArray[np.float32], recording: NDArray[np.float32]) -> float | None:
    """How much of a stretch is the waveform of a recording: 0 none, 5 all of it in all five octaves.

    Parameters
    ----------
    upload : shape (n,), at ``RATE_HZ``
    recording : the same stretch and ``SLACK_S`` on either side, shape (n + 2 * slack,)

    None where either is silent or shorter than half a second.

    Check: noise and itself give 5, two noises less than 0.1.

    >>> noise = np.random.default_rng(1).normal(size=(2, 3 * RATE_HZ)).astype(np.float32)
    >>> round(likeness(noise[0], np.pad(noise[0], round(SLACK_S * RATE_HZ))), 1)
    5.0
    >>> likeness(noise[0], np.pad(noise[1], round(SLACK_S * RATE_HZ))) < 0.1
    True
    """
    n = min(len(upload), len(recording) - 2 * _SLACK) // _PIECE
    if n < 1:
        return None
    heard = upload[: n * _PIECE].reshape(n, _PIECE)
    told = np.lib.stride_tricks.sliding_window_view(recording, _PIECE + 2 * _SLACK)[::_PIECE][:n]
    loud = np.minimum(_level(heard), _level(told)) > _SILENCE
    if not loud.any():
        return None
    correlations = _correlations(heard[loud], told[loud])
    return max(_explained(correlations, drift) for drift in _DRIFTS)


def _level(pieces: NDArray[np.float32]) -> NDArray[np.float32]:
    root: NDArray[np.float32] = np.sqrt(np.mean(np.square(pieces), axis=1))
    return root


def _correlations(heard: NDArray[np.float32], told: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlate pieces in every octave at every lag; shape (octaves, n, lags)."""
    of_heard, of_told = np.fft.rfft(heard, _SIZE), np.fft.rfft(told, _SIZE)
    of_inner = np.fft.rfft(told[:, _SLACK:-_SLACK], _SIZE)
    found = []
    for low, high in pairwise(_OCTAVES_HZ):
        band = slice(low * _SIZE // RATE_HZ, high * _SIZE // RATE_HZ)
        crossed = np.zeros_like(of_heard)
        crossed[:, band] = np.conj(of_heard[:, band]) * of_told[:, band]
        energy = np.sum(np.abs(of_heard[:, band]) ** 2, axis=1) * np.sum(np.abs(of_inner[:, band]) ** 2, axis=1)
        scale = np.sqrt(np.maximum(energy, 1e-20)) * 2 / _SIZE
        found.append(np.fft.irfft(crossed, _SIZE)[:, : 2 * _SLACK + 1] / scale[:, None])
    return np.stack(found)


def _explained(correlations: NDArray[np.float64], drift: float) -> float:
    """Sum over octaves the square of the mean correlation, at the lag, drifting evenly, where they agree best."""
    n, n_lags = correlations.shape[1:]
    shifts = np.round(drift * _PIECE * (np.arange(n) - (n - 1) / 2)).astype(np.int64)
    lags = (np.arange(n_lags) + shifts[:, None]) % n_lags
    agreed = correlations.sum(axis=0)[np.arange(n)[:, None], lags].mean(axis=0)
    best = lags[:, np.abs(agreed).argmax()]  # of either sign: polarity may have been turned
    return float(np.sum(correlations[:, np.arange(n), best].mean(axis=1) ** 2))


@dataclass(frozen=True, slots=True)
class Takes:
    """Weighs matches anew by what waveforms tell; asks once about each place.

    What cannot be heard counts half: without the waveforms more strangers agree as well.
    """

    likeness: Likeness
    _asked: dict[tuple[str, int, int], float | None] = field(default_factory=dict)

    def probability(self, match: Match) -> float:
        """Return how probable a match is; waveforms tell nothing of one that was changed.

        Check: what is as likely as not and 0.4 alike stays so; 0.8 alike, it is probable.

        >>> place = ("rec_1", 0.0, 5.0, 0.0, 5.0, 9.0)
        >>> [round(Takes(lambda _: alike).probability(Match(*place, 0.5, Transform())), 3) for alike in (0.4, 0.8)]
        [0.5, 0.996]
        """
        if match.transform != Transform():
            return match.probability
        lies_at_s = match.reference_start_s - match.query_start_s
        place = match.recording_id, round(lies_at_s / SLACK_S), round(match.query_start_s / STRETCH_S_MAX)
        if place not in self._asked:
            self._asked[place] = self.likeness(match)
        alike = self._asked[place]
        weight = ((_UNHEARD if alike is None else max(alike, _LEAST)) / _EVEN) ** _WEIGHT
        odds = weight * match.probability / max(1 - match.probability, 1e-9)
        return odds / (1 + odds)
