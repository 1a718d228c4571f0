"""True peaks: the published cases of EBU Tech 3341, and that what is skipped could not have mattered."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linernotes.kernels.true_peak import CELL, FACTOR, OVERSHOOT, PeakCells, TruePeakMeter, interpolators


def true_peak_db(sound: NDArray[np.float32], size: int = 5000) -> float:
    meter = TruePeakMeter(channels=1)
    for start in range(0, len(sound), size):
        meter.add(sound[start : start + size, None])
    return float(20.0 * np.log10(meter.peaks()[0]))


def sine(divisor: int, degrees: float, level: float, rate: int, *, louder_at: int = 0) -> NDArray[np.float32]:
    """A faded sine at rate / divisor, as the cases 15 to 19 have it."""
    n = rate
    wave = level * np.sin(2.0 * np.pi * np.arange(n) / divisor + np.radians(degrees))
    fade = np.minimum(1.0, np.arange(n) / (0.1 * rate))
    wave *= fade * fade[::-1]
    if louder_at:
        wave[louder_at : louder_at + 2 * divisor] *= 10.0 ** (9.0 / 20.0)
    return np.asarray(wave, np.float32)


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize(
    ("divisor", "degrees", "level", "expected"),
    [(4, 0.0, 0.5, -6.0), (4, 45.0, 0.5, -6.0), (6, 60.0, 0.5, -6.0), (8, 67.5, 0.5, -6.0), (4, 45.0, 1.41, 3.0)],
)
def test_tech_3341_cases_15_to_19(divisor: int, degrees: float, level: float, expected: float, rate: int) -> None:
    assert expected - 0.4 <= true_peak_db(sine(divisor, degrees, level, rate)) <= expected + 0.2


@pytest.mark.parametrize("offset", range(4))
def test_tech_3341_cases_20_to_23_a_peak_at_four_phases_of_a_finer_grid(offset: int) -> None:
    # A tone burst at four times the rate, thinned: the peak lies 0 to 3 quarters of a sample after one.
    rate = 48000
    t = np.arange(4 * rate) / (4 * rate)
    fine = 0.5 * np.sin(2.0 * np.pi * rate / 6.0 * t) * np.hanning(len(t))
    assert -6.4 <= true_peak_db(fine[offset::4].astype(np.float32)) <= -5.8


def test_weights_of_an_instant_sum_to_one_and_never_overshoot_their_bound() -> None:
    weights = interpolators()
    assert weights.shape == (FACTOR - 1, 32)
    assert weights.sum(axis=1) == pytest.approx(1.0, abs=1e-6)
    assert np.abs(weights).sum(axis=1).max() <= OVERSHOOT


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 700), size=st.integers(1, 300), loudest=st.floats(0.01, 1.0))
def test_what_is_skipped_could_not_exceed(seed: int, n: int, size: int, loudest: float) -> None:
    rng = np.random.default_rng(seed)
    sound = (rng.standard_normal((n, 2)) * rng.choice([0.001, 0.1, 1.0], (n, 1))).astype(np.float32)
    every = PeakCells(channels=2)
    full = np.concatenate([every.add(sound), every.finish()])
    least = loudest * float(full.max())
    quick = PeakCells(channels=2, least=least)
    parts = [quick.add(sound[start : start + size]) for start in range(0, n, size)]
    some = np.concatenate([*parts, quick.finish()])
    assert len(some) == len(full) == -(-n // CELL)
    assert np.array_equal(some[full > least], full[full > least])
    assert (some <= full).all()


def test_a_guarded_peak_is_raised_by_the_top_of_the_spectrum_and_by_abrupt_ends_only() -> None:
    t = np.arange(4096)
    music = (0.3 * np.sin(0.05 * t) * np.hanning(len(t))).astype(np.float32)[:, None]
    noise = np.random.default_rng(0).standard_normal((4096, 1)).astype(np.float32) * 0.1
    for sound, least_db, most_db in ((music, 0.0, 0.01), (noise, 0.3, 4.0)):
        greatest = []
        for guarded in (False, True):
            cells = PeakCells(channels=1, guarded=guarded)
            greatest.append(max(cells.add(sound).max(), cells.finish().max(initial=0.0)))
        assert least_db <= 20.0 * np.log10(greatest[1] / greatest[0]) <= most_db
