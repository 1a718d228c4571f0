from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from linernotes.formats.findings import findings
from linernotes.formats.platform_targets import TARGETS, Check, checked
from linernotes.model import Meters
from linernotes.render.mastering import measure

RATE_HZ = 44_100


@pytest.fixture(scope="module")
def meters() -> Meters:
    samples = np.random.default_rng(1).standard_normal((RATE_HZ, 2)).astype(np.float32) * 0.1
    return measure([samples], sample_rate_hz=RATE_HZ)


@pytest.fixture
def check(meters: Meters) -> Callable[..., dict[str, Check]]:
    def held(lufs: float, peak_dbtp: float, **coded: float) -> dict[str, Check]:
        told = replace(meters, integrated_lufs=lufs, true_peaks_dbtp=(peak_dbtp, -20.0))
        return {each.target.name: each for each in checked(told, coded)}

    return held


def test_a_loud_master_is_turned_down_and_needs_more_headroom(check: Callable[..., dict[str, Check]]) -> None:
    loud = check(-9.0, -1.0)["Spotify"]
    assert (loud.met, loud.words) == (False, "played 5.0 dB quieter; true peak −1.0 of at most −2 dBTP")
    assert check(-9.0, -2.0)["Spotify"].met
    assert check(-14.0, -1.0)["Spotify"].words.startswith("played as it is;")


def test_a_quiet_master_is_turned_up_as_far_as_its_peaks_allow(check: Callable[..., dict[str, Check]]) -> None:
    # The example of Spotify's own page: -20 LUFS with a peak of -5 is lifted to -16.
    assert check(-20.0, -5.0)["Spotify"].words.startswith("played 4.0 dB louder")
    assert "leave no room" in check(-20.0, -0.5)["Spotify"].words


def test_broadcast_wants_its_loudness_and_apple_a_clean_aac(check: Callable[..., dict[str, Check]]) -> None:
    assert check(-23.4, -1.0)["EBU R 128 broadcast"].met
    assert not check(-14.0, -1.0)["EBU R 128 broadcast"].met
    assert check(-14.0, -1.0)["Apple Digital Masters"].met is None
    assert check(-14.0, -1.0, aac_256=-0.2, mp3_128=1.0)["Apple Digital Masters"].met
    assert not check(-14.0, -1.0, aac_256=0.2)["Apple Digital Masters"].met


def test_every_target_says_where_it_is_from() -> None:
    assert all(target.source.startswith("https://") and target.title for target in TARGETS)


def test_faults_are_told_in_words(meters: Meters) -> None:
    assert findings(meters) == []
    odd = replace(meters, dc=(0.2, 0.0), n_clipped=3, dead_channels=(1,))
    assert [note.code for note in findings(odd)] == ["dead_channel", "dc", "clipped"]
    assert findings(odd)[1].message == "the left channel stands off zero, by +20.0 % of full scale"
    assert meters.stereo is not None
    turned = replace(meters, stereo=replace(meters.stereo, correlation=-1.0))
    assert "upside down" in findings(turned)[0].message
