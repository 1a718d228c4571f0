"""The published cases of EBU Tech 3341 (2016) and 3342 (2016) that can be synthesised, at several rates."""

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.kernels.loudness import (
    LoudnessMeter,
    integrated,
    k_weighting,
    loudness,
    loudness_range,
    sliding,
)

RATES = [44100, 48000]


def tones(parts: list[tuple[float, float]], rate: int, hz: float = 1000.0) -> NDArray[np.float32]:
    """Stereo sines, one after the other without a seam: (level in dBFS of their peak, seconds)."""
    gains = np.concatenate([np.full(round(seconds * rate), 10.0 ** (level / 20.0)) for level, seconds in parts])
    wave = gains * np.sin(2.0 * np.pi * hz * np.arange(len(gains)) / rate)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def powers(sound: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    meter = LoudnessMeter(sample_rate_hz=rate, channels=sound.shape[1])
    for start in range(0, len(sound), 70001):
        meter.add(sound[start : start + 70001])
    return meter.powers()


def test_the_weighting_is_that_of_the_standard_at_48_khz() -> None:
    shelf, high_pass = k_weighting(48000.0)
    assert shelf == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585], abs=1e-9
    )
    assert high_pass == pytest.approx([1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621], abs=1e-9)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 88200, 96000, 192000])
def test_a_997_hz_sine_at_full_scale_has_minus_three_lufs_in_one_channel(rate: int) -> None:
    one = np.sin(2.0 * np.pi * 997.0 * np.arange(5 * rate) / rate).astype(np.float32)[:, None]
    assert integrated(powers(one, rate)) == pytest.approx(-3.01, abs=0.06)


INTEGRATED = {
    "1": ([(-23.0, 20.0)], -23.0),
    "2": ([(-33.0, 20.0)], -33.0),
    "3": ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
    "4": ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
    "5": ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("case", INTEGRATED)
def test_tech_3341_integrated(case: str, rate: int) -> None:
    parts, expected = INTEGRATED[case]
    told = powers(tones(parts, rate), rate)
    assert integrated(told) == pytest.approx(expected, abs=0.1)
    if case in ("1", "2"):
        assert loudness(sliding(told, 300)).max() == pytest.approx(expected, abs=0.1)
        assert loudness(sliding(told, 40)).max() == pytest.approx(expected, abs=0.1)


def test_tech_3341_case_9_short_term_is_constant() -> None:
    told = powers(tones([(-20.0, 1.34), (-30.0, 1.66)] * 5, 48000), 48000)
    assert loudness(sliding(told, 300)) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("i", range(0, 20, 3))
def test_tech_3341_case_10_short_term_maximum_wherever_it_lies(i: int) -> None:
    told = powers(tones([(-150.0, 0.15 * i), (-23.0, 3.0), (-150.0, 1.0)], 48000), 48000)
    assert loudness(sliding(told, 300)).max() == pytest.approx(-23.0, abs=0.1)


def test_tech_3341_case_11_short_term_maxima_one_after_the_other() -> None:
    rate = 48000
    for i in range(0, 20, 4):
        level = -38.0 + i
        told = powers(tones([(-150.0, 0.15 * i), (level, 3.0), (-150.0, 3.0 - 0.15 * i)], rate), rate)
        assert loudness(sliding(told, 300)).max() == pytest.approx(level, abs=0.1)


def test_tech_3341_case_12_momentary_is_constant() -> None:
    told = powers(tones([(-20.0, 0.18), (-30.0, 0.22)] * 25, 48000), 48000)
    assert loudness(sliding(told, 40)) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("i", range(20))
def test_tech_3341_cases_13_and_14_momentary_maximum_wherever_it_lies(i: int) -> None:
    told = powers(tones([(-150.0, 0.02 * i), (-23.0, 0.4), (-150.0, 1.0)], 48000), 48000)
    assert loudness(sliding(told, 40)).max() == pytest.approx(-23.0, abs=0.1)


RANGES = {
    "1": ([(-20.0, 20.0), (-30.0, 20.0)], 10.0),
    "2": ([(-20.0, 20.0), (-15.0, 20.0)], 5.0),
    "3": ([(-40.0, 20.0), (-20.0, 20.0)], 20.0),
    "4": ([(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], 15.0),
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("case", RANGES)
def test_tech_3342_range(case: str, rate: int) -> None:
    parts, expected = RANGES[case]
    assert loudness_range(powers(tones(parts, rate), rate)) == pytest.approx(expected, abs=1.0)


def test_silence_and_next_to_nothing_have_no_loudness() -> None:
    for n in (0, 1, 100, 48000):
        told = powers(np.zeros((n, 2), np.float32), 48000)
        assert integrated(told) == -70.0
        assert loudness_range(told) == 0.0


@pytest.mark.parametrize("rate", [11025, 44100])
def test_blocks_of_any_size_tell_the_same(rate: int) -> None:
    sound = np.random.default_rng(0).standard_normal((3 * rate + 17, 2)).astype(np.float32) * 0.1
    told = []
    for size in (1 + rate // 7, rate // 10, len(sound)):
        meter = LoudnessMeter(sample_rate_hz=rate, channels=2)
        for start in range(0, len(sound), size):
            meter.add(sound[start : start + size])
        told.append(meter.powers())
    assert len(told[0]) == 300
    assert told[1] == pytest.approx(told[0], rel=1e-9)
    assert told[2] == pytest.approx(told[0], rel=1e-9)
