"""What a stretch of sound shows of how it was made, in families of numbers; each family is one kind of evidence.

====================  =======================================================================================
``tones``             how log magnitudes scatter around their neighbours (triples of residues), frames of 93 ms
``scatter``           the same, frames of 23 ms
``strokes``           the same, frames of 6 ms
``phase``             how phases bend along time and along frequency
``comb``              lines in the long-term spectrum, and the spacing at which they repeat: traces of upsampling
====================  =======================================================================================

Conventions
-----------
A trait that cannot be had (a zone above the band edge, one channel alone) is NaN.
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.synthetic.cells import FINE_HZ, N_ZONES, ZONES_HZ, Cell

__all__ = ["FAMILIES", "lines_db", "shown"]

Floats = NDArray[np.float32]

FAMILIES = ("tones", "scatter", "strokes", "phase", "comb")
_ENOUGH = 1000.0
_LOWEST_LINE_HZ = 500.0
_BANDS_HZ = np.arange(1000, 20_200, 200)
_SPACINGS_HZ = np.geomspace(16, 2600, 65)


def shown(stretch: Cell, lines: Floats) -> Mapping[str, Floats]:
    """Traits of a stretch by family, see the table above; ``lines`` as from :func:`lines_db`."""
    return {
        "tones": _shares(_folded(stretch.triples[0])),
        "scatter": _shares(_folded(stretch.triples[1])),
        "strokes": _shares(_folded(stretch.triples[2])),
        "phase": _shares(stretch.phases),
        "comb": _comb(stretch, lines),
    }


_TRIPLE = np.arange(125)
_MIRRORED = _TRIPLE % 5 * 25 + _TRIPLE // 5 % 5 * 5 + _TRIPLE // 25
_FIRST = np.flatnonzero(_TRIPLE <= _MIRRORED)


def _folded(counts: Floats) -> Floats:
    """Count a triple and its mirror image as one: forwards or backwards tells nothing."""
    folded: Floats = (counts + counts[..., _MIRRORED])[..., _FIRST] / np.float32(2)
    return folded


def _shares(counts: Floats) -> Floats:
    """Square roots of shares: equal steps are then about equally likely; NaN where there is too little to count."""
    sums = counts.sum(axis=-1, keepdims=True)
    roots = np.sqrt((counts + 0.5) / (sums + 0.5 * counts.shape[-1]))
    return np.where(sums < _ENOUGH, np.nan, roots).astype(np.float32).ravel()


def lines_db(stretch: Cell) -> Floats:
    """How far each bin stands out of its surroundings (350 Hz), in dB, −10 to 20; 0 beyond the band edge."""
    level = stretch.fine / np.float32(max(stretch.n, 1e-9))
    padded = np.pad(level, 32, mode="edge")
    every = np.arange(0, len(level), 8)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, 65)[every], axis=1)
    surroundings = np.interp(np.arange(len(level)), every, medians)
    lines: Floats = np.clip(level - surroundings, -10, 20).astype(np.float32)
    edge = int(stretch.edge_hz / max(stretch.n, 1e-9) / FINE_HZ)
    lines[: int(_LOWEST_LINE_HZ / FINE_HZ)] = 0
    lines[max(0, edge - 40) :] = 0
    return lines


def _comb(stretch: Cell, lines: Floats) -> Floats:
    """Strength of lines by zone and by band of 200 Hz, and how well they fit combs of 16 to 2,600 Hz."""
    heard = stretch.heard > 0.5 * stretch.n
    bounds = np.round(np.array(ZONES_HZ) / FINE_HZ).astype(int)
    zones = np.full((N_ZONES, 4), np.nan, np.float32)
    for zone in np.flatnonzero(heard):
        part = lines[bounds[zone] : bounds[zone + 1]]
        zones[zone] = (part.std(), np.mean(part > 4), np.mean(part > 8), part.max())
    cuts = np.round(_BANDS_HZ / FINE_HZ).astype(int)
    bands = np.maximum.reduceat(lines, cuts)[:-1]
    edge = stretch.edge_hz / max(stretch.n, 1e-9)
    bands = np.where(_BANDS_HZ[1:] < edge - 200, bands, np.nan)
    high = np.maximum(lines, 0)
    high[: int(3000 / FINE_HZ)] = 0
    return np.concatenate([zones.ravel(), bands, _spacings(high)]).astype(np.float32)


def _spacings(lines: Floats) -> Floats:
    """Best fit of a comb through 0 Hz in each band of spacings, over what chance gives."""
    n = 1 << 14
    centred = np.where(lines > 0, lines - lines[lines > 0].mean(), 0) if np.any(lines > 0) else lines
    fit = np.fft.rfft(centred, n).real / (np.sqrt(np.sum(centred**2)) + 1e-6)
    periods = np.round(n * FINE_HZ / _SPACINGS_HZ[::-1]).astype(int)
    periods = periods[periods < len(fit)]
    best = np.full(len(_SPACINGS_HZ) - 1, np.nan, np.float32)
    for i, (low, high) in enumerate(pairwise(periods)):
        best[i] = fit[low : max(high, low + 1)].max()
    return best
