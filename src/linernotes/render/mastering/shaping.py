"""Tone, width and dynamics: everything that is done to a sound before its level."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.filters import Geometry, Segments, Transform, band_shares, curve_on_bins, from_rows, realised
from linernotes.model import BAND_EDGES_HZ, THIRD_OCTAVES_HZ, MasteringPlan
from linernotes.render.mastering.dynamics import BandDynamics

__all__ = ["shaped"]


def shaped(blocks: Iterable[NDArray[np.float32]], plan: MasteringPlan) -> Iterator[NDArray[np.float32]]:
    """Do what a plan says of tone, width and dynamics; a block holds until the next is asked for.

    Where it says nothing of them, the sound passes bit for bit, in blocks that do not depend on those given.
    """
    geometry, channels = Geometry(plan.sample_rate_hz), plan.channels
    if not plan.shapes:
        for segment, n in Segments(blocks, geometry, channels=channels):
            yield segment[geometry.margin : geometry.margin + n]
        return
    tone = _tone(plan, geometry)
    transform = Transform(geometry, channels=channels)
    segments = Segments(blocks, geometry, channels=channels)
    out = np.empty((geometry.hop, channels), np.float32)
    if plan.bands:
        shares = band_shares(BAND_EDGES_HZ, geometry)
        rows = _moved(segments, transform, geometry, realised(shares[:, None] * tone, geometry), plan)
    else:
        response = realised(tone, geometry)
        rows = (transform.filtered(transform.spectra(segment), response) for segment, _ in segments)
    done = 0
    for some in rows:
        from_rows(some, out)
        # Only the last segment is filled up; by then all frames are counted.
        n = min(geometry.hop, segments.n_frames - done)
        done += n
        yield out[:n]


def _tone(plan: MasteringPlan, geometry: Geometry) -> NDArray[np.float64]:
    """Wished-for responses of mid and side."""
    middles = np.array(THIRD_OCTAVES_HZ)
    mid = np.array(plan.tone_mid_db)
    gains = [mid, np.array(plan.tone_side_db) + plan.width_db][: plan.channels]
    return np.stack([curve_on_bins(row, middles, geometry) for row in gains])


def _moved(
    segments: Segments, transform: Transform, geometry: Geometry, responses: NDArray[np.float32], plan: MasteringPlan
) -> Iterator[NDArray[np.float32]]:
    dynamics = BandDynamics(geometry, responses, plan.bands, channels=plan.channels)
    for segment, _ in segments:
        yield from dynamics.add(transform, transform.spectra(segment))
    yield from dynamics.finish()
