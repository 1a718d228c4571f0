"""A rehearsal: a part of a sound is shaped, to see that its third octaves move as planned.

A filter spreads what one third octave is given over its neighbours, and dynamics weigh loud and soft moments anew:
both move a spectrum by a decibel or two that nobody asked for. What they did to the part is taken off the gains.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.filters import Geometry, Segments, Transform
from linernotes.kernels.third_octaves import add_spectra, third_octave_powers
from linernotes.model import THIRD_OCTAVES_HZ, BandPlan, MasteringPlan
from linernotes.render.mastering.planning import band_lifts
from linernotes.render.mastering.shaping import shaped

__all__ = ["rehearsed"]

_PIECE_S, _N_PIECES = 3.0, 10
_ROUNDS, _STEP = 2, 1.0
_LEEWAY_DB = 6.0  # of a filter beyond the bound, to make up for what the dynamics take
_HEARD = 1e-7  # of the strongest third octave: less is noise, or nothing


def rehearsed(blocks: Iterable[NDArray[np.float32]], plan: MasteringPlan, *, n_frames: int) -> MasteringPlan:
    """Return the plan whose gains, within its bound, make the third octaves of a sound move as this one says.

    ``blocks`` hold ``n_frames``; half a minute of them is listened to, at ten places.
    """
    if not any(plan.tone_mid_db) and not any(plan.tone_side_db):
        return plan
    part = _part(blocks, n_frames, round(_PIECE_S * plan.sample_rate_hz))
    before, trial = _powers([part], plan), plan
    heard = before > _HEARD * before.max(axis=1, keepdims=True)
    for _ in range(_ROUNDS):
        after = _powers(shaped([part], trial), plan)
        moved_db = 10.0 * np.log10(np.where(heard, after, 1.0) / np.where(heard, before, 1.0) + 1e-15)
        mid_db = _corrected(plan.tone_mid_db, trial.tone_mid_db, moved_db[0], heard[0], plan.tone_bound_db)
        side_db = trial.tone_side_db
        if plan.channels > 1:
            side_db = _corrected(plan.tone_side_db, trial.tone_side_db, moved_db[1], heard[1], plan.tone_bound_db)
        trial = replace(trial, tone_mid_db=mid_db, tone_side_db=side_db, bands=_followed(plan, mid_db, before[0]))
    return trial


def _part(blocks: Iterable[NDArray[np.float32]], n_frames: int, n_piece: int) -> NDArray[np.float32]:
    """Cut pieces at even distances, or take all of what is shorter."""
    distance = max(n_piece, n_frames // _N_PIECES)
    part, at, filled = np.empty((0, 0), np.float32), 0, 0
    for block in blocks:
        if not at:
            part = np.empty((min(n_frames, _N_PIECES * n_piece), block.shape[1]), np.float32)
        for nth in range(at // distance, (at + len(block)) // distance + 1):
            piece = block[max(0, nth * distance - at) : max(0, nth * distance + n_piece - at)]
            piece = piece[: len(part) - filled]
            part[filled : filled + len(piece)] = piece
            filled += len(piece)
        at += len(block)
    return part[:filled]


def _powers(blocks: Iterable[NDArray[np.float32]], plan: MasteringPlan) -> NDArray[np.float64]:
    geometry = Geometry(plan.sample_rate_hz)
    transform = Transform(geometry, channels=plan.channels)
    segments = Segments(blocks, geometry, channels=plan.channels)
    sums = np.zeros((plan.channels, geometry.n_fft // 2 + 1))
    for stretch, _ in segments:
        add_spectra(transform.spectra(stretch), sums)
    return third_octave_powers(sums, segments.n_frames, np.array(THIRD_OCTAVES_HZ), geometry)


def _followed(plan: MasteringPlan, mid_db: Sequence[float], powers: NDArray[np.float64]) -> Sequence[BandPlan]:
    """Move the levels that dynamics look at along with the gains: else they would undo them."""
    first, now = (band_lifts(powers, np.array(gains), plan.sample_rate_hz) for gains in (plan.tone_mid_db, mid_db))
    return tuple(
        replace(band, slow_level_db=tuple((np.array(band.slow_level_db) + more).tolist()))
        for band, more in zip(plan.bands, now - first, strict=False)
    )


def _corrected(
    planned_db: Sequence[float],
    tried_db: Sequence[float],
    moved_db: NDArray[np.float64],
    heard: NDArray[np.bool_],
    bound_db: float,
) -> Sequence[float]:
    """Take what third octaves moved too far, against each other, off the gains."""
    if not heard.any() or not any(planned_db):
        return tried_db
    beyond = np.where(heard, moved_db - np.array(planned_db), 0.0)
    beyond[heard] -= np.median(beyond[heard])
    return tuple(np.clip(np.array(tried_db) - _STEP * beyond, -bound_db - _LEEWAY_DB, bound_db + _LEEWAY_DB).tolist())
