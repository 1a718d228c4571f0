import numpy as np
import pytest

from linernotes.kernels.stretch import stretch

RATE_HZ = 16_000


@pytest.mark.parametrize("rate", [0.7, 0.85, 1.0, 1.25, 1.5])
def test_length_changes_and_pitch_and_level_stay(rate: float) -> None:
    samples = (0.5 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE_HZ) / RATE_HZ)).astype(np.float32)
    out = stretch(samples, rate=rate)
    assert len(out) == round(len(samples) / rate)
    middle = out[len(out) // 4 : 3 * len(out) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE_HZ / len(middle) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / 2**0.5, rel=0.06)


def test_events_stay_in_proportion() -> None:
    clicks = np.zeros(4 * RATE_HZ, np.float32)
    clicks[[RATE_HZ, 3 * RATE_HZ]] = 1.0
    energy = np.abs(stretch(clicks, rate=0.8))
    first, second = np.argmax(energy[: 5 * RATE_HZ // 2]), 5 * RATE_HZ // 2 + np.argmax(energy[5 * RATE_HZ // 2 :])
    assert [first / RATE_HZ, second / RATE_HZ] == pytest.approx([1.25, 3.75], abs=0.1)


@pytest.mark.parametrize("n", [0, 1, 100])
def test_what_is_shorter_than_a_frame(n: int) -> None:
    assert len(stretch(np.ones(n, np.float32), rate=0.5)) == (2 * n)
