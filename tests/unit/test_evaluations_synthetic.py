from dataclasses import replace

import numpy as np
import pytest

from evaluations import synthetic, synthetic_chain
from evaluations.synthetic_chain import CODECS, RATE_HZ


def test_area_counts_ties_half() -> None:
    assert synthetic.area(np.array([0.0, 1.0]), np.array([1.0, 2.0])) == 0.875
    assert synthetic.area(np.array([0.0]), np.array([1.0])) == 1


def test_found_is_told_beyond_what_people_reach() -> None:
    assert synthetic.found(np.arange(100.0), np.array([50.0, 200.0])) == 0.5


def test_calibration_error_is_nought_for_probabilities_that_keep_their_word() -> None:
    probability = np.repeat([0.25, 0.75], 400)
    is_ai = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    assert synthetic.calibration_error(probability, is_ai) == pytest.approx(0, abs=1e-9)
    assert synthetic.calibration_error(np.ones(800), is_ai) == pytest.approx(0.5)


@pytest.mark.parametrize("codec", sorted(CODECS))
@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_the_chain_keeps_length_level_and_shape(codec: str, rate_hz: int) -> None:
    rng = np.random.default_rng(1)
    drawn = synthetic_chain.draw(rng)
    drawn = replace(drawn, codec=codec, bitrate_kbps=CODECS[codec][1 % len(CODECS[codec])], rate_hz=rate_hz, speed=1.0)
    samples = rng.normal(0, 0.1, (2 * RATE_HZ, 2)).astype(np.float32)
    sent = synthetic_chain.send(samples, drawn)
    assert sent.dtype == np.float32
    assert sent.shape[1] == 2
    assert abs(len(sent) - len(samples)) < 0.2 * RATE_HZ


def test_a_draw_depends_on_the_seed_alone() -> None:
    one, other = (synthetic_chain.draw(np.random.default_rng(9)) for _ in range(2))
    assert one == other
