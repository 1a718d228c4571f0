import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.errors import ParameterError
from linernotes.kernels.true_peak import TruePeakMeter
from linernotes.render.mastering import coding
from linernotes.render.mastering.coding import CODECS, Coded, Dips, as_decoded, codecs_named, coded
from linernotes.render.mastering.program import program

RATE_HZ = 44_100


def test_codecs_are_found_by_name_and_take_the_rates_they_can() -> None:
    assert [codec.name for codec in codecs_named(["opus_128", "mp3_128", "opus_128"])] == ["opus_128", "mp3_128"]
    with pytest.raises(ParameterError, match="mp3_320"):
        codecs_named(["mp3_64"])
    rates = {96_000: 48_000, 44_100: 44_100, 192_000: 48_000, 8000: 8000, 176_400: 44_100}
    assert {rate: CODECS["mp3_320"].rate_hz(rate) for rate in rates} == rates
    assert CODECS["opus_128"].rate_hz(44_100) == 48_000
    assert CODECS["aac_128"].rate_hz(96_000) == 96_000


@pytest.mark.parametrize("name", ["mp3_128", "aac_256", "opus_128"])
def test_a_codec_moves_peaks_and_says_where(name: str) -> None:
    samples = np.zeros((2 * RATE_HZ, 2), np.float32)
    burst = np.random.default_rng(1).uniform(-0.9, 0.9, (RATE_HZ // 5, 2))
    samples[RATE_HZ : RATE_HZ + len(burst)] = burst
    (heard,) = coded([samples], codecs_named([name]), sample_rate_hz=RATE_HZ, channels=2, limit_dbtp=-6.0)
    assert -6 < heard.true_peak_dbtp < 9
    assert len(heard.over_s)
    assert np.all((heard.over_s > 0.95) & (heard.over_s < 1.3))
    assert heard.over_db.max() == pytest.approx(heard.true_peak_dbtp + 6)


def test_dips_reach_their_depth_and_leave_the_rest_alone() -> None:
    dips = Dips(sample_rate_hz=RATE_HZ, n_frames=RATE_HZ)
    one = np.ones((RATE_HZ, 1), np.float32)
    assert np.concatenate(list(dips.applied([one]))) is not None
    assert dips.deepest_db == 0
    dips.deepen([Coded("x", 0.0, np.array([0.5]), np.array([2.0]))], more_db=0.1)
    assert dips.deepest_db == pytest.approx(2.1)
    whole = np.concatenate([block.copy() for block in dips.applied(np.array_split(one, 7))])[:, 0]
    assert 20 * np.log10(whole[RATE_HZ // 2]) == pytest.approx(-2.1, abs=0.01)
    assert np.all(whole[: int(0.45 * RATE_HZ)] == 1)
    assert np.all(whole[int(0.55 * RATE_HZ) :] == 1)
    assert np.abs(np.diff(whole)).max() < 0.001  # nothing that clicks


def test_whole_steps_are_what_a_reader_gets() -> None:
    steps = np.array([[-32768], [1]], np.int32)
    assert as_decoded(steps, 16).tolist() == [[-1.0], [2.0**-15]]
    meter = TruePeakMeter(channels=1)
    meter.add(as_decoded(steps, 16))
    assert meter.peaks()[0] >= 1


def noise(n: int = RATE_HZ // 2) -> NDArray[np.float32]:
    return np.random.default_rng(2).uniform(-0.9, 0.9, (n, 2)).astype(np.float32)


@pytest.mark.skipif(program() is None, reason="there is no ffmpeg program")
@pytest.mark.parametrize("name", ["aac_128", "opus_128"])
def test_the_program_is_one_more_trial(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only_by_program = dataclasses.replace(CODECS[name], trials=())
    (heard,) = coded([noise()], [only_by_program], sample_rate_hz=RATE_HZ, channels=2, limit_dbtp=-6.0)
    assert -6 < heard.true_peak_dbtp < 9
    with monkeypatch.context() as without:
        without.setattr(coding, "program", lambda: None)
        (ours,) = coded([noise()], codecs_named([name]), sample_rate_hz=RATE_HZ, channels=2)
    (all_of_them,) = coded([noise()], codecs_named([name]), sample_rate_hz=RATE_HZ, channels=2)
    assert all_of_them.true_peak_dbtp == max(ours.true_peak_dbtp, heard.true_peak_dbtp)


def test_a_program_that_cannot_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "program", lambda: "/bin/false")
    (heard,) = coded([noise(), noise(200_000)], codecs_named(["mp3_320"]), sample_rate_hz=RATE_HZ, channels=2)
    assert heard.true_peak_dbtp > -1
