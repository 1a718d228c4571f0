"""Filters: bands add up to the whole, curves are what they should be, nothing is late."""

import numpy as np
import pytest

from linernotes.kernels.filters import Geometry, Segments, Transform, band_shares, curve_on_bins, realised
from linernotes.kernels.third_octaves import add_spectra, third_octave_powers

EDGES = (150.0, 1000.0, 5000.0)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000, 192000])
def test_bands_add_up_to_one(rate: int) -> None:
    geometry = Geometry(rate)
    assert geometry.hop / rate >= 0.25
    responses = realised(band_shares(EDGES, geometry), geometry)
    assert responses.sum(axis=0) == pytest.approx(1.0, abs=1e-6)


def test_a_curve_is_heard_where_it_was_drawn() -> None:
    rate, geometry = 48000, Geometry(48000)
    middles = 1000.0 * 2.0 ** (np.arange(-17, 14) / 3.0)
    gains = np.zeros(31)
    gains[17], gains[23] = 6.0, -6.0
    response = 20.0 * np.log10(realised(curve_on_bins(gains, middles, geometry), geometry))
    for hz, expected in ((100.0, 0.0), (1000.0, 6.0), (4000.0, -6.0), (15000.0, 0.0)):
        assert response[round(hz * geometry.n_fft / rate)] == pytest.approx(expected, abs=0.3)


def test_the_power_of_a_sine_is_told_in_its_third_octave() -> None:
    rate, geometry = 48000, Geometry(48000)
    sound = (0.5 * np.sin(2.0 * np.pi * 1000.0 * np.arange(10 * rate) / rate)).astype(np.float32)[:, None]
    transform, sums = Transform(geometry, channels=1), np.zeros((1, geometry.n_fft // 2 + 1))
    for stretch, _ in Segments([sound], geometry, channels=1):
        add_spectra(transform.spectra(stretch), sums)
    middles = 1000.0 * 2.0 ** (np.arange(-17, 14) / 3.0)
    powers = third_octave_powers(sums, len(sound), middles, geometry)[0]
    assert 10.0 * np.log10(powers[17]) == pytest.approx(10.0 * np.log10(0.125), abs=0.1)
    assert powers.sum() == pytest.approx(powers[17], rel=0.01)
