"""Mastering from meters to master: what is wished is met, what cannot be is said, and nothing depends on blocks."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.errors import DecodeError, InputError, ParameterError
from linernotes.model import Amounts, MasteringPlan, MasteringResult, Meters, Preset
from linernotes.render.mastering import Rendering, dithered, draw_plan, measure, profile_of

RATE = 22050
OFF = Amounts(tone=0.0, dynamics=0.0, width=0.0, loudness=0.0, limiter=0.0)

Sound = NDArray[np.float32]


def song(seed: int = 0, *, seconds: float = 6.0, channels: int = 2, tilt: float = 1.0, rate: int = RATE) -> Sound:
    """Coloured noise with strokes twice a second and a softer half."""
    rng, n = np.random.default_rng(seed), round(seconds * rate)
    spectrum = np.fft.rfft(rng.standard_normal((channels, n)), axis=1)
    spectrum /= np.maximum(1.0, np.arange(spectrum.shape[1]) / (seconds * 50.0)) ** (0.5 * tilt)
    noise = np.fft.irfft(spectrum, n, axis=1).T
    if channels == 2:
        noise = noise @ np.array([[1.0, 0.6], [0.6, 1.0]])
    t = np.arange(n) / rate
    strokes = np.exp(-3.0 * (t % 0.5)) * np.where(t < seconds / 2.0, 0.4, 1.0)
    noise *= strokes[:, None] / np.abs(noise).max()
    return noise.astype(np.float32)


def opened(sound: Sound, size: int = 5000) -> Callable[[], Iterator[Sound]]:
    return lambda: (sound[start : start + size] for start in range(0, len(sound), size))


def meters_of(sound: Sound, rate: int = RATE) -> Meters:
    return measure(opened(sound)(), sample_rate_hz=rate)


def mastered(sound: Sound, preset: Preset, *, rate: int = RATE, size: int = 5000) -> tuple[Sound, MasteringResult]:
    before = meters_of(sound, rate)
    with Rendering(opened(sound, size), draw_plan(before, preset), before=before) as rendering:
        out = np.concatenate([block.copy() for block in rendering.blocks()])
        return out, rendering.result()


def plan_for(sound: Sound, preset: Preset) -> MasteringPlan:
    return draw_plan(meters_of(sound), preset)


def test_all_amounts_off_returns_the_input_bit_for_bit() -> None:
    sound = song() * np.float32(1.7)
    profile = profile_of([meters_of(song(1, tilt=2.0))], name="dark")
    out, result = mastered(sound, Preset(loudness_lufs=-9.0, profile=profile, amounts=OFF))
    assert result.plan.is_identity
    assert np.array_equal(out, sound)


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
@pytest.mark.parametrize("channels", [1, 2])
def test_loudness_is_met_under_the_ceiling(rate: int, channels: int) -> None:
    sound = song(seconds=2.0, channels=channels, rate=rate)
    out, result = mastered(sound, Preset(loudness_lufs=-18.0), rate=rate)
    assert out.shape == sound.shape
    assert result.after.integrated_lufs == pytest.approx(-18.0, abs=0.1)
    assert result.after.true_peak_dbtp <= -1.0
    assert result.shortfall_lu == 0.0


def test_a_loudness_over_which_the_meter_leaps_is_missed_from_below_and_said() -> None:
    rng, n, preset = np.random.default_rng(1), 6 * 44100, Preset(loudness_lufs=-14.0)
    burst = 0.01 * rng.standard_normal(n)
    burst[n // 2 : n // 2 + 2000] = rng.uniform(-1, 1, 2000)  # louder, and the gate leaves out what is around it
    _, result = mastered(np.stack([burst, burst], 1).astype(np.float32), preset, rate=44100)
    assert result.after.integrated_lufs < -14.1
    assert result.shortfall_lu == pytest.approx(-14.0 - result.after.integrated_lufs, abs=1e-6)


def test_what_would_crush_the_music_falls_short_and_is_said() -> None:
    sound = song()
    _, result = mastered(sound, Preset(loudness_lufs=-5.0, greatest_reduction_db=3.0))
    assert result.after.integrated_lufs < -5.1
    assert result.shortfall_lu == pytest.approx(-5.0 - result.after.integrated_lufs, abs=1e-6)
    assert result.after.true_peak_dbtp <= -1.0
    assert result.reduction.greatest_db > 0.0
    _, gentle = mastered(sound, Preset(loudness_lufs=-5.0, amounts=Amounts(limiter=0.0)))
    assert gentle.reduction.greatest_db == pytest.approx(0.0, abs=0.05)
    assert gentle.after.true_peak_dbtp == pytest.approx(-1.03, abs=0.6)


def test_half_of_the_loudness_is_half_of_the_way() -> None:
    sound = song()
    before = meters_of(sound).integrated_lufs
    _, result = mastered(sound, Preset(loudness_lufs=before - 8.0, amounts=Amounts(loudness=50.0)))
    assert result.after.integrated_lufs == pytest.approx(before - 4.0, abs=0.1)


def test_tone_comes_nearer_to_the_reference_within_the_bound() -> None:
    sound, reference = song(0), song(1, tilt=1.6)
    profile = profile_of([meters_of(reference)], name="dark")

    def distance(meters: Meters) -> float:
        difference = np.array(meters.mid_db)[5:27] - np.array(meters_of(reference).mid_db)[5:27]
        return float(np.abs(difference - difference.mean()).mean())

    before, result = meters_of(sound), mastered(sound, Preset(profile=profile))[1]
    assert distance(result.after) < 0.4 * distance(before)
    plan = plan_for(sound, Preset(profile=profile, tone_bound_db=2.0))
    assert np.abs(plan.tone_mid_db).max() <= 2.0
    assert any(note.code == "tone_bound" for note in plan.notes)
    half = plan_for(sound, Preset(profile=profile, amounts=Amounts(tone=50.0)))
    full = plan_for(sound, Preset(profile=profile))
    assert np.array(half.tone_mid_db) == pytest.approx(0.5 * np.array(full.tone_mid_db))


def test_dynamics_come_nearer_to_the_reference_without_touching_the_tone() -> None:
    sound = song(0)
    t = np.arange(len(sound)) / RATE
    flat = (sound / np.maximum(0.05, np.exp(-3.0 * (t % 0.5)))[:, None] * 0.3).astype(np.float32)
    profile = profile_of([meters_of(flat)], name="flat")
    amounts = Amounts(tone=0.0, width=0.0, loudness=0.0, limiter=0.0)
    _, result = mastered(sound, Preset(profile=profile, amounts=amounts))

    def spread(meters: Meters) -> float:
        return float(np.mean([band.fast_db[-3] - band.fast_db[2] for band in meters.bands]))

    assert spread(result.after) < spread(result.before) - 1.0
    change = np.array(result.after.mid_db)[5:27] - np.array(result.before.mid_db)[5:27]
    assert np.abs(change).max() < 2.0


def test_width_comes_nearer_to_the_reference_alone() -> None:
    sound = song(0)
    wide = sound @ np.array([[1.0, -0.4], [-0.4, 1.0]], np.float32)
    profile = profile_of([meters_of(wide)], name="wide")
    _, result = mastered(sound, Preset(profile=profile, amounts=Amounts(tone=0.0, dynamics=0.0, loudness=0.0)))
    assert result.before.stereo is not None
    assert result.after.stereo is not None
    assert profile.width_db is not None
    wished = min(6.0, profile.width_db - result.before.stereo.width_db)
    assert result.after.stereo.width_db - result.before.stereo.width_db == pytest.approx(wished, abs=0.2)


def test_several_references_average() -> None:
    meters = [meters_of(song(seed, tilt=tilt)) for seed, tilt in ((1, 0.5), (2, 2.0))]
    profile = profile_of(meters, name="both")
    assert profile.n_sources == 2
    assert profile.loudness_lufs == pytest.approx(np.mean([m.integrated_lufs for m in meters]))
    with pytest.raises(InputError, match="none of 1"):
        profile_of([meters_of(np.zeros((RATE, 2), np.float32))], name="silence")


def test_the_same_bits_whatever_the_blocks_and_every_time() -> None:
    sound = song(3)
    preset = Preset(loudness_lufs=-12.0, profile=profile_of([meters_of(song(1, tilt=2.0))], name="dark"))
    before = meters_of(sound)
    outs = []
    for size in (len(sound), 777, 777):
        with Rendering(opened(sound, size), draw_plan(before, preset), before=before) as rendering:
            outs += [np.concatenate([block.copy() for block in rendering.blocks()])]
    assert np.array_equal(outs[0], outs[1])
    assert np.array_equal(outs[1], outs[2])
    assert measure(opened(sound, 777)(), sample_rate_hz=RATE) == before


def test_a_lower_ceiling_and_another_loudness_are_settled_without_shaping_again() -> None:
    sound, opens = song(0), 0

    def counted() -> Iterator[Sound]:
        nonlocal opens
        opens += 1
        return opened(sound)()

    before = meters_of(sound)
    profile = profile_of([meters_of(song(1, tilt=2.0))], name="dark")
    with Rendering(
        counted, draw_plan(before, Preset(loudness_lufs=-18.0, profile=profile)), before=before
    ) as rendering:
        assert rendering.result().after.true_peak_dbtp <= -1.0
        rendering.settle(ceiling_dbtp=-3.0)
        assert rendering.result().after.true_peak_dbtp <= -3.0
        assert rendering.result().after.integrated_lufs == pytest.approx(-18.0, abs=0.1)
        rendering.settle(loudness_lufs=-22.0)
        assert rendering.result().after.integrated_lufs == pytest.approx(-22.0, abs=0.1)
    assert opens == 2  # rehearsed, and shaped


BAD = {
    "silence": np.zeros((RATE, 2)),
    "square": np.sign(np.sin(np.arange(RATE) * 0.03))[:, None] * np.ones((1, 2)),
    "short": song(seconds=0.3),
    "one frame": np.full((1, 2), 0.5),
    "dc": np.full((RATE, 2), 0.5),
    "dead channel": song(seconds=1.0) * [1.0, 0.0],
    "inverted channel": song(seconds=1.0, channels=1) * [1.0, -1.0],
    "clipped": np.clip(song(seconds=1.0) * 8.0, -1.0, 1.0),
    "too loud": song(seconds=1.0) * 40.0,
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_mastered_within_its_means(kind: str) -> None:
    sound = BAD[kind].astype(np.float32)
    profile = profile_of([meters_of(song(1, tilt=2.0))], name="dark")
    for preset in (Preset(loudness_lufs=-14.0), Preset(loudness_lufs=-9.0, profile=profile)):
        out, result = mastered(sound, preset)
        assert out.shape == sound.shape
        assert np.isfinite(out).all()
        assert result.plan.notes if result.before.silent else True
        if not result.before.silent:
            assert result.after.true_peak_dbtp <= -1.0


def test_what_is_measured_of_bad_input() -> None:
    assert meters_of(BAD["dead channel"].astype(np.float32)).dead_channels == (1,)
    inverted = meters_of(BAD["inverted channel"].astype(np.float32)).stereo
    assert inverted is not None
    assert inverted.correlation == pytest.approx(-1.0)
    assert inverted.mono_loss_db > 60.0
    assert meters_of(BAD["dc"].astype(np.float32)).dc == pytest.approx((0.5, 0.5))
    assert meters_of(BAD["clipped"].astype(np.float32)).n_clipped > 100
    assert meters_of(BAD["silence"].astype(np.float32)).silent


def test_what_cannot_be_mastered_is_refused_with_its_reason() -> None:
    broken = song(seconds=1.0)
    broken[500, 0] = np.nan
    with pytest.raises(DecodeError, match="not numbers"):
        meters_of(broken)
    with pytest.raises(ParameterError, match="3 channels"):
        meters_of(np.zeros((100, 3), np.float32))
    with pytest.raises(ParameterError, match="4000 Hz"):
        meters_of(song(seconds=1.0), rate=4000)
    for blocks in ([], [np.zeros((0, 2), np.float32)]):
        with pytest.raises(InputError, match="empty"):
            measure(blocks, sample_rate_hz=RATE)
    meters = meters_of(song(seconds=1.0))
    for field, value in (
        ("loudness_lufs", 3.0),
        ("ceiling_dbtp", 1.0),
        ("tone_bound_db", 99.0),
        ("amounts", Amounts(tone=120.0)),
    ):
        with pytest.raises(ParameterError, match="give"):
            draw_plan(meters, dataclasses.replace(Preset(), **{field: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize("bits", [16, 24])
def test_dither_is_triangular_seeded_and_stays_in_range(bits: int) -> None:
    quiet = np.full((50000, 2), 0.3 / (1 << (bits - 1)), np.float32)
    steps = np.concatenate(list(dithered([quiet], bits=bits, seed=7)))
    assert np.array_equal(steps, np.concatenate(list(dithered([quiet], bits=bits, seed=7))))
    assert not np.array_equal(steps, np.concatenate(list(dithered([quiet], bits=bits, seed=8))))
    assert steps.mean() == pytest.approx(0.3, abs=0.02)  # what lies between two steps is not lost
    assert steps.var() == pytest.approx(0.25, abs=0.01)  # triangular noise: the error does not depend on the sound
    full = np.concatenate(list(dithered([np.ones((100, 1), np.float32)], bits=bits)))
    assert full.max() == (1 << (bits - 1)) - 1
    with pytest.raises(ParameterError, match="8 bits"):
        next(dithered([quiet], bits=8))
