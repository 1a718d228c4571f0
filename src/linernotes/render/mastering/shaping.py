"""Tone, width and dynamics: everything that is done to a sound before its level."""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.filters import Geometry, Segments, Transform, band_shares, curve_on_bins, realised
from linernotes.kernels.mixing import spread
from linernotes.model import BAND_EDGES_HZ, THIRD_OCTAVES_HZ, MasteringPlan
from linernotes.render.mastering.dynamics import BandDynamics

__all__ = ["shaped"]

_LEAD = 16  # cells of silence on either side of a sound, into which its bands may ring


def shaped(blocks: Iterable[NDArray[np.float32]], plan: MasteringPlan) -> Iterator[NDArray[np.float32]]:
    """Do what a plan says of tone, width and dynamics; a block holds until the next is asked for.

    Where it says nothing of them, the sound passes bit for bit, in blocks that do not depend on those given.
    """
    geometry, channels = Geometry(plan.sample_rate_hz), plan.channels
    quiet = np.zeros((_LEAD * geometry.cell if plan.bands else 0, channels), np.float32)
    segments = Segments(chain([quiet], blocks, [quiet]), geometry, channels=channels)
    if not plan.shapes:
        for stretch, n in segments:
            yield stretch[geometry.margin : geometry.margin + n]
        return
    done = -len(quiet)
    for frames in _moved(segments, geometry, plan) if plan.bands else _toned(segments, geometry, plan):
        # Only the last segment is filled up; by then all frames are counted.
        yield frames[max(0, -done) : max(0, segments.n_frames - 2 * len(quiet) - done)]
        done += len(frames)


def _tone(plan: MasteringPlan, geometry: Geometry) -> NDArray[np.float64]:
    """Wished-for responses of mid and side."""
    middles = np.array(THIRD_OCTAVES_HZ)
    mid = np.array(plan.tone_mid_db)
    gains = [mid, np.array(plan.tone_side_db) + plan.width_db][: plan.channels]
    return np.stack([curve_on_bins(row, middles, geometry) for row in gains])


def _toned(segments: Segments, geometry: Geometry, plan: MasteringPlan) -> Iterator[NDArray[np.float32]]:
    transform = Transform(geometry, channels=plan.channels)
    response = realised(_tone(plan, geometry), geometry)
    out = np.empty((geometry.hop, plan.channels), np.float32)
    for stretch, _ in segments:
        rows = transform.thinned(transform.spectra(stretch), response, step=1)
        for segment in rows[:, :, geometry.margin : -geometry.margin]:
            spread(np.ascontiguousarray(segment), out)
            yield out


def _moved(segments: Segments, geometry: Geometry, plan: MasteringPlan) -> Iterator[NDArray[np.float32]]:
    transform = Transform(geometry, channels=plan.channels)
    shares = band_shares(BAND_EDGES_HZ, geometry)
    responses = realised(shares[:, None] * _tone(plan, geometry), geometry)
    dynamics = BandDynamics(geometry, responses, plan.bands, channels=plan.channels)
    for stretch, _ in segments:
        yield from dynamics.add(transform, transform.spectra(stretch))
    yield from dynamics.finish()
