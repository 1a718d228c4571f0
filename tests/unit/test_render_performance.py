import numpy as np
import pytest

from linernotes.errors import ParameterError
from linernotes.learn.tokens import Vocabulary
from linernotes.model.scores import Note, Score
from linernotes.render.performance import perform_score
from linernotes.render.styles import STYLES
from tests.model_samples import tune

DRUMS = [int(name.removeprefix("drum:")) for name in Vocabulary().names if name.startswith("drum:")]


def test_a_score_is_played_as_long_as_it_lasts() -> None:
    score = tune(1)
    sound = perform_score(score, sample_rate_hz=8_000)
    assert sound.shape == (round((score.stop_ticks / 480 * 60 / 120 + 2) * 8_000), 2)
    assert 0.1 < np.abs(sound).max() <= 0.95
    assert np.array_equal(sound, perform_score(score, sample_rate_hz=8_000))


@pytest.mark.parametrize("band", STYLES)
def test_every_drum_that_a_model_can_write_is_heard(band: str) -> None:
    score = Score("Beat", [], drums=[Note(960 * place, 240, drum) for place, drum in enumerate(DRUMS)])
    sound = np.abs(perform_score(score, band=band, sample_rate_hz=8_000)).max(axis=1)
    for place, drum in enumerate(DRUMS):
        assert sound[8_000 * place : 8_000 * place + 2_000].max() > 0.01, (band, drum)


def test_a_band_there_is_not_and_an_endless_score_are_refused() -> None:
    with pytest.raises(ParameterError, match="no band 'polka'"):
        perform_score(tune(1), band="polka")
    with pytest.raises(ParameterError, match="at most 600 s"):
        perform_score(Score("Long", [Note(0, 480 * 5000, 60)]))
