"""The limiter: its ceiling is one, and what stays below is not touched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linernotes.kernels.limiter import Ballistics, ReductionStream, take_down
from linernotes.kernels.true_peak import CELL, PeakCells, TruePeakMeter

RATE = 44100


def limited(sound: NDArray[np.float32], *, gain: float, ceiling: float, size: int = 1 << 14) -> NDArray[np.float32]:
    cells = PeakCells(channels=sound.shape[1], least=ceiling / gain, guarded=True)
    stream = ReductionStream(over=gain / ceiling, cell_s=CELL / RATE, ballistics=Ballistics())
    parts = [stream.add(cells.add(sound[start : start + size])) for start in range(0, len(sound), size)]
    reductions = np.concatenate([*parts, stream.add(cells.finish()), stream.finish()])
    assert len(reductions) == -(-len(sound) // CELL) + 1
    out = sound.copy()
    take_down(out, reductions, gain)
    return out


def true_peak(sound: NDArray[np.float32]) -> float:
    meter = TruePeakMeter(channels=sound.shape[1])
    meter.add(sound)
    return float(meter.peaks().max())


def stress(kind: str, seed: int, n: int) -> NDArray[np.float32]:
    rng, t = np.random.default_rng(seed), np.arange(n)
    waves = {
        "square": np.sign(rng.standard_normal(n)),
        "quarter": np.sin(np.pi / 2.0 * t + np.pi / 4.0),
        "clicks": np.where(t % 97 < 4, np.where(t % 97 < 2, 1.0, -1.0), 0.0),
        "noise": rng.standard_normal(n),
        "bursts": np.sin(rng.uniform(0.01, 3.0) * t) * (t // rng.integers(20, 3000) % 2),
        "sparse": np.where(rng.random(n) < 0.001, 10.0 * rng.standard_normal(n), 0.0),
        "dc": np.ones(n),
        "step": (t > n // 2) * 1.0,
    }
    return np.asarray(waves[kind], np.float32)[:, None]


@settings(max_examples=60)
@given(
    kind=st.sampled_from(["square", "quarter", "clicks", "noise", "bursts", "sparse", "dc", "step"]),
    seed=st.integers(0, 10**6),
    n=st.integers(1, 6000),
    gain_db=st.floats(-6.0, 24.0),
    ceiling_db=st.floats(-12.0, 0.0),
)
def test_the_ceiling_always_holds(kind: str, seed: int, n: int, gain_db: float, ceiling_db: float) -> None:
    sound = stress(kind, seed, n)
    ceiling = 10.0 ** (ceiling_db / 20.0)
    out = limited(sound, gain=10.0 ** (gain_db / 20.0), ceiling=ceiling)
    assert out.shape == sound.shape
    assert true_peak(out) <= ceiling * 1.002


def test_what_stays_below_is_multiplied_and_nothing_else() -> None:
    sound = np.random.default_rng(0).standard_normal((9000, 2)).astype(np.float32) * np.float32(0.02)
    assert np.array_equal(limited(sound, gain=1.0, ceiling=0.9), sound)
    assert limited(sound, gain=2.0, ceiling=0.9) == pytest.approx(2.0 * sound)


def test_blocks_of_any_size_give_the_same_bits() -> None:
    sound = np.random.default_rng(1).standard_normal((20000, 2)).astype(np.float32)
    whole = limited(sound, gain=1.5, ceiling=0.8, size=20000)
    for size in (37, 1000, 4096):
        assert np.array_equal(limited(sound, gain=1.5, ceiling=0.8, size=size), whole)


def test_a_steady_tone_is_limited_without_distortion() -> None:
    t = np.arange(3 * RATE)
    sound = np.sin(2.0 * np.pi * 997.0 * t / RATE).astype(np.float32)[:, None]
    out = limited(sound, gain=2.0, ceiling=0.9)[RATE : 2 * RATE, 0].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(out * np.blackman(len(out)))) ** 2
    tone = spectrum[997 - 3 : 997 + 4].sum()
    assert 10.0 * np.log10((spectrum.sum() - tone) / tone) < -90.0


def test_both_channels_are_taken_down_together() -> None:
    sound = np.zeros((8000, 2), np.float32)
    sound[:, 0] = 0.25
    sound[4000:4400, 1] = np.hanning(400)
    out = limited(sound, gain=1.0, ceiling=0.5)
    assert out[4200, 0] == pytest.approx(0.125, rel=0.02)
    assert out[100, 0] == pytest.approx(0.25)
