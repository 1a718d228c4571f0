from dataclasses import replace

import numpy as np
import pytest

from linernotes.model import BandPlan, Preset
from linernotes.render.mastering import draw_plan, measure
from linernotes.render.mastering.shaping import shaped


@pytest.mark.parametrize("rate", [8000, 22050, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("n", [1, 30000, 130_000])
def test_bands_that_are_not_moved_add_up_to_the_sound(rate: int, n: int) -> None:
    sound = np.random.default_rng(0).standard_normal((n, 2)).astype(np.float32)
    still = BandPlan(0.0, 1.0, (0.0,), (0.0,), (0.0,), (0.0,))
    plan = replace(draw_plan(measure([sound], sample_rate_hz=rate), Preset(loudness_lufs=-14.0)), bands=(still,) * 4)
    out = np.concatenate(list(shaped([sound], plan)))
    assert out == pytest.approx(sound, abs=1e-4)
