"""From what a sound measures and what it should measure to what each stage does."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import InputError, ParameterError
from linernotes.kernels.filters import Geometry, band_shares
from linernotes.model import (
    BAND_EDGES_HZ,
    LEVEL_QUANTILES,
    THIRD_OCTAVES_HZ,
    Amounts,
    BandMeter,
    BandPlan,
    MasteringPlan,
    Meters,
    PlanNote,
    Preset,
    Profile,
)

__all__ = ["band_lifts", "draw_plan", "profile_of"]

_MIDDLES = np.array(THIRD_OCTAVES_HZ)
_QUANTILES = np.array(LEVEL_QUANTILES)
_HEARD_DB = -75.0  # of a third octave, below the loudest: less is noise, or nothing
_HELD = 0.44  # of a sample rate: where its filters begin to cut
_JUDGED_HZ = (40.0, 16000.0)  # the ends of hearing are no reason to move the rest
_WIDTH_BOUND_DB = 6.0
_SLOW_BOUND_DB, _FAST_BOUND_DB = 6.0, 4.0
_HARDEST = 0.5  # a level may not move more than this share of another's move the other way


def profile_of(references: Sequence[Meters], *, name: str) -> Profile:
    """Average what references measure; silent ones do not count. InputError if none is left."""
    heard = [meters for meters in references if not meters.silent]
    if not heard:
        raise InputError(f"profile {name!r}: none of {len(references)} references can be heard")
    wide = [m.stereo.width_db for m in heard if m.stereo is not None and m.stereo.width_db > _HEARD_DB]
    n_bands = len(heard[0].bands)
    return Profile(
        name=name,
        n_sources=len(heard),
        loudness_lufs=_mean([m.integrated_lufs for m in heard]),
        range_lu=_mean([m.range_lu for m in heard]),
        mid_db=_mean_tone([(m.mid_db, m.sample_rate_hz) for m in heard]),
        side_db=_mean_tone([(m.side_db, m.sample_rate_hz) for m in heard]),
        width_db=_mean(wide) if wide else None,
        slow_db=tuple(_mean_rows([m.bands[b].slow_db for m in heard]) for b in range(n_bands)),
        fast_db=tuple(_mean_rows([m.bands[b].fast_db for m in heard]) for b in range(n_bands)),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _mean_rows(rows: Sequence[Sequence[float]]) -> Sequence[float] | None:
    heard = [row for row in rows if row]
    return tuple(np.mean(heard, axis=0).tolist()) if heard else None


def _shape(levels_db: Sequence[float]) -> NDArray[np.float64]:
    """Tone alone: third octaves relative to their sum, NaN where nothing is heard."""
    levels = np.array(levels_db)
    total_db = 10.0 * np.log10(np.sum(10.0 ** (levels / 10.0)))
    return np.where(levels > max(levels.max() + _HEARD_DB, -120.0), levels - total_db, np.nan)


def _target(levels_db: Sequence[float], sample_rate_hz: int) -> NDArray[np.float64]:
    """Tone of a reference: what its rate cannot hold is not known, what is merely soft is wished to be soft."""
    levels = np.array(levels_db)
    total_db = 10.0 * np.log10(np.sum(10.0 ** (levels / 10.0)))
    soft = np.maximum(levels, levels.max() + _HEARD_DB) - total_db
    return np.where(_HELD * sample_rate_hz > _MIDDLES, soft, np.nan)


def _mean_tone(rows: Sequence[tuple[Sequence[float], int]]) -> Sequence[float | None]:
    shapes = np.array([_target(*row) for row in rows])
    heard = ~np.isnan(shapes)
    sums, n = np.where(heard, shapes, 0.0).sum(axis=0), heard.sum(axis=0)
    return tuple(float(s / k) if k else None for s, k in zip(sums, n, strict=True))


def draw_plan(before: Meters, preset: Preset) -> MasteringPlan:
    """Say what each stage will do to a sound that measures ``before``. ParameterError for impossible wishes.

    For an album, give each song its own ``loudness_lufs``.
    """
    _check(preset)
    amounts, profile, notes = preset.amounts, preset.profile, list[PlanNote]()
    flat = np.zeros(len(_MIDDLES))
    mid, side, width_db, bands = flat, flat, 0.0, tuple[BandPlan, ...]()
    if before.silent:
        notes.append(PlanNote("silent", "nothing is loud enough to be given a loudness; it is left as it is"))
    elif profile is not None:
        mid = _tone(before.mid_db, profile.mid_db, preset, notes, "mid")
        if before.stereo is not None and profile.width_db is not None:
            side = _tone(before.side_db, profile.side_db, preset, notes, "side")
            width_db = _width(before, profile, mid, side, amounts)
        if amounts.dynamics > 0.0:
            bands = _bands(before, profile, mid, amounts.dynamics / 100.0)
    target = None if before.silent else _loudness(before, preset)
    unlimited = target is None and amounts.limiter == 0.0
    return MasteringPlan(
        sample_rate_hz=before.sample_rate_hz,
        channels=before.channels,
        tone_mid_db=tuple(mid.tolist()),
        tone_side_db=tuple(side.tolist()),
        width_db=width_db,
        bands=bands,
        loudness_lufs=target,
        ceiling_dbtp=None if unlimited or before.silent else preset.ceiling_dbtp,
        greatest_reduction_db=preset.greatest_reduction_db * amounts.limiter / 100.0,
        gain_db=0.0 if target is None else target - before.integrated_lufs,
        notes=tuple(notes),
        tone_bound_db=preset.tone_bound_db,
    )


def _check(preset: Preset) -> None:
    for field in fields(Amounts):
        value = getattr(preset.amounts, field.name)
        if not 0.0 <= value <= 100.0:
            raise ParameterError(f"amount of {field.name} is {value:g}: give 0 to 100 percent")
    wishes = [
        ("ceiling", preset.ceiling_dbtp, -20.0, 0.0, "dBTP"),
        ("tone bound", preset.tone_bound_db, 0.0, 24.0, "dB"),
        ("greatest reduction", preset.greatest_reduction_db, 0.0, 24.0, "dB"),
        ("loudness", -14.0 if preset.loudness_lufs is None else preset.loudness_lufs, -60.0, 0.0, "LUFS"),
    ]
    for what, value, low, high, unit in wishes:
        if not low <= value <= high:
            raise ParameterError(f"{what} is {value:g} {unit}: give {low:g} to {high:g}")


def _loudness(before: Meters, preset: Preset) -> float | None:
    wish = preset.loudness_lufs
    if wish is None and preset.profile is not None:
        wish = preset.profile.loudness_lufs
    if wish is None or preset.amounts.loudness == 0.0:
        return None
    return before.integrated_lufs + (wish - before.integrated_lufs) * preset.amounts.loudness / 100.0


def _tone(
    levels_db: Sequence[float], target: Sequence[float | None], preset: Preset, notes: list[PlanNote], row: str
) -> NDArray[np.float64]:
    """Gains of third octaves: the difference, moved up or down as a whole so that what the bound leaves is least.

    What is left is told as a listener at one loudness hears it: relative to its own mean.
    """
    wished = np.array([np.nan if value is None else value for value in target]) - _shape(levels_db)
    heard = ~np.isnan(wished)
    if not heard.any() or preset.amounts.tone == 0.0:
        return np.zeros(len(wished))
    bound = preset.tone_bound_db
    judged = wished[heard & (_JUDGED_HZ[0] < _MIDDLES) & (_JUDGED_HZ[1] > _MIDDLES)]
    judged = judged if len(judged) else wished[heard]
    middle = np.median(judged)
    offsets = middle + np.linspace(-2.0 * bound, 2.0 * bound, 481)
    left = judged - np.clip(judged - offsets[:, None], -bound, bound)
    distances = np.abs(left - left.mean(axis=1, keepdims=True)).mean(axis=1)
    offset = offsets[np.lexsort((np.abs(offsets - middle), distances.round(4)))[0]]
    gains = np.clip(wished - offset, -bound, bound)
    held = [f"{hz:.0f}" for hz, wish in zip(_MIDDLES, wished - offset, strict=True) if abs(wish) > bound + 0.5]
    if held:
        notes.append(PlanNote("tone_bound", f"the {row} would need more than {bound:g} dB at {', '.join(held)} Hz"))
    gains = np.interp(np.arange(len(gains)), np.flatnonzero(heard), gains[heard])
    return np.asarray(gains * (preset.amounts.tone / 100.0), np.float64)


def _width(
    before: Meters, profile: Profile, mid: NDArray[np.float64], side: NDArray[np.float64], amounts: Amounts
) -> float:
    assert profile.width_db is not None
    powers = [
        np.sum(10.0 ** ((np.array(row) + gains) / 10.0))
        for row, gains in ((before.side_db, side), (before.mid_db, mid))
    ]
    if not all(power > 1e-12 for power in powers):
        return 0.0
    wished = profile.width_db - 10.0 * np.log10(powers[0] / powers[1])
    return float(np.clip(wished, -_WIDTH_BOUND_DB, _WIDTH_BOUND_DB)) * amounts.width / 100.0


def _bands(before: Meters, profile: Profile, mid: NDArray[np.float64], amount: float) -> tuple[BandPlan, ...]:
    lifts_db = band_lifts(10.0 ** (np.array(before.mid_db) / 10.0), mid, before.sample_rate_hz)
    return tuple(
        _band(band, profile.slow_db[b], profile.fast_db[b], float(lifts_db[b]), amount)
        for b, band in enumerate(before.bands)
    )


def band_lifts(powers: NDArray[np.float64], gains_db: NDArray[np.float64], sample_rate_hz: int) -> NDArray[np.float64]:
    """Tell by how many dB gains of third octaves lift each band of a sound that has these powers."""
    geometry = Geometry(sample_rate_hz)
    octaves, bins = np.log2(_MIDDLES), np.log2(geometry.bins_hz[1:])
    shares = np.array([np.interp(octaves, bins, row[1:]) for row in band_shares(BAND_EDGES_HZ, geometry)])
    before, lifted = (np.maximum(shares @ each, 1e-15) for each in (powers, powers * 10.0 ** (gains_db / 10.0)))
    return np.asarray(10.0 * np.log10(lifted / before))


def _band(
    band: BandMeter, slow: Sequence[float] | None, fast: Sequence[float] | None, lift_db: float, amount: float
) -> BandPlan:
    if not band.slow_db or slow is None or fast is None:
        return BandPlan(band.start_hz, band.stop_hz, (0.0,), (0.0,), (0.0,), (0.0,))
    slow_level, slow_gain = _curve(band.slow_db, slow, _SLOW_BOUND_DB, amount)
    fast_level, fast_gain = _curve(band.fast_db, fast, _FAST_BOUND_DB, amount)
    return BandPlan(
        band.start_hz,
        band.stop_hz,
        tuple((slow_level + band.level_db + lift_db).tolist()),
        tuple(slow_gain.tolist()),
        tuple(fast_level.tolist()),
        tuple(fast_gain.tolist()),
    )


def _curve(
    own: Sequence[float], target: Sequence[float], bound_db: float, amount: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gains over levels that turn one distribution into another, and leave the mean power what it is.

    Below the softest knot the gain goes back to nothing, so that noise between the notes stays where it is.
    """
    levels = np.maximum.accumulate(np.array(own) + 1e-6 * np.arange(len(own)))
    wished = np.clip(np.array(target) - levels, -bound_db, bound_db) * amount
    powers = 10.0 ** (levels / 10.0)
    raised = np.trapezoid(powers * 10.0 ** (wished / 10.0), _QUANTILES) / np.trapezoid(powers, _QUANTILES)
    gains = wished - 10.0 * np.log10(raised)
    return np.concatenate([[levels[0] - 20.0], levels]), np.concatenate([[0.0], gains])
