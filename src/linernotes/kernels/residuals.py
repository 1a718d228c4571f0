"""What is left of a spectrogram when music is predicted away: how neighbouring residues occur together.

A model that makes sound gets the music right and the small print wrong: how log magnitudes scatter around their
neighbours, how phases bend. Each is quantised coarsely and counted in pairs and triples; the
counts add up over time and hold next to nothing of the music.

Source: the idea of rich models of noise residuals in image forensics (J. Fridrich and J. Kodovsky, Rich models for
steganalysis of digital images, 2012), carried over to short-time spectra.

Conventions
-----------
Spectrograms have shape (frames, bins); ``zones[k]`` is the zone of bin k or −1 for none. Counts are added to ``out``.
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, readable, types, writable

__all__ = ["N_PHASES", "N_TRIPLES", "count_phases", "count_triples"]

N_TRIPLES = 125
"""Triples of residues of five levels each."""
N_PHASES = 8
"""Sectors of the circle."""

_F, _I = types.float32, types.int64
_STEP_DB = 6.0


@compiled(types.void, readable(_F, 2), readable(_I, 1), writable(_F, 3))
def count_triples(level_db: NDArray[np.float32], zones: NDArray[np.int64], out: NDArray[np.float32]) -> None:
    """Count triples of second differences of log magnitude, taken and followed along time and along frequency.

    Kind 0: differences along time, followed along time; 1: time, frequency; 2: frequency, time; 3: frequency twice.
    Neighbours are two frames or bins apart, since windows overlap and leak. ``out`` has shape (4, zones, 125).
    """
    n_frames, n_bins = level_db.shape
    along_time = np.zeros((n_frames, n_bins), np.int8)
    along_bins = np.zeros((n_frames, n_bins), np.int8)
    for t in range(n_frames):
        for k in range(n_bins):
            if 2 <= t < n_frames - 2:
                residue = level_db[t - 2, k] - 2 * level_db[t, k] + level_db[t + 2, k]
                along_time[t, k] = int(min(2.0, max(-2.0, np.rint(residue / _STEP_DB)))) + 2
            if 2 <= k < n_bins - 2:
                residue = level_db[t, k - 2] - 2 * level_db[t, k] + level_db[t, k + 2]
                along_bins[t, k] = int(min(2.0, max(-2.0, np.rint(residue / _STEP_DB)))) + 2
    for t in range(4, n_frames - 4):
        for k in range(4, n_bins - 4):
            zone = zones[k]
            if zone < 0 or zones[k - 4] < 0 or zones[k + 4] < 0:
                continue
            a, b = along_time[t, k] * 5, along_bins[t, k] * 5
            out[0, zone, along_time[t - 2, k] * 25 + a + along_time[t + 2, k]] += 1
            out[1, zone, along_time[t, k - 2] * 25 + a + along_time[t, k + 2]] += 1
            out[2, zone, along_bins[t - 2, k] * 25 + b + along_bins[t + 2, k]] += 1
            out[3, zone, along_bins[t, k - 2] * 25 + b + along_bins[t, k + 2]] += 1


@compiled(_I, types.float64)
def _sector(turns: float) -> int:
    """Sector of an angle told in turns."""
    return int(np.floor((turns - np.floor(turns)) * N_PHASES)) % N_PHASES


@compiled(types.void, readable(_F, 2), readable(_I, 1), writable(_F, 3))
def count_phases(phase_turns: NDArray[np.float32], zones: NDArray[np.int64], out: NDArray[np.float32]) -> None:
    """Count pairs of sectors of how phase bends: along time and two bins on; along frequency and two frames on.

    ``out`` has shape (2, zones, 64). A bend
    along time has no advance left in it; the sign that a centred frame alternates between bins leaves a bend along
    frequency too.
    """
    n_frames, n_bins = phase_turns.shape
    time_bend = np.zeros((n_frames, n_bins), np.int8)
    bins_bend = np.zeros((n_frames, n_bins), np.int8)
    for t in range(n_frames):
        for k in range(n_bins):
            here = phase_turns[t, k]
            if 1 <= t < n_frames - 1:
                time_bend[t, k] = _sector(phase_turns[t - 1, k] - 2.0 * here + phase_turns[t + 1, k] + 1 / 16)
            if 1 <= k < n_bins - 1:
                bins_bend[t, k] = _sector(phase_turns[t, k - 1] - 2.0 * here + phase_turns[t, k + 1] + 1 / 16)
    for t in range(1, n_frames - 3):
        for k in range(1, n_bins - 3):
            zone = zones[k]
            if zone < 0 or zones[k + 2] < 0:
                continue
            out[0, zone, time_bend[t, k] * N_PHASES + time_bend[t, k + 2]] += 1
            out[1, zone, bins_bend[t, k] * N_PHASES + bins_bend[t + 2, k]] += 1
