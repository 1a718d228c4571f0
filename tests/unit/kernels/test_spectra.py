import numpy as np
from numpy.typing import NDArray

from linernotes.kernels import spectra

WEIGHTS = spectra.band_weights(sr=11025, n_fft=1024, lowest_hz=120.0, bands_per_octave=24, n_bands=128)


def tone(frequency_hz: float, n: int = 11025) -> NDArray[np.float32]:
    return np.sin(2 * np.pi * frequency_hz * np.arange(n) / 11025).astype(np.float32)


def test_weights_are_averages() -> None:
    assert WEIGHTS.shape == (513, 128)
    assert np.allclose(WEIGHTS.sum(axis=0), 1.0, atol=1e-5)
    assert (WEIGHTS >= 0).all()


def test_a_tone_is_loudest_in_its_band() -> None:
    for octave in (1, 2, 3):
        loud = spectra.band_loudness(tone(120.0 * 2**octave), WEIGHTS, n_fft=1024, hop_length=352)
        assert loud.shape == (1 + (11025 - 1024) // 352, 128)
        assert abs(int(loud.mean(axis=0).argmax()) - 24 * octave) <= 1


def test_an_octave_up_is_24_bands_up() -> None:
    low, high = (
        spectra.band_loudness(tone(f), WEIGHTS, n_fft=1024, hop_length=352).mean(axis=0) for f in (700.0, 1400.0)
    )
    assert int(high.argmax()) - int(low.argmax()) == 24


def test_silence_stays_finite_and_says_nothing() -> None:
    loud = spectra.band_loudness(np.zeros(4000, np.float32), WEIGHTS, n_fft=1024, hop_length=352)
    assert np.isfinite(loud).all()
    assert not spectra.whiten(loud, n_frames=19, n_bands=25).any()


def test_whitening_forgets_gain() -> None:
    loud = np.random.default_rng(1).uniform(1, 2, (60, 128)).astype(np.float32)
    once, louder = (spectra.whiten(x, n_frames=19, n_bands=25) for x in (loud, 8 * loud))
    assert np.allclose(once, louder, atol=1e-3)
    assert abs(float(once.mean())) < 0.05
    assert 0.8 < float(once.std()) < 1.2


def test_inner_cells_do_not_feel_the_edge() -> None:
    loud = np.random.default_rng(2).uniform(1, 2, (100, 128)).astype(np.float32)
    whole = spectra.whiten(loud, n_frames=19, n_bands=25)
    part = spectra.whiten(loud[10:90], n_frames=19, n_bands=25)
    assert np.allclose(whole[28:72], part[18:62], atol=1e-5)


def test_packed_bits_lie_where_they_are_said_to() -> None:
    cells = np.zeros((2, 5), np.bool_)
    cells[0, 0] = cells[0, 3] = cells[1, 4] = True
    assert spectra.pack_bits(cells).tolist() == [[0b1, 0b10], [0b100, 0]]
